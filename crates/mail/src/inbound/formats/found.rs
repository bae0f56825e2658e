//! The recipients found so far: each once, and the parties to the mail only where there is no other.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::Source;
use super::evidence::{Evidence, STRONG};
use super::paragraphs::{Paragraphs, explains, labelled};
use super::reply::{remote_host, reply_in};
use crate::inbound::diagnostic::{self, codes};
use crate::inbound::limits::{MAX_DIAGNOSTIC, MAX_RECIPIENTS};
use crate::inbound::report::{Action, FoundIn, RecipientReport};
use crate::inbound::values::one_line;

/// Recipients with what the text says of each.
pub(super) struct Found<'a> {
    source: &'a Source<'a>,
    /// What speaks for each address of the text, weighed when it is asked for.
    evidence: OnceCell<Evidence>,
    /// The program is known, and so where it writes its recipients: one who is found there alone, or of whom something
    /// is said there, needs no evidence.
    known: bool,
    entries: Vec<Entry>,
    /// Place in `entries` by address in lower case.
    places: HashMap<String, usize>,
    /// Sender and recipient of the mail, in lower case. A text names them in passing; but people do write to
    /// themselves.
    parties: Vec<String>,
    /// The mail's header names the recipients.
    named: bool,
    /// Where is being looked.
    looks_in: FoundIn,
}

struct Entry {
    address: String,
    diagnostic: String,
    /// A reply is known, so that further text does not replace it.
    settled: bool,
    party: bool,
    /// Where in the text the address stood, in octets.
    at: usize,
    found_in: FoundIn,
}

impl<'a> Found<'a> {
    /// Nothing found yet; `parties` are the sender and the recipient of the mail itself.
    pub(super) fn new(source: &'a Source<'a>, known: bool) -> Self {
        let parties = source.parties.into_iter().flatten().map(str::to_lowercase).collect();
        Self {
            source,
            evidence: OnceCell::new(),
            known,
            entries: Vec::new(),
            places: HashMap::new(),
            parties,
            named: false,
            looks_in: FoundIn::List,
        }
    }

    /// Says where the recipients that are added from now on are found.
    pub(super) fn looks_in(&mut self, found_in: FoundIn) {
        self.looks_in = found_in;
    }

    /// Whether the text says of somebody that they failed.
    pub(super) fn any_strong(&self) -> bool {
        self.evidence().at_least(STRONG).any(|address| !self.is_party(address))
    }

