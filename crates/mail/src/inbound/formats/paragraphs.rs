//! The paragraph of a bounce that says why, for recipients of whom their line says nothing.

use super::evidence::is_quoted;
use super::inline::speaks_of_failure;
use super::listed::{label, leading_address};
use super::reply::{announces, has_code, is_rule, marked, titles_reason};
use crate::inbound::diagnostic::codes;
use crate::inbound::lexicon::{self, Label};
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
            .or_else(|| {
                let begins =
                    |paragraph: &&str| paragraph.starts_with(|c: char| c.is_ascii_digit() || c == '#');
                paragraphs(self.before).filter(begins).find(|paragraph| has_code(paragraph))
            })
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
        let after = || {
            paragraphs(self.after).filter(|paragraph| !announces(paragraph) && !tells_whom_to_ask(paragraph))
        };
        let listed = found_in == FoundIn::List;
        after()
            .find(|paragraph| marked(paragraph).is_some())
            .or_else(|| titled(self.after))
            .or_else(|| paragraphs(self.before).find(|paragraph| marked(paragraph).is_some()))
            .or_else(|| titled(self.before))
            .or_else(|| labelled(self.after).or_else(|| labelled(self.before)))
            .or_else(|| announced(self.before))
            .or_else(|| listed.then(|| self.line()).filter(|line| explains(line)))
            .or_else(|| (found_in == FoundIn::Sentence && explains(self.sentence)).then_some(self.sentence))
            .or_else(|| self.same_paragraph(found_in).filter(|above| explains(above)))
            .or_else(|| after().find(|paragraph| explains(paragraph)))
            .or_else(|| explained(self.before))
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

    /// The line of the recipient.
    fn line(&self) -> &'a str {
        self.sentence.lines().next().unwrap_or_default()
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

/// The value of a label that announces the reason, in a line of its own: `Grund : Empfänger unbekannt`.
pub(super) fn labelled(text: &str) -> Option<&str> {
    let mut at = 0;
    let mut found: Option<(usize, usize)> = None;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let content = line.trim();
        if let Some((_, end)) = &mut found {
            // A value goes on in the next lines, up to an empty one or another label.
            if content.is_empty() || label(content).is_some() || is_rule(content) {
                break;
            }
            *end = at;
        } else if let Some((words, value)) = label(content)
            && !value.is_empty()
            && lexicon::label(&words.to_lowercase()) == Some(Label::Reason)
            && value.contains(char::is_alphabetic)
        {
            // More words than one say more than that it is the reason: `DNS Error: ...`.
            let indent = if words.contains(' ') { line.find(words) } else { line.find(value) }.unwrap_or(0);
            found = Some((start + indent, at));
        }
    }
    found.and_then(|(start, end)| text.get(start..end)).map(str::trim)
}

/// The last paragraph, or the last sentence of the announcement of a list, that says why.
fn explained(text: &str) -> Option<&str> {
    let from = text.ceil_char_boundary(text.len().saturating_sub(LOOKED_AT));
    let paragraphs =
        paragraphs(&text[from..]).filter(|paragraph| explains(paragraph) && !tells_whom_to_ask(paragraph));
    let last = paragraphs.last()?;
    sentences(last).filter(|sentence| explains(sentence)).last()
}

/// The sentences of a paragraph.
fn sentences(paragraph: &str) -> impl Iterator<Item = &str> {
    let mut rest = paragraph;
    std::iter::from_fn(move || {
        let end = rest.match_indices(['.', '!', '?', '。', '！', '？']).find_map(|(at, mark)| {
            let end = at + mark.len();
            let ends = mark.len() > 1 || rest[end..].starts_with(char::is_whitespace) || end == rest.len();
            ends.then_some(end)
        });
        let (sentence, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after.trim_start();
        (!sentence.is_empty()).then(|| sentence.trim())
    })
}

/// Whether a text says why a message was not delivered.
pub(super) fn explains(text: &str) -> bool {
    lexicon::explains(&text[..text.floor_char_boundary(LOOKED_AT)].to_lowercase())
}

/// Whether a paragraph is about whom to ask, and does not say why.
fn tells_whom_to_ask(paragraph: &str) -> bool {
    const BEGINNING: usize = 400;
    let lower = paragraph[..paragraph.floor_char_boundary(BEGINNING)].to_lowercase();
    lexicon::asked_until(&lower).is_some() && !lexicon::explains(&lower)
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
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let bytes = rest.as_bytes();
        let mut ends = memchr::memchr_iter(b'\n', bytes);
        let end = ends.find(|at| matches!(&bytes[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]));
        let (paragraph, after) = rest.split_at(end.map_or(rest.len(), |at| at + 1));
        rest = after;
        Some(paragraph)
    })
    .map(without_rules)
    .filter(|part| !part.is_empty() && !is_quoted(part))
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
