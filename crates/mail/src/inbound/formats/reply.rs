//! The other side's reply in what a program says of a recipient.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use memchr::memmem;

use crate::inbound::diagnostic::{Codes, codes, starts_with_no_case};

/// Words that programs put before the reply of the other side, and where in what follows them it is.
const BEFORE_REPLY: [(&str, Place); 32] = [
    ("Remote host said:", Place::Until(&["Giving up on ", "[RCPT_TO]", "[DATA]", "I'm not going to"])),
    ("Remote Server returned '", Place::Until(&["'\n", "'"])),
    ("Remote server returned '", Place::Until(&["'\n", "'"])),
    ("emote Server at ", Place::Quoted),
    ("Remote server replied: ", Place::All),
    ("It responded as follows: [", Place::Until(&["]\n", "]"])),
    ("Diagnostic code: ", Place::Until(&["\nRemote system:", "\n\n"])),
    ("Reason: ", Place::Until(&["\n\n"])),
    ("The error that the other server returned was:", Place::All),
    ("Error message below:", Place::Until(&["\n\n"])),
    ("Error=[", Place::Until(&["]\n", "]"])),
    ("ERROR_CODE :", Place::Until(&["\n\n"])),
    (" smtp;", Place::Until(&[">\n", ">"])),
    (" said: ", Place::All),
    // Exim: the command and the host stand before the reply.
    ("SMTP error from remote mail server after ", Place::AfterColon),
    ("SMTP error from remote server after ", Place::BelowHost),
    ("SMTP error from remote server for ", Place::AfterColon),
    (" did not like our ", Place::AfterColon),
    (" failed with: ", Place::All),
    ("(reason: ", Place::Until(&[")\n"])),
    ("Technical details of permanent failure:", Place::All),
    ("Technical details of temporary failure:", Place::All),
    ("The response from the remote server was:", Place::All),
    ("The response was:", Place::All),
    ("The reason for the problem:", Place::All),
    ("delivery via ", Place::AfterColon),
    ("Error Details\nReported error: ", Place::Until(&["\n"])),
    ("Server response: ", Place::Until(&["\n\n"])),
    ("Error: ", Place::OwnLine),
    // Exchange: `#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##`.
    ("#5", Place::Numbered),
    ("#4", Place::Numbered),
    ("Motif : ", Place::Until(&["\n\n"])),
];

#[derive(Clone, Copy)]
enum Place {
    /// All of it.
    All,
    /// All up to the first of these that is there.
    Until(&'static [&'static str]),
    /// Behind the first colon that a reply code follows.
    AfterColon,
    /// Below the line that names the host.
    BelowHost,
    /// The rest of the line that the mark begins.
    OwnLine,
    /// Between the apostrophes on the same line.
    Quoted,
    /// From the digit of the mark on, where it begins a reply code, up to two number signs.
    Numbered,
}

/// All marks in one automaton, so that one pass finds them; it is built unless they do not fit into 32 bits.
static MARKS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let marks = BEFORE_REPLY.iter().map(|(mark, _)| mark);
    AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(marks).ok()
});

/// The reply where it is marked; else all of what is said. A mark behind the only code is part of the reply.
pub(super) fn reply_in(said: &str) -> &str {
    marked(said).filter(|reply| has_code(reply) || !has_code(said)).unwrap_or(said.trim())
}

/// Whether a text has a reply code or a status.
pub(super) fn has_code(text: &str) -> bool {
    codes(text) != Codes::default()
}

/// The reply in a text, if one of the words that stand before a reply is there.
pub(super) fn marked(said: &str) -> Option<&str> {
    let mut places = [None; BEFORE_REPLY.len()];
    for found in MARKS.as_ref()?.find_overlapping_iter(said) {
        if let Some(place) = places.get_mut(found.pattern().as_usize()) {
            place.get_or_insert(found.start());
        }
    }
    BEFORE_REPLY.iter().zip(places).find_map(|((mark, place), at)| {
        let at: usize = at?;
        let rest = said.get(at + mark.len()..)?;
        let reply = match place {
            Place::All => rest,
            Place::Until(ends) => {
                let end = ends.iter().find_map(|end| memmem::find(rest.as_bytes(), end.as_bytes()));
                end.and_then(|end| rest.get(..end)).unwrap_or(rest)
            }
            Place::AfterColon => after_colon_code(rest)?,
            Place::BelowHost => rest.split_once("\nhost: ")?.1.split_once('\n')?.1,
            Place::OwnLine => {
                let begins = said.get(..at)?.trim_end_matches([' ', '\t']);
                (begins.is_empty() || begins.ends_with('\n')).then(|| rest.lines().next())??
            }
            Place::Quoted => rest.lines().next()?.split_once('\'')?.1.trim_end_matches('\''),
            Place::Numbered => {
                // Elsewhere it is the fragment of a link.
                if said.get(..at)?.ends_with(|c: char| c.is_alphanumeric() || c == '/') {
                    return None;
                }
                let reply = said.get(at + mark.len() - 1..).filter(|reply| starts_with_code(reply))?;
                memmem::find(reply.as_bytes(), b"##").and_then(|end| reply.get(..end)).unwrap_or(reply)
            }
        };
        Some(reply.trim()).filter(|reply| !reply.is_empty())
    })
}

/// What follows the first colon behind which a reply code stands.
fn after_colon_code(text: &str) -> Option<&str> {
    memchr::memchr_iter(b':', text.as_bytes()).map(|at| text[at + 1..].trim_start()).find(|rest| {
        let end = rest.as_bytes().get(3);
        starts_with_digits(rest) && end.is_none_or(|b| matches!(b, b' ' | b'-' | b'\n'))
    })
}

