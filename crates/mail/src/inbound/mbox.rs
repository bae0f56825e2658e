//! Files of many mails (RFC 4155).

/// Splits a file of mails, each behind a line that begins with `From ` at the start or after an empty line; such a
/// line is not part of the mail. A file without one is a single mail. Quoted `>From ` lines stay as they are.
pub fn split(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = raw;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mail = match rest.strip_prefix(b"From ") {
            Some(_) => memchr::memchr(b'\n', rest).map_or(&rest[rest.len()..], |end| &rest[end + 1..]),
            None => rest,
        };
        let end = next_separator(mail);
        rest = &mail[end..];
        Some(&mail[..end])
    })
}

/// Start of the next `From ` line after an empty line; the end of the bytes if there is none.
fn next_separator(mail: &[u8]) -> usize {
    memchr::memmem::find_iter(mail, b"\nFrom ")
        .find(|at| {
            let before = mail[..*at].strip_suffix(b"\r").unwrap_or(&mail[..*at]);
            before.ends_with(b"\n") || before.is_empty()
        })
        .map_or(mail.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(raw: &str, expected: &[&str]) {
        let found: Vec<_> =
            split(raw.as_bytes()).map(|mail| String::from_utf8_lossy(mail).into_owned()).collect();
        assert_eq!(found, expected, "{raw:?}");
    }

    #[test]
    fn splits_at_separators_only() {
        check("From a Mon\nA: 1\n\nx\n\nFrom b Tue\nB: 2\n\ny\n", &["A: 1\n\nx\n\n", "B: 2\n\ny\n"]);
        check("From a\r\nA: 1\r\n\r\nx\r\n\r\nFrom b\r\nB: 2\r\n", &["A: 1\r\n\r\nx\r\n\r\n", "B: 2\r\n"]);
        check("A: 1\n\nno\nFrom here on\n", &["A: 1\n\nno\nFrom here on\n"]);
        check("A: 1\n\n>From x\n", &["A: 1\n\n>From x\n"]);
        check("", &[]);
        check("From a", &[""]);
    }

    proptest! {
        #[test]
        fn ends_and_loses_nothing_but_separators(raw in "(From |\n|\r\n|a){0,40}") {
            let total: usize = split(raw.as_bytes()).map(<[u8]>::len).sum();
            prop_assert!(total <= raw.len());
        }
    }
}
