//! Content on the wire: after DATA with stuffed dots and a final dot, after BDAT counted (RFC 5321 section 4.5.2,
//! RFC 3030).

use bytes::Bytes;
use memchr::memchr2;

/// How the end of the content is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// DATA: a line that is a single dot; lines that begin with a dot have one more.
    Dots,
    /// BDAT: octets are counted by the command.
    Octets,
}

/// Why content that was read to its end cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentProblem {
    /// More octets than the limit.
    TooLarge,
    /// A line longer than the limit.
    LineTooLong,
}

/// What reading a piece came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// All was read, and there is more to come.
    More,
    /// The final dot and its CRLF were read.
    End,
    /// A CR without LF or an LF without CR: what follows cannot be trusted.
    BareLineEnd,
}

/// Reads content octet by octet and keeps at most the allowed number of them.
///
/// Only `CRLF . CRLF` ends it: all the look-alikes that SMTP smuggling lives on hold a bare CR or LF.
#[derive(Debug)]
pub(crate) struct ContentReader {
    framing: Framing,
    at: At,
    line_limit: usize,
    size_limit: u64,
    /// Octets of the present line, and whether any line was too long.
    line: usize,
    long_line: bool,
    /// Octets read, without stuffed dots; `bytes` is dropped once there are too many.
    size: u64,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    LineStart,
    /// A dot at the start of a line.
    Dot,
    /// The CR after such a dot.
    DotCr,
    Text,
    Cr,
}

impl ContentReader {
    /// At the start of a message; limits in octets (a line's with CRLF).
    pub(crate) const fn new(framing: Framing, line_limit: usize, size_limit: u64) -> Self {
        Self {
            framing,
            at: At::LineStart,
            line_limit,
            size_limit,
            line: 0,
            long_line: false,
            size: 0,
            bytes: Vec::new(),
        }
    }

    /// Reads from `input`; returns how many octets were read and what that came to.
    pub(crate) fn read(&mut self, input: &[u8]) -> (usize, Progress) {
        let mut read = 0;
        // One piece of memory for what comes at once, not one for each line.
        if !self.is_too_large() && !self.long_line {
            self.bytes.reserve(input.len());
        }
        while let Some((&byte, rest)) = input.get(read..).and_then(<[u8]>::split_first) {
            read += 1;
            self.at = match (self.at, byte) {
                (At::DotCr, b'\n') => return (read, Progress::End),
                (At::Cr, b'\n') => {
                    self.keep(b"\r\n");
                    self.line = 0;
                    At::LineStart
                }
                (At::DotCr | At::Cr, _) | (At::LineStart | At::Dot | At::Text, b'\n') => {
                    return (read, Progress::BareLineEnd);
                }
                (At::Dot, b'\r') => At::DotCr,
                (At::LineStart | At::Text, b'\r') => At::Cr,
                (At::LineStart, b'.') if self.framing == Framing::Dots => At::Dot,
                (At::LineStart | At::Dot | At::Text, _) => {
                    let run = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                    self.keep(input.get(read - 1..read + run).unwrap_or_default());
                    read += run;
                    At::Text
                }
            };
        }
        (read, Progress::More)
    }

    fn keep(&mut self, octets: &[u8]) {
        self.size = self.size.saturating_add(octets.len() as u64);
        self.line = self.line.saturating_add(octets.len());
        self.long_line |= self.line > self.line_limit;
        if self.size > self.size_limit || self.long_line {
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(octets);
        }
    }

    /// Whether so much was read that it cannot be taken any more.
    pub(crate) const fn is_too_large(&self) -> bool {
        self.size > self.size_limit
    }

    /// The content, whose last line is ended by CRLF. Counted content may end in the middle of a line; a CRLF is added.
    ///
    /// # Errors
    /// When a limit was passed. A CR as the very last octet counts as read; see [`Self::ends_in_cr`].
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, ContentProblem> {
        if self.at == At::Text {
            self.keep(b"\r\n");
        }
        if self.is_too_large() {
            Err(ContentProblem::TooLarge)
        } else if self.long_line {
            Err(ContentProblem::LineTooLong)
        } else {
            Ok(self.bytes)
        }
    }

    /// Whether the last octet read was a CR: bare, if nothing follows.
    pub(crate) fn ends_in_cr(&self) -> bool {
        self.at == At::Cr
    }
}

