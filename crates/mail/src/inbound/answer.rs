//! Answers that are no reports of failure: automatic replies (RFC 3834), requests to unsubscribe (facts 2.6), and
//! challenges.

use super::head::Head;
use super::values::message_id;
use super::{lexicon, quoted};

/// How challenges ask to prove that the sender is human, in lower case.
const CHALLENGES: [&str; 17] = [
    "confirm your message",
    "please confirm your email to",
    "sender verification required",
    "confirmation required to deliver",
    "verify your email to",
    "verification required for your message",
    "please verify your message",
    "your message is awaiting verification",
    "your email requires verification",
    "to complete delivery of your message",
    "veuillez confirmer votre message",
    "bitte bestätigen sie ihre nachricht an",
    "bitte bestätigen sie ihre e-mail an",
    "verify you are a real person",
    "verify that you are human",
    "por favor confirme su mensaje",
    "please authenticate your message",
];

/// What challenges say in their text, in lower case, where another sign says that no person wrote it.
const CHALLENGE_TEXTS: [&str; 33] = [
    "prove that you are human",
    "prove you are human",
    "that you are a person",
    "that you are a human",
    "you are not a robot",
    "you're not a robot",
    "not an automated sender",
    "not a spammer",
    "kein roboter",
    "kein spam-versender",
    "pas un robot",
    "êtes humain",
    "no es un robot",
    "no eres un robot",
    "non sei un robot",
    "não é um robô",
    "geen robot",
    "не робот",
    "ロボットではない",
    "不是机器人",
    "verify that you are a real person",
    "confirm that you are a real person",
    "list of approved senders",
    "my approved senders",
    "add you to my allowed senders",
    "list of allowed senders",
    "your message is being held",
    "attached below is being held",
    "click here to authenticate",
    "to release your message for delivery",
    "confirm that you are human",
    "bestätigen sie, dass sie ein mensch sind",
    "confirmer que vous êtes une personne",
];

/// Octets of the text in which an automatic reply says that it is one.
const LOOKED_AT: usize = 2 * 1024;

/// Octets of the text in which a reply says that its writer is away, if no person wrote it.
const BEGINNING: usize = 400;

/// Whether the mail is an automatic reply: its header says so, or its subject does, or its text does and the header
/// has something that few people's mails have, or the text of a reply begins with it, or the text of any mail begins
/// with it and goes on as only such texts do.
pub(super) fn is_auto_reply(head: &Head<'_>, subject: &str, text: &str) -> bool {
    let submitted = head.auto_submitted();
    // `no` is the value of mail that a person sent; parameters follow a semicolon.
    let keyword = submitted.split([';', ' ', '(']).next().unwrap_or_default().trim();
    let replied =
        keyword.eq_ignore_ascii_case("auto-replied") || keyword.eq_ignore_ascii_case("auto-generated");
    let precedence = head.precedence();
    let precedence = |value: &str| precedence.trim().eq_ignore_ascii_case(value);
    let subject = without_prefix(subject);
    replied && !head.sent_by_mail_system()
        || head.marked_automatic
        || precedence("auto_reply")
        // Newsletters speak of holidays, too; nobody's automatic reply has the fields of a list.
        || (!head.of_list && (lexicon::is_away_subject(&subject) || lexicon::says_away(&subject)))
        || (!head.sent_by_mail_system()
            && (says_away(head, text, precedence("bulk") || precedence("junk"))
                || is_notice_of_absence(head, text)))
}

fn says_away(head: &Head<'_>, text: &str, low_precedence: bool) -> bool {
    let looked_at = if head.null_sender() || low_precedence {
        LOOKED_AT
    } else if head.is_answer() {
        BEGINNING
    } else {
        return false;
    };
    lexicon::says_away(&beginning(text, looked_at))
}

/// Whether the text is a notice of absence by its words alone: it begins with the absence and says whom to ask in the
/// meantime, or when it will be read. People who write of it in a conversation ask something, or quote.
fn is_notice_of_absence(head: &Head<'_>, text: &str) -> bool {
    if head.of_list || text.contains(['?', '？']) || quoted::quotes(beginning_of(text, LOOKED_AT)) {
        return false;
    }
    let lower = beginning(text, LOOKED_AT);
    lexicon::says_away(beginning_of(&lower, BEGINNING)) && lexicon::says_meanwhile(&lower)
}

/// The first octets of a text in lower case.
fn beginning(text: &str, octets: usize) -> String {
    beginning_of(text, octets).to_lowercase()
}

fn beginning_of(text: &str, octets: usize) -> &str {
    &text[..text.floor_char_boundary(octets)]
}

/// Whether the mail says that its sender has another address now.
pub(super) fn is_address_change(head: &Head<'_>, subject: &str) -> bool {
    !head.sent_by_mail_system() && lexicon::says_moved(&without_prefix(subject))
}

/// Whether the text of an automatic reply says that its sender has left, or has another address now.
pub(super) fn tells_of_change(text: &str) -> bool {
    lexicon::says_moved(&beginning(text, LOOKED_AT))
}

