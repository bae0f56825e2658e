//! Lines of commands and replies: ended by CRLF and by nothing else, of bounded length.

use bytes::{Buf, BytesMut};
use memchr::memchr2;

/// Cuts lines from a buffer, however the bytes came.
#[derive(Debug, Default)]
pub(crate) struct LineReader {
    /// Inside a line that is already known to be too long; its octets are dropped as they come.
    skipping: bool,
}

/// What the buffer holds next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line, without its CRLF.
    Complete(BytesMut),
    /// A line that was longer than the limit, now dropped.
    TooLong,
    /// A CR without LF or an LF without CR. What follows cannot be trusted (SMTP smuggling).
    BareLineEnd,
}

impl LineReader {
    /// Takes the next line of at most `limit` octets, CRLF included. `None`: the line has not ended yet; what stays in
    /// the buffer is shorter than `limit`.
    pub(crate) fn next(&mut self, buffer: &mut BytesMut, limit: usize) -> Option<Line> {
        let Some(at) = memchr2(b'\r', b'\n', buffer) else {
            if self.skipping || buffer.len() >= limit {
                self.skipping = true;
                buffer.clear();
            }
            return None;
        };
        if buffer.get(at) == Some(&b'\n') {
            return Some(Line::BareLineEnd);
        }
        match buffer.get(at + 1) {
            Some(b'\n') => {
                let too_long = std::mem::take(&mut self.skipping) || at + 2 > limit;
                let line = buffer.split_to(at);
                buffer.advance(2);
                Some(if too_long { Line::TooLong } else { Line::Complete(line) })
            }
            Some(_) => Some(Line::BareLineEnd),
            None => {
                if self.skipping || at + 2 > limit {
                    self.skipping = true;
                    buffer.advance(at);
                }
                None
            }
        }
    }

    /// Whether a line has begun of which nothing is left in the buffer.
    pub(crate) const fn is_skipping(&self) -> bool {
        self.skipping
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Line::{BareLineEnd, TooLong};

    /// All that `input` gives with a limit of 8 octets, whole and octet by octet.
    fn check(input: &str, expected: &[Line]) {
        for size in [1, 2, 3, input.len().max(1)] {
            let (mut reader, mut buffer, mut got) = (LineReader::default(), BytesMut::new(), Vec::new());
            'input: for piece in input.as_bytes().chunks(size) {
                buffer.extend_from_slice(piece);
                while let Some(line) = reader.next(&mut buffer, 8) {
                    let stop = line == BareLineEnd;
                    got.push(line);
                    if stop {
                        break 'input;
                    }
                }
                assert!(buffer.len() < 8 || got.last() == Some(&BareLineEnd));
            }
            assert_eq!(got, expected, "{input:?} in pieces of {size}");
        }
    }

    fn line(text: &str) -> Line {
        Line::Complete(BytesMut::from(text))
    }

    #[test]
    fn only_crlf_ends_a_line() {
        check("", &[]);
        check("NOOP", &[]);
        check("NOOP\r", &[]);
        check("NOOP\r\n\r\nQ\r\n", &[line("NOOP"), line(""), line("Q")]);
        check("a\r\nb\nc\r\n", &[line("a"), BareLineEnd]);
        check("a\rb\r\n", &[BareLineEnd]);
        check("a\r\r\n", &[BareLineEnd]);
    }

    #[test]
    fn length_at_the_bound() {
        check("123456\r\nx\r\n", &[line("123456"), line("x")]);
        check("1234567\r\nx\r\n", &[TooLong, line("x")]);
        check("12345678901234567890\r\nx\r\n", &[TooLong, line("x")]);
        check("12345678901234567890\n", &[BareLineEnd]);
        check("1234567890\rx", &[BareLineEnd]);
    }
}
