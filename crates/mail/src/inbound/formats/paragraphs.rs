//! The paragraph of a bounce that says why, for recipients of whom their line says nothing.

use super::inline::speaks_of_failure;
use super::listed::leading_address;
use super::reply::{announces, has_code, is_rule, marked, titles_reason};
use crate::inbound::diagnostic::codes;
use crate::inbound::report::{Action, FoundIn};

/// Octets before and after the recipient that are looked at.
const LOOKED_AT: usize = 8 * 1024;

/// The paragraphs around the line in which the last recipient was found.
pub(super) struct Paragraphs<'a> {
    /// The beginning of the text up to that line.
    before: &'a str,
    /// What the line begins, up to the next empty one.
    sentence: &'a str,
    after: &'a str,
}

impl<'a> Paragraphs<'a> {
    /// Those of the text around this offset, which begins a line or is the end of the text.
    pub(super) fn around(text: &'a str, at: usize) -> Self {
        let (before, rest) = text.split_at_checked(at).unwrap_or((text, ""));
        let after = rest.split_once('\n').map_or("", |(_, after)| after);
        let rest = &rest[..rest.floor_char_boundary(LOOKED_AT)];
        Self {
            before: &before[..before.floor_char_boundary(LOOKED_AT)],
            sentence: rest
                .split("\n\n")
                .flat_map(|part| part.split("\r\n\r\n"))
                .next()
                .unwrap_or_default()
                .trim(),
            after: &after[..after.floor_char_boundary(LOOKED_AT)],
        }
    }

    /// The paragraph with a reply code in a marked reply, or with a code and a status, for a recipient of whom words
    /// are known already.
    pub(super) fn with_reply(&self) -> Option<&'a str> {
        self.with_code().filter(|paragraph| {
            let codes = codes(paragraph);
            codes.reply.is_some() && (codes.status.is_some() || marked(paragraph).is_some())
        })
    }

    /// The paragraph with a code, or with a marked reply: after the line, or else before it.
    fn with_code(&self) -> Option<&'a str> {
        // A mark and a code say more than a code alone: sizes and dates may look like codes.
        paragraphs(self.after)
            .find(|paragraph| marked(paragraph).is_some_and(has_code))
            .or_else(|| paragraphs(self.after).find(|paragraph| has_code(paragraph)))
            .or_else(|| paragraphs(self.before).find(|paragraph| codes(paragraph).reply.is_some()))
    }

    /// Why a recipient failed who was found in this way; empty if nothing says it. Of messages that arrived only a
    /// paragraph with a code says something.
    pub(super) fn reason(&self, found_in: FoundIn, action: Action) -> &'a str {
        if let Some(paragraph) = self.with_code() {
            return paragraph;
        }
        match action {
            Action::Failed | Action::Delayed => {}
            Action::Delivered | Action::Relayed | Action::Expanded => return "",
        }
        let after = || paragraphs(self.after).filter(|paragraph| !announces(paragraph));
        after()
            .find(|paragraph| marked(paragraph).is_some())
            .or_else(|| titled(self.after))
            .or_else(|| paragraphs(self.before).find(|paragraph| marked(paragraph).is_some()))
            .or_else(|| titled(self.before))
            .or_else(|| announced(self.before))
            .or_else(|| self.same_paragraph(found_in))
            .or_else(|| after().find(|paragraph| paragraph.contains(char::is_alphabetic)))
            .or_else(|| (found_in == FoundIn::Sentence && !self.sentence.is_empty()).then_some(self.sentence))
            .or_else(|| {
                // The header named the recipient; the text may not.
                let named = matches!(found_in, FoundIn::FailedRecipients);
                paragraphs(self.before).filter(|_| named).find(|paragraph| speaks_of_failure(paragraph))
            })
            .unwrap_or_default()
    }

    /// The lines above a listed recipient without an empty line between: `User unknown` above the address.
    fn same_paragraph(&self, found_in: FoundIn) -> Option<&'a str> {
        if found_in != FoundIn::List {
            return None;
        }
        let above = self.before.rsplit("\n\n").next()?.rsplit("\r\n\r\n").next()?.trim();
        (above.contains(char::is_alphabetic)
            && !above.contains('@')
            && !above.ends_with([':', '：'])
            && !is_rule(above))
        .then_some(above)
    }
}

/// The paragraph behind a title of its own, such as `because:`.
fn titled(text: &str) -> Option<&str> {
    let mut after_title = false;
    paragraphs(text).find(|paragraph| {
        // The recipients may stand there, too.
        let found = after_title && !announces(paragraph) && leading_address(paragraph).is_none();
        after_title = paragraph.lines().next_back().is_some_and(|line| titles_reason(line.trim_end()));
        found
    })
}

/// The line that gives the reason and announces whom it is about: `It was not delivered because of this:` does not.
fn announced(text: &str) -> Option<&str> {
    const WORDS_AT_LEAST: usize = 3;
    let gives_reason = |line: &&str| {
        let lower = line.to_lowercase();
        lower.ends_with([':', '：'])
            && ["because", "weil", "car ", "porque", "perché", "omdat", "потому что"].iter().any(|because| {
                lower
                    .split_once(because)
                    .is_some_and(|(_, rest)| rest.split_whitespace().count() >= WORDS_AT_LEAST)
            })
    };
    text.lines().rev().take(LINES_BEFORE).map(str::trim).find(gives_reason)
}

/// Lines before the list in which it may be announced.
const LINES_BEFORE: usize = 50;

/// The paragraphs of a text, without lines that are drawn above and below them.
fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n")
        .flat_map(|part| part.split("\r\n\r\n"))
        .map(without_rules)
        .filter(|part| !part.is_empty())
}

fn without_rules(paragraph: &str) -> &str {
    let mut paragraph = paragraph.trim();
    while let Some((first, rest)) = paragraph.split_once('\n')
        && is_rule(first.trim())
    {
        paragraph = rest.trim_start();
    }
    while let Some((rest, last)) = paragraph.rsplit_once('\n')
        && is_rule(last.trim())
    {
        paragraph = rest.trim_end();
    }
    paragraph
}
