//! One regex or literal of a rule, compiled.

use std::ops::Range;

use regex::{Regex, RegexBuilder};
use regex_automata::meta::{self, BuildError};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Anchored, Input};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};

use crate::error::RuleProblem;
use crate::literals::{self, Demands};
use crate::plain::{self, Text};
use crate::prefilter::Starts;
use crate::rule::Pattern;
use crate::words::{MAX_PLACES, Words};

/// Regexes and literals that a rule may have together.
pub const MAX_PATTERNS_PER_RULE: usize = 100;
/// Longest regex or literal, in octets.
pub const MAX_PATTERN_LEN: usize = 4_096;

/// Octets that one compiled regex may take; bounds `\w{1000}` and the like.
const REGEX_SIZE_LIMIT: usize = 1 << 20;
/// Octets that all compiled regexes of a set may take together. As many rules as a set may have take 1.2 GB if they are
/// like the shipped ones (58 kB a regex); without a limit, a file of 4 MiB whose regexes end in `\w{8}` takes 170 GB.
pub(crate) const MAX_SET_SIZE: usize = 1 << 31;
/// Octets of cache that matching with one regex may take; a regex that needs more is slower, not wrong.
const REGEX_CACHE_LIMIT: usize = 1 << 18;

/// One of the branches that a pattern consists of (`a|b` has two), compiled. Where several match, the one that does so
/// first decides, and of those that begin at one place the first of the pattern, as in any regex.
#[derive(Clone, Debug)]
pub(crate) enum Branch {
    /// It matches a few texts only.
    Words(Words),
    /// It looks at what is [simplified](Text::simplified).
    Plain(meta::Regex),
    /// It tells characters beyond ASCII apart. Where it asks for the edges of words, it is slow on texts that have such
    /// characters; so these must match first what it is without the edges.
    Unicode { regex: meta::Regex, without_edges: Option<meta::Regex> },
}

impl Branch {
    /// The first place of the text where it is, if its matches begin only there.
    pub(crate) fn find(&self, text: &Text<'_>, starts: Starts<'_>) -> Option<Range<usize>> {
        match self {
            Self::Words(words) => words.find(text.raw, starts),
            Self::Plain(regex) if text.is_ascii() => find(regex, text.raw, starts),
            Self::Plain(regex) => Some(text.span(find(regex, text.simplified(), Starts::Anywhere)?)),
            Self::Unicode { without_edges: Some(regex), .. }
                if !text.is_ascii() && !regex.is_match(text.raw) =>
            {
                None
            }
            Self::Unicode { regex, .. } => find(regex, text.raw, starts),
        }
    }

    /// Whether it is in the text, if its matches begin only there: what [`Self::find`] tells, in less time.
    pub(crate) fn is_match(&self, text: &Text<'_>, starts: Starts<'_>) -> bool {
        let regex = match self {
            Self::Plain(regex) if text.is_ascii() => regex,
            Self::Unicode { regex, .. } if text.is_ascii() => regex,
            Self::Words(_) | Self::Plain(_) | Self::Unicode { .. } => {
                return self.find(text, starts).is_some();
            }
        };
        let search = |input: Input<'_>| regex.search_half(&input.earliest(true)).map(|_| ());
        search_from(text.raw, starts, search).is_some()
    }

    /// Whether it is in the text.
    pub(crate) fn is_in(&self, text: &Text<'_>) -> bool {
        self.is_match(text, Starts::Anywhere)
    }

    fn memory_usage(&self) -> usize {
        match self {
            Self::Words(words) => words.memory_usage(),
            Self::Plain(regex) => regex.memory_usage(),
            Self::Unicode { regex, without_edges } => {
                regex.memory_usage() + without_edges.as_ref().map_or(0, meta::Regex::memory_usage)
            }
        }
    }
}

fn find(regex: &meta::Regex, text: &str, starts: Starts<'_>) -> Option<Range<usize>> {
    search_from(text, starts, |input| regex.search(&input).map(|found| found.range()))
}

