//! Answers that are no reports of failure: automatic replies (RFC 3834), requests to unsubscribe (facts 2.6), and
//! challenges.

mod absence;
mod challenge;
mod unsubscribe;

use super::head::Head;
use super::lexicon;

use absence::{is_notice_of_absence, is_subject_elsewhere, says_automatic};
pub(super) use challenge::is_challenge;
pub(super) use unsubscribe::{Unsubscribe, unsubscribe};

/// Octets of the text in which an automatic reply says that it is one.
const LOOKED_AT: usize = 2 * 1024;

/// Octets of the text in which a reply says that its writer is away, if no person wrote it.
const BEGINNING: usize = 400;

/// Whether the mail is an automatic reply: its header says so, or its subject does, or its text does and the header
/// has something that few people's mails have, or the text of a reply begins with it, or the text of any mail begins
/// with it and goes on as only such texts do.
pub(super) fn is_auto_reply(head: &Head<'_>, subject: &str, text: &str) -> bool {
    let keyword = head.auto_submitted();
    // What was generated answers nothing unless it looks like an answer: tickets, invoices, passwords.
    let generated = keyword.eq_ignore_ascii_case("auto-generated");
    let replied =
        keyword.eq_ignore_ascii_case("auto-replied") || (generated && looks_answered(head, subject));
    let precedence = head.precedence();
    let precedence = |value: &str| precedence.trim().eq_ignore_ascii_case(value);
    let low = generated || precedence("bulk") || precedence("junk");
    let replies = head.is_answer() || is_reply(&subject.trim().to_lowercase());
    let subject = without_prefix(subject);
    replied && !head.sent_by_mail_system()
        || head.marked_automatic
        || precedence("auto_reply")
        // Newsletters speak of holidays, too; nobody's automatic reply has the fields of a list.
        || (!head.of_list && is_away(&subject))
        || (!head.sent_by_mail_system()
            && (says_away(head, text, low)
                || says_automatic(head, text)
                || is_notice_of_absence(head, replies, text)))
}

/// Whether the subject, or the beginning of the text, says that somebody is away.
pub(super) fn says_absent(head: &Head<'_>, subject: &str, text: &str) -> bool {
    is_away(&without_prefix(subject)) || says_away(head, text, true)
}

/// Whether a subject in lower case, without the prefix of replies, says that somebody is away.
fn is_away(subject: &str) -> bool {
    lexicon::is_away_subject(subject) || is_subject_elsewhere(subject) || lexicon::says_away(subject)
}

/// Whether a mail answers another, by its header, and is none of those that a list or a tracker sends to many.
fn looks_answered(head: &Head<'_>, subject: &str) -> bool {
    // Help desks put a number before the subject: `[Ticket#123] Re: Offers`.
    let lower = subject.trim().to_lowercase();
    let bracket = lower.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let is_reply = is_reply(bracket.map_or(&*lower, |(_, rest)| rest.trim_start()));
    !head.of_list
        && !head.of_tracker
        && !answers_itself(head)
        && (is_reply || head.null_sender() || head.is_answer())
}

/// Whether what a mail answers came from where it comes from: a tracker goes on with its own thread.
fn answers_itself(head: &Head<'_>) -> bool {
    let host = |id: String| id.rsplit_once('@').map(|(_, host)| host.to_ascii_lowercase());
    let own = head.report_id().and_then(host);
    own.is_some() && own == head.answered().and_then(host)
}

fn says_away(head: &Head<'_>, text: &str, low_precedence: bool) -> bool {
    let looked_at = if head.null_sender() || low_precedence {
        LOOKED_AT
    } else if head.is_answer() {
        BEGINNING
    } else {
        return false;
    };
    let lower = beginning(text, looked_at);
    // People ask something, even before they leave.
    let asks = looked_at == BEGINNING && lower.contains(['?', '？']);
    lexicon::says_away(&lower) && (!asks || lexicon::says_meanwhile(&lower))
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
        check(
            "Auto-Submitted: auto-generated; owner-email=\"a@example.com\"\nIn-Reply-To: <m>\n",
            "hello",
            true,
        );
        check("Auto-Submitted: auto-generated\nFrom: a@example.com\n", "Re: hello", true);
        check("X-Autorespond: hello\n", "hello", true);
        check("Precedence: auto_reply\n", "hello", true);
        check("", "Automatic reply: hello", true);
        check("", "RE: Réponse automatique : hello", true);
        check("Auto-Submitted: no\nPrecedence: bulk\n", "hello", false);
        check("Auto-Submitted: auto-replied\nFrom: MAILER-DAEMON@mx.example\n", "failed", false);
        check("Auto-Submitted: auto-generated\n", "Your password", false);
        check("Auto-Submitted: auto-generated\nList-Id: <x>\nIn-Reply-To: <m>\n", "Re: Bug 7", false);
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

    #[track_caller]
    fn check_text(subject: &str, header: &str, text: &str, expected: bool) {
        assert_eq!(is_auto_reply(&Head::read(header.as_bytes()), subject, text), expected, "{header} {text}");
    }

    #[test]
    fn a_text_needs_another_sign() {
        let check =
            |header: &str, text: &str, expected: bool| check_text("Re: Offers", header, text, expected);
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
        let check = |header: &str, text: &str, expected: bool| check_text("Thanks", header, text, expected);
        let person = "From: a@example.com\n";
        check(person, "I am out of the office until Monday. In urgent cases ask b@example.com.", true);
        check(person, "Ich bin nicht im Büro. Wenden Sie sich an b@example.com.", true);
        check(person, "Я в отпуске. По срочным вопросам обращайтесь к b@example.com.", true);
        check(person, "This is an automatic reply. Nobody reads this mailbox.", true);
        check(person, "This is an automatic response: your message could not be delivered.", false);
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
}
