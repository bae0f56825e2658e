//! Which patterns can match a text at all, and where could they begin? One pass over the text with an automaton of
//! the literals that the patterns demand.
//!
//! One `RegexSet` over all rules was measured at milliseconds a text with the default limits, because its lazy DFA
//! thrashes. So: literals first, then the few regexes that are left, and these only where one of their first literals
//! stands. Of a pattern's demands the rarest is its trigger; the others are looked at only when that is met, so that
//! words that half of the rules share cost nothing.

use std::collections::{BTreeMap, HashMap};

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::{Anchored, MatchKind, StartKind, dfa, nfa};

use crate::literals::{AnyOf, Demands};

/// Octets of literals up to which the automaton is a DFA, of about 256 octets of memory each; more literals are kept
/// in an NFA, which takes a tenth of the memory and twice the time.
const MAX_DFA_OCTETS: usize = 128 * 1024;

/// The literals of all patterns of a set. Patterns have numbers in the order given.
#[derive(Clone, Debug)]
pub(crate) struct Prefilter {
    /// `None` where it could not be built: then every pattern is a candidate.
    automaton: Option<Literals>,
    /// By the automaton's number.
    literals: Vec<Literal>,
    /// For each demand its literals, in ascending order.
    demands: Vec<Vec<u32>>,
    patterns: Vec<Needs>,
}

#[derive(Clone, Debug)]
enum Literals {
    Dfa(dfa::DFA),
    Nfa(nfa::contiguous::NFA),
}

#[derive(Clone, Debug)]
struct Literal {
    octets: u32,
    /// The patterns of which it meets the rarest demand.
    patterns: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Needs {
    /// It has demands at all.
    is_demanding: bool,
    /// Its demands but for the trigger.
    others: Vec<u32>,
    /// Each match begins with a literal of this demand.
    start: Option<u32>,
    /// Each match has a character beyond ASCII.
    beyond_ascii: bool,
}

/// What one text has.
pub(crate) struct Scan<'a> {
    filter: &'a Prefilter,
    hits: Hits,
    /// Nothing is known: every pattern is a candidate.
    is_blind: bool,
    is_ascii: bool,
}

/// The memory of a scan, to be used again by the next.
#[derive(Debug, Default)]
pub(crate) struct Hits {
    /// States of the automaton at which literals end, and where.
    ends: Vec<(StateID, u32)>,
    /// Literals and where they begin, in the order of their ends.
    all: Vec<(u32, u32)>,
    /// Each literal once.
    distinct: Vec<u32>,
    /// A bit for each literal.
    seen: Vec<u64>,
}

impl Hits {
    fn clear(&mut self, literals: usize) {
        for literal in self.distinct.drain(..) {
            if let Some(word) = self.seen.get_mut(literal as usize / 64) {
                *word = 0;
            }
        }
        self.ends.clear();
        self.all.clear();
        if self.seen.len() < literals.div_ceil(64) {
            self.seen.resize(literals.div_ceil(64), 0);
        }
    }

    fn add(&mut self, literal: u32, start: u32) {
        self.all.push((literal, start));
        if let Some(word) = self.seen.get_mut(literal as usize / 64) {
            let bit = 1 << (literal % 64);
            if *word & bit == 0 {
                *word |= bit;
                self.distinct.push(literal);
            }
        }
    }

    fn has(&self, literal: u32) -> bool {
        self.seen.get(literal as usize / 64).is_some_and(|word| word & (1 << (literal % 64)) != 0)
    }
}

impl Prefilter {
    /// From each pattern's demands.
    pub(crate) fn build(patterns: &[Demands]) -> Self {
        let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
        for word in patterns.iter().flat_map(|pattern| &pattern.all).flat_map(|AnyOf(words)| words) {
            *numbers.entry(word).or_default() += 1;
        }
        // How many patterns a literal serves tells how common it is in texts.
        let rarity = |demand: &AnyOf| -> u64 {
            let commonness = |word: &String| {
                let uses = u64::from(numbers.get(word.as_str()).copied().unwrap_or_default());
                (uses << 20) >> word.len().min(20)
            };
            demand.0.iter().map(commonness).sum()
        };
        let triggers: Vec<Option<usize>> = patterns
            .iter()
            .map(|pattern| (0..pattern.all.len()).min_by_key(|at| pattern.all.get(*at).map(rarity)))
            .collect();
        for (number, slot) in (0..).zip(numbers.values_mut()) {
            *slot = number;
        }
        let mut built = Self {
            automaton: Literals::build(&numbers.keys().copied().collect::<Vec<_>>()),
            literals: numbers
                .keys()
                .map(|word| Literal { octets: word.len() as u32, patterns: Vec::new() })
                .collect(),
            demands: Vec::new(),
            patterns: Vec::with_capacity(patterns.len()),
        };
        let mut known: HashMap<&AnyOf, u32> = HashMap::new();
        for ((number, pattern), trigger) in (0..).zip(patterns).zip(triggers) {
            let mut ids = Vec::with_capacity(pattern.all.len());
            for demand in &pattern.all {
                let id = *known.entry(demand).or_insert_with(|| built.add(demand, &numbers));
                ids.push(id);
            }
            let start = ids.first().copied().filter(|_| pattern.starts_with_first);
            let trigger = trigger.map(|at| ids.swap_remove(at));
            for literal in trigger.iter().filter_map(|id| built.demands.get(*id as usize)).flatten() {
                if let Some(literal) = built.literals.get_mut(*literal as usize) {
                    literal.patterns.push(number);
                }
            }
            built.patterns.push(Needs {
                is_demanding: trigger.is_some(),
                others: ids,
                start,
                beyond_ascii: pattern.beyond_ascii,
            });
        }
        built
    }

