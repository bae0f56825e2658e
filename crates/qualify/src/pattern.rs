//! One regex or literal of a rule, compiled.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use regex::{Regex, RegexBuilder};
use regex_automata::meta::{self, BuildError, Cache};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Anchored, Input};
use regex_syntax::ParserBuilder;

use crate::error::RuleProblem;
use crate::literals::{self, Demands};
use crate::prefilter::Starts;
use crate::rule::Pattern;

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
/// Places that are tried one by one; where there are more, the rest of the text is searched at once, so that time
/// stays linear whatever the text.
const MAX_PLACES: usize = 8;

/// Searches from which on a pattern counts as sought often.
const OFTEN: u32 = 1_024;

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Matcher {
    regex: meta::Regex,
    /// Searches so far, up to [`OFTEN`].
    searches: AtomicU32,
    /// What a regex that is not sought often remembers, for all threads. Most are not, and what they remember (an
    /// automaton that is built as texts need it) takes 20 kB and costs more than the search. A regex that is sought
    /// often remembers it for each thread, so that threads do not wait for each other's memory.
    shared: Mutex<Option<Box<Cache>>>,
}

impl Matcher {
    fn new(regex: meta::Regex) -> Self {
        Self { regex, searches: AtomicU32::new(0), shared: Mutex::new(None) }
    }

    /// The first place of the text where the pattern is, if its matches begin only there.
    pub(crate) fn find(&self, text: &str, starts: Starts<'_>) -> Option<Range<usize>> {
        let search = |from: u32, anchored| {
            let input = Input::new(text).range(from as usize..).anchored(anchored);
            let shared = self.shared(|cache| self.regex.search_with(cache, &input));
            shared.unwrap_or_else(|| self.regex.search(&input)).map(|found| found.range())
        };
        let Starts::At(places) = starts else { return search(0, Anchored::No) };
        let mut place = places.first();
        for _ in 0..MAX_PLACES {
            if let Some(found) = search(place, Anchored::Yes) {
                return Some(found);
            }
            place = places.after(place)?;
        }
        search(place, Anchored::No)
    }

    /// Whether the pattern is in the text.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        let input = Input::new(text).earliest(true);
        let shared = self.shared(|cache| self.regex.search_half_with(cache, &input).is_some());
        shared.unwrap_or_else(|| self.regex.is_match(text))
    }

    /// Searches with what all threads share. `None`, and nothing was searched, where each has its own: the pattern is
    /// sought often, or another thread is at it just now, which nobody waits for.
    fn shared<T>(&self, search: impl FnOnce(&mut Cache) -> T) -> Option<T> {
        if self.searches.load(Ordering::Relaxed) >= OFTEN {
            return None;
        }
        // Poisoned where a search has panicked: then nobody knows what is in it.
        let mut shared = self.shared.try_lock().ok()?;
        if self.searches.fetch_add(1, Ordering::Relaxed) + 1 >= OFTEN {
            *shared = None;
            return None;
        }
        Some(search(shared.get_or_insert_with(|| Box::new(self.regex.create_cache()))))
    }
}

/// A copy remembers nothing.
impl Clone for Matcher {
    fn clone(&self) -> Self {
        Self::new(self.regex.clone())
    }
}

/// A rule's patterns, regexes first, each with its demands. What they take is taken from `room`, which begins with
/// [`MAX_SET_SIZE`].
pub(crate) fn compile(pattern: &Pattern, room: &mut usize) -> Result<Vec<(Matcher, Demands)>, RuleProblem> {
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
) -> impl Iterator<Item = Result<(Matcher, Demands), RuleProblem>> {
    let bad = |list, index, pattern: &str, Problem { text, offset }| RuleProblem::BadPattern {
        list,
        index,
        pattern: pattern.chars().take(80).collect(),
        problem: text,
        offset,
    };
    let regexes =
        (0..).zip(&pattern.regexes).map(|(index, regex)| ("match", index, regex, matcher(regex, true)));
    let literals = (0..)
        .zip(&pattern.literals)
        .map(|(index, literal)| ("literals", index, literal, matcher(&regex::escape(literal), false)));
    let mut fits = |(matcher, demands): (Matcher, Demands)| {
        *room = room.checked_sub(matcher.regex.memory_usage()).ok_or_else(|| Problem {
            text:
                "has no room: the patterns of the set are too big when compiled; expected smaller repetitions"
                    .to_owned(),
            offset: None,
        })?;
        Ok((matcher, demands))
    };
    regexes.chain(literals).map(move |(list, index, source, compiled)| {
        compiled.and_then(&mut fits).map_err(|problem| bad(list, index, source, problem))
    })
}

/// Why a regex cannot be a rule's pattern; `None` if it can.
pub(crate) fn regex_problem(regex: &str) -> Option<String> {
    matcher(regex, true).err().map(|problem| problem.text)
}

/// A rule's regex for those who look at it closer; `None` if it is none.
pub(crate) fn compiled(regex: &str) -> Option<Regex> {
    matcher(regex, true).ok()?;
    RegexBuilder::new(regex).case_insensitive(true).multi_line(true).build().ok()
}

struct Problem {
    text: String,
    offset: Option<usize>,
}

/// `unicode` false: upper and lower case are the same for ASCII letters only.
fn matcher(regex: &str, unicode: bool) -> Result<(Matcher, Demands), Problem> {
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
    // The set has found the place already, and hardly any pattern is one-pass.
    let config = meta::Config::new()
        .auto_prefilter(false)
        .onepass(false)
        .which_captures(WhichCaptures::Implicit)
        .nfa_size_limit(Some(REGEX_SIZE_LIMIT))
        .hybrid_cache_capacity(REGEX_CACHE_LIMIT);
    let regex =
        meta::Builder::new().configure(config).build_from_hir(&hir).map_err(|error: BuildError| {
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
    Ok((Matcher::new(regex), literals::demands_of(&hir)))
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
    fn how_often_a_pattern_is_sought_changes_nothing() {
        let (matcher, _) = matcher(r"mailbox (\S+ )?full", true).ok().unwrap();
        for round in 0..OFTEN * 2 {
            assert_eq!(matcher.find("your mailbox is full", Starts::Anywhere), Some(5..20), "{round}");
            assert_eq!(matcher.find("your mailbox", Starts::Anywhere), None, "{round}");
            assert!(matcher.is_in("MAILBOX FULL") && !matcher.is_in("mail box full"), "{round}");
            if round == 0 {
                assert!(matcher.shared.lock().unwrap().is_some());
            }
        }
        assert!(matcher.shared.lock().unwrap().is_none(), "each thread has its own");
    }

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