/// Searches where matches may begin.
fn search_from<T>(text: &str, starts: Starts<'_>, search: impl Fn(Input<'_>) -> Option<T>) -> Option<T> {
    let from = |place: u32, anchored| search(Input::new(text).range(place as usize..).anchored(anchored));
    let Starts::At(places) = starts else { return from(0, Anchored::No) };
    let mut place = places.first();
    for _ in 0..MAX_PLACES {
        if let Some(found) = from(place, Anchored::Yes) {
            return Some(found);
        }
        place = places.after(place)?;
    }
    from(place, Anchored::No)
}

/// The branches of a pattern, each with its demands.
pub(crate) type Branches = Vec<(Branch, Demands)>;

/// A rule's patterns, regexes first. What they take is taken from `room`, which begins with
/// [`MAX_SET_SIZE`].
pub(crate) fn compile(pattern: &Pattern, room: &mut usize) -> Result<Vec<Branches>, RuleProblem> {
    check_count(pattern)?;
    each(pattern, room).collect()
}

/// All that is wrong with a rule's patterns; `room` as for [`compile`].
pub(crate) fn problems(pattern: &Pattern, room: &mut usize) -> Vec<RuleProblem> {
    match check_count(pattern) {
        Ok(()) => each(pattern, room).filter_map(Result::err).collect(),
        Err(problem) => vec![problem],
    }
}

fn check_count(pattern: &Pattern) -> Result<(), RuleProblem> {
    match pattern.regexes.len() + pattern.literals.len() {
        0 => Err(RuleProblem::NoPattern),
        1..=MAX_PATTERNS_PER_RULE => Ok(()),
        count => Err(RuleProblem::TooManyPatterns { count, limit: MAX_PATTERNS_PER_RULE }),
    }
}

fn each<'a>(
    pattern: &'a Pattern,
    room: &'a mut usize,
) -> impl Iterator<Item = Result<Branches, RuleProblem>> {
    let bad = |list, index, pattern: &str, Problem { text, offset }| RuleProblem::BadPattern {
        list,
        index,
        pattern: pattern.chars().take(80).collect(),
        problem: text,
        offset,
    };
    let regexes =
        (0..).zip(&pattern.regexes).map(|(index, regex)| ("match", index, regex, branches(regex, true)));
    let literals = (0..)
        .zip(&pattern.literals)
        .map(|(index, literal)| ("literals", index, literal, branches(&regex::escape(literal), false)));
    let mut fits = |branches: Branches| {
        let size = branches.iter().map(|(branch, _)| branch.memory_usage()).sum();
        *room = room.checked_sub(size).ok_or_else(|| Problem {
            text:
                "has no room: the patterns of the set are too big when compiled; expected smaller repetitions"
                    .to_owned(),
            offset: None,
        })?;
        Ok(branches)
    };
    regexes.chain(literals).map(move |(list, index, source, compiled)| {
        compiled.and_then(&mut fits).map_err(|problem| bad(list, index, source, problem))
    })
}

/// Why a regex cannot be a rule's pattern; `None` if it can.
pub(crate) fn regex_problem(regex: &str) -> Option<String> {
    branches(regex, true).err().map(|problem| problem.text)
}

/// A rule's regex for those who look at it closer; `None` if it is none.
pub(crate) fn compiled(regex: &str) -> Option<Regex> {
    branches(regex, true).ok()?;
    RegexBuilder::new(regex).case_insensitive(true).multi_line(true).build().ok()
}

struct Problem {
    text: String,
    offset: Option<usize>,
}

/// `unicode` false: upper and lower case are the same for ASCII letters only.
fn branches(regex: &str, unicode: bool) -> Result<Branches, Problem> {
    let problem = |text: &str| Problem { text: text.to_owned(), offset: None };
    if regex.len() > MAX_PATTERN_LEN {
        return Err(problem(&format!("is longer than the {MAX_PATTERN_LEN} octets that are allowed")));
    }
    let hir = ParserBuilder::new()
        .case_insensitive(true)
        .multi_line(true)
        .unicode(unicode)
        .build()
        .parse(regex)
        .map_err(|error| syntax_problem(&error.to_string()))?;
    split(hir).iter().map(|hir| Ok((branch(hir, unicode)?, literals::demands_of(hir)))).collect()
}

