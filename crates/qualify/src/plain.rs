//! Regexes of ASCII for texts of any characters.
//!
//! A regex that knows all of Unicode is tens of kilobytes large, and where it asks for the edge of a word, it cannot run
//! as an automaton on texts beyond ASCII. Hardly any rule tells characters beyond ASCII from each other, though: they
//! are letters, spaces or other signs. So a text gets an ASCII character for each of them ([`simplified`]), and a
//! regex the part of its classes that is ASCII ([`plain`]), which is small.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look};

/// What stands for a letter, a mark or another character of words beyond ASCII.
const LETTER: char = '_';
/// What stands for white space beyond ASCII.
const SPACE: char = '\u{b}';
/// What stands for any other character beyond ASCII.
const SIGN: char = '\u{1}';

/// A text, and what regexes of ASCII see of it.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    pub(crate) raw: &'a str,
    /// One octet for each character.
    simplified: Cow<'a, str>,
}

impl<'a> Text<'a> {
    pub(crate) fn new(raw: &'a str) -> Self {
        let simplified =
            if raw.is_ascii() { Cow::Borrowed(raw) } else { raw.chars().map(simplified).collect() };
        Self { raw, simplified }
    }

    pub(crate) fn is_ascii(&self) -> bool {
        matches!(self.simplified, Cow::Borrowed(_))
    }

    pub(crate) fn simplified(&self) -> &str {
        &self.simplified
    }

    /// The octets of the text for those of what is seen of it.
    pub(crate) fn span(&self, seen: Range<usize>) -> Range<usize> {
        if self.is_ascii() {
            return seen;
        }
        let octets = |text: &str, count| text.chars().take(count).map(char::len_utf8).sum::<usize>();
        let start = octets(self.raw, seen.start);
        start..start + octets(self.raw.get(start..).unwrap_or_default(), seen.len())
    }
}

/// The ASCII character that stands for one.
fn simplified(c: char) -> char {
    match c {
        c if c.is_ascii() => c,
        // The same without regard to case.
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c if c.is_whitespace() => SPACE,
        c if regex_syntax::try_is_word_character(c).unwrap_or(false) => LETTER,
        _ => SIGN,
    }
}

/// The regex that finds in [`simplified`] texts what this one finds in any; `None` if it tells characters beyond ASCII
/// from each other. Their digits count as letters.
pub(crate) fn plain(hir: &Hir) -> Option<Hir> {
    Some(match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => {
            let has_mark = literal.0.iter().any(|octet| [LETTER, SPACE, SIGN].contains(&char::from(*octet)));
            return (literal.0.is_ascii() && !has_mark).then(|| hir.clone());
        }
        HirKind::Class(Class::Unicode(class)) => Hir::class(Class::Unicode(plain_class(class)?)),
        HirKind::Class(Class::Bytes(_)) => return None,
        HirKind::Look(look) => Hir::look(plain_look(*look)),
        HirKind::Repetition(repetition) => Hir::repetition(repetition.with(plain(&repetition.sub)?)),
        // Where a match begins and ends is all that counts.
        HirKind::Capture(capture) => plain(&capture.sub)?,
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(plain).collect::<Option<_>>()?),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(plain).collect::<Option<_>>()?),
    })
}

/// The ASCII characters of a class, if it has all or none of the characters that are simplified to the same one.
fn plain_class(class: &ClassUnicode) -> Option<ClassUnicode> {
    let has = |c: char| class.iter().any(|range| range.start() <= c && c <= range.end());
    let mut beyond = class.clone();
    beyond.intersect(&BEYOND.all);
    let is_uniform = |mark: char, kind: &ClassUnicode| {
        let mut common = beyond.clone();
        common.intersect(kind);
        if has(mark) { common == *kind } else { common.ranges().is_empty() }
    };
    let is_plain = is_uniform(LETTER, &BEYOND.letters)
        && is_uniform(SPACE, &BEYOND.spaces)
        && is_uniform(SIGN, &BEYOND.signs);
    is_plain.then(|| {
        let mut ascii = class.clone();
        ascii.intersect(&ClassUnicode::new([ClassUnicodeRange::new('\0', '\u{7f}')]));
        ascii
    })
}

