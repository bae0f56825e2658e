//! Bounces that are not RFC 3464: text for people, in the ways that mail programs have of writing it.
//!
//! Three ways of naming recipients cover nearly all programs: in a list ([`listed`]), in a transcript of the SMTP
//! session ([`transcript`]), in a sentence ([`inline`]). [`programs`] says by which signs a program is known, and which
//! of the ways it uses. A new program is a new row; a new way is a new file.
//! Of bounces in nobody's format, all ways are tried; [`evidence`] tells whom the words around an address call failed from
//! those whom they name to be asked, and [`paragraphs`] finds the line that says why.

mod evidence;
mod found;
mod inline;
mod listed;
mod paragraphs;
mod programs;
mod reply;
mod spots;
mod telling;
mod transcript;

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Match};

use super::answer;
use super::diagnostic;
use super::head::Head;
use super::lexicon;
use super::quoted;
use super::report::{Action, FoundIn, OriginalMessage, RecipientReport};
use super::values::full_address;
use found::Found;
pub(super) use listed::label;
use programs::{Format, GENERIC, HEADLINED, PROGRAMS, YANDEX};
pub(super) use reply::is_rule;
pub(super) use telling::answers_with_failure;
use telling::tells_of_failure;

/// A mail that may be a bounce.
pub(super) struct Source<'a> {
    pub(super) head: &'a Head<'a>,
    /// Subject, decoded.
    pub(super) subject: &'a str,
    /// Text for people, without the returned message.
    pub(super) text: &'a str,
    /// The program whose words the text has.
    pub(super) known: Known,
    /// It refuses the message of the one to whom it is.
    pub(super) refuses: bool,
    /// The mail's own sender, and its recipient, who had sent the message: rarely the failed ones.
    pub(super) parties: [Option<&'a str>; 2],
    /// The message it is about, where the mail returns it.
    pub(super) original: Option<&'a OriginalMessage>,
}

/// A way of reading: adds to what was found.
type Reader = fn(&Source<'_>, &mut Found<'_>);

/// What a text says.
pub(super) struct Reading {
    pub(super) format: &'static str,
    pub(super) recipients: Vec<RecipientReport>,
}

impl Reading {
    /// Whether it is in the words of a known program.
    pub(super) fn is_of_program(&self) -> bool {
        self.format != GENERIC.name
    }
}

/// Octets of a text in which a program is known by its words.
const SIGNS_WITHIN: usize = 16 * 1024;

/// The program whose words a text has, if any.
#[derive(Clone, Copy)]
pub(super) struct Known(Option<&'static Format>);

impl Known {
    /// Looks for the words of all programs in the beginning of a text.
    pub(super) fn in_text(text: &str) -> Self {
        Self(known(text))
    }

    /// The name of the program.
    pub(super) fn program(self) -> Option<&'static str> {
        self.0.map(|format| format.name).filter(|name| *name != GENERIC.name)
    }
}

/// Whether a subject in lower case may be that of a bounce.
pub(super) fn subject_says_failed(lower: &str) -> bool {
    is_sure_subject(lower) || lexicon::says_failed(lower)
}

fn known(text: &str) -> Option<&'static Format> {
    let text = &text[..text.floor_char_boundary(SIGNS_WITHIN)];
    let (automaton, signs) = SIGNS.as_ref()?;
    let whole = |found: Match| {
        let (sign, owner) = signs.get(found.pattern().as_usize())?;
        text.get(found.start()..)?.starts_with(sign).then_some(*owner)
    };
    match automaton.find_overlapping_iter(text).filter_map(whole).min() {
        Some(first) => PROGRAMS.get(first).map(by_host(text)),
        None => starred_headline(text).then_some(&HEADLINED),
    }
}

