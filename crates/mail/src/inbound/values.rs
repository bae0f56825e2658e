//! Single values of a report: addresses, identifiers, hosts, dates, bounded text.

use std::borrow::Cow;

use mail_parser::DateTime;

use super::limits::MAX_VALUE;
use crate::address::Domain;
use crate::time::Timestamp;

/// The text with white space collapsed to single spaces, at most `max` octets.
pub(super) fn one_line(text: &str, max: usize) -> String {
    if text.len() <= max && is_one_line(text.as_bytes()) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len().min(max));
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        let room = max.saturating_sub(out.len() + usize::from(!out.is_empty()));
        if room == 0 {
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&word[..word.floor_char_boundary(room)]);
    }
    out
}

/// Whether a text is of ASCII words with a space between each two, as most values are.
fn is_one_line(text: &[u8]) -> bool {
    let mut was_space = true;
    for octet in text {
        let is_space = *octet == b' ';
        if !(octet.is_ascii_graphic() || is_space) || (is_space && was_space) {
            return false;
        }
        was_space = is_space;
    }
    !was_space || text.is_empty()
}

/// A short value; `None` if it is empty.
pub(super) fn short(text: &str) -> Option<String> {
    Some(one_line(text, MAX_VALUE)).filter(|value| !value.is_empty())
}

/// The value behind a type such as `rfc822;` or `dns;` (RFC 3464 section 2.1.2); types are tokens, so a semicolon
/// deeper in the text is not taken for one.
pub(super) fn untyped(value: &str) -> &str {
    match value.split_once(';') {
        Some((kind, rest))
            if kind.trim().bytes().all(|b| b.is_ascii_alphanumeric() || b"-/._".contains(&b)) =>
        {
            rest.trim()
        }
        Some(_) | None => value.trim(),
    }
}

/// The address in a value such as `rfc822; <a@example.com>`: the last one in angle brackets, or else the first word
/// with an `@`, or else the only word. `None` if there is nothing like it. Characters that are escaped as in
/// `utf-8; \x{E9}@example.com` (RFC 6533 section 3) are what they stand for.
pub(super) fn address(value: &str) -> Option<String> {
    let value = &*unescaped(untyped(value));
    let candidate = match angle(value) {
        Some(inner) => inner,
        None if value.starts_with('"') => value,
        None => value.split_whitespace().find(|word| word.contains('@')).or_else(|| only_word(value))?,
    };
    let mark = |c: char| c.is_whitespace() || "<>,;:'()[]".contains(c);
    let open = candidate.trim_start_matches(mark);
    let bare = open.trim_end_matches(mark);
    // The bracket at the end of a domain literal is its own: `a@[192.0.2.1]`.
    let is_literal = bare.contains("@[") && open[bare.len()..].starts_with(']');
    let bare = if is_literal { &open[..=bare.len()] } else { bare };
    let bare = ["mailto:", "smtp:", "SMTP:"].iter().find_map(|kind| bare.strip_prefix(kind)).unwrap_or(bare);
    // A source route before the address (RFC 5321 appendix F.2) is not part of it.
    let bare = match bare.strip_prefix('@') {
        Some(routed) => routed.rsplit_once(':').map_or(bare, |(_, address)| address),
        None => bare,
    };
    let ok = !bare.is_empty() && bare.len() <= MAX_VALUE && !bare.contains(|c: char| c.is_control());
    ok.then(|| bare.to_owned())
}

/// The text with the characters in place of their escapes, `\x{E9}`; what is no such escape stays.
fn unescaped(text: &str) -> Cow<'_, str> {
    const MARK: &str = "\\x{";
    if !text.contains(MARK) {
        return Cow::Borrowed(text);
    }
    let mut pieces = text.split(MARK);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let escape = piece.split_once('}').and_then(|(digits, rest)| {
            let c = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?;
            Some((c, rest))
        });
        match escape.filter(|(c, _)| !c.is_control()) {
            Some((c, rest)) => {
                out.push(c);
                out.push_str(rest);
            }
            None => {
                out.push_str(MARK);
                out.push_str(piece);
            }
        }
    }
    Cow::Owned(out)
}

/// The address in a value, if it has an `@` with something on both sides.
pub(super) fn full_address(value: &str) -> Option<String> {
    address(value).map(without_sentence).filter(|address| {
        address.rsplit_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && domain.starts_with(|c: char| c.is_alphanumeric() || c == '[')
        })
    })
}

/// An address that runs into a sentence without a space, as in languages that have none, ends where its domain can no
/// longer go on: at a mark, or where the last label turns from ASCII to another script.
fn without_sentence(mut address: String) -> String {
    let Some(at) = address.rfind('@') else { return address };
    let domain = &address[at + 1..];
    let mark = |c: char| !(c.is_alphanumeric() || ".-_:[]".contains(c));
    let length = domain.find(mark).unwrap_or(domain.len());
    let last_label = domain[..length].rfind('.').map_or(0, |dot| dot + 1);
    let label = &domain[last_label..length];
    let turn =
        if label.starts_with(|c: char| c.is_ascii()) { label.find(|c: char| !c.is_ascii()) } else { None };
    address.truncate(at + 1 + turn.map_or(length, |turn| last_label + turn));
    address
}