/// The regex without what it asks about edges of words, which matches whatever it matches and more; `None` if it does
/// not ask.
pub(crate) fn without_edges(hir: &Hir) -> Option<Hir> {
    fn strip(hir: &Hir) -> Hir {
        match hir.kind() {
            HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) => hir.clone(),
            HirKind::Look(look) if plain_look(*look) != *look => Hir::empty(),
            HirKind::Look(_) => hir.clone(),
            HirKind::Repetition(repetition) => Hir::repetition(repetition.with(strip(&repetition.sub))),
            HirKind::Capture(capture) => strip(&capture.sub),
            HirKind::Concat(parts) => Hir::concat(parts.iter().map(strip).collect()),
            HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(strip).collect()),
        }
    }
    hir.properties().look_set().contains_word_unicode().then(|| strip(hir))
}

/// Characters beyond ASCII by what they are simplified to, but for digits and those that are letters of ASCII in another
/// case: classes have these or not for the sake of the ASCII ones.
struct Beyond {
    all: ClassUnicode,
    letters: ClassUnicode,
    spaces: ClassUnicode,
    signs: ClassUnicode,
}

static BEYOND: LazyLock<Beyond> = LazyLock::new(|| {
    let class = |regex: &str| match regex_syntax::parse(regex).map(Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(class))) => class,
        Ok(_) | Err(_) => ClassUnicode::empty(),
    };
    Beyond {
        all: class(r"[[^\x00-\x7f]--\d--[\x{17f}\x{212a}]]"),
        letters: class(r"[\w--[\x00-\x7f]--\d--[\x{17f}\x{212a}]]"),
        spaces: class(r"[\s--[\x00-\x7f]]"),
        signs: class(r"[\W--[\x00-\x7f]--\s]"),
    }
});

fn plain_look(look: Look) -> Look {
    match look {
        Look::WordUnicode => Look::WordAscii,
        Look::WordUnicodeNegate => Look::WordAsciiNegate,
        Look::WordStartUnicode => Look::WordStartAscii,
        Look::WordEndUnicode => Look::WordEndAscii,
        Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
        Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
        Look::Start
        | Look::End
        | Look::StartLF
        | Look::EndLF
        | Look::StartCRLF
        | Look::EndCRLF
        | Look::WordAscii
        | Look::WordAsciiNegate
        | Look::WordStartAscii
        | Look::WordEndAscii
        | Look::WordStartHalfAscii
        | Look::WordEndHalfAscii => look,
    }
}

#[cfg(test)]
mod tests {
    use regex_syntax::ParserBuilder;

    use super::*;

    fn is_plain(regex: &str) -> bool {
        plain(&ParserBuilder::new().case_insensitive(true).build().parse(regex).unwrap()).is_some()
    }

    #[test]
    fn regexes_that_do_not_tell_other_characters_apart() {
        for regex in [
            "user unknown",
            r"\bspf\b",
            r".{0,9}",
            r"\S+@\S+",
            r"\s",
            r"[^<>]",
            r"\w+",
            r"\W",
            r"\d\d",
            r"[\w.-]",
            "[a-z]",
            "^$",
            r"(?-u:\b)a",
            "[sk]",
        ] {
            assert!(is_plain(regex), "{regex}");
        }
        for regex in ["é", "[àé]", r"\p{Greek}", "[a-é]", "[^é]", "a_b", "[0-9_]", r"\pL", r"[\x{b}]"] {
            assert!(!is_plain(regex), "{regex}");
        }
    }

    #[test]
    fn spans_are_those_of_the_text() {
        let text = Text::new("é: 字 x\u{a0}y");
        assert_eq!(text.simplified(), "_: _ x\u{b}y");
        assert_eq!(text.span(5..8), 8..12);
        assert_eq!(text.span(8..8), 12..12);
        assert_eq!(Text::new("abc").span(1..2), 1..2);
    }
}