    /// Whether there is no recipient but perhaps the parties, and those whom the text names to be asked.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.iter().all(|entry| self.is_passed_over(entry))
    }

    /// Whether this is no recipient if there is another: a party, or somebody to be asked.
    fn is_passed_over(&self, entry: &Entry) -> bool {
        let is_sure =
            || self.named || (self.known && (self.entries.len() == 1 || !entry.diagnostic.is_empty()));
        entry.party || (!is_sure() && self.is_doubtful(&entry.address))
    }

    fn evidence(&self) -> &Evidence {
        self.evidence.get_or_init(|| Evidence::of(self.source.text, self.source.original))
    }

    /// Whether this is the sender or the recipient of the mail itself.
    pub(super) fn is_party(&self, address: &str) -> bool {
        self.parties.iter().any(|party| *party == address.to_lowercase())
    }

    /// Whether the text names this address as one to ask.
    pub(super) fn is_doubtful(&self, address: &str) -> bool {
        self.evidence().is_doubtful(address)
    }

    /// Adds a recipient found at this offset of the text, once; its number, or `None` if there are too many.
    pub(super) fn add(&mut self, address: &str, at: usize) -> Option<usize> {
        let key = address.to_lowercase();
        if let Some(place) = self.places.get(&key) {
            return Some(*place);
        }
        if self.entries.len() >= MAX_RECIPIENTS {
            return None;
        }
        let place = self.entries.len();
        let party = self.parties.contains(&key);
        let (address, diagnostic) = (address.to_owned(), String::new());
        self.entries.push(Entry { address, diagnostic, settled: false, party, at, found_in: self.looks_in });
        self.places.insert(key, place);
        Some(place)
    }

    /// The recipient with this address.
    pub(super) fn place(&self, address: &str) -> Option<usize> {
        self.places.get(&address.to_lowercase()).copied()
    }

    /// The only recipient, if there is one.
    pub(super) fn only(&self) -> Option<usize> {
        (self.entries.len() == 1).then_some(0)
    }

    /// Keeps those that the mail's header names, if there are any.
    pub(super) fn keep_named(&mut self, named: &[String]) {
        let named: Vec<String> = named.iter().map(|address| address.to_lowercase()).collect();
        if self.entries.iter().any(|entry| named.contains(&entry.address.to_lowercase())) {
            self.entries.retain(|entry| named.contains(&entry.address.to_lowercase()));
            self.places.clear();
            self.named = true;
            self.entries.iter_mut().for_each(|entry| entry.party = false);
        }
    }

    /// Keeps those of whom the text says that they failed, if there are any.
    pub(super) fn keep_strong(&mut self) {
        let evidence = self.evidence.get_or_init(|| Evidence::of(self.source.text, self.source.original));
        let strong = |entry: &Entry| !entry.party && evidence.is_strong(&entry.address);
        if self.entries.iter().any(strong) {
            self.entries.retain(strong);
            self.places.clear();
        }
    }

    /// Whether something has been said of a recipient.
    pub(super) fn has_words(&self, place: usize) -> bool {
        self.entries.get(place).is_some_and(|entry| !entry.diagnostic.is_empty())
    }

    /// Adds text about a recipient, unless it was the last that was said.
    pub(super) fn say(&mut self, place: usize, text: &str) {
        if let Some(entry) = self.entries.get_mut(place)
            && entry.diagnostic.len() < MAX_DIAGNOSTIC
            && !entry.settled
            && (entry.diagnostic.is_empty() || !entry.diagnostic.ends_with(text))
        {
            if !entry.diagnostic.is_empty() {
                entry.diagnostic.push('\n');
            }
            entry.diagnostic.push_str(&text[..text.floor_char_boundary(MAX_DIAGNOSTIC)]);
        }
    }

    /// Sets the reply to a recipient, unless one is known already.
    pub(super) fn settle(&mut self, place: usize, reply: &str) {
        if let Some(entry) = self.entries.get_mut(place).filter(|entry| !entry.settled) {
            reply.clone_into(&mut entry.diagnostic);
            entry.settled = true;
        }
    }

    /// The recipients' reports. One of which nothing is said gets the paragraph that says why, if there is one.
    pub(super) fn into_recipients(self, text: &str, action: Action) -> Vec<RecipientReport> {
        // All recipients of a list without words share what is around the list, so it is read once.
        let mut shared: Option<RecipientReport> = None;
        let last = self.entries.last().map_or(0, |entry| entry.at);
        let passed_over: Vec<bool> = self.entries.iter().map(|entry| self.is_passed_over(entry)).collect();
        let any_other = passed_over.iter().any(|passed| !passed);
        let single = self.entries.len() == 1;
        let max = if single { MAX_DIAGNOSTIC } else { MAX_SHARED };
        let paragraphs = Paragraphs::around(text, last);
        let ends: Vec<usize> =
            self.entries.iter().skip(1).map(|entry| entry.at).chain([text.len()]).collect();
        self.entries
            .into_iter()
            .zip(ends)
            .zip(passed_over)
            .filter(|(_, passed)| !(*passed && any_other))
            .map(|((entry, end), _)| {
                let said = if entry.diagnostic.trim().is_empty() {
                    let why = || report(paragraphs.reason(entry.found_in, action), max);
                    let own = || {
                        own_words(text, entry.at, end).filter(|_| !single).map(|own| report(own, MAX_SHARED))
                    };
                    own().unwrap_or_else(|| shared.get_or_insert_with(why).clone())
                } else {
                    let said = report(&entry.diagnostic, MAX_DIAGNOSTIC);
                    // A sentence about the only recipient, and the reply in a paragraph of its own.
                    let without = single && said.status.is_none() && said.reply_code.is_none();
                    let reply = if without { paragraphs.with_reply() } else { None };
                    let reason = || {
                        let without = said.status.is_none() && said.reply_code.is_none();
                        (single && without && !explains(&said.diagnostic))
                            .then(|| paragraphs.reason(entry.found_in, action))
                            .filter(|reason| explains(reason))
                    };
                    reply.or_else(reason).map_or(said, |reply| report(reply, max))
                };
                let found_in = entry.found_in;
                RecipientReport { action, final_recipient: Some(entry.address), found_in, ..said }
            })
            .collect()
    }
}

/// Octets of a text that many recipients share, each of whom gets a copy.
const MAX_SHARED: usize = 512;

/// What a paragraph says that begins with a recipient and goes on about no other, if that is why it failed.
fn own_words(text: &str, at: usize, end: usize) -> Option<&str> {
    let words = text.get(at..end)?;
    let words = words[..words.floor_char_boundary(MAX_SHARED)].trim_start();
    let words = words.split("\n\n").next()?.split("\r\n\r\n").next()?;
    // The line of the recipient alone may say what it says of all: that they are unknown.
    let (_, below) = words.split_once('\n')?;
    explains(below).then_some(below)
}

/// What a text says that names nobody.
pub(super) fn report_of_nobody(text: &str) -> RecipientReport {
    report(Paragraphs::around(text, text.len()).reason(FoundIn::Original, Action::Failed), MAX_DIAGNOSTIC)
}

/// What a text says of a recipient.
fn report(said: &str, max: usize) -> RecipientReport {
    let reply = reply_in(said);
    // A block of labels has the reason behind one of them.
    let reply = if reply.len() == said.trim().len() { labelled(said).unwrap_or(reply) } else { reply };
    let diagnostic = one_line(reply, max);
    let codes = codes(&diagnostic);
    // Exchange writes it in front of the reply: `#5.5.0 smtp;550 no`.
    let before = || {
        diagnostic::codes(said)
            .status
            .filter(|status| codes.reply.is_none_or(|code| code / 100 == u16::from(status.class())))
    };
    RecipientReport {
        status: codes.status.or_else(before),
        reply_code: codes.reply,
        smtp_command: diagnostic::command(said),
        remote_mta: remote_host(said),
        diagnostic,
        ..RecipientReport::default()
    }
}
