//! The header of a message: its fields, unfolded, one after the other (RFC 5322 section 2.2).
//!
//! Tolerant on purpose: what arrives at a relay or comes back in a bounce is often not a correct header. Lines may end
//! in CRLF or LF, the separator line of an mbox file may stand first, and lines that are no fields are passed over.
//! Reading is linear in the bytes read and bounded by the constants below. RFC 2047 encoded words stay as they are
//! unless [`decode`] is asked for.

use std::borrow::Cow;

use mail_parser::parsers::MessageStream;

/// Bytes of a header that are read; what follows them is ignored.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Fields of a header that are read.
pub const MAX_FIELDS: usize = 2_000;
/// Longest field name, in octets; a line with more before its first colon is not a field (RFC 5322 allows 998 for
/// the whole line).
pub const MAX_NAME: usize = 256;
/// Bytes of one field's folded value that are read; the rest of it is cut off.
pub const MAX_VALUE: usize = 64 * 1024;

/// The fields of the header with which `raw` begins, as name and unfolded value.
pub fn fields(raw: &[u8]) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    raw_fields(raw).map(|(name, value)| (name, unfold(value)))
}

/// The fields of the header with which `raw` begins, as name and value as it stands there, folded.
///
/// Ends at the first empty line, at the end of the bytes, or at a limit.
pub fn raw_fields(raw: &[u8]) -> RawFields<'_> {
    RawFields { rest: &raw[..raw.len().min(MAX_BYTES)], left: MAX_FIELDS }
}

/// The unfolded value of the first field of this name; case does not count.
pub fn find<'a>(raw: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
    raw_fields(raw).find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| unfold(value))
}

/// Header and body of a message: the header with its last line end, the body after the empty line. A message without
/// an empty line is all header.
pub fn split(raw: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    while at < raw.len() {
        let end = line_end(raw, at);
        if is_blank(&raw[at..end]) {
            return (&raw[..at], &raw[end..]);
        }
        at = end;
    }
    (raw, &[])
}

/// A value on one line: each fold, with the white space around it, becomes one space (RFC 5322 section 2.2.3); octets
/// that are not UTF-8 become U+FFFD.
pub fn unfold(value: &[u8]) -> Cow<'_, str> {
    let value = value.trim_ascii();
    if memchr::memchr2(b'\n', b'\r', value).is_none() {
        // Looking for what is invalid takes much longer than finding that nothing is.
        return std::str::from_utf8(value).map_or_else(|_| String::from_utf8_lossy(value), Cow::Borrowed);
    }
    let mut joined = Vec::with_capacity(value.len());
    for line in value.split(|b| matches!(b, b'\n' | b'\r')).map(<[u8]>::trim_ascii).filter(|l| !l.is_empty())
    {
        if !joined.is_empty() {
            joined.push(b' ');
        }
        joined.extend_from_slice(line);
    }
    // Valid UTF-8 is taken over without another copy.
    Cow::Owned(
        String::from_utf8(joined).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()),
    )
}

/// A value with its encoded words decoded (RFC 2047).
pub fn decode(value: &str) -> Cow<'_, str> {
    if !value.contains("=?") {
        return Cow::Borrowed(value);
    }
    // The stream parses a field's body up to its line end, so it wants one, and no other.
    let line = format!("{}\n", value.replace(['\r', '\n'], " "));
    let decoded = MessageStream::new(line.as_bytes()).parse_unstructured();
    decoded.as_text().map_or(Cow::Borrowed(value), |text| Cow::Owned(text.to_owned()))
}

/// Iterator of [`raw_fields`].
#[derive(Clone, Debug)]
pub struct RawFields<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Iterator for RawFields<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 && !self.rest.is_empty() {
            let mut end = line_end(self.rest, 0);
            if is_blank(&self.rest[..end]) {
                self.rest = &[];
                return None;
            }
            // A field goes on in all lines after it that begin with white space and are not empty.
            while matches!(self.rest.get(end), Some(b' ' | b'\t')) {
                let next = line_end(self.rest, end);
                if is_blank(&self.rest[end..next]) {
                    break;
                }
                end = next;
            }
            let (field, rest) = self.rest.split_at(end);
            self.rest = rest;
            if let Some(named) = name_and_value(field) {
                self.left -= 1;
                return Some(named);
            }
        }
        None
    }
}

