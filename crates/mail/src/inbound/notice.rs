//! Notices of mail systems and lists that look like something else: to their own users, and to those who may not write.

use super::head::Head;
use super::limits::MAX_DIAGNOSTIC;
use super::report::{FoundIn, InboundMail, RecipientReport};
use super::{answer, complete, formats, lexicon, quoted, values};

/// Octets of a text that say what a notice is about.
const BEGINNING: usize = 2 * 1024;

/// How notices to a system's own users speak of what is theirs, in lower case.
const OWN: [&str; 31] = [
    "message sent to you",
    "your mailbox",
    "your inbox",
    "your account",
    "your quota",
    "your password",
    "your email storage",
    "mailbox is almost full",
    "mailbox usage",
    "ihr postfach",
    "ihres postfach",
    "ihre mailbox",
    "dein postfach",
    "deine mailbox",
    "ihr kennwort",
    "ihr passwort",
    "votre boîte",
    "votre messagerie",
    "votre compte",
    "su buzón",
    "tu buzón",
    "sua casella",
    "tua casella",
    "sua caixa",
    "uw postvak",
    "uw mailbox",
    "din brevlåda",
    "din postkasse",
    "ваш почтовый ящик",
    "вашего почтового ящика",
    "您的邮箱",
];

/// What digests of quarantined mail are called in their subjects, in lower case.
const DIGESTS: [&str; 6] = ["digest", "quarant", "quarentena", "cuarentena", "карантин", "隔离"];

/// What lists of the messages in a queue begin with.
const QUEUES: [&str; 2] = ["-Queue ID-", "-----Q-ID-----"];

/// How they say that they do not take a message, in lower case.
const REFUSED: [&str; 29] = [
    "rejected",
    "not have been delivered",
    "denied",
    "refused",
    "not allowed to",
    "not permitted to",
    "not authorized to",
    "not authorised to",
    "only subscribers",
    "only members",
    "not a member",
    "abgelehnt",
    "abgewiesen",
    "zurückgewiesen",
    "nicht berechtigt",
    "refusé",
    "rejeté",
    "pas autorisé",
    "rechazad",
    "no está autorizad",
    "rifiutat",
    "respint",
    "rejeitad",
    "recusad",
    "geweigerd",
    "avvis",
    "отклонен",
    "odrzucon",
    "拒否",
];

/// How they say that nobody is there to take it, in lower case.
const NOBODY: [&str; 32] = [
    "unknown",
    "not found",
    "does not exist",
    "doesn't exist",
    "no such",
    "blocked",
    "unbekannt",
    "existiert nicht",
    "nicht gefunden",
    "blockiert",
    "inconnu",
    "n'existe pas",
    "introuvable",
    "bloqu",
    "desconocid",
    "no existe",
    "sconosciut",
    "non esiste",
    "bloccat",
    "desconhecid",
    "não existe",
    "onbekend",
    "bestaat niet",
    "okänd",
    "ukendt",
    "ukjent",
    "finns inte",
    "findes ikke",
    "неизвест",
    "nieznan",
    "neznám",
    "不存在",
];

/// Whether a mail that looks like a bounce is none: nothing comes back, and either a mail system tells its own user
/// something without telling a reply, or the sender is no mail system and nobody else is named.
pub(super) fn is_no_bounce(
    mail: &InboundMail,
    head: &Head<'_>,
    reading: &formats::Reading,
    human: &str,
) -> bool {
    let told = |report: &RecipientReport| report.status.is_some() || report.reply_code.is_some();
    if mail.original.is_some() || reading.is_of_program() || head.is_of_certified() {
        return false;
    }
    let subject = mail.subject.to_lowercase();
    let has_any = |text: &str, words: &[&str]| words.iter().any(|word| text.contains(word));
    if !head.null_sender() && (has_any(&subject, &DIGESTS) || has_any(human, &QUEUES)) {
        return true;
    }
    let addressee = head.addressee();
    let names_others = || reading.recipients.iter().any(|report| report.final_recipient != addressee);
    if reading.recipients.iter().any(told) {
        // What asks for a password has codes, too, and the name of a mail system.
        return !names_others() && !head.null_sender() && !head.has_address_of_mail_system();
    }
    if !head.sent_by_mail_system() && !head.null_sender() {
        return !names_others();
    }
    let text = human[..human.floor_char_boundary(BEGINNING)].to_lowercase();
    let speaks = |lower: &str| {
        lexicon::says_failed(lower)
            || lexicon::says_delayed(lower)
            || REFUSED.iter().any(|word| lower.contains(word))
    };
    let by_sentence = || reading.recipients.iter().all(|report| report.found_in == FoundIn::Sentence);
    let is_own = || OWN.iter().any(|own| subject.contains(own) || text.contains(own));
    !speaks(&subject)
        && !formats::subject_says_failed(&subject)
        && if names_others() {
            is_own() && by_sentence() && !speaks(&text)
        } else {
            is_own() || !speaks(&text)
        }
}