/// Yandex runs Postfix with Postfix's words; only the name of the host differs.
fn by_host(text: &str) -> impl Fn(&'static Format) -> &'static Format {
    move |format| {
        let host = text
            .split_once("This is the mail system at host ")
            .and_then(|(_, rest)| rest.split_whitespace().next());
        if host.is_some_and(|host| host.contains("yandex")) { &YANDEX } else { format }
    }
}

/// Whether a line near the beginning is a headline between stars, as Gmail writes it in every language.
fn starred_headline(text: &str) -> bool {
    const LINES: usize = 8;
    text.lines().take(LINES).map(str::trim).any(|line| {
        line.strip_prefix("** ")
            .and_then(|rest| rest.strip_suffix(" **"))
            .is_some_and(|words| !words.contains('*'))
    })
}

/// How all signs begin, in one automaton, and of each sign the whole and its place in [`PROGRAMS`]: one pass over the
/// text finds them all. An automaton of the whole signs would take 4.7 MB, or nearly twice as long.
static SIGNS: LazyLock<Option<(AhoCorasick, Vec<Sign>)>> = LazyLock::new(|| {
    let signs = PROGRAMS.iter().enumerate();
    let signs: Vec<_> =
        signs.flat_map(|(at, format)| format.signs.iter().map(move |sign| (*sign, at))).collect();
    let beginnings = signs.iter().map(|(sign, _)| &sign[..sign.floor_char_boundary(BEGINNING_OF_SIGN)]);
    // It fails for more signs than fit into 32 bits.
    let automaton = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(beginnings).ok();
    automaton.map(|automaton| (automaton, signs))
});

/// Words of a program, and its place in [`PROGRAMS`].
type Sign = (&'static str, usize);

/// Octets of a sign by which it is found, before all of it is compared.
const BEGINNING_OF_SIGN: usize = 8;

/// Reads a bounce; `None` if nothing about the mail says that it is one. The recipients may be empty.
pub(super) fn read(source: &Source<'_>) -> Option<Reading> {
    let lower = source.subject.to_lowercase();
    let speaks_of_it = speaks_of_bounces(source.head, &lower, source.text, source.known);
    let format = source.known.0.filter(|_| !speaks_of_it);
    let format = format.or_else(|| is_bounce(source, &lower, speaks_of_it).then_some(&GENERIC))?;
    let mut found = Found::new(source, format.name != GENERIC.name);
    let named = failed_recipients(source.head);
    for (reader, found_in) in format.readers {
        found.looks_in(*found_in);
        reader(source, &mut found);
        if !found.is_empty() {
            break;
        }
        found.looks_in(FoundIn::FailedRecipients);
        for address in &named {
            found.add(address, mentioned_at(source.text, address));
        }
    }
    if found.is_empty() && subject_says_failed(&lower) {
        found.looks_in(FoundIn::Sentence);
        inline::read_subject(source, &mut found);
    }
    if named.len() < NAMED_AT_MOST {
        found.keep_named(&named);
    }
    let action = action(source.text, &lower);
    Some(Reading { format: format.name, recipients: found.into_recipients(source.text, action) })
}

/// What a text says that names nobody.
pub(super) fn of_nobody(text: &str) -> RecipientReport {
    found::report_of_nobody(text)
}

/// Where the line begins in which a text mentions an address; its end if it does not.
fn mentioned_at(text: &str, address: &str) -> usize {
    let looked_at = &text[..text.floor_char_boundary(SIGNS_WITHIN)];
    let at = memchr::memmem::find(looked_at.as_bytes(), address.as_bytes());
    at.map_or(text.len(), |at| memchr::memrchr(b'\n', &text.as_bytes()[..at]).map_or(0, |end| end + 1))
}

/// Programs that write `X-Failed-Recipients` stop at this many addresses (Exim 4's limit).
const NAMED_AT_MOST: usize = 50;

/// Addresses of the `X-Failed-Recipients` field.
pub(super) fn failed_recipients(head: &Head<'_>) -> Vec<String> {
    head.failed_recipients().split([',', ' ']).filter_map(full_address).take(NAMED_AT_MOST).collect()
}

/// Whether a person or a list sends the mail, who may quote the words of a bounce: an answer, a ticket, a newsletter.
pub(super) fn speaks_of_bounces(head: &Head<'_>, lower_subject: &str, text: &str, known: Known) -> bool {
    if head.sent_by_mail_system() || quoted::is_forwarded(lower_subject) {
        return false;
    }
    let looked_at = || &text[..text.floor_char_boundary(SIGNS_WITHIN)];
    let has_words = || known.0.is_some_and(|format| !head.of_newsletter || format.name != GENERIC.name);
    head.is_answer()
        || head.of_tracker
        || (!head.null_sender()
            && (answer::is_ticket(lower_subject)
                || (answer::is_reply(lower_subject) && quoted::quotes(looked_at()))
                // A bounce to a list has the fields of the list, too.
                || (head.of_list && !(subject_says_failed(lower_subject) && has_words()))))
}

/// Whether a mail without the signs of a known program is a bounce: its sender is a mail system and does not say that
/// all is well, or it names failed recipients in its header, or its subject says so and it must not be answered, or
/// its text says so as well, or it returns the message of the one to whom it is.
fn is_bounce(source: &Source<'_>, lower: &str, speaks_of_it: bool) -> bool {
    let head = source.head;
    let says_failed = || subject_says_failed(lower);
    !head.failed_recipients().is_empty()
        || source.refuses
        || head.sent_by_mail_system()
        || (head.null_sender() && (has_any(lower, FAILURE_SUBJECTS) || lexicon::says_failed(lower)))
        || (!head.is_answer()
            && !speaks_of_it
            && (is_sure_subject(lower) || (says_failed() && text_says_failed(source.text))))
        || (!speaks_of_it && tells_of_failure(source))
}

/// Whether the beginning of a text says that something failed, or has a code that says so.
pub(super) fn text_says_failed(text: &str) -> bool {
    has_codes(text) || lexicon::says_failed(&text[..text.floor_char_boundary(CODES_WITHIN)].to_lowercase())
}

/// Whether the beginning of a text has a reply or a status that says that something failed.
fn has_codes(text: &str) -> bool {
    let codes = diagnostic::codes(&text[..text.floor_char_boundary(CODES_WITHIN)]);
    codes.reply.is_some_and(|code| code >= 400) || codes.status.is_some_and(|status| status.class() != 2)
}

/// Octets of a text in which codes say that it is a bounce.
const CODES_WITHIN: usize = 4 * 1024;

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

fn is_sure_subject(lower: &str) -> bool {
    static SURE: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(SURE_SUBJECTS).ok()
    });
    SURE.as_ref().is_some_and(|sure| sure.is_match(lower))
}

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
    "kan ikke leveres:",
    "nedoručitelné:",
    "teslim edilemedi:",
    "배달되지 않음:",
    "не удается доставить:",
    "niedostarczalne:",
    "配信不能:",
    "无法送达:",
    "系统退信",
];

