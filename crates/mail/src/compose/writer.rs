//! Bytes of a mail that no value can break out of: line ends are CRLF, no line is longer than 998 octets, and
//! control characters become spaces.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::chance::Hasher;

/// Longest line, without its CRLF (RFC 5322 section 2.1.1).
pub const MAX_LINE: usize = 998;
/// Where header fields are folded if they have a space there.
const FOLD_AT: usize = 78;
/// Octets of text in one encoded word: 60 in base64, within the 75 of RFC 2047 section 2.
const ENCODED_CHUNK: usize = 45;

/// A growing mail, or part of one.
#[derive(Clone, Debug, Default)]
pub(super) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// An empty one that has room for `capacity` octets.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { out: Vec::with_capacity(capacity) }
    }

    /// The octets written.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// The octets written so far.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.out
    }

    /// A header field: white space and control characters in the value become single spaces, it is folded at spaces,
    /// and a word that would be longer than a line is broken.
    pub(super) fn field(&mut self, name: &str, value: &str) {
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b':');
        let mut column = name.len() + 1;
        for word in words(value) {
            if column + 1 + word.len() > FOLD_AT && column > name.len() + 1 {
                self.out.extend_from_slice(b"\r\n");
                column = 0;
            }
            self.out.push(b' ');
            column += 1;
            self.word(word, &mut column);
        }
        self.out.extend_from_slice(b"\r\n");
    }

    /// A header field, if there is a value.
    pub(super) fn optional_field(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.field(name, value);
        }
    }

    /// A header field of free text: encoded words for anything but ASCII (RFC 2047).
    pub(super) fn text_field(&mut self, name: &str, text: &str) {
        if text.is_ascii() {
            return self.field(name, text);
        }
        let text = words(text).collect::<Vec<_>>().join(" ");
        let mut encoded = String::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(floor_char(rest, ENCODED_CHUNK));
            if !encoded.is_empty() {
                encoded.push(' ');
            }
            encoded.push_str("=?utf-8?B?");
            STANDARD.encode_string(chunk, &mut encoded);
            encoded.push_str("?=");
            rest = after;
        }
        self.field(name, &encoded);
    }

    /// One line of text; control characters become spaces, and a line that is too long is broken.
    pub(super) fn line(&mut self, text: &str) {
        let mut column = 0;
        for (at, piece) in text.split(|c: char| c.is_control()).enumerate() {
            if at > 0 {
                self.word(" ", &mut column);
            }
            self.word(piece, &mut column);
        }
        self.out.extend_from_slice(b"\r\n");
    }

    /// Text of several lines separated by `\n`.
    pub(super) fn lines(&mut self, text: &str) {
        for line in text.lines() {
            self.line(line);
        }
    }

    /// An empty line.
    pub(super) fn blank(&mut self) {
        self.out.extend_from_slice(b"\r\n");
    }

    /// Foreign content, taken over octet by octet but for its line ends and lines that are too long.
    pub(super) fn content(&mut self, content: &[u8]) {
        let content = content.strip_suffix(b"\n").unwrap_or(content);
        if content.is_empty() {
            return;
        }
        for line in content.split(|b| *b == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            // A carriage return alone is no line end and must not stand on the wire (RFC 5321 section 2.3.8).
            for line in line.split(|b| *b == b'\r') {
                let mut chunks = line.chunks(MAX_LINE);
                self.out.extend_from_slice(chunks.next().unwrap_or_default());
                for chunk in chunks {
                    self.out.extend_from_slice(b"\r\n");
                    self.out.extend_from_slice(chunk);
                }
                self.out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// Content in base64, in lines of 76 octets (RFC 2045 section 6.8).
    pub(super) fn base64(&mut self, content: &[u8]) {
        for chunk in content.chunks(57) {
            self.out.extend_from_slice(STANDARD.encode(chunk).as_bytes());
            self.out.extend_from_slice(b"\r\n");
        }
    }

    /// Octets that are known to be right.
    pub(super) fn verbatim(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Text without control characters, broken with CRLF and a space where the line would get too long.
    fn word(&mut self, mut text: &str, column: &mut usize) {
        while *column + text.len() > MAX_LINE {
            let (head, rest) = text.split_at(floor_char(text, MAX_LINE - (*column).min(MAX_LINE)));
            self.out.extend_from_slice(head.as_bytes());
            self.out.extend_from_slice(b"\r\n ");
            *column = 1;
            text = rest;
        }
        self.out.extend_from_slice(text.as_bytes());
        *column += text.len();
    }
}

/// A boundary for multipart mail: made from the mail's identifier, so that the same mail has the same bytes, and not
/// found in any of `parts`.
pub(super) fn boundary(report_id: &str, parts: &[&[u8]]) -> String {
    let mut salt = 0;
    loop {
        let hash = Hasher::new().bytes(report_id.as_bytes()).u64(salt).finish();
        let boundary = format!("=_emta_{hash:016x}");
        if parts.iter().all(|part| memchr::memmem::find(part, boundary.as_bytes()).is_none()) {
            return boundary;
        }
        // Each round is another of 2^64 boundaries; a part of finite length holds few of them.
        salt += 1;
    }
}

/// An address or identifier without angle brackets, white space and control characters around or in it.
pub(super) fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !c.is_whitespace() && !matches!(c, '<' | '>')).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty())
}

