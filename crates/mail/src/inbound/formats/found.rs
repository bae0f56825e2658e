//! The recipients found so far: each once, and none that is not a failed one.

use std::collections::HashMap;

use crate::inbound::diagnostic::{self, codes};
use crate::inbound::limits::{MAX_DIAGNOSTIC, MAX_RECIPIENTS};
use crate::inbound::report::{Action, RecipientReport};
use crate::inbound::values::one_line;

/// Recipients with what the text says of each.
pub(super) struct Found {
    entries: Vec<Entry>,
    /// Place in `entries` by address in lower case.
    places: HashMap<String, usize>,
    /// In lower case.
    others: Vec<String>,
}

struct Entry {
    address: String,
    diagnostic: String,
    /// A reply is known, so that further text does not replace it.
    settled: bool,
    /// Where in the text the address stood, in octets.
    at: usize,
}

impl Found {
    /// Nothing found yet; `others` are addresses that are never failed recipients.
    pub(super) fn new(others: [Option<&str>; 2]) -> Self {
        let others = others.into_iter().flatten().map(str::to_lowercase).collect();
        Self { entries: Vec::new(), places: HashMap::new(), others }
    }

    /// Whether there is no recipient.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds a recipient found at this offset of the text, once; its number, or `None` if it cannot be a failed one or
    /// there are too many.
    pub(super) fn add(&mut self, address: &str, at: usize) -> Option<usize> {
        let key = address.to_lowercase();
        if let Some(place) = self.places.get(&key) {
            return Some(*place);
        }
        if self.entries.len() >= MAX_RECIPIENTS || self.others.contains(&key) {
            return None;
        }
        let place = self.entries.len();
        self.entries.push(Entry {
            address: address.to_owned(),
            diagnostic: String::new(),
            settled: false,
            at,
        });
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

    /// Adds text about a recipient.
    pub(super) fn say(&mut self, place: usize, text: &str) {
        if let Some(entry) = self.entries.get_mut(place)
            && entry.diagnostic.len() < MAX_DIAGNOSTIC
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
        // All recipients of a list without words share what follows the list, so it is looked for once.
        let mut shared: Option<&str> = None;
        let last = self.entries.last().map_or(0, |entry| entry.at);
        self.entries
            .into_iter()
            .map(|entry| {
                let said = if entry.diagnostic.trim().is_empty() {
                    *shared.get_or_insert_with(|| paragraph_after(text, last))
                } else {
                    &entry.diagnostic
                };
                let diagnostic = one_line(reply_in(said), MAX_DIAGNOSTIC);
                let codes = codes(&diagnostic);
                RecipientReport {
                    action,
                    status: codes.status,
                    reply_code: codes.reply,
                    smtp_command: diagnostic::command(said),
                    remote_mta: remote_host(said),
                    final_recipient: Some(entry.address),
                    diagnostic,
                    ..RecipientReport::default()
                }
            })
            .collect()
    }
}

/// What programs put before the reply of the other side.
const BEFORE_REPLY: [&str; 5] = [
    "Remote host said:",
    "Remote Server returned '",
    " said: ",
    "SMTP error from remote mail server after ",
    "(reason: ",
];

/// The other side's reply in what a program says of a recipient, where it is marked; else all of it.
fn reply_in(said: &str) -> &str {
    for mark in BEFORE_REPLY {
        let Some(at) = memchr::memmem::find(said.as_bytes(), mark.as_bytes()) else { continue };
        let Some(rest) = said.get(at + mark.len()..) else { continue };
        let reply = match mark {
            // The command, then the host, then the reply: "RCPT TO:<a>: host mx [ip]: 550 no". The reply is behind the
            // last colon that a code follows.
            "SMTP error from remote mail server after " => match after_colon_code(rest) {
                Some(reply) => reply,
                None => continue,
            },
            "Remote host said:" => {
                until_line(rest, &["Giving up on ", "[RCPT_TO]", "[DATA]", "I'm not going to"])
            }
            "Remote Server returned '" => rest.split("'\n").next().unwrap_or(rest).trim_end_matches('\''),
            "(reason: " => rest.strip_suffix(')').unwrap_or(rest),
            _ => rest,
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

fn until_line<'a>(text: &'a str, ends: &[&str]) -> &'a str {
    let end = ends.iter().filter_map(|end| memchr::memmem::find(text.as_bytes(), end.as_bytes())).min();
    end.map_or(text, |end| &text[..end])
}

/// The host that the text says had refused: `host mx.example[192.0.2.1] said`, `host mx.example [192.0.2.1]: 550`.
fn remote_host(said: &str) -> Option<String> {
    let at = said.strip_prefix("host ").or_else(|| said.split_once("\nhost ").map(|(_, rest)| rest));
    let rest = at.or_else(|| said.split_once(": host ").map(|(_, rest)| rest))?;
    let name = rest.split(|c: char| c.is_whitespace() || matches!(c, '[' | '(' | ':' | ',')).next()?;
    (name.contains('.') && name.len() <= 255).then(|| name.to_owned())
}

/// The first paragraph after this offset's line that has a code; or else the first one that has a word.
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
    first
}

fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").flat_map(|part| part.split("\r\n\r\n")).map(str::trim).filter(|part| !part.is_empty())
}
