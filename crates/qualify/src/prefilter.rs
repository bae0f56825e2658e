//! Which patterns can match a text at all, and where could they begin? One pass over the text finds the literals that
//! the patterns demand.
//!
//! One `RegexSet` over all rules was measured at milliseconds a text with the default limits, because its lazy DFA
//! thrashes. So: literals first, then the few regexes that are left, and these only where one of their first literals
//! stands. Of a pattern's demands the rarest is its trigger; the others are looked at only when that is met, so that
//! words that half of the rules share cost nothing.

use std::collections::{BTreeMap, HashMap};

use crate::grams::{self, Hit, Literals};
use crate::lists::{Bits, Lists};
use crate::literals::{AnyOf, Demands};

/// The literals of all patterns of a set. Patterns have numbers in the order given.
#[derive(Clone, Debug)]
pub(crate) struct Prefilter {
    literals: Literals,
    /// For each literal the demands that it meets.
    met: Lists,
    /// For each demand the patterns of which it is the trigger.
    triggered: Lists,
    patterns: Vec<Needs>,
    /// For each pattern its demands but for the trigger.
    others: Lists,
}

#[derive(Clone, Copy, Debug)]
struct Needs {
    /// Each match begins with a literal of this demand.
    start: Option<u32>,
    /// It has demands at all.
    is_demanding: bool,
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
    search: grams::Memory,
    all: Vec<Hit>,
    /// The demands that are met.
    met: Bits,
    /// For each demand the number of the last scan that met it, and below it, in 32 bits, the first place of a literal
    /// that does so. Numbers count down, so that the smallest of these is always the right one.
    first: Vec<u64>,
    scans_left: u32,
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
        let mut met = vec![Vec::new(); numbers.len()];
        let mut triggered: Vec<Vec<u32>> = Vec::new();
        let mut known: HashMap<&AnyOf, u32> = HashMap::new();
        let mut others = Vec::with_capacity(patterns.len());
        let mut needs = Vec::with_capacity(patterns.len());
        for ((number, pattern), trigger) in (0..).zip(patterns).zip(triggers) {
            let mut ids = Vec::with_capacity(pattern.all.len());
            for demand in &pattern.all {
                ids.push(*known.entry(demand).or_insert_with(|| {
                    let id = triggered.len() as u32;
                    triggered.push(Vec::new());
                    for literal in demand.0.iter().filter_map(|word| numbers.get(word.as_str())) {
                        if let Some(list) = met.get_mut(*literal as usize) {
                            list.push(id);
                        }
                    }
                    id
                }));
            }
            needs.push(Needs {
                start: ids.first().copied().filter(|_| pattern.starts_with_first),
                is_demanding: trigger.is_some(),
                beyond_ascii: pattern.beyond_ascii,
            });
            if let Some(list) = trigger.and_then(|at| triggered.get_mut(ids.swap_remove(at) as usize)) {
                list.push(number);
            }
            others.push(ids);
        }
        Self {
            literals: Literals::new(&numbers.keys().copied().collect::<Vec<_>>()),
            met: Lists::new(&met),
            triggered: Lists::new(&triggered),
            patterns: needs,
            others: Lists::new(&others),
        }
    }

    /// Looks through a text, with memory that may be of another scan.
    pub(crate) fn scan(&self, text: &str, mut hits: Hits) -> Scan<'_> {
        // U+017F and U+212A match `s` and `k` without regard to case; literals are compared in ASCII only.
        let is_ascii = text.is_ascii();
        let is_blind = !is_ascii && text.contains(['\u{17f}', '\u{212a}']);
        hits.all.clear();
        if !is_blind {
            self.literals.find(text, &mut hits.search, &mut hits.all);
        }
        hits.met.clear(self.triggered.len());
        if hits.first.len() < self.triggered.len() || hits.scans_left == 0 {
            hits.first.clear();
            hits.first.resize(self.triggered.len(), u64::MAX);
            hits.scans_left = u32::MAX;
        }
        hits.scans_left -= 1;
        let this_scan = u64::from(hits.scans_left) << 32;
        for hit in &hits.all {
            let place = this_scan | u64::from(hit.start);
            for demand in self.met.get(hit.literal) {
                hits.met.add(*demand);
                if let Some(first) = hits.first.get_mut(*demand as usize) {
                    *first = place.min(*first);
                }
            }
        }
        Scan { filter: self, hits, is_blind, is_ascii }
    }
}

impl Scan<'_> {
    /// Calls `visit` with the patterns that have demands and may match, once, in any order.
    pub(crate) fn candidates(&self, mut visit: impl FnMut(u32)) {
        let filter = self.filter;
        if self.is_blind {
            let demanding = (0..).zip(&filter.patterns).filter(|(_, needs)| needs.is_demanding);
            return demanding.for_each(|(pattern, _)| visit(pattern));
        }
        self.hits.met.each(|demand| {
            for pattern in filter.triggered.get(demand) {
                if filter.others.get(*pattern).iter().all(|demand| self.hits.met.has(*demand)) {
                    visit(*pattern);
                }
            }
        });
    }

    /// Whether the pattern cannot match because of the characters that the text has.
    pub(crate) fn rules_out(&self, pattern: u32) -> bool {
        self.is_ascii && self.filter.patterns.get(pattern as usize).is_some_and(|needs| needs.beyond_ascii)
    }

    /// Where matches of a candidate may begin.
    pub(crate) fn starts(&self, pattern: u32) -> Starts<'_> {
        match self.filter.patterns.get(pattern as usize).and_then(|needs| needs.start) {
            Some(demand) if !self.is_blind => {
                let first = self.hits.first.get(demand as usize).map_or(0, |first| *first as u32);
                Starts::At(Places { first, demand, met: &self.filter.met, hits: &self.hits.all })
            }
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

/// Where the literals of a demand stand.
#[derive(Clone, Copy)]
pub(crate) struct Places<'a> {
    first: u32,
    demand: u32,
    met: &'a Lists,
    hits: &'a [Hit],
}

impl Places<'_> {
    /// The first place.
    pub(crate) fn first(self) -> u32 {
        self.first
    }

    /// The first place after this one.
    pub(crate) fn after(self, place: u32) -> Option<u32> {
        let is_next = |hit: &&Hit| hit.start > place && self.met.get(hit.literal).contains(&self.demand);
        self.hits.iter().filter(is_next).map(|hit| hit.start).min()
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
        filter.scan(text, Hits::default()).candidates(|pattern| found.push(pattern as usize));
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
            Starts::At(places) => Some(
                std::iter::successors(Some(places.first()), |last| places.after(*last)).collect::<Vec<_>>(),
            ),
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
}
