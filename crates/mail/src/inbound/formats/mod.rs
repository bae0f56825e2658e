//! Bounces that are not RFC 3464: text for people, in the ways that mail programs have of writing it.
//!
//! Three ways of naming recipients cover nearly all programs: in a list ([`listed`]), in a transcript of the SMTP
//! session ([`transcript`]), in a sentence ([`inline`]). [`programs`] says by which signs a program is known, and which
//! of the ways it uses. A new program is a new row; a new way is a new file.

mod found;
mod inline;
mod listed;
mod programs;
mod transcript;

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::head::Head;
use super::lexicon;
use super::quoted;
use super::report::{Action, FoundIn, RecipientReport};
use super::values::full_address;
use found::Found;
use programs::{Format, GENERIC, PROGRAMS};

/// A mail that may be a bounce.
pub(super) struct Source<'a> {
    pub(super) head: &'a Head<'a>,
    /// Subject, decoded.
    pub(super) subject: &'a str,
    /// Text for people, without the returned message.
    pub(super) text: &'a str,
    /// The mail's own sender, and its recipient, who had sent the message: rarely the failed ones.
    pub(super) parties: [Option<&'a str>; 2],
}

/// A way of reading: adds to what was found.
type Reader = fn(&Source<'_>, &mut Found);

/// What a text says.
pub(super) struct Reading {
    pub(super) format: &'static str,
    pub(super) recipients: Vec<RecipientReport>,
}

/// Octets of a text in which a program is known by its words.
const SIGNS_WITHIN: usize = 16 * 1024;

/// The program whose words a text has.
pub(super) fn program(text: &str) -> Option<&'static str> {
    known(text).map(|format| format.name).filter(|name| *name != GENERIC.name)
}

fn known(text: &str) -> Option<&'static Format> {
    let text = &text[..text.floor_char_boundary(SIGNS_WITHIN)];
    let (automaton, owners) = SIGNS.as_ref()?;
    let first = automaton
        .find_overlapping_iter(text)
        .filter_map(|found| owners.get(found.pattern().as_usize()))
        .min()?;
    PROGRAMS.get(*first)
}

/// All signs in one automaton, and the place in [`PROGRAMS`] of each: one pass over the text finds them all.
static SIGNS: LazyLock<Option<(AhoCorasick, Vec<usize>)>> = LazyLock::new(|| {
    let signs =
        PROGRAMS.iter().enumerate().flat_map(|(at, format)| format.signs.iter().map(move |sign| (*sign, at)));
    let (signs, owners): (Vec<&str>, Vec<usize>) = signs.unzip();
    // It fails for more signs than fit into 32 bits.
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .build(signs)
        .ok()
        .map(|automaton| (automaton, owners))
});

/// Reads a bounce; `None` if nothing about the mail says that it is one. The recipients may be empty.
pub(super) fn read(source: &Source<'_>) -> Option<Reading> {
    let lower = source.subject.to_lowercase();
    // Who answers a bounce quotes its words.
    let answer =
        source.head.is_answer() && !source.head.sent_by_mail_system() && !quoted::is_forwarded(&lower);
    let format = known(source.text).filter(|_| !answer);
    let format = format.or_else(|| is_bounce(source, &lower).then_some(&GENERIC))?;
    let mut found = Found::new(source.parties);
    let named = failed_recipients(source.head);
    for (reader, found_in) in format.readers {
        found.looks_in(*found_in);
        reader(source, &mut found);
        if !found.is_empty() {
            break;
        }
        found.looks_in(FoundIn::FailedRecipients);
        for address in &named {
            found.add(address, source.text.len());
        }
    }
    if named.len() < NAMED_AT_MOST {
        found.keep_named(&named);
    }
    let action = action(source.text, &lower);
    Some(Reading { format: format.name, recipients: found.into_recipients(source.text, action) })
}

/// Programs that write `X-Failed-Recipients` stop at this many addresses (Exim 4's limit).
const NAMED_AT_MOST: usize = 50;

/// Addresses of the `X-Failed-Recipients` field.
fn failed_recipients(head: &Head<'_>) -> Vec<String> {
    head.failed_recipients().split([',', ' ']).filter_map(full_address).take(NAMED_AT_MOST).collect()
}

/// Whether a mail without the signs of a known program is a bounce: its sender is a mail system and does not say that
/// all is well, or it names failed recipients in its header, or its subject says so and it must not be answered.
fn is_bounce(source: &Source<'_>, lower: &str) -> bool {
    !source.head.failed_recipients().is_empty()
        || source.head.sent_by_mail_system()
        || (source.head.null_sender() && (has_any(lower, FAILURE_SUBJECTS) || lexicon::says_failed(lower)))
        || (!source.head.is_answer() && has_any(lower, SURE_SUBJECTS))
}

/// Words of subjects that speak of failure, in lower case.
const FAILURE_SUBJECTS: &[&str] = &[
    "undeliver",
    "failure",
    "failed",
    "returned mail",
    "bounce",
    "rejected",
    "delivery",
    "not delivered",
    "delayed",
    "error",
];

/// Subjects that only bounces have, in lower case.
const SURE_SUBJECTS: &[&str] = &[
    "undeliverable:",
    "undelivered mail",
    "failure notice",
    "delivery status notification",
    "returned mail:",
    "mail delivery failed",
    "delivery failure",
    "mail delivery failure",
    "undeliverable mail",
    "undeliverable message",
    "mail system error",
    "delivery notification: delivery has failed",
    "unzustellbar:",
    "non remis :",
    "no se puede entregar:",
    "non recapitabile:",
    "não entregue:",
    "não é possível entregar:",
    "onbestelbaar:",
    "kan inte levereras:",
    "не удается доставить:",
    "niedostarczalne:",
    "配信不能:",
    "无法送达:",
    "系统退信",
];

/// What became of the message, by the subject or the text.
fn action(text: &str, lower_subject: &str) -> Action {
    const DELAYED: &[&str] = &["warning", "delayed", "(delay)", "still being retried", "still trying"];
    const DELIVERED: &[&str] =
        &["successful mail delivery", "notification (success)", "message successfully delivered"];
    let text = &text[..text.floor_char_boundary(SIGNS_WITHIN)];
    if has_any(lower_subject, DELAYED)
        || lexicon::says_delayed(lower_subject)
        || lexicon::says_delayed(&text.to_lowercase())
    {
        Action::Delayed
    } else if has_any(lower_subject, DELIVERED) {
        Action::Delivered
    } else if lower_subject.contains("notification (relay)") || lower_subject.starts_with("relayed:") {
        Action::Relayed
    } else if lower_subject.starts_with("expanded:") {
        Action::Expanded
    } else {
        Action::Failed
    }
}

fn has_any(lower: &str, words: &[&str]) -> bool {
    words.iter().any(|word| lower.contains(word))
}