/// What stands between the last angle brackets.
fn angle(value: &str) -> Option<&str> {
    let close = value.rfind('>')?;
    let open = value[..close].rfind('<')?;
    Some(&value[open + 1..close]).filter(|inner| !inner.trim().is_empty())
}

fn only_word(value: &str) -> Option<&str> {
    let mut words = value.split_whitespace();
    words.next().filter(|_| words.next().is_none())
}

/// An identifier without angle brackets, such as that of `Message-ID`; the first if there are several.
pub(super) fn message_id(value: &str) -> Option<String> {
    let value = value.trim();
    let id = match value.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or(rest),
        None => value.split_whitespace().next().unwrap_or_default(),
    };
    short(id.trim_matches(['<', '>']))
}

/// A host in a value such as `dns; mx.example.com (192.0.2.1)`; `None` if it is longer than a host can be.
pub(super) fn host(value: &str) -> Option<String> {
    let word = untyped(value).split_whitespace().next()?;
    short(word.trim_matches(|c: char| "<>(),;:".contains(c))).filter(|host| host.len() <= Domain::MAX_LEN)
}

/// A date as header fields write it; `None` where it cannot be read.
pub(super) fn date(value: &str) -> Option<Timestamp> {
    let date = DateTime::parse_rfc822(value.trim())?;
    (date.is_valid() && date.year > 0).then(|| Timestamp::from_seconds(date.to_timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_in_every_dress() {
        for (value, expected) in [
            ("rfc822; a@example.com", "a@example.com"),
            ("RFC822;<a@example.com>", "a@example.com"),
            ("utf-8; é@example.com", "é@example.com"),
            ("A B <a@example.com>", "a@example.com"),
            ("a@example.com (A B)", "a@example.com"),
            ("<@gate.example,@b.example:a@example.com>", "a@example.com"),
            ("\"a b\"@example.com", "\"a b\"@example.com"),
            ("rfc822; localuser", "localuser"),
            ("<mailto:a@example.com>:", "a@example.com"),
            ("rfc822; <a@[192.0.2.1]>", "a@[192.0.2.1]"),
            ("[a@example.com]", "a@example.com"),
            (r"utf-8; \x{3b4}\x{3BF}@\x{E9}.example", "δο@é.example"),
            (r"utf-8; a\x{zz}\x{a}\x{@example.com", r"a\x{zz}\x{a}\x{@example.com"),
        ] {
            assert_eq!(address(value).as_deref(), Some(expected), "{value}");
        }
        for value in ["", "rfc822;", "no address here", "<>"] {
            assert_eq!(address(value), None, "{value}");
        }
        assert_eq!(full_address("a@example.com您好，").as_deref(), Some("a@example.com"));
        assert_eq!(full_address("é@bücher.example").as_deref(), Some("é@bücher.example"));
        for value in ["localuser", "a@", "@example.com", "a@-"] {
            assert_eq!(full_address(value), None, "{value}");
        }
    }

    #[test]
    fn types_are_tokens() {
        assert_eq!(untyped("smtp; 550 no; really"), "550 no; really");
        assert_eq!(untyped("550 no; really"), "550 no; really");
        assert_eq!(host("dns; mx.example.com (192.0.2.1)").unwrap(), "mx.example.com");
        assert_eq!(host("dns;"), None);
        let longest = "a".repeat(Domain::MAX_LEN);
        assert_eq!(host(&longest).as_deref(), Some(longest.as_str()));
        assert_eq!(host(&format!("{longest}a")), None);
    }

    #[test]
    fn text_is_bounded() {
        assert_eq!(one_line(" a\r\n\tb  c ", 100), "a b c");
        assert_eq!(one_line("abc def", 3), "abc");
        assert_eq!(one_line("abc def", 4), "abc");
        assert_eq!(one_line("abc def", 5), "abc d");
        assert_eq!(one_line("éé", 3), "é");
        assert_eq!(message_id("  <a@b> <c@d>").unwrap(), "a@b");
        assert_eq!(message_id("a@b"), Some("a@b".to_owned()));
        assert_eq!(message_id("<>"), None);
    }

    #[test]
    fn broken_dates_are_none() {
        assert_eq!(date("Mon, 5 Jan 2026 10:00:00 +0100").unwrap().to_string(), "2026-01-05T09:00:00.000Z");
        for text in ["", "yesterday", "Mon, 45 Jan 2026 99:00:00 +0000", "0"] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_value_is_read(value in "[<>@:;.a\"é \\[0-9+-]{0,40}") {
            let _ = (address(&value), full_address(&value), message_id(&value), host(&value), date(&value));
        }
    }
}
