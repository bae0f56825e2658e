//! How much speaks for it that an address of a text is that of a failed recipient, and what against it: the words in
//! front of it and behind it, its place in a list, and what is known of the message that the bounce is about.
//!
//! An address counts by the best of its places, for whoever failed may also be the one to ask.

use std::collections::HashMap;

use super::listed::{label, leading_address};
use super::reply::{is_rule, names_original};
use super::spots::addresses;
use crate::inbound::lexicon::{self, Label};
use crate::inbound::lines::with_offsets;
use crate::inbound::report::OriginalMessage;

/// Places that are weighed; what a text with more of them says of the rest is a list.
const MAX_PLACES: usize = 100;
/// Octets in front of an address in which its sentence can begin.
const BEFORE: usize = 300;
/// Octets behind it in which the sentence can go on.
const BEHIND: usize = 120;
/// Octets of a text in which addresses are weighed.
const LOOKED_AT: usize = 32 * 1024;

/// What speaks for each address of a text, in lower case.
#[derive(Default)]
pub(super) struct Evidence {
    weights: HashMap<String, i32>,
}

impl Evidence {
    /// Weighs the addresses of a text.
    pub(super) fn of(text: &str, original: Option<&OriginalMessage>) -> Self {
        let text = &text[..text.floor_char_boundary(LOOKED_AT)];
        let mut weights: HashMap<String, i32> = HashMap::new();
        let mut sentences = Sentences::new(text);
        let mut places = 0;
        let mut in_original = false;
        for (start, line) in with_offsets(text) {
            let content = line.trim();
            in_original |= is_rule(content) && names_original(&content.to_lowercase());
            let begins = sentences.begin_line(start, content);
            for (at, address) in addresses(line) {
                places += 1;
                if places > MAX_PLACES {
                    return Self { weights };
                }
                let before = sentences.before(start + at);
                let end = start + at + address.len();
                let behind = &text[text.floor_char_boundary(end)..text.floor_char_boundary(end + BEHIND)];
                let mut weight = place(before, behind);
                if begins.as_ref().is_some_and(|entry| entry.eq_ignore_ascii_case(&address)) {
                    weight += 1;
                }
                if in_original || (is_quoted(content) && begins.is_none()) {
                    weight -= 5;
                }
                let known = weights.entry(address.to_lowercase()).or_insert(weight);
                *known = weight.max(*known);
            }
            sentences.end_line(start + line.len(), content, begins.is_some());
        }
        if let Some(original) = original {
            for (address, weight) in &mut weights {
                *weight += of_message(original, address);
            }
        }
        for (address, weight) in &mut weights {
            *weight -= i32::from(is_role(address));
        }
        Self { weights }
    }

    /// Whether more speaks against an address than for it.
    pub(super) fn is_doubtful(&self, address: &str) -> bool {
        self.weights.get(&address.to_lowercase()).is_some_and(|weight| *weight < 0)
    }

    /// Whether the text says of an address that it failed.
    pub(super) fn is_strong(&self, address: &str) -> bool {
        self.weights.get(&address.to_lowercase()).is_some_and(|weight| *weight >= STRONG)
    }

    /// All addresses for which so much speaks, in no order.
    pub(super) fn at_least(&self, needed: i32) -> impl Iterator<Item = &str> {
        self.weights.iter().filter(move |(_, weight)| **weight >= needed).map(|(address, _)| address.as_str())
    }
}

/// The weight of an address of which a text says that it failed.
pub(super) const STRONG: i32 = 2;

/// The weight of one whom a label calls a recipient.
pub(super) const LABELLED: i32 = 4;

/// Where the sentence began that is being read.
struct Sentences<'a> {
    text: &'a str,
    start: usize,
    /// The last line that is not empty announces the next paragraph, or belongs to a list that was announced.
    announces: bool,
}

impl<'a> Sentences<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, start: 0, announces: false }
    }

    /// The address with which the line begins as an entry of a list, if any.
    fn begin_line(&mut self, at: usize, content: &str) -> Option<String> {
        if content.is_empty() {
            if !self.announces {
                self.start = at;
            }
            return None;
        }
        if is_rule(content) || label(content).is_some_and(|(_, value)| !value.is_empty()) {
            self.start = at;
        }
        leading_address(content).map(|(address, _)| address)
    }

    fn end_line(&mut self, end: usize, content: &str, entry: bool) {
        if content.is_empty() {
            return;
        }
        self.announces = content.ends_with([':', '：']) || (self.announces && entry);
        if is_rule(content) || (content.ends_with(['.', '!', '?', '。', '！', '？']) && !entry) {
            self.start = end;
        }
    }

    /// The sentence in front of this offset.
    fn before(&self, at: usize) -> &'a str {
        let start = self.start.max(self.text.floor_char_boundary(at.saturating_sub(BEFORE)));
        let before = self.text.get(start..at).unwrap_or_default();
        let ends = before.rmatch_indices(['.', '!', '?', '。', '！', '？']);
        let mut ends = ends.filter(|(end, mark)| {
            let rest = &before[end + mark.len()..];
            mark.len() > 1 || rest.starts_with(char::is_whitespace)
        });
        ends.next().map_or(before, |(end, mark)| &before[end + mark.len()..])
    }
}

