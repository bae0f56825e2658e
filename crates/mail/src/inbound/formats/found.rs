//! The recipients found so far: each once, and the parties to the mail only where there is no other.

use std::collections::HashMap;

use crate::inbound::diagnostic::{self, codes};
use crate::inbound::limits::{MAX_DIAGNOSTIC, MAX_RECIPIENTS};
use crate::inbound::report::{Action, FoundIn, RecipientReport};
use crate::inbound::values::one_line;

/// Recipients with what the text says of each.
pub(super) struct Found {
    entries: Vec<Entry>,
    /// Place in `entries` by address in lower case.
    places: HashMap<String, usize>,
    /// Sender and recipient of the mail, in lower case. A text names them in passing; but people do write to
    /// themselves.
    parties: Vec<String>,
    /// Whether there is an entry that is not a party.
    any_other: bool,
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

impl Found {
    /// Nothing found yet; `parties` are the sender and the recipient of the mail itself.
    pub(super) fn new(parties: [Option<&str>; 2]) -> Self {
        let parties = parties.into_iter().flatten().map(str::to_lowercase).collect();
        Self {
            entries: Vec::new(),
            places: HashMap::new(),
            parties,
            any_other: false,
            looks_in: FoundIn::List,
        }
    }

    /// Says where the recipients that are added from now on are found.
    pub(super) fn looks_in(&mut self, found_in: FoundIn) {
        self.looks_in = found_in;
    }

    /// Whether there is no recipient but perhaps the parties.
    pub(super) fn is_empty(&self) -> bool {
        !self.any_other
    }

    /// Whether this is the sender or the recipient of the mail itself.
    pub(super) fn is_party(&self, address: &str) -> bool {
        self.parties.iter().any(|party| *party == address.to_lowercase())
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
        self.any_other |= !party;
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
            self.any_other = true;
            self.entries.iter_mut().for_each(|entry| entry.party = false);
        }
    }