    fn add(&mut self, demand: &AnyOf, numbers: &BTreeMap<&str, u32>) -> u32 {
        let id = self.demands.len() as u32;
        let mut literals: Vec<u32> =
            demand.0.iter().filter_map(|word| numbers.get(word.as_str()).copied()).collect();
        literals.sort_unstable();
        self.demands.push(literals);
        id
    }

    /// Looks through a text, with memory that may be of another scan.
    pub(crate) fn scan(&self, text: &str, mut hits: Hits) -> Scan<'_> {
        hits.clear(self.literals.len());
        // U+017F and U+212A match `s` and `k` without regard to case; the automaton knows ASCII only.
        let is_ascii = text.is_ascii();
        let is_odd = !is_ascii && text.contains(['\u{17f}', '\u{212a}']);
        let mut scan = Scan { filter: self, hits, is_blind: is_odd || self.automaton.is_none(), is_ascii };
        match &self.automaton {
            Some(Literals::Dfa(dfa)) if !is_odd => scan.run(dfa, text),
            Some(Literals::Nfa(nfa)) if !is_odd => scan.run(nfa, text),
            Some(_) | None => {}
        }
        scan
    }
}

impl Literals {
    fn build(words: &[&str]) -> Option<Self> {
        let octets: usize = words.iter().map(|word| word.len()).sum();
        if octets <= MAX_DFA_OCTETS {
            let mut builder = dfa::DFA::builder();
            builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard);
            builder.start_kind(StartKind::Unanchored).prefilter(false).build(words).ok().map(Self::Dfa)
        } else {
            let mut builder = nfa::contiguous::NFA::builder();
            builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard);
            builder.prefilter(false).build(words).ok().map(Self::Nfa)
        }
    }
}

impl Scan<'_> {
    fn run<A: Automaton>(&mut self, automaton: &A, text: &str) {
        let Ok(mut state) = automaton.start_state(Anchored::No) else {
            self.is_blind = true;
            return;
        };
        // Apart from what follows, so that the loop over the octets is as short as it can be.
        let ends = &mut self.hits.ends;
        for (end, byte) in (1..).zip(text.bytes()) {
            state = automaton.next_state(Anchored::No, state, byte);
            if automaton.is_special(state) {
                ends.push((state, end));
            }
        }
        let ends = std::mem::take(&mut self.hits.ends);
        for (state, end) in ends.iter().filter(|(state, _)| automaton.is_match(*state)) {
            for n in 0..automaton.match_len(*state) {
                let literal = automaton.match_pattern(*state, n).as_u32();
                let octets = self.filter.literals.get(literal as usize).map_or(0, |literal| literal.octets);
                self.hits.add(literal, end - octets);
            }
        }
        self.hits.ends = ends;
    }

    /// Calls `visit` with the patterns that have demands and may match, in any order; perhaps more than once.
    pub(crate) fn candidates(&self, mut visit: impl FnMut(usize)) {
        let filter = self.filter;
        if self.is_blind {
            let demanding = (0..).zip(&filter.patterns).filter(|(_, needs)| needs.is_demanding);
            return demanding.for_each(|(pattern, _)| visit(pattern));
        }
        let is_met = |demand: &u32| {
            let literals = filter.demands.get(*demand as usize);
            literals.is_some_and(|literals| literals.iter().any(|literal| self.hits.has(*literal)))
        };
        let literals = self.hits.distinct.iter().filter_map(|literal| filter.literals.get(*literal as usize));
        for pattern in literals.flat_map(|literal| &literal.patterns) {
            let needs = filter.patterns.get(*pattern as usize);
            if needs.is_some_and(|needs| needs.others.iter().all(is_met)) {
                visit(*pattern as usize);
            }
        }
    }

    /// Whether the pattern cannot match because of the characters that the text has.
    pub(crate) fn rules_out(&self, pattern: usize) -> bool {
        self.is_ascii && self.filter.patterns.get(pattern).is_some_and(|needs| needs.beyond_ascii)
    }

    /// Where matches of a candidate may begin.
    pub(crate) fn starts(&self, pattern: usize) -> Starts<'_> {
        let start = self.filter.patterns.get(pattern).and_then(|needs| needs.start);
        match start.and_then(|id| self.filter.demands.get(id as usize)) {
            Some(literals) if !self.is_blind => Starts::At(Places { literals, hits: &self.hits.all }),
            Some(_) | None => Starts::Anywhere,
        }
    }

    /// The memory, for the next scan.
    pub(crate) fn into_hits(self) -> Hits {
        self.hits
    }
}