/// Appends content in the form that the framing asks for, with the final dot where it wants one, to `out`. Every line
/// end becomes CRLF, bare CR and LF too, and the last line gets one: no content can end the message early.
pub(crate) fn write(content: &[Bytes], framing: Framing, out: &mut Vec<u8>) {
    out.reserve(content.iter().map(Bytes::len).sum::<usize>() + 8);
    let mut line_start = true;
    let mut after_cr = false;
    for part in content {
        let mut rest: &[u8] = part;
        while let Some(&first) = rest.first() {
            if after_cr && first == b'\n' {
                after_cr = false;
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            after_cr = false;
            if line_start && first == b'.' && framing == Framing::Dots {
                out.push(b'.');
            }
            let run = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            let (text, after) = rest.split_at(run);
            out.extend_from_slice(text);
            line_start = false;
            if let Some((&end, after)) = after.split_first() {
                out.extend_from_slice(b"\r\n");
                line_start = true;
                after_cr = end == b'\r';
                rest = after;
            } else {
                rest = after;
            }
        }
    }
    if !line_start {
        out.extend_from_slice(b"\r\n");
    }
    match framing {
        Framing::Dots => out.extend_from_slice(b".\r\n"),
        Framing::Octets => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LINE: usize = 10;
    const SIZE: u64 = 30;

    /// Reads `input` in pieces of several sizes; what was kept, or how it ended.
    fn check(input: &str, expected: Result<&str, &str>) {
        for size in [1, 2, 3, 5, input.len()] {
            let mut reader = ContentReader::new(Framing::Dots, LINE, SIZE);
            let mut last = Progress::More;
            for piece in input.as_bytes().chunks(size) {
                last = reader.read(piece).1;
                assert!(reader.bytes.len() as u64 <= SIZE);
                if last != Progress::More {
                    break;
                }
            }
            let got = match last {
                Progress::More => Err("more".to_owned()),
                Progress::BareLineEnd => Err("bare".to_owned()),
                Progress::End => {
                    reader.finish().map(|b| String::from_utf8(b).unwrap()).map_err(|p| format!("{p:?}"))
                }
            };
            assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{input:?} by {size}");
        }
    }

    #[test]
    fn dots() {
        check(".\r\n", Ok(""));
        check("a\r\n.\r\n", Ok("a\r\n"));
        check("..\r\n.a\r\n...\r\na.\r\n.\r\n", Ok(".\r\na\r\n..\r\na.\r\n"));
        check("a\r\n.", Err("more"));
        check("a\r\n.\r", Err("more"));
    }

    #[test]
    fn nothing_else_ends_a_message() {
        for input in
            ["a\n.\n", "a\n.\r\n", "a\r.\r", "a\r\n.\n", "a\r.\r\n", "a\r\n.\r\r\n", "\n", "a\r\r\n.\r\n"]
        {
            check(input, Err("bare"));
        }
        check("a\r\n\0.\r\n", Err("more"));
    }

    #[test]
    fn limits_at_the_bound() {
        check("12345678\r\n.\r\n", Ok("12345678\r\n"));
        check(".12345678\r\n.\r\n", Ok("12345678\r\n"));
        check("123456789\r\n.\r\n", Err("LineTooLong"));
        let full = "12345678\r\n".repeat(3);
        check(&format!("{full}.\r\n"), Ok(&full));
        check(&format!("{full}x\r\n.\r\n"), Err("TooLarge"));
        check(&format!("123456789\r\n{full}.\r\n"), Err("TooLarge"));
    }

    #[test]
    fn counted_content_has_no_dots() {
        let mut reader = ContentReader::new(Framing::Octets, LINE, SIZE);
        assert_eq!(reader.read(b".\r\n..a"), (6, Progress::More));
        assert_eq!(reader.finish().unwrap(), b".\r\n..a\r\n");
    }

    #[test]
    fn written_with_crlf_alone() {
        for (content, stuffed) in [
            ("", ".\r\n"),
            ("a", "a\r\n.\r\n"),
            (".a\r\n", "..a\r\n.\r\n"),
            ("a\n.\n", "a\r\n..\r\n.\r\n"),
            ("a\r.\r", "a\r\n..\r\n.\r\n"),
            ("a\r\n\r\n", "a\r\n\r\n.\r\n"),
        ] {
            for size in 1..=content.len().max(1) {
                let parts: Vec<Bytes> = content.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
                let mut out = Vec::new();
                write(&parts, Framing::Dots, &mut out);
                assert_eq!(String::from_utf8(out).unwrap(), stuffed, "{content:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            parts in proptest::collection::vec("(\\.|\r|\n|\r\n|a){0,12}", 0..4),
            cut in 1usize..40,
        ) {
            let parts: Vec<Bytes> = parts.into_iter().map(Bytes::from).collect();
            let mut plain = Vec::new();
            write(&parts, Framing::Octets, &mut plain);
            let mut stuffed = Vec::new();
            write(&parts, Framing::Dots, &mut stuffed);
            let mut reader = ContentReader::new(Framing::Dots, usize::MAX, u64::MAX);
            let mut left = stuffed.len();
            for piece in stuffed.chunks(cut) {
                let (read, progress) = reader.read(piece);
                left -= read;
                prop_assert_eq!(progress == Progress::End, left == 0);
            }
            prop_assert_eq!(reader.finish(), Ok(plain));
        }
    }
}