/// Whether a text begins with a reply code and goes on.
pub(super) fn starts_with_code(text: &str) -> bool {
    starts_with_digits(text) && matches!(text.as_bytes().get(3), Some(b' ' | b'-'))
}

fn starts_with_digits(text: &str) -> bool {
    matches!(text.as_bytes(), [b'2' | b'4' | b'5', b'0'..=b'9', b'0'..=b'9', ..])
}

/// The host that the text says had refused: `host mx.example[192.0.2.1] said`, `host mx.example [192.0.2.1]: 550`.
pub(super) fn remote_host(said: &str) -> Option<String> {
    let at = said.strip_prefix("host ").or_else(|| said.split_once("\nhost ").map(|(_, rest)| rest));
    let rest = at.or_else(|| said.split_once(": host ").map(|(_, rest)| rest))?;
    let name = rest.split(|c: char| c.is_whitespace() || matches!(c, '[' | '(' | ':' | ',')).next()?;
    (name.contains('.') && name.len() <= 255).then(|| name.to_owned())
}

/// Whether a paragraph is only about what follows it: a line of dashes, the announcement of the returned message or of
/// the next paragraph, the message's subject.
pub(super) fn announces(paragraph: &str) -> bool {
    let mut lines = paragraph.lines();
    let one_line = lines.next().is_some() && lines.next().is_none();
    if !one_line || paragraph.len() > LONGEST_ANNOUNCEMENT {
        return false;
    }
    let lower = paragraph.to_lowercase();
    paragraph.ends_with([':', '：'])
        || is_rule(paragraph)
        || starts_with_no_case(paragraph, "subject:")
        || names_original(&lower)
}

/// Whether a line in lower case announces the message that came back.
pub(super) fn names_original(lower: &str) -> bool {
    const ORIGINAL: [&str; 43] = [
        "original message",
        "original text",
        "message headers",
        "headers follow",
        "header follows",
        "rfc822 header",
        "header of the",
        "header of your",
        "copy of the",
        "copy of your",
        "returned message",
        "unsent message",
        "your message follows",
        "your message =",
        "below this line",
        "initial part of the message",
        "header and top",
        "kopfzeilen",
        "kopf der",
        "ursprüngliche",
        "originalnachricht",
        "en-têtes",
        "message original",
        "message d'origine",
        "mensaje original",
        "messaggio originale",
        "mensagem original",
        "oorspronkelijk",
        "ursprungliga",
        "ursprungligt",
        "oprindelig",
        "opprinnelig",
        "alkuperäinen",
        "исходно",
        "оригинал",
        "oryginaln",
        "původní",
        "eredeti",
        "元のメッセージ",
        "元のメール",
        "원본",
        "原始",
        "原邮件",
    ];
    ORIGINAL.iter().any(|words| lower.contains(words))
}

/// Octets of a line that can announce something.
const LONGEST_ANNOUNCEMENT: usize = 200;

/// Whether a line is drawn: `---`, `*****`, `----- Transcript of session follows -----`.
pub(in crate::inbound) fn is_rule(line: &str) -> bool {
    let line = line.trim_matches(['|', ' ']);
    const RULES: [&str; 5] = ["---", "***", "===", "___", "###"];
    // A reply may end in anything.
    RULES.iter().any(|rule| line.starts_with(rule) || (line.ends_with(rule) && !has_code(line)))
}

/// Whether a line is the title of the reason: `The reason for the problem:`, `because:`, `Grund:`.
pub(super) fn titles_reason(line: &str) -> bool {
    const REASONS: [&str; 16] = [
        "reason",
        "because",
        "error",
        "response",
        "grund",
        "weil",
        "motif",
        "raison",
        "motivo",
        "causa",
        "reden",
        "orsak",
        "причин",
        "powód",
        "理由",
        "原因",
    ];
    if !line.ends_with([':', '：']) || line.len() > LONGEST_ANNOUNCEMENT {
        return false;
    }
    let lower = line.to_lowercase();
    // `This is a permanent error. The following address(es) failed:` is the title of a list.
    let of_list = ["address", "recipient"].iter().any(|word| lower.contains(word));
    !of_list && REASONS.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_behind_their_marks() {
        for (said, reply) in [
            ("host mx.example[192.0.2.1] said: 550 5.1.1 no", "550 5.1.1 no"),
            (
                "SMTP error from remote mail server after RCPT TO:<a@example.com>:\nhost mx.example: 550 no",
                "550 no",
            ),
            ("mx.example #550 5.1.1 not found ##", "550 5.1.1 not found"),
            ("see ticket #5 of us", "see ticket #5 of us"),
            ("Remote Server at mx.example (192.0.2.1) returned '550 no'", "550 no"),
            ("mail full\nReason: 552 full\n\nmore", "552 full"),
            ("550 5.7.1 Error: no", "550 5.7.1 Error: no"),
            ("nothing marked", "nothing marked"),
        ] {
            assert_eq!(reply_in(said), reply, "{said}");
        }
    }

    #[test]
    fn paragraphs_that_say_nothing() {
        for (paragraph, expected) in [
            ("because:", true),
            ("----- Original message -----", true),
            ("Subject: Offers", true),
            ("Message headers follow.", true),
            ("The mailbox is full.", false),
            ("two\nlines:", false),
        ] {
            assert_eq!(announces(paragraph), expected, "{paragraph}");
        }
        assert!(titles_reason("The reason of the delivery failure was:") && !titles_reason("To:"));
    }
}