/// The branches of a regex, in order. What looks at the beginning or the end of all of them is given to each.
fn split(hir: Hir) -> Vec<Hir> {
    match hir.into_kind() {
        HirKind::Alternation(branches) => branches.into_iter().flat_map(split).collect(),
        HirKind::Capture(capture) => split(*capture.sub),
        HirKind::Concat(parts) => {
            let is_look = |part: &Hir| matches!(part.kind(), HirKind::Look(_));
            let before = parts.iter().take_while(|part| is_look(part)).count();
            let Some(middle) = parts.get(before).filter(|_| parts.iter().skip(before + 1).all(is_look))
            else {
                return vec![Hir::concat(parts)];
            };
            let around = |branch: Hir| {
                let looks = |part: &Hir| part.clone();
                let first = parts.iter().take(before).map(looks);
                let last = parts.iter().skip(before + 1).map(looks);
                Hir::concat(first.chain([branch]).chain(last).collect())
            };
            split(middle.clone()).into_iter().map(around).collect()
        }
        HirKind::Empty => vec![Hir::empty()],
        HirKind::Literal(literal) => vec![Hir::literal(literal.0)],
        HirKind::Class(class) => vec![Hir::class(class)],
        HirKind::Look(look) => vec![Hir::look(look)],
        HirKind::Repetition(repetition) => vec![Hir::repetition(repetition)],
    }
}

fn branch(hir: &Hir, unicode: bool) -> Result<Branch, Problem> {
    if let Some(words) = Words::of(hir, unicode) {
        return Ok(Branch::Words(words));
    }
    if let Some(plain) = plain::plain(hir) {
        return Ok(Branch::Plain(regex_of(&plain)?));
    }
    let without_edges = plain::without_edges(hir).filter(|hir| hir.properties().minimum_len() != Some(0));
    Ok(Branch::Unicode {
        regex: regex_of(hir)?,
        without_edges: without_edges.map(|hir| regex_of(&hir)).transpose()?,
    })
}

fn regex_of(hir: &Hir) -> Result<meta::Regex, Problem> {
    let problem = |text: &str| Problem { text: text.to_owned(), offset: None };
    // The set has found the place already, and hardly any pattern is one-pass.
    let config = meta::Config::new()
        .auto_prefilter(false)
        .onepass(false)
        .which_captures(WhichCaptures::Implicit)
        .nfa_size_limit(Some(REGEX_SIZE_LIMIT))
        .hybrid_cache_capacity(REGEX_CACHE_LIMIT);
    let regex = meta::Builder::new().configure(config).build_from_hir(hir).map_err(|error: BuildError| {
        if error.size_limit().is_some() {
            problem("is too big when compiled; expected smaller repetitions")
        } else {
            syntax_problem(&error.to_string())
        }
    })?;
    if regex.is_match("") {
        return Err(problem(
            "matches even an empty text; hint: leave the pattern out if the conditions suffice",
        ));
    }
    Ok(regex)
}

/// The regex crate tells the place of an error by a caret below the regex; four columns are its margin.
fn syntax_problem(message: &str) -> Problem {
    const MARGIN: usize = 4;
    let caret = |line: &str| line.find('^').filter(|at| line.bytes().take(*at).all(|b| b == b' '));
    let offset = message.lines().find_map(caret).and_then(|column| column.checked_sub(MARGIN));
    let problem = message.lines().find_map(|line| line.strip_prefix("error: ")).unwrap_or(message);
    Problem { text: format!("is not a regex: {problem}"), offset }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_a_set_share_their_room() {
        let regexes = [r"a\w{8}", r"b\w{8}"].map(str::to_owned);
        let pattern = Pattern { regexes: regexes.into(), literals: Vec::new() };
        let mut room = MAX_SET_SIZE;
        compile(&pattern, &mut room).unwrap();
        let size = MAX_SET_SIZE - room;
        let mut exactly = size;
        compile(&pattern, &mut exactly).unwrap();
        assert_eq!(exactly, 0);
        let error = compile(&pattern, &mut (size - 1)).unwrap_err().to_string();
        assert!(error.starts_with(r"`match`: `b\w{8}` has no room"), "{error}");
    }
}
