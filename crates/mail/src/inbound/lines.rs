//! Lines: their ends as they should be (the readers know LF and CRLF), and where they begin.

use std::borrow::Cow;

/// The mail without a byte order mark and without empty lines before its header; where its lines end in a carriage
/// return alone, or in more than one, they end in a line feed; where its empty lines have white space in them, they
/// have none. Octets of value zero, with which some systems pad their records, are left out (RFC 5322 section 4.1).
pub(super) fn normalise(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(0, raw).is_none() {
        return with_line_ends(raw);
    }
    let without: Vec<u8> = raw.iter().copied().filter(|b| *b != 0).collect();
    Cow::Owned(with_line_ends(&without).into_owned())
}

fn with_line_ends(raw: &[u8]) -> Cow<'_, [u8]> {
    let raw = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    let blank = raw.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    let raw = &raw[blank..];
    let first = memchr::memchr(b'\n', raw).unwrap_or(raw.len());
    // The first line says how lines end: one that holds a carriage return is more than one line.
    let line = raw[..first].strip_suffix(b"\r").unwrap_or(&raw[..first]);
    if memchr::memchr(b'\r', line).is_none() {
        return if has_empty_line(raw) { Cow::Borrowed(raw) } else { emptied(raw) };
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\r', rest) {
        out.extend_from_slice(&rest[..at]);
        out.push(b'\n');
        let after = &rest[at + 1..];
        // `\r\r\n` is what a program makes of `\r\n` that ends each line with `\r\n`.
        rest = after.strip_prefix(b"\n").or_else(|| after.strip_prefix(b"\r\n")).unwrap_or(after);
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// The lines of a text with their ends, each with the offset at which it begins.
pub(super) fn with_offsets(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |end| end + 1);
        let start = at;
        at += length;
        Some((start, &rest[..length]))
    })
}

/// Whether there is an empty line: nearly always that behind the header.
fn has_empty_line(raw: &[u8]) -> bool {
    let mut ends = memchr::memchr_iter(b'\n', raw);
    ends.any(|at| matches!(&raw[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]))
}

/// The mail with lines of nothing but white space made empty.
fn emptied(raw: &[u8]) -> Cow<'_, [u8]> {
    let is_blank = |line: &[u8]| !line.is_empty() && line.trim_ascii().is_empty();
    if !raw.split(|b| *b == b'\n').any(is_blank) {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    for line in raw.split_inclusive(|b| *b == b'\n') {
        out.extend_from_slice(if is_blank(line) { b"\n" } else { line });
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_line_feeds() {
        for (raw, expected) in [
            ("A: 1\r\nB: 2\r\n\r\nx", "A: 1\r\nB: 2\r\n\r\nx"),
            ("A: 1\nB: 2\n\nx", "A: 1\nB: 2\n\nx"),
            ("A: 1\rB: 2\r\rx", "A: 1\nB: 2\n\nx"),
            ("A: 1\r\r\nB: 2\r\r\n\r\r\nx", "A: 1\nB: 2\n\nx"),
            ("\u{feff}\r\n\nA: 1\n", "A: 1\n"),
            ("A: 1\r\n\r\na\rb", "A: 1\r\n\r\na\rb"),
            ("A: 1  \n  \nx\n\t\ny", "A: 1  \n\nx\n\ny"),
            ("A: 1\n\nx\n  \ny", "A: 1\n\nx\n  \ny"),
            ("A: 1\n x", "A: 1\n x"),
            ("A: 1\0\0\n\0\nx\0", "A: 1\n\nx"),
            ("", ""),
        ] {
            assert_eq!(String::from_utf8_lossy(&normalise(raw.as_bytes())), expected, "{raw:?}");
        }
    }
}