    /// Adds text about a recipient.
    pub(super) fn say(&mut self, place: usize, text: &str) {
        if let Some(entry) = self.entries.get_mut(place)
            && entry.diagnostic.len() < MAX_DIAGNOSTIC
            && !entry.settled
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

    /// The recipients' reports. One of which nothing is said gets the paragraph after it that has a code, or else the
    /// paragraph after it.
    pub(super) fn into_recipients(self, text: &str, action: Action) -> Vec<RecipientReport> {
        // All recipients of a list without words share what follows the list, so it is read once.
        let mut shared: Option<RecipientReport> = None;
        let last = self.entries.last().map_or(0, |entry| entry.at);
        let any_other = self.any_other;
        let single = self.entries.len() == 1;
        let max = if single { MAX_DIAGNOSTIC } else { MAX_SHARED };
        self.entries
            .into_iter()
            .filter(|entry| !(entry.party && any_other))
            .map(|entry| {
                let said = if entry.diagnostic.trim().is_empty() {
                    shared.get_or_insert_with(|| report(paragraph_after(text, last), max)).clone()
                } else {
                    let said = report(&entry.diagnostic, MAX_DIAGNOSTIC);
                    // A sentence about the only recipient, and the reply in a paragraph of its own.
                    let reply = (single && said.status.is_none() && said.reply_code.is_none())
                        .then(|| report(paragraph_after(text, last), max))
                        .filter(|below| below.reply_code.is_some() && below.status.is_some());
                    reply.unwrap_or(said)
                };
                let found_in = entry.found_in;
                RecipientReport { action, final_recipient: Some(entry.address), found_in, ..said }
            })
            .collect()
    }
}

/// Octets of a text that many recipients share, each of whom gets a copy.
const MAX_SHARED: usize = 512;

/// What a text says of a recipient.
fn report(said: &str, max: usize) -> RecipientReport {
    let diagnostic = one_line(reply_in(said), max);
    let codes = codes(&diagnostic);
    RecipientReport {
        status: codes.status,
        reply_code: codes.reply,
        smtp_command: diagnostic::command(said),
        remote_mta: remote_host(said),
        diagnostic,
        ..RecipientReport::default()
    }
}

/// Words that programs put before the reply of the other side, and where in what follows them it is.
const BEFORE_REPLY: [(&str, Place); 18] = [
    ("Remote host said:", Place::Until(&["Giving up on ", "[RCPT_TO]", "[DATA]", "I'm not going to"])),
    ("Remote Server returned '", Place::Until(&["'\n", "'"])),
    ("Remote server returned '", Place::Until(&["'\n", "'"])),
    ("Remote server replied: ", Place::All),
    ("It responded as follows: [", Place::Until(&["]\n", "]"])),
    ("Diagnostic code: ", Place::Until(&["\nRemote system:", "\n\n"])),
    ("Reason: ", Place::Until(&["\n\n"])),
    ("The error that the other server returned was:", Place::All),
    ("Error message below:", Place::All),
    ("Error=[", Place::Until(&["]\n", "]"])),
    ("ERROR_CODE :", Place::Until(&["\n\n"])),
    (" said: ", Place::All),
    // Exim: the command and the host stand before the reply.
    ("SMTP error from remote mail server after ", Place::AfterColon),
    ("SMTP error from remote server after ", Place::BelowHost),
    (" did not like our ", Place::AfterColon),
    ("(reason: ", Place::Until(&[")\n"])),
    ("Technical details of permanent failure:", Place::All),
    ("Technical details of temporary failure:", Place::All),
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
}

/// The other side's reply in what a program says of a recipient, where it is marked; else all of it.
fn reply_in(said: &str) -> &str {
    for (mark, place) in BEFORE_REPLY {
        let Some(at) = memchr::memmem::find(said.as_bytes(), mark.as_bytes()) else { continue };
        let rest = said.get(at + mark.len()..).unwrap_or_default();
        let reply = match place {
            Place::All => rest,
            Place::Until(ends) => {
                let end = ends.iter().find_map(|end| memchr::memmem::find(rest.as_bytes(), end.as_bytes()));
                end.and_then(|end| rest.get(..end)).unwrap_or(rest)
            }
            Place::AfterColon => after_colon_code(rest).unwrap_or_default(),
            Place::BelowHost => rest
                .split_once("\nhost: ")
                .and_then(|(_, host)| host.split_once('\n'))
                .map_or("", |(_, reply)| reply),
        };
        if !reply.trim().is_empty() {
            return reply.trim();
        }
    }
    said.trim()
}

/// What follows the first colon behind which a reply code stands.
fn after_colon_code(text: &str) -> Option<&str> {
    memchr::memchr_iter(b':', text.as_bytes()).map(|at| text[at + 1..].trim_start()).find(|rest| {
        let bytes = rest.as_bytes();
        matches!(
            bytes,
            [b'2' | b'4' | b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-' | b'\n', ..]
                | [b'2' | b'4' | b'5', b'0'..=b'9', b'0'..=b'9']
        )
    })
}

/// The host that the text says had refused: `host mx.example[192.0.2.1] said`, `host mx.example [192.0.2.1]: 550`.
fn remote_host(said: &str) -> Option<String> {
    let at = said.strip_prefix("host ").or_else(|| said.split_once("\nhost ").map(|(_, rest)| rest));
    let rest = at.or_else(|| said.split_once(": host ").map(|(_, rest)| rest))?;
    let name = rest.split(|c: char| c.is_whitespace() || matches!(c, '[' | '(' | ':' | ',')).next()?;
    (name.contains('.') && name.len() <= 255).then(|| name.to_owned())
}

/// The first paragraph after this offset's line that has a code; or else any that has a code; or else the first one
/// after it that has a word.
fn paragraph_after(text: &str, at: usize) -> &str {
    const LOOKED_AT: usize = 8 * 1024;
    let rest = text.get(at..).unwrap_or_default();
    let rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    let rest = &rest[..rest.floor_char_boundary(LOOKED_AT)];
    let mut first = "";
    for paragraph in paragraphs(rest) {
        if codes(paragraph) != diagnostic::Codes::default() {
            return paragraph;
        }
        if first.is_empty() && paragraph.contains(char::is_alphabetic) {
            first = paragraph;
        }
    }
    let before = &text[..text.floor_char_boundary(LOOKED_AT.min(at))];
    paragraphs(before).find(|paragraph| codes(paragraph).reply.is_some()).unwrap_or(first)
}

fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").flat_map(|part| part.split("\r\n\r\n")).map(str::trim).filter(|part| !part.is_empty())
}
