//! Requests to be taken off a list, mailed to the address of its `List-Unsubscribe` field (facts 2.6; RFC 2369).

use super::super::head::Head;
use super::super::lexicon;
use super::super::values::message_id;
use super::{BEGINNING, beginning, is_away, without_prefix};

/// A request to be taken off the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Unsubscribe {
    /// The message whose recipient asks, where it is named.
    pub(in super::super) message_id: Option<String>,
}

/// The word of the subject, of the address, and of the text.
const WORD: &str = "unsubscribe";

/// Reads a request. The subject is `unsubscribe`, with the Message-ID behind it, escaped as in a `mailto` link or not,
/// or with a token, or with nothing; or the mail is to an address that is there for it, and asks for it.
pub(in super::super) fn unsubscribe(head: &Head<'_>, subject: &str, text: &str) -> Option<Unsubscribe> {
    let subject = subject.trim();
    let lower = subject.to_lowercase();
    let rest = lower.strip_prefix("list-").unwrap_or(&lower).strip_prefix(WORD).map(str::trim);
    if let Some(rest) = rest
        && (rest.is_empty() || rest.starts_with(['<', '%']) || is_token(rest))
    {
        return Some(Unsubscribe { message_id: escaped_id(subject) });
    }
    // Both say so, if in more than a word.
    let twice = lower.starts_with(WORD) && beginning(text.trim_start(), WORD.len()) == WORD;
    (twice || (is_to_be_told(head, &lower) && asks(&lower, text))).then_some(Unsubscribe { message_id: None })
}

/// Whether what follows the word is no sentence: one word that a colon or the like joins to it, or that has a digit.
fn is_token(rest: &str) -> bool {
    let joined = rest.starts_with([':', '-', '_', '=', '/', '#', '.', '+', '|', '[', '(']);
    let digit = rest.contains(|c: char| c.is_ascii_digit());
    (joined || digit) && !rest.contains(char::is_whitespace)
}

/// The Message-ID in a subject.
fn escaped_id(subject: &str) -> Option<String> {
    let plain = subject
        .replace("%3C", "<")
        .replace("%3c", "<")
        .replace("%3E", ">")
        .replace("%3e", ">")
        .replace("%40", "@");
    let at = plain.find('<')?;
    message_id(&plain[at..])
}

/// Whether the mail is to an address that takes requests, and is no answer of a machine that happens to be to it.
fn is_to_be_told(head: &Head<'_>, lower_subject: &str) -> bool {
    const LOCAL_PARTS: [&str; 21] = [
        "unsub",
        "-request",
        "listserv",
        "majordomo",
        "optout",
        "opt-out",
        "opt_out",
        "leave-",
        "-leave",
        "abmeld",
        "austrag",
        "desabon",
        "desinscri",
        "baja",
        "cancella",
        "disiscri",
        "descadastr",
        "afmeld",
        "uitschrij",
        "avregistr",
        "wypis",
    ];
    let to_such = [head.to(), head.addressee()].into_iter().flatten().any(|to| {
        let (local, domain) = to.rsplit_once('@').unwrap_or_default();
        let local = local.to_ascii_lowercase();
        LOCAL_PARTS.iter().any(|part| local.contains(part)) || domain.contains("unsub")
    });
    let subject = without_prefix(lower_subject);
    let answers = || is_away(&subject) || lexicon::says_failed(lower_subject);
    to_such && !head.sent_by_mail_system() && !head.marked_automatic && !answers()
}

/// Whether the subject, or the beginning of the text, says that somebody wants no more mail; to say nothing is enough.
fn asks(lower_subject: &str, text: &str) -> bool {
    const WORDS: [&str; 31] = [
        WORD,
        "opt out",
        "opt-out",
        "optout",
        "remove",
        "take me off",
        "stop",
        "leave",
        "signoff",
        "abmeld",
        "abbestell",
        "austragen",
        "désabonn",
        "désinscri",
        "desabonn",
        "desinscri",
        "darse de baja",
        "de baja",
        "cancelar",
        "disiscri",
        "cancella",
        "descadastr",
        "afmeld",
        "uitschrij",
        "avprenumer",
        "avregistrer",
        "отпис",
        "wypis",
        "odhlás",
        "退订",
        "配信停止",
    ];
    let says = |lower: &str| WORDS.iter().any(|word| lower.contains(word));
    text.trim().is_empty() || says(lower_subject) || says(&beginning(text, BEGINNING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subject_names_the_message() {
        for (subject, expected) in [
            (
                "unsubscribe<NM60001E24000000929acme@mkt.example>",
                Some(Some("NM60001E24000000929acme@mkt.example")),
            ),
            ("Unsubscribe %3Ca%40mkt.example%3E", Some(Some("a@mkt.example"))),
            ("unsubscribe", Some(None)),
            ("unsubscribe:8d1f0c:eyJsIjo0", Some(None)),
            ("Unsubscribe-9f3c", Some(None)),
            ("List-Unsubscribe", Some(None)),
            ("unsubscribe 4711", Some(None)),
            ("unsubscribe me from this", None),
            ("unsubscribe: how does it work?", None),
            ("how to unsubscribe", None),
            ("unsubscribé", None),
            ("", None),
        ] {
            let found = unsubscribe(&Head::read(b"To: news@shop.example\n"), subject, "Hello");
            assert_eq!(found.as_ref().map(|u| u.message_id.as_deref()), expected, "{subject}");
        }
    }

    #[test]
    fn an_address_that_is_there_for_it() {
        let check = |header: &str, subject: &str, text: &str, expected: bool| {
            let found = unsubscribe(&Head::read(header.as_bytes()), subject, text).is_some();
            assert_eq!(found, expected, "{header} {subject} {text}");
        };
        let to = "To: <news-unsubscribe-7@shop.example>\nFrom: a@example.com\n";
        check(to, "4711", "", true);
        check(to, "unsubscribe news", "unsubscribe\n", true);
        check(to, "Abmeldung", "Bitte abmelden", true);
        check(to, "Offers", "What does it cost?", false);
        check(to, "Automatic reply: unsubscribe", "", false);
        check("To: <news-unsubscribe-7@shop.example>\nFrom: MAILER-DAEMON@mx.example\n", "4711", "", false);
        check("To: news@shop.example\n", "4711", "", false);
    }
}