/// What replies put before the subject, in lower case, in the languages of mail programs.
const REPLY_PREFIXES: [&str; 16] = [
    "re:",
    "re :",
    "aw:",
    "sv:",
    "antw:",
    "odp:",
    "res:",
    "r:",
    "回复:",
    "回复：",
    "回覆:",
    "答复:",
    "отв:",
    "ynt:",
    "vs:",
    "vá:",
];

/// The subject in lower case, without what replies put before it.
fn without_prefix(subject: &str) -> String {
    let lower = subject.trim().to_lowercase();
    let mut rest = lower.as_str();
    while let Some(after) = REPLY_PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = after.trim_start();
    }
    rest.to_owned()
}

/// Whether a subject in lower case begins as that of a reply.
pub(super) fn is_reply(lower: &str) -> bool {
    REPLY_PREFIXES.iter().any(|prefix| lower.starts_with(prefix))
}

/// Whether a subject in lower case begins with the number of a ticket, such as `[#4711]`.
pub(super) fn is_ticket(lower: &str) -> bool {
    let inner = lower.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(inner, _)| inner);
    let number = inner.and_then(|inner| inner.split_once('#')).map(|(_, number)| number);
    number.is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether the mail is a challenge: its subject says so, or the text of what is an answer.
pub(super) fn is_challenge(head: &Head<'_>, subject: &str, text: &str) -> bool {
    let subject = subject.to_lowercase();
    if CHALLENGES.iter().any(|phrase| subject.contains(phrase)) {
        return true;
    }
    let answers = head.is_answer() || head.null_sender() || !head.auto_submitted().is_empty();
    answers && !head.sent_by_mail_system() && {
        let text = beginning(text, LOOKED_AT);
        CHALLENGE_TEXTS.iter().any(|phrase| text.contains(phrase))
    }
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
        let found = is_auto_reply(&Head::read(header.as_bytes()), subject, "");
        assert_eq!(found, expected, "{header} {subject}");
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
        check("List-Unsubscribe: <https://else.example/u>\n", "On holiday soon?", false);
    }

    #[test]
    fn automatic_replies_in_every_language() {
        for subject in [
            "Out of Office: hello",
            "A. Person is out of the office.",
            "Automatische Antwort: Angebot",
            "AW: Abwesenheitsnotiz",
            "Réponse automatique : offres",
            "Absence du bureau : offres",
            "Respuesta automática: ofertas",
            "Fuera de la oficina",
            "Risposta automatica: offerte",
            "Fuori sede",
            "Resposta automática: ofertas",
            "Automatisch antwoord: aanbieding",
            "Autosvar: erbjudande",
            "Автоматический ответ: новости",
            "Odpowiedź automatyczna: oferta",
            "自動応答: お知らせ",
            "自动回复：通知",
        ] {
            check("From: a@example.com\n", subject, true);
        }
    }

    #[test]
    fn a_text_needs_another_sign() {
        let check = |header: &str, text: &str, expected: bool| {
            assert_eq!(
                is_auto_reply(&Head::read(header.as_bytes()), "Re: Offers", text),
                expected,
                "{header} {text}"
            );
        };
        for text in [
            "I am out of the office until Monday.",
            "Ich bin nicht im Büro.",
            "Je suis absent jusqu'à lundi.",
            "Estoy fuera de la oficina.",
            "Sono in ferie.",
            "Estou de férias.",
            "Ik ben niet op kantoor.",
            "Jag är på semester.",
            "Я в отпуске.",
            "Jestem na urlopie.",
            "不在にしております。",
            "我正在休假。",
        ] {
            check("Return-Path: <>\nFrom: a@example.com\n", text, true);
            check("Precedence: bulk\nFrom: a@example.com\n", text, true);
            check("From: a@example.com\n", text, false);
        }
        check("Return-Path: <>\nFrom: a@example.com\n", "See you on Monday.", false);
    }

    #[test]
    fn a_notice_of_absence_is_one_under_any_subject() {
        let check = |header: &str, text: &str, expected: bool| {
            assert_eq!(
                is_auto_reply(&Head::read(header.as_bytes()), "Thanks", text),
                expected,
                "{header} {text}"
            );
        };
        let person = "From: a@example.com\n";
        check(person, "I am out of the office until Monday. In urgent cases ask b@example.com.", true);
        check(person, "Ich bin nicht im Büro. Wenden Sie sich an b@example.com.", true);
        check(person, "Я в отпуске. По срочным вопросам обращайтесь к b@example.com.", true);
        check(person, "I am out of the office until Monday.", false);
        check(person, "I will be out of the office; urgent: can we meet today?", false);
        check(person, "Urgent!\n\n> I am out of the office.\n", false);
        check("List-Id: <x>\nFrom: a@example.com\n", "I am on vacation. In urgent cases ask b.", false);
    }

    #[test]
    fn address_changes() {
        for (subject, expected) in [
            ("Change of address", true),
            ("Re: Neue E-Mail-Adresse", true),
            ("Changement d'adresse", true),
            ("メールアドレス変更のお知らせ", true),
            ("Смена адреса", true),
            ("The address of the meeting", false),
        ] {
            assert_eq!(
                is_address_change(&Head::read(b"From: a@example.com\n"), subject),
                expected,
                "{subject}"
            );
        }
        assert!(!is_address_change(&Head::read(b"From: MAILER-DAEMON@mx.example\n"), "Change of address"));
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