/// How the subjects of reports of success begin, in lower case.
const DELIVERED_SUBJECTS: &[&str] = &[
    "delivered:",
    "zugestellt:",
    "remis :",
    "remis:",
    "entregado:",
    "recapitato:",
    "entregue:",
    "bezorgd:",
    "levererat:",
    "leveret:",
    "levert:",
    "доставлено:",
    "dostarczone:",
    "配信済み:",
    "已送达:",
    "已传递:",
];
const RELAYED_SUBJECTS: &[&str] = &[
    "relayed:",
    "weitergeleitet:",
    "relayé :",
    "retransmitido:",
    "inoltrato:",
    "doorgestuurd:",
    "中継済み:",
];
const EXPANDED_SUBJECTS: &[&str] =
    &["expanded:", "erweitert:", "développé :", "expandido:", "espanso:", "展開済み:"];

/// What became of the message, by the subject or the text.
fn action(text: &str, lower_subject: &str) -> Action {
    const DELAYED: &[&str] = &["warning", "delayed", "(delay)", "still being retried", "still trying"];
    const DELIVERED: &[&str] = &[
        "successful mail delivery",
        "notification (success)",
        "message successfully delivered",
        "return receipt",
    ];
    const RELAYED: &[&str] = &["notification (relay)", "notification (relayed)"];
    let begins = |words: &[&str]| words.iter().any(|word| lower_subject.starts_with(word));
    let text = &text[..text.floor_char_boundary(SIGNS_WITHIN)];
    if has_any(lower_subject, DELIVERED) || begins(DELIVERED_SUBJECTS) {
        Action::Delivered
    } else if has_any(lower_subject, RELAYED) || begins(RELAYED_SUBJECTS) {
        Action::Relayed
    } else if begins(EXPANDED_SUBJECTS) {
        Action::Expanded
    } else if has_any(lower_subject, DELAYED)
        || lexicon::says_delayed(lower_subject)
        || lexicon::says_delayed(&text.to_lowercase())
    {
        Action::Delayed
    } else {
        Action::Failed
    }
}

fn has_any(lower: &str, words: &[&str]) -> bool {
    words.iter().any(|word| lower.contains(word))
}
