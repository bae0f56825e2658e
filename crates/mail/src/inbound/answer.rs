//! Answers that are no reports of failure: automatic replies (RFC 3834), requests to unsubscribe (facts 2.6), and
//! challenges.

use super::head::Head;
use super::values::message_id;

/// How the subjects of automatic replies begin, in lower case.
const AUTOMATIC_SUBJECTS: [&str; 26] = [
    "auto:",
    "auto-reply",
    "auto reply",
    "auto response",
    "auto-response",
    "autoreply",
    "automated reply",
    "automatic reply",
    "automatische antwort",
    "automatisch antwoord",
    "automatisk svar",
    "abwesenheit",
    "absence du bureau",
    "message d'absence",
    "respuesta automática",
    "fuera de la oficina",
    "resposta automática",
    "risposta automatica",
    "fuori sede",
    "réponse automatique",
    "out of office",
    "out of the office",
    "away from my mail",
    "on vacation",
    "vacation reply",
    "自動応答",
];

/// How challenges ask to prove that the sender is human, in lower case.
const CHALLENGES: [&str; 4] = [
    "confirm your message",
    "please confirm your email to",
    "sender verification required",
    "confirmation required to deliver",
];

/// Whether the mail is an automatic reply.
pub(super) fn is_auto_reply(head: &Head<'_>, subject: &str) -> bool {
    let submitted = head.auto_submitted();
    // `no` is the value of mail that a person sent; parameters follow a semicolon.
    let keyword = submitted.split([';', ' ', '(']).next().unwrap_or_default().trim();
    let replied =
        keyword.eq_ignore_ascii_case("auto-replied") || keyword.eq_ignore_ascii_case("auto-generated");
    let precedence = head.precedence();
    replied && !head.sent_by_mail_system()
        || head.marked_automatic
        || precedence.eq_ignore_ascii_case("auto_reply")
        || automatic_subject(subject)
}

fn automatic_subject(subject: &str) -> bool {
    let subject = subject.to_lowercase();
    // Replies put their own prefix before it.
    let subject = subject.trim_start_matches("re:").trim_start();
    AUTOMATIC_SUBJECTS.iter().any(|phrase| subject.starts_with(phrase))
}

/// Whether the mail is a challenge.
pub(super) fn is_challenge(subject: &str) -> bool {
    let subject = subject.to_lowercase();
    CHALLENGES.iter().any(|phrase| subject.contains(phrase))
}

/// A request to be taken off the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unsubscribe {
    /// The message whose recipient asks, where it is named.
    pub(super) message_id: Option<String>,
}

/// Reads a request: the subject is `unsubscribe`, with the Message-ID behind it, escaped as in a `mailto` link or
/// not, or with nothing behind it.
pub(super) fn unsubscribe(subject: &str) -> Option<Unsubscribe> {
    const WORD: &str = "unsubscribe";
    let subject = subject.trim();
    let head = subject.get(..WORD.len()).filter(|head| head.eq_ignore_ascii_case(WORD))?;
    let rest = subject[head.len()..].trim();
    if rest.is_empty() {
        return Some(Unsubscribe { message_id: None });
    }
    let rest = rest
        .replace("%3C", "<")
        .replace("%3c", "<")
        .replace("%3E", ">")
        .replace("%3e", ">")
        .replace("%40", "@");
    rest.starts_with('<').then(|| Unsubscribe { message_id: message_id(&rest) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, subject: &str, expected: bool) {
        assert_eq!(is_auto_reply(&Head::read(header.as_bytes()), subject), expected, "{header} {subject}");
    }

    #[test]
    fn automatic_replies_say_so() {
        check("Auto-Submitted: auto-replied\n", "hello", true);
        check("Auto-Submitted: auto-replied (vacation)\n", "hello", true);
        check("Auto-Submitted: auto-generated; owner-email=\"a@example.com\"\n", "hello", true);
        check("X-Autorespond: hello\n", "hello", true);
        check("Precedence: auto_reply\n", "hello", true);
        check("", "Automatic reply: hello", true);
        check("", "RE: Réponse automatique : hello", true);
        check("Auto-Submitted: no\nPrecedence: bulk\n", "hello", false);
        check("Auto-Submitted: auto-replied\nFrom: MAILER-DAEMON@mx.example\n", "failed", false);
        check("", "How to set up an automatic reply", false);
    }

    #[test]
    fn unsubscribe_names_the_message() {
        for (subject, expected) in [
            (
                "unsubscribe<NM60001E24000000929acme@mkt.example>",
                Some(Some("NM60001E24000000929acme@mkt.example")),
            ),
            ("Unsubscribe %3Ca%40mkt.example%3E", Some(Some("a@mkt.example"))),
            ("unsubscribe", Some(None)),
            ("unsubscribe me from this", None),
            ("how to unsubscribe", None),
            ("unsubscribé", None),
            ("", None),
        ] {
            let found = unsubscribe(subject);
            assert_eq!(found.as_ref().map(|u| u.message_id.as_deref()), expected, "{subject}");
        }
    }
}