/// Whether a line is that of another mail: it has a mark of quotation, which a row of a table has at its end, too.
pub(super) fn is_quoted(content: &str) -> bool {
    (content.starts_with('>') && !content.starts_with(">>>"))
        || (content.starts_with("| ") && !content.ends_with('|'))
}

/// What the words around an address say.
fn place(before: &str, behind: &str) -> i32 {
    let lower = before.to_lowercase();
    let bare = lower.trim_matches(|c: char| c.is_whitespace() || "*->•|.<\"'([=:：（".contains(c));
    let first_line = bare.lines().next_back().unwrap_or_default();
    // A label stands in the line of the address, or announces the next one: `Dear sender,` is none.
    let is_label =
        first_line.len() <= 48 && first_line.split_whitespace().count() <= 4 && !bare.ends_with(',');
    let label = if is_label { lexicon::label(first_line.trim_end_matches("smtp").trim()) } else { None };
    match label {
        Some(Label::Other) => return -6,
        Some(Label::Recipient)
            if lexicon::asked_until(first_line).is_none()
                && lexicon::delivered_until(first_line).is_none() =>
        {
            return LABELLED;
        }
        Some(Label::To) => return 1,
        Some(Label::Recipient | Label::Reason) | None => {}
    }
    if lower.trim_end().ends_with("id: <")
        || lower.trim_end().ends_with("id:")
        || bare.ends_with("message-id")
    {
        return -6;
    }
    let (asked, failed) = (lexicon::asked_until(&lower), lexicon::failed_until(&lower));
    let asked = asked.max(lexicon::delivered_until(&lower));
    let behind = sentence_behind(behind).to_lowercase();
    if asked.is_some() && asked > failed {
        return -4;
    }
    if failed.is_none() && lexicon::is_asked_behind(&behind) {
        return -3;
    }
    if failed.is_some() || lexicon::failed_until(&behind).is_some() || lexicon::says_delayed(&behind) {
        2
    } else {
        // `Your mail to`.
        let last = first_line.split_whitespace().next_back();
        i32::from(last.is_some_and(|word| lexicon::label(word) == Some(Label::To)))
    }
}

/// What follows an address up to the end of its sentence or paragraph.
fn sentence_behind(behind: &str) -> &str {
    let mut ends = behind.char_indices().filter(|(at, c)| {
        let rest = &behind[at + c.len_utf8()..];
        match c {
            '。' | '！' | '？' => true,
            '.' | '!' | '?' => rest.starts_with(char::is_whitespace),
            '\n' => rest.trim_start_matches([' ', '\t', '\r']).starts_with('\n'),
            _ => false,
        }
    });
    ends.next().map_or(behind, |(at, _)| &behind[..at])
}

/// What the message says of an address: whom it was sent to, or from.
fn of_message(original: &OriginalMessage, address: &str) -> i32 {
    let names = |fields: &[&str]| {
        fields
            .iter()
            .filter_map(|field| original.header(field))
            .any(|value| value.len() >= address.len() && value.to_lowercase().contains(address))
    };
    let id = original.message_id.as_ref().is_some_and(|id| id.eq_ignore_ascii_case(address));
    if id {
        -8
    } else if names(&["To", "Cc", "X-Original-To", "Delivered-To"]) {
        3
    } else if names(&["From", "Sender", "Reply-To", "Return-Path"]) {
        -6
    } else {
        0
    }
}

/// Whether an address is that of a role which bounces name to ask.
fn is_role(lower: &str) -> bool {
    const ROLES: [&str; 12] = [
        "postmaster@",
        "mailer-daemon@",
        "abuse@",
        "support@",
        "help@",
        "helpdesk@",
        "admin@",
        "administrator@",
        "noreply@",
        "no-reply@",
        "webmaster@",
        "hostmaster@",
    ];
    ROLES.iter().any(|role| lower.starts_with(role))
}