/// The longest prefix of at most `max` octets that ends at a character; at least one character.
fn floor_char(text: &str, max: usize) -> usize {
    let first = text.chars().next().map_or(0, char::len_utf8);
    text.floor_char_boundary(max).max(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(write: impl FnOnce(&mut Writer), expected: &str) {
        let mut writer = Writer::default();
        write(&mut writer);
        assert_eq!(String::from_utf8(writer.into_bytes()).unwrap(), expected);
    }

    #[test]
    fn fields_hold_one_value() {
        check(
            |w| w.field("To", "a@example.com\r\nBcc: b@example.com"),
            "To: a@example.com Bcc: b@example.com\r\n",
        );
        check(|w| w.field("X", " \u{85}\0 "), "X:\r\n");
        check(|w| w.optional_field("X", None), "");
        let long = "word ".repeat(30);
        let mut writer = Writer::default();
        writer.field("X", &long);
        let text = String::from_utf8(writer.into_bytes()).unwrap();
        assert!(text.lines().all(|line| line.len() <= FOLD_AT), "{text}");
        assert_eq!(crate::header::find(text.as_bytes(), "X").unwrap(), long.trim_end());
    }

    #[test]
    fn no_line_is_longer_than_998() {
        for length in [MAX_LINE - 3, MAX_LINE - 2, MAX_LINE, MAX_LINE + 1, 5 * MAX_LINE] {
            let word = "é".repeat(length / 2) + &"a".repeat(length % 2);
            let mut writer = Writer::default();
            writer.field("X", &word);
            writer.line(&word);
            writer.content(word.as_bytes());
            writer.content(b"\rb\r\r\nc\n\n");
            let bytes = writer.into_bytes();
            for line in bytes.split(|b| *b == b'\n') {
                assert!(line.len() <= MAX_LINE + 1, "{}", line.len());
                assert!(line.is_empty() || line.ends_with(b"\r"));
            }
        }
    }

    #[test]
    fn text_beyond_ascii_is_encoded() {
        check(|w| w.text_field("Subject", "Réponse"), "Subject: =?utf-8?B?UsOpcG9uc2U=?=\r\n");
        check(|w| w.text_field("Subject", "Reply"), "Subject: Reply\r\n");
    }

    #[test]
    fn the_boundary_is_not_in_the_parts() {
        let first = boundary("id", &[]);
        assert_eq!(boundary("id", &[b"x"]), first);
        assert_ne!(boundary("id", &[b"x", first.as_bytes()]), first);
    }
}