/// Whether a program returns the message of the one to whom it writes, because it may not go where it was sent: to a
/// list that takes mail of its members only, or to nobody.
pub(super) fn refuses_own_message(
    mail: &InboundMail,
    head: &Head<'_>,
    human: &str,
    known: formats::Known,
) -> bool {
    let subject = mail.subject.to_lowercase();
    let refuses = |lower: &str| REFUSED.iter().any(|word| lower.contains(word));
    let text = || human[..human.floor_char_boundary(BEGINNING)].to_lowercase();
    let refuses_text = || refuses(&text());
    let has_nobody = || {
        let text = text();
        NOBODY.iter().any(|word| text.contains(word))
    };
    let Some(original) = mail.original.as_ref() else {
        // A moderator refuses a post: the subject says so as well.
        return head.of_list && refuses(&subject) && refuses_text();
    };
    let low = ["bulk", "junk", "list"].iter().any(|low| head.precedence().trim().eq_ignore_ascii_case(low));
    let by_program =
        head.of_list || head.null_sender() || head.marked_automatic || low || head.sent_by_program();
    let writer = original.header("From").and_then(values::full_address);
    let addressee = [head.addressee(), mail.to.clone()];
    let is_own =
        writer.is_some_and(|writer| addressee.iter().flatten().any(|to| to.eq_ignore_ascii_case(&writer)));
    let returned = || head.null_sender() && !answer::says_absent(head, &mail.subject, human);
    is_own
        && (by_program
            || !(formats::speaks_of_bounces(head, &subject, human, known) || quoted::quotes(human)))
        && (refuses_text() || has_nobody() || formats::text_says_failed(human) || returned())
}

/// Whether a reading names somebody who is not there for questions alone.
pub(super) fn names_recipient(reading: &formats::Reading) -> bool {
    if reading.is_of_program() {
        return !reading.recipients.is_empty();
    }
    let names = reading.recipients.iter().filter_map(|report| report.final_recipient.as_deref());
    names.into_iter().any(|address| !is_for_questions(address))
}

/// Whether an address is that of a list's owner, or of a program or person who helps.
fn is_for_questions(address: &str) -> bool {
    const WORDS: [&str; 7] = ["owner", "request", "bounces", "help", "postmaster", "listserv", "majordomo"];
    let local = address.split('@').next().unwrap_or_default().to_ascii_lowercase();
    WORDS.iter().any(|word| local.contains(word))
}

/// Gives a report that has no words the paragraph that refuses the message.
pub(super) fn explain(report: &mut RecipientReport, human: &str) {
    let text = &human[..human.floor_char_boundary(BEGINNING)];
    let refuses = |paragraph: &&str| {
        let lower = paragraph.to_lowercase();
        REFUSED.iter().chain(&NOBODY).any(|word| lower.contains(word))
    };
    if report.diagnostic.is_empty()
        && let Some(paragraph) = text.split("\n\n").find(refuses)
    {
        report.diagnostic = values::one_line(paragraph, MAX_DIAGNOSTIC);
    }
}

/// The list that does not take the message: the recipient of what comes back, or the first address that the subject or
/// the text names and that is not there for questions.
pub(super) fn refused_recipient(mail: &InboundMail, human: &str) -> Option<RecipientReport> {
    if mail.original.is_some() {
        return complete::recipient_of_original(mail, human);
    }
    let text = &human[..human.floor_char_boundary(BEGINNING)];
    let words = mail.subject.split_whitespace().chain(text.split_whitespace());
    let bare = |word: &str| values::full_address(word.trim_matches(|c: char| !c.is_alphanumeric()));
    let named = words
        .filter(|word| word.contains('@'))
        .filter_map(bare)
        .find(|address| Some(address) != mail.to.as_ref() && !is_for_questions(address));
    let found_in = FoundIn::Sentence;
    named.map(|list| RecipientReport { final_recipient: Some(list), found_in, ..formats::of_nobody(human) })
}