fn name_and_value(field: &[u8]) -> Option<(&str, &[u8])> {
    let colon = memchr::memchr(b':', &field[..field.len().min(MAX_NAME + 1)])?;
    let name = field[..colon].trim_ascii_end();
    if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let value = &field[colon + 1..];
    Some((std::str::from_utf8(name).ok()?, &value[..value.len().min(MAX_VALUE)]))
}

/// Where the line that begins at `start` ends, after its line feed.
fn line_end(raw: &[u8], start: usize) -> usize {
    memchr::memchr(b'\n', &raw[start..]).map_or(raw.len(), |offset| start + offset + 1)
}

fn is_blank(line: &[u8]) -> bool {
    matches!(line, b"\n" | b"\r\n" | b"" | b"\r")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(raw: &str, expected: &[(&str, &str)]) {
        let found: Vec<_> = fields(raw.as_bytes()).map(|(n, v)| (n.to_owned(), v.into_owned())).collect();
        let expected: Vec<_> = expected.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        assert_eq!(found, expected, "{raw:?}");
    }

    #[test]
    fn reads_fields_as_they_come() {
        check(
            "Subject: hello\r\nTo: a@example.com\r\n\r\nX: body",
            &[("Subject", "hello"), ("To", "a@example.com")],
        );
        check("Subject: a\r\n  b\r\n\tc\r\n\r\n", &[("Subject", "a b c")]);
        check(
            "From a@example.com Mon Jan 5\nA: 1\n>From: x\nno field\n  goes on\nB : 2",
            &[("A", "1"), (">From", "x"), ("B", "2")],
        );
        check("A:\n  1\n", &[("A", "1")]);
        check("A: 1\n \nB: 2", &[("A", "1"), ("B", "2")]);
        check("", &[]);
        check("\nA: 1", &[]);
        check(": nothing\nA: 1", &[("A", "1")]);
    }

    #[test]
    fn octets_that_are_not_utf8_lose_no_field() {
        let raw = b"Subject: caf\xe9\n  \xff\nTo: x\n";
        assert_eq!(find(raw, "subject").unwrap(), "caf\u{fffd} \u{fffd}");
        assert_eq!(find(raw, "TO").unwrap(), "x");
        assert_eq!(find(raw, "cc"), None);
    }

    #[test]
    fn decodes_encoded_words() {
        for (value, expected) in [
            ("plain", "plain"),
            ("=?utf-8?B?UsOpcG9uc2U=?= one", "Réponse one"),
            ("=?iso-8859-1?Q?caf=E9?= =?utf-8?Q?_au_lait?=", "café au lait"),
            ("=?broken", "=?broken"),
            ("a\n=?utf-8?Q?b?=", "a b"),
        ] {
            assert_eq!(decode(value), expected);
        }
    }

    #[test]
    fn splits_header_and_body() {
        for (raw, header, body) in [
            ("A: 1\r\n\r\nx", "A: 1\r\n", "x"),
            ("A: 1\n\nx\n\ny", "A: 1\n", "x\n\ny"),
            ("A: 1", "A: 1", ""),
            ("\nx", "", "x"),
            ("", "", ""),
        ] {
            assert_eq!(split(raw.as_bytes()), (header.as_bytes(), body.as_bytes()), "{raw:?}");
        }
    }

    #[test]
    fn limits_at_their_bounds() {
        let name = "N".repeat(MAX_NAME);
        check(&format!("{name}: 1\n"), &[(name.as_str(), "1")]);
        check(&format!("{name}N: 1\nA: 2\n"), &[("A", "2")]);

        let many = "A: 1\n".repeat(MAX_FIELDS + 1);
        assert_eq!(fields(many.as_bytes()).count(), MAX_FIELDS);

        let long = format!("A:{}b\nB: 2\n", "a".repeat(MAX_VALUE));
        assert_eq!(find(long.as_bytes(), "A").unwrap().len(), MAX_VALUE);
        assert_eq!(find(long.as_bytes(), "B").unwrap(), "2");

        let far = format!("{}B: 2\n", "x\n".repeat(MAX_BYTES / 2 - 3));
        assert_eq!(find(far.as_bytes(), "B").unwrap(), "2");
        let too_far = format!("{}B: 2\n", "x\n".repeat(MAX_BYTES / 2));
        assert_eq!(find(too_far.as_bytes(), "B"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(raw in proptest::collection::vec(any::<u8>(), 0..400)) {
            for (name, value) in fields(&raw) {
                prop_assert!(!name.is_empty() && !value.contains('\n'));
            }
            let (header, body) = split(&raw);
            prop_assert!(header.len() + body.len() <= raw.len());
        }
    }
}