/// Where in a text matches may begin.
#[derive(Clone, Copy)]
pub(crate) enum Starts<'a> {
    Anywhere,
    /// Only here.
    At(Places<'a>),
}

/// Where some literals stand.
#[derive(Clone, Copy)]
pub(crate) struct Places<'a> {
    literals: &'a [u32],
    hits: &'a [(u32, u32)],
}

impl Places<'_> {
    /// The first place at or after this one.
    pub(crate) fn next(self, from: u32) -> Option<u32> {
        let is_next = |hit: &&(u32, u32)| hit.1 >= from && self.literals.binary_search(&hit.0).is_ok();
        self.hits.iter().filter(is_next).map(|(_, start)| *start).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::literals::demands_of;

    fn filter<S: AsRef<str>>(regexes: &[S]) -> Prefilter {
        let read = |regex: &S| {
            let hir = regex_syntax::ParserBuilder::new().case_insensitive(true).build().parse(regex.as_ref());
            demands_of(&hir.unwrap())
        };
        Prefilter::build(&regexes.iter().map(read).collect::<Vec<_>>())
    }

    #[track_caller]
    fn check(filter: &Prefilter, text: &str, expected: &[usize]) {
        let mut found = Vec::new();
        filter.scan(text, Hits::default()).candidates(|pattern| found.push(pattern));
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn leaves_out_what_cannot_match() {
        let filter = filter(&["user.*unknown", "quota", r"\d+", "spam|virus"]);
        check(&filter, "550 User UNKNOWN", &[0]);
        check(&filter, "550 user", &[]);
        check(&filter, "over QUOTA, or spam", &[1, 3]);
        check(&filter, "", &[]);
        check(&filter, "\u{17f}pam", &[0, 1, 3]);
    }

    #[test]
    fn tells_where_matches_may_begin() {
        let filter = filter(&["user.*unknown", r"\w+ quota", "(mail)?box.*full"]);
        let starts = |text: &str, pattern| match filter.scan(text, Hits::default()).starts(pattern) {
            Starts::Anywhere => None,
            Starts::At(places) => {
                let next = |last: Option<u32>| places.next(last.map_or(0, |last| last + 1));
                Some(std::iter::successors(next(None), |last| next(Some(*last))).collect::<Vec<_>>())
            }
        };
        assert_eq!(starts("a User, the user is unknown", 0), Some(vec![2, 12]));
        assert_eq!(starts("over quota", 1), None);
        assert_eq!(starts("mailbox is full", 2), Some(vec![0, 4]));
        assert_eq!(starts("u\u{17f}er", 0), None);
    }

    /// Cost follows the patterns that are tried, so this is what keeps it from growing with the set.
    #[test]
    fn rules_that_share_words_are_told_apart() {
        let words = ["mailbox", "quota", "unknown", "rejected", "blocked", "policy", "relay", "sender"];
        let word = |n: usize| words[n % words.len()];
        let regex = |n: usize| format!(r"\b{} .{{0,20}}{} (code|error) ?{n:04}\b", word(n), word(n / 8));
        let filter = filter(&(0..2_000).map(regex).collect::<Vec<_>>());
        check(&filter, "550 rejected by policy of the blocked mailbox error 1027", &[1027]);
    }

    #[test]
    fn many_literals_are_kept_in_less_memory() {
        let regex = |n: usize| format!("{n:08}{}", "x".repeat(30));
        let few: Vec<String> = (0..10).map(regex).collect();
        assert!(matches!(filter(&few).automaton, Some(Literals::Dfa(_))));
        let many: Vec<String> = (0..=MAX_DFA_OCTETS / 38).map(regex).collect();
        let many = filter(&many);
        assert!(matches!(many.automaton, Some(Literals::Nfa(_))));
        check(&many, &format!("a {}", regex(77)), &[77]);
    }
}
