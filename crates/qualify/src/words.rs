//! Texts that are looked for as they are: the branches of most regexes (`mailbox (is )?full`) match a few texts and
//! nothing else. Where the set has found one of their literals, comparing is all that is left to do; a regex would cost
//! memory that each search waits for.

use std::ops::Range;

use regex_syntax::hir::{Class, Hir, HirKind, Look};

use crate::literals;
use crate::prefilter::Starts;

/// Places that are tried one by one; where there are more, the rest of the text is looked through at once, so that
/// time stays linear whatever the text.
pub(crate) const MAX_PLACES: usize = 8;

/// A branch of a regex that matches one of some texts, without regard to case.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    /// The one that a regex would prefer comes first; ASCII letters are in lower case. None is empty.
    alternatives: Vec<Box<str>>,
    /// A match begins where a word begins or ends (`\b`).
    begins_at_edge: bool,
    /// A match ends there.
    ends_at_edge: bool,
    /// `ſ` is an `s`, and the Kelvin sign a `k`, as Unicode has it.
    folds_unicode: bool,
}

impl Words {
    /// From a branch of a regex that was read without regard to case; `None` if it matches more than can be listed, or
    /// looks at what stands around it in another way than `\b` does at either end. `unicode` as it was read.
    pub(crate) fn of(hir: &Hir, unicode: bool) -> Option<Self> {
        let parts = match hir.kind() {
            HirKind::Concat(parts) => parts.as_slice(),
            _ => std::slice::from_ref(hir),
        };
        let is_edge = |part: &Hir| matches!(part.kind(), HirKind::Look(Look::WordUnicode));
        let before = parts.iter().take_while(|part| is_edge(part)).count();
        let (_, parts) = parts.split_at(before);
        let after = parts.iter().rev().take_while(|part| is_edge(part)).count();
        let (parts, _) = parts.split_at(parts.len() - after);
        if !parts.iter().all(|part| is_plain(part, unicode)) {
            return None;
        }
        let words = literals::listed(&Hir::concat(parts.to_vec()))?;
        (!words.is_empty() && words.iter().all(|word| !word.is_empty())).then(|| Self {
            alternatives: words.into_iter().map(String::into_boxed_str).collect(),
            begins_at_edge: before > 0,
            ends_at_edge: after > 0,
            folds_unicode: unicode,
        })
    }

    /// The first place of the text where one of them is.
    pub(crate) fn find(&self, text: &str, starts: Starts<'_>) -> Option<Range<usize>> {
        let Starts::At(places) = starts else { return self.search(text, 0) };
        let mut place = places.first();
        for _ in 0..MAX_PLACES {
            // Where places are told, the text has none of the characters that are folded.
            if let Some(found) = self.at(text, place as usize, same_octets) {
                return Some(found);
            }
            place = places.after(place)?;
        }
        self.search(text, place as usize)
    }

    /// Octets that they take in memory.
    pub(crate) fn memory_usage(&self) -> usize {
        self.alternatives.iter().map(|word| size_of::<Box<str>>() + word.len()).sum()
    }

    /// The first place from this one on, character by character.
    fn search(&self, text: &str, from: usize) -> Option<Range<usize>> {
        let same = if self.folds_unicode { same_characters } else { same_octets };
        text.get(from..)?.char_indices().find_map(|(at, _)| self.at(text, from + at, same))
    }

    /// Whether one of them stands here; `same` tells how much of a text is the same as a word.
    fn at(&self, text: &str, start: usize, same: fn(&str, &str) -> Option<usize>) -> Option<Range<usize>> {
        let rest = text.get(start..)?;
        if self.begins_at_edge && !is_edge(text, start) {
            return None;
        }
        let mut ends = self.alternatives.iter().filter_map(|word| Some(start + same(rest, word)?));
        ends.find(|end| !self.ends_at_edge || is_edge(text, *end)).map(|end| start..end)
    }
}

