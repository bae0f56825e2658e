//! Recipients in a sentence.

use super::Source;
use super::found::Found;
use super::spots::addresses;
use crate::inbound::diagnostic::codes;
use crate::inbound::lexicon;
use crate::inbound::lines::with_offsets;
use crate::inbound::values::full_address;

/// Words without which a line with an address says nothing of a failure, in lower case.
const WORDS: [&str; 17] = [
    "deliver",
    "fail",
    "reject",
    "unknown",
    "recipient",
    "rcpt to",
    "mailbox",
    "not found",
    "not exist",
    "no such",
    "error",
    "bounce",
    "your mail to",
    "your message to",
    "your message was addressed",
    "the user",
    "generated ",
];

/// Addresses in angle brackets or between spaces, in lines that speak of a failure.
pub(super) fn read(source: &Source<'_>, found: &mut Found<'_>) {
    lines(source, found, speaks_of_failure, Parties::LeftOut);
}

/// The same, of people who wrote to themselves: for programs whose sentences name nobody else.
pub(super) fn read_parties(source: &Source<'_>, found: &mut Found<'_>) {
    lines(source, found, speaks_of_failure, Parties::Taken);
}

/// Whether the sender and the recipient of the mail, whom sentences name in passing, are taken for failed ones.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parties {
    LeftOut,
    Taken,
}

/// Addresses in any line: the last resort, for the bounces of known programs.
pub(super) fn read_anywhere(source: &Source<'_>, found: &mut Found<'_>) {
    if sent_by_machine(source) || subject_says_failed(source) {
        anywhere(source, found);
    }
}

/// The same for the bounces of unknown ones: both the sender and the subject must say that it is a bounce, or the text
/// must, or it must have a reply with its status, which is the same in languages that nobody has told us of.
pub(super) fn read_anywhere_if_failed(source: &Source<'_>, found: &mut Found<'_>) {
    let text = || &source.text[..source.text.floor_char_boundary(MAX_SENTENCE)];
    let has_reply = || {
        let codes = codes(text());
        codes.reply.is_some_and(|code| code >= 400) && codes.status.is_some()
    };
    let says_failed = || lexicon::says_failed(&text().to_lowercase());
    if subject_says_failed(source)
        || found.any_strong()
        || (sent_by_machine(source) && (has_reply() || says_failed()))
    {
        anywhere(source, found);
    }
}

/// Those of whom the text says that they failed; if there are none, all but those whom it names to be asked.
fn anywhere(source: &Source<'_>, found: &mut Found<'_>) {
    lines(source, found, |_| true, Parties::LeftOut);
    found.keep_strong();
}

/// Names without a domain in lines that speak of a failure, if the message was sent to somebody of that name.
pub(super) fn read_local(source: &Source<'_>, found: &mut Found<'_>) {
    const SENT_TO_AT_MOST: usize = 20;
    let Some(original) = source.original else { return };
    let sent_to = ["To", "Cc"].into_iter().filter_map(|field| original.header(field));
    let sent_to = sent_to.flat_map(|value| value.split(',')).filter_map(full_address).take(SENT_TO_AT_MOST);
    let sent_to: Vec<(String, String)> = sent_to
        .filter_map(|address| Some((address.split_once('@')?.0.to_lowercase(), address)))
        .filter(|(name, address)| name.len() > 1 && !found.is_party(address))
        .collect();
    let text = &source.text[..source.text.floor_char_boundary(MAX_SENTENCE)];
    for (start, line) in with_offsets(text) {
        let lower = line.to_lowercase();
        if sent_to.is_empty() || !(speaks_of_failure(&lower) || lexicon::explains(&lower)) {
            continue;
        }
        for word in lower.split(|c: char| c.is_whitespace() || "<>()[]{}\"'`:;,=".contains(c)) {
            let word = word.trim_end_matches(['.', '!', '?']);
            for (_, address) in sent_to.iter().filter(|(name, _)| name == word) {
                found.add(address, start);
            }
        }
    }
}

/// Addresses in the subject, which may be all that names somebody.
pub(super) fn read_subject(source: &Source<'_>, found: &mut Found<'_>) {
    for (_, address) in addresses(source.subject) {
        if !found.is_party(&address) {
            found.add(&address, source.text.len());
        }
    }
}

fn sent_by_machine(source: &Source<'_>) -> bool {
    source.head.sent_by_mail_system() || source.head.null_sender()
}

fn subject_says_failed(source: &Source<'_>) -> bool {
    super::subject_says_failed(&source.subject.to_lowercase())
}

pub(super) fn speaks_of_failure(line: &str) -> bool {
    // Words are looked for where a sentence can have them.
    let lower = line[..line.floor_char_boundary(MAX_SENTENCE)].to_lowercase();
    WORDS.iter().any(|word| lower.contains(word)) || lexicon::says_failed(&lower)
}

/// Octets of a line in which it can say what it is about.
const MAX_SENTENCE: usize = 4 * 1024;

fn lines(source: &Source<'_>, found: &mut Found<'_>, speaks: impl Fn(&str) -> bool, parties: Parties) {
    // Those whom the sentence names that has not ended yet, and where it begins.
    let mut open: Vec<usize> = Vec::new();
    let mut sentence_at = 0;
    for (start, line) in with_offsets(source.text) {
        if !line.contains('@') {
            let at = start + line.len();
            let goes_on = !line.trim().is_empty() && at - sentence_at <= MAX_SENTENCE;
            if goes_on && !open.is_empty() && codes(line).reply.is_some() {
                let sentence = source.text.get(sentence_at..at).unwrap_or(line).trim();
                open.drain(..).for_each(|place| found.say(place, sentence));
            } else if !goes_on {
                open.clear();
            }
            continue;
        }
        open.clear();
        if !speaks(line) {
            continue;
        }
        sentence_at = start;
        let sentence = line[..line.floor_char_boundary(MAX_SENTENCE)].trim();
        let reply = codes(sentence).reply.is_some();
        let mut said = 0;
        for (_, address) in addresses(line) {
            if (parties == Parties::LeftOut && found.is_party(&address)) || found.is_doubtful(&address) {
                continue;
            }
            let place = found.add(&address, start);
            if let Some(place) = place.filter(|_| said < SAID_AT_MOST) {
                if reply {
                    found.say(place, sentence);
                } else {
                    open.push(place);
                }
                said += 1;
            }
        }
    }
}

/// Recipients of one line who each get a copy of it.
const SAID_AT_MOST: usize = 50;
