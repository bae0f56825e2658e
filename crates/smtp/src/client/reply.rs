//! Replies from the wire: bounded, possibly of several lines, possibly not replies at all.

use bytes::BytesMut;
use emta_mail::Reply;

use crate::line::{Line, LineReader};

/// Longest line of a reply, in octets with CRLF. RFC 5321 section 4.5.3.1.5 allows 512; servers that explain
/// themselves send more.
const LINE: usize = 2048;

/// Most lines of a reply.
const LINES: usize = 128;

/// Gathers the lines of a reply.
#[derive(Debug, Default)]
pub(super) struct ReplyReader {
    lines: LineReader,
    text: String,
    count: usize,
}

/// What came is not a reply, or passes a limit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl ReplyReader {
    /// Takes the next whole reply; `None` where its last line has not ended yet.
    pub(super) fn next(&mut self, buffer: &mut BytesMut) -> Option<Result<Reply, Malformed>> {
        loop {
            let line = match self.lines.next(buffer, LINE)? {
                Line::Complete(line) => line,
                Line::TooLong | Line::BareLineEnd => return Some(Err(Malformed)),
            };
            let last = match line.get(3) {
                None | Some(b' ') => true,
                Some(b'-') => false,
                Some(_) => return Some(Err(Malformed)),
            };
            let code = line.get(..3).unwrap_or_default();
            let first = self.text.as_bytes().get(..3).unwrap_or(code);
            self.count += 1;
            if !is_code(code) || code != first || self.count > LINES {
                return Some(Err(Malformed));
            }
            if self.count > 1 {
                self.text.push('\n');
            }
            match std::str::from_utf8(&line) {
                Ok(text) => self.text.push_str(text),
                Err(_) => self.text.push_str(&String::from_utf8_lossy(&line)),
            }
            if last {
                self.count = 0;
                let text = std::mem::take(&mut self.text);
                return Some(Reply::parse(&text).map_err(|_| Malformed));
            }
        }
    }

    /// Whether a reply has begun of which nothing is left in the buffer.
    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0 && !self.lines.is_skipping()
    }
}

fn is_code(code: &[u8]) -> bool {
    matches!(code, [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9'])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The replies in `input`, whole and octet by octet.
    fn check(input: &str, expected: &[Result<&str, Malformed>]) {
        for size in [1, input.len().max(1)] {
            let (mut reader, mut buffer, mut got) = (ReplyReader::default(), BytesMut::new(), Vec::new());
            'input: for piece in input.as_bytes().chunks(size) {
                buffer.extend_from_slice(piece);
                while let Some(reply) = reader.next(&mut buffer) {
                    let stop = reply.is_err();
                    got.push(reply.map(|reply| reply.wire()));
                    if stop {
                        break 'input;
                    }
                }
                assert!(buffer.len() < LINE && reader.text.len() <= LINE * LINES);
            }
            let got: Vec<_> = got.iter().map(|r| r.as_deref().map_err(|_| Malformed)).collect();
            assert_eq!(got, expected, "{input:?}");
        }
    }

    #[test]
    fn replies() {
        check("250 2.1.0 Ok\r\n", &[Ok("250 2.1.0 Ok\r\n")]);
        check("250\r\n354 \r\n", &[Ok("250 \r\n"), Ok("354 \r\n")]);
        check("550-5.1.1 no\r\n550 5.1.1 such\r\n", &[Ok("550-5.1.1 no\r\n550 5.1.1 such\r\n")]);
        check("250-a\r\n250-\r\n250 SIZE\r\n", &[Ok("250-a\r\n250-\r\n250 SIZE\r\n")]);
        check("250-a\r\n250 ", &[]);
    }

    #[test]
    fn what_is_no_reply() {
        for input in
            ["\r\n", "25\r\n", "hello\r\n", "250ok\r\n", "150 x\r\n", "650 x\r\n", "250 a\n", "2é0 a\r\n"]
        {
            check(input, &[Err(Malformed)]);
        }
        check("250-a\r\n550 b\r\n", &[Err(Malformed)]);
    }

    #[test]
    fn limits_at_the_bound() {
        let line = format!("250 {}\r\n", "a".repeat(LINE - 6));
        check(&line, &[Ok(&line)]);
        check(&format!("250 {}\r\n", "a".repeat(LINE - 5)), &[Err(Malformed)]);
        let lines = "250-a\r\n".repeat(LINES - 1) + "250 a\r\n";
        check(&lines, &[Ok(&lines)]);
        check(&("250-a\r\n".repeat(LINES) + "250 a\r\n"), &[Err(Malformed)]);
    }

    #[test]
    fn text_that_is_not_utf8_is_kept_as_far_as_it_goes() {
        let mut buffer = BytesMut::from(&b"550 caf\xe9\r\n"[..]);
        let reply = ReplyReader::default().next(&mut buffer).unwrap().unwrap();
        assert_eq!(reply.text(), "caf\u{fffd}");
    }
}
