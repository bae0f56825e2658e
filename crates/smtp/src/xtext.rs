//! xtext and the addresses of ORCPT (RFC 3461 sections 4 and 4.2, RFC 6533 section 3).

use std::fmt::Write as _;

/// Writes printable ASCII without `+`, `=` and spaces as it is and every other octet as `+` and two digits.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'+' | b'=' | 0..=b' ' | 0x7f.. => {
                // Writing to a string cannot fail.
                let _ = write!(out, "+{byte:02X}");
            }
            _ => out.push(char::from(byte)),
        }
    }
    out
}

/// Reads xtext; `None` where it is malformed or stands for anything but printable ASCII, which is all that an ENVID
/// or an `rfc822` address can hold.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let octet = match byte {
            b'+' => 16 * hex_digit(bytes.next()?)? + hex_digit(bytes.next()?)?,
            b'=' | b' ' => return None,
            other => other,
        };
        if !(b' '..=b'~').contains(&octet) {
            return None;
        }
        out.push(char::from(octet));
    }
    Some(out)
}

/// Digits of xtext are upper case by its grammar; lower case is read too, since senders write it.
fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// Writes an ORCPT parameter's value: `rfc822;` and xtext, or, for an address beyond ASCII, `utf-8;` and the form that
/// also a server without SMTPUTF8 takes.
pub(crate) fn encode_address(address: &str) -> String {
    if address.is_ascii() {
        return format!("rfc822;{}", encode(address));
    }
    let mut out = String::from("utf-8;");
    for c in address.chars() {
        match c {
            '+' | '=' | '\\' | '\0'..=' ' | '\x7f'.. => {
                let _ = write!(out, "\\x{{{:X}}}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out
}

/// Reads an ORCPT parameter's value and drops its address type; `None` where it is malformed. Types other than
/// `rfc822` and `utf-8` are read as xtext.
pub(crate) fn decode_address(value: &str) -> Option<String> {
    let (kind, address) = value.split_once(';')?;
    if kind.is_empty() || address.is_empty() {
        return None;
    }
    if kind.eq_ignore_ascii_case("utf-8") { decode_utf8(address) } else { decode(address) }
}

fn decode_utf8(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('\\') {
        let (digits, tail) = after.strip_prefix("x{")?.split_once('}')?;
        let digits_fit = (2..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let code = digits_fit.then(|| u32::from_str_radix(digits, 16).ok()).flatten()?;
        out.push_str(plain);
        out.push(char::from_u32(code)?);
        rest = tail;
    }
    out.push_str(rest);
    (!out.chars().any(char::is_control)).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_and_writes_addresses() {
        for (address, written) in [
            ("ann@example.com", "rfc822;ann@example.com"),
            ("a+b=c@example.com", "rfc822;a+2Bb+3Dc@example.com"),
            (r#""a b"@example.com"#, r#"rfc822;"a+20b"@example.com"#),
            ("jürgen@example.com", r"utf-8;j\x{FC}rgen@example.com"),
            ("ü+1@example.com", r"utf-8;\x{FC}\x{2B}1@example.com"),
        ] {
            assert_eq!(encode_address(address), written);
            assert_eq!(decode_address(written).as_deref(), Some(address));
        }
        assert_eq!(decode_address("utf-8;ü@example.com").as_deref(), Some("ü@example.com"));
        assert_eq!(decode_address("RFC822;a+2bb@example.com").as_deref(), Some("a+b@example.com"));
    }

    #[test]
    fn refuses_what_is_malformed() {
        for text in ["a+", "a+2", "a+2G", "a b", "a=b", "a+0D+0Ab", "é", "+00"] {
            assert_eq!(decode(text), None, "{text}");
        }
        for text in
            ["", "rfc822", ";a@example.com", "rfc822;", r"utf-8;\x{110000}", r"utf-8;\y", r"utf-8;\x{0A}"]
        {
            assert_eq!(decode_address(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn leads_back(text in "[ -~]{0,60}", address in "[^\\p{Cc}]{1,40}") {
            prop_assert_eq!(decode(&encode(&text)), Some(text));
            prop_assert_eq!(decode_address(&encode_address(&address)), Some(address));
        }

        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = (decode(&text), decode_address(&text));
        }
    }
}
