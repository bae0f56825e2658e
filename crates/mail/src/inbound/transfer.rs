//! Content without its transfer encoding (RFC 2045 section 6), also where it is broken: what can be decoded is, the
//! rest stays as it stands.

use mail_parser::decoders::base64::base64_decode;

/// Decodes base64 up to the first line that is none, such as a footer that a list appended, which follows as it is.
pub(super) fn base64(raw: &[u8]) -> Option<Vec<u8>> {
    if let Some(decoded) = base64_decode(raw) {
        return Some(decoded);
    }
    let mut at = 0;
    while at < raw.len() {
        let end = memchr::memchr(b'\n', &raw[at..]).map_or(raw.len(), |offset| at + offset + 1);
        let ok = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'\r' | b'\n');
        if !raw[at..end].iter().all(ok) {
            break;
        }
        at = end;
    }
    let mut decoded = base64_decode(&raw[..at]).filter(|decoded| !decoded.is_empty())?;
    decoded.push(b'\n');
    decoded.extend_from_slice(&raw[at..]);
    Some(decoded)
}

/// Decodes quoted-printable; a `=` that begins no escape stays.
pub(super) fn quoted_printable(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'=', rest) {
        out.extend_from_slice(&rest[..at]);
        let after = &rest[at + 1..];
        let hex = |b: &u8| char::from(*b).to_digit(16).map(|digit| digit as u8);
        let escaped = match after {
            [high, low, ..] => hex(high).zip(hex(low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        rest = if let Some(octet) = escaped {
            out.push(octet);
            after.get(2..).unwrap_or_default()
        } else if let Some(length) = soft_break(after) {
            &after[length..]
        } else {
            out.push(b'=');
            after
        };
    }
    out.extend_from_slice(rest);
    out
}

/// Octets of a line end, with white space that some relay put before it.
fn soft_break(after: &[u8]) -> Option<usize> {
    let blank = after.iter().take(80).take_while(|b| matches!(b, b' ' | b'\t')).count();
    match &after[blank..] {
        [] => Some(blank),
        [b'\n', ..] => Some(blank + 1),
        [b'\r', b'\n', ..] => Some(blank + 2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn broken_encodings_lose_nothing_else() {
        for (raw, expected) in [
            ("aGVsbG8=\n", Some("hello")),
            ("aGVs\nbG8=\n-- \nA list's footer\n", Some("hello\n-- \nA list's footer\n")),
            ("(not base64)", None),
        ] {
            let decoded = base64(raw.as_bytes()).map(|d| String::from_utf8_lossy(&d).into_owned());
            assert_eq!(decoded.as_deref(), expected, "{raw}");
        }
        for (raw, expected) in [
            ("caf=C3=A9=\n!", "café!"),
            ("a=  \r\nb = c =zz =4", "ab = c =zz =4"),
            ("=", ""),
            ("a=3d=3D", "a=="),
        ] {
            assert_eq!(String::from_utf8_lossy(&quoted_printable(raw.as_bytes())), expected, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_decoded(raw in "[=0-9A-Fa-z \r\n+/-]{0,80}") {
            prop_assert!(quoted_printable(raw.as_bytes()).len() <= raw.len());
            let _ = base64(raw.as_bytes());
        }
    }
}