/// Whether a part of a regex is told by the texts that [`literals::listed`] makes of it, whatever their case.
fn is_plain(hir: &Hir, unicode: bool) -> bool {
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Look(_) => false,
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0)
            .is_ok_and(|text| text.chars().all(|c| !c.is_ascii_alphabetic() && fold(c) == c)),
        HirKind::Class(class) => has_all_cases(class, unicode),
        HirKind::Repetition(repetition) => repetition.greedy && is_plain(&repetition.sub, unicode),
        HirKind::Capture(capture) => is_plain(&capture.sub, unicode),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().all(|part| is_plain(part, unicode))
        }
    }
}

/// Whether a class has no letter of ASCII without its other forms.
fn has_all_cases(class: &Class, unicode: bool) -> bool {
    let has = |c: char| match class {
        Class::Unicode(class) => class.iter().any(|range| range.start() <= c && c <= range.end()),
        Class::Bytes(class) => {
            u8::try_from(c).is_ok_and(|b| class.iter().any(|range| range.start() <= b && b <= range.end()))
        }
    };
    let folded = [('\u{17f}', 's'), ('\u{212a}', 'k')];
    ('a'..='z').all(|c| has(c) == has(c.to_ascii_uppercase()))
        && folded.iter().all(|(c, plain)| has(*c) == (unicode && has(*plain)))
}

/// The characters beyond ASCII that are the same as one of ASCII without regard to case.
fn fold(c: char) -> char {
    match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c,
    }
}

/// How many octets of the text are the word, if it begins with it.
fn same_octets(text: &str, word: &str) -> Option<usize> {
    let there = text.as_bytes().get(..word.len())?;
    there.eq_ignore_ascii_case(word.as_bytes()).then_some(word.len())
}

/// The same, with what [`fold`] says.
fn same_characters(text: &str, word: &str) -> Option<usize> {
    let mut rest = text.chars();
    let is_next = |c: char| rest.next().is_some_and(|there| fold(there).eq_ignore_ascii_case(&c));
    word.chars().all(is_next).then(|| text.len() - rest.as_str().len())
}

/// Whether a word begins or ends here, as `\b` has it.
fn is_edge(text: &str, at: usize) -> bool {
    let is_word = |c: char| {
        if c.is_ascii() {
            c.is_ascii_alphanumeric() || c == '_'
        } else {
            regex_syntax::try_is_word_character(c).unwrap_or(false)
        }
    };
    let Some((before, after)) = text.split_at_checked(at) else { return false };
    before.chars().next_back().is_some_and(is_word) != after.chars().next().is_some_and(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(regex: &str) -> Option<Words> {
        let mut parser = regex_syntax::ParserBuilder::new();
        Words::of(&parser.case_insensitive(true).multi_line(true).build().parse(regex).unwrap(), true)
    }

    #[track_caller]
    fn check(regex: &str, text: &str, expected: Option<(usize, usize)>) {
        let found = words(regex).unwrap().find(text, Starts::Anywhere);
        assert_eq!(found.map(|span| (span.start, span.end)), expected, "{regex}: {text}");
    }

    #[test]
    fn texts_are_found_as_a_regex_finds_them() {
        check("mailbox (is )?full", "The MAILBOX is full", Some((4, 19)));
        check("full|full mailbox", "full mailbox", Some((0, 4)));
        check("full mailbox|full", "full mailbox", Some((0, 12)));
        check(r"\bbox(es)?\b", "mailbox, boxed, boxes", Some((16, 21)));
        check(r"\bbox", "mailbox", None);
        check("box\\b", "boxes mailbox", Some((10, 13)));
        check(r"\bé", "aé é", Some((4, 6)));
        check("spam|kelvin", "\u{17f}pam", Some((0, 5)));
        check("[sk]x", "\u{212a}X", Some((0, 4)));
        check("boîte|BOÎTE", "BOÎTE", Some((0, 6)));
    }

    #[test]
    fn what_needs_a_regex_is_left_to_one() {
        for regex in [
            "box.*full",
            "box+",
            r"box \d",
            "^box",
            "box$",
            r"a\bb",
            "(?-i:box)",
            "(?-i)[bx]ox",
            "bo??x",
            "box|",
            r"\b",
            "(?-i:\u{17f})x",
            r"\Bbox",
            "",
        ] {
            assert!(words(regex).is_none(), "{regex}");
        }
    }
}
