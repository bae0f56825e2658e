//! Codes in the text that says why: SMTP reply code, enhanced status, the command that was refused.

use crate::reply::EnhancedStatus;

/// The codes of a diagnostic text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Codes {
    /// Reply code, 200 to 599.
    pub(super) reply: Option<u16>,
    /// Enhanced status.
    pub(super) status: Option<EnhancedStatus>,
}

/// Reads a diagnostic text once. A status that follows a reply code of its class wins over others; failures win over
/// successes; of equals the first.
pub(super) fn codes(text: &str) -> Codes {
    let mut found = Codes::default();
    let mut status_rank = 0;
    let mut reply_rank = 0;
    let mut last_reply: Option<(u16, usize)> = None;
    for (start, word) in words(text) {
        if let Some(code) = reply_code(word).filter(|_| !within_name(text, start, last_reply)) {
            last_reply = Some((code, start + word.len()));
            let rank = 1 + u8::from(code >= 400);
            if rank > reply_rank {
                (found.reply, reply_rank) = (Some(code), rank);
            }
        } else if let Some(status) = status_word(word) {
            let follows = last_reply
                .is_some_and(|(code, end)| start <= end + 2 && code / 100 == u16::from(status.class()));
            let rank = 1 + u8::from(status.class() != 2) * 2 + u8::from(follows);
            if rank > status_rank {
                (found.status, status_rank) = (Some(status), rank);
            }
        }
    }
    found
}

/// The words of a text that could be codes, with their offsets: runs of digits and dots that touch no letter.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + bytes.get(at..)?.iter().position(u8::is_ascii_digit)?;
            let length = bytes[start..]
                .iter()
                .position(|b| !b.is_ascii_digit() && *b != b'.')
                .unwrap_or(bytes.len() - start);
            at = start + length;
            let joined =
                |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'@'));
            let before = start.checked_sub(1).and_then(|i| bytes.get(i));
            if !joined(before) && before != Some(&b'.') && !joined(bytes.get(at)) {
                return Some((start, text[start..at].trim_end_matches('.')));
            }
        }
    })
}

/// Whether a number of three digits is a piece of what something is called: a hyphen joins it to what is no reply code
/// (`20260105-450-12`), or colons do on both sides (`2001:db8::550:1`).
fn within_name(text: &str, start: usize, last_reply: Option<(u16, usize)>) -> bool {
    let (before, rest) = text.as_bytes().split_at_checked(start).unwrap_or_default();
    // What a host is asked on is no reply: `mx.example:587`.
    const PORTS: [&[u8]; 3] = [b"443", b"465", b"587"];
    match before {
        [.., b':' | b'/' | b'='] if PORTS.iter().any(|port| rest.starts_with(port)) => true,
        [.., b'p' | b'P', b'o' | b'O', b'r' | b'R', b't' | b'T', b' '] => true,
        [.., b, b'-'] if b.is_ascii_alphanumeric() => last_reply.is_none_or(|(_, end)| end + 1 != start),
        // A FidoNet node (`2:5020/414`), a date.
        [.., b, b'/'] if b.is_ascii_digit() => last_reply.is_none_or(|(_, end)| end + 1 != start),
        [.., b':'] => matches!(rest, [_, _, _, b':', b, ..] if b.is_ascii_hexdigit() || *b == b':'),
        _ => false,
    }
}

fn reply_code(word: &str) -> Option<u16> {
    if word.len() != 3 {
        return None;
    }
    // 100 to 199 are not replies; 3yz never reports an outcome; few of 2yz are replies (RFC 5321 section 4.2.3).
    word.parse().ok().filter(|code| matches!(code, 211 | 214 | 220 | 221 | 235 | 250..=253 | 400..=599))
}

fn status_word(word: &str) -> Option<EnhancedStatus> {
    if !(5..=9).contains(&word.len()) {
        return None;
    }
    word.parse().ok()
}

/// The status at the beginning of a `Status` field: `5.1.1 (bad address)`.
pub(super) fn leading_status(value: &str) -> Option<EnhancedStatus> {
    words(value).find_map(|(_, word)| status_word(word))
}

/// The SMTP command that a text says was refused: `(in reply to RCPT TO command)`, `after end of data`.
pub(super) fn command(text: &str) -> Option<&'static str> {
    const MARKS: [&str; 5] = ["in reply to ", "after ", "did not like our ", ">>> ", "while sending "];
    const COMMANDS: [(&str, &str); 9] = [
        ("end of data", "DATA"),
        ("data", "DATA"),
        ("rcpt", "RCPT"),
        ("mail", "MAIL"),
        ("ehlo", "EHLO"),
        ("helo", "EHLO"),
        ("starttls", "STARTTLS"),
        ("auth", "AUTH"),
        ("bdat", "DATA"),
    ];
    MARKS.iter().find_map(|mark| {
        memchr::memmem::find_iter(text.as_bytes(), mark).take(8).find_map(|at| {
            let rest = text.get(at + mark.len()..)?;
            COMMANDS.iter().find(|(name, _)| starts_with_no_case(rest, name)).map(|(_, command)| *command)
        })
    })
}

/// Whether the text begins with this ASCII prefix; case does not count.
pub(super) fn starts_with_no_case(text: &str, prefix: &str) -> bool {
    text.as_bytes().get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, reply: Option<u16>, status: Option<&str>) {
        let found = codes(text);
        assert_eq!((found.reply, found.status.map(|s| s.to_string()).as_deref()), (reply, status), "{text}");
    }

    #[test]
    fn finds_codes_and_nothing_else() {
        check("550 5.1.1 User unknown", Some(550), Some("5.1.1"));
        check("550-5.1.1 The account does not exist", Some(550), Some("5.1.1"));
        check("Sorry, no mailbox here by that name. (#5.1.1)", None, Some("5.1.1"));
        check("host mx.example[192.0.2.25] said: 452 4.2.2 full", Some(452), Some("4.2.2"));
        check("connect to 192.0.2.1: refused", None, None);
        check("id 250abc, size 550kB, v5.1.1a, user550@example.com 5.1.1@x", None, None);
        check("250 ok, then 554 5.7.1. Rejected", Some(554), Some("5.7.1"));
        check("[2001:db8::550:1] 421 4.7.0", Some(421), Some("4.7.0"));
        check("connect to mx.example.com[192.0.2.1]:587: refused", None, None);
        check("connect to mx.example.com port 587: refused", None, None);
        check("465 4.2.1 locked", Some(465), Some("4.2.1"));
        check("mailbox full, see 20260105-450-12", None, None);
        check("node 2:5020/414 does not know it", None, None);
        check("550-550 5.1.1 no", Some(550), Some("5.1.1"));
        check("said:550-5.1.1 no", Some(550), Some("5.1.1"));
        check("2.0.0 then 5.2.1", None, Some("5.2.1"));
        check("4.4.7 expired, last was 550 5.1.1 no", Some(550), Some("5.1.1"));
        check("", None, None);
    }

    #[test]
    fn finds_the_command() {
        for (text, expected) in [
            ("550 no (in reply to RCPT TO command)", Some("RCPT")),
            ("error after end of data:", Some("DATA")),
            ("mx did not like our MAIL FROM:", Some("MAIL")),
            ("after a while", None),
        ] {
            assert_eq!(command(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "([0-9.]{1,6}| |é|after |\\PC){0,20}") {
            let _ = (codes(&text), command(&text), leading_status(&text));
        }
    }
}
