//! Which patterns can match a text at all, and where could they begin? One pass over the text finds the literals that
//! the patterns demand.
//!
//! One `RegexSet` over all rules was measured at milliseconds a text with the default limits, because its lazy DFA
//! thrashes. So: literals first, then the few regexes that are left. Of a pattern's demands only the rarest is looked for,
//! as far as texts of the same kind tell (the samples of the rules): words that half of the rules share are in most
//! texts, and looking for them took longer than the regexes that they spared.

use std::collections::{BTreeMap, HashMap};

use crate::grams::{self, Hit, Literals};
use crate::lists::Lists;
use crate::literals::{AnyOf, Demands};
use crate::plain::Text;

/// The literals of all patterns of a set. Patterns have numbers in the order given.
#[derive(Clone, Debug)]
pub(crate) struct Prefilter {
    literals: Literals,
    /// For each literal the demands that it meets.
    met: Lists,
    /// For each demand the patterns that wait for it.
    waiting: Lists,
    patterns: Vec<Needs>,
}

#[derive(Clone, Copy, Debug)]
struct Needs {
    /// The demand that it waits for; none if any text meets all it has.
    demand: Option<u32>,
    /// Each match begins with a literal of this demand.
    begins_so: bool,
    /// Each match has a character beyond ASCII.
    beyond_ascii: bool,
}

/// What one text has.
pub(crate) struct Scan<'a> {
    filter: &'a Prefilter,
    hits: &'a Hits,
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
    met: Vec<u32>,
    /// For each demand the number of the last scan that met it, and below it, in 32 bits, the first place of a literal
    /// that does so. Numbers count down, so that the smallest of these is always the right one.
    first: Vec<u64>,
    scans_left: u32,
}

/// How often literals are met.
struct Rarity<'a>(HashMap<&'a str, u64>);

impl<'a> Rarity<'a> {
    fn of(patterns: &'a [Demands], samples: &[&str]) -> Self {
        let mut uses: BTreeMap<&str, u64> = BTreeMap::new();
        for word in patterns.iter().flat_map(|pattern| &pattern.all).flat_map(|AnyOf(words)| words) {
            *uses.entry(word).or_default() += 1;
        }
        let words: Vec<&str> = uses.keys().copied().collect();
        let literals = Literals::new(&words, samples);
        let mut counts = vec![0_u64; words.len()];
        let (mut memory, mut hits) = (grams::Memory::default(), Vec::new());
        for sample in samples {
            literals.find(sample, &mut memory, &mut hits);
            for hit in &hits {
                if let Some(count) = counts.get_mut(hit.literal as usize) {
                    *count += 1;
                }
            }
        }
        // Where no sample tells, the number of patterns that it serves and its length do.
        let rarity = |((word, uses), count): ((&&'a str, &u64), u64)| {
            let guess = (uses << 20) >> word.len().min(20);
            (*word, (count << 24) + guess)
        };
        Self(uses.iter().zip(counts).map(rarity).collect())
    }

    /// The more, the commoner.
    fn of_demand(&self, AnyOf(words): &AnyOf) -> u64 {
        words.iter().filter_map(|word| self.0.get(word.as_str())).sum()
    }
}

impl Prefilter {
    /// From each pattern's demands, and texts such as those that will be looked through.
    pub(crate) fn build(patterns: &[Demands], samples: &[&str]) -> Self {
        let rarity = Rarity::of(patterns, samples);
        let mut waiting: Vec<Vec<u32>> = Vec::new();
        let mut known: HashMap<&AnyOf, u32> = HashMap::new();
        let mut needs = Vec::with_capacity(patterns.len());
        for (number, pattern) in (0..).zip(patterns) {
            let rarest = pattern.all.iter().enumerate().min_by_key(|(_, demand)| rarity.of_demand(demand));
            let demand = rarest.map(|(_, demand)| {
                *known.entry(demand).or_insert_with(|| {
                    waiting.push(Vec::new());
                    waiting.len() as u32 - 1
                })
            });
            if let Some(list) = demand.and_then(|demand| waiting.get_mut(demand as usize)) {
                list.push(number);
            }
            let begins_so = pattern.starts_with_first && rarest.is_some_and(|(at, _)| at == 0);
            needs.push(Needs { demand, begins_so, beyond_ascii: pattern.beyond_ascii });
        }
        let mut met: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (AnyOf(words), demand) in &known {
            for word in words {
                met.entry(word).or_default().push(*demand);
            }
        }
        let words: Vec<&str> = met.keys().copied().collect();
        Self {
            literals: Literals::new(&words, samples),
            met: Lists::new(&met.into_values().collect::<Vec<_>>()),
            waiting: Lists::new(&waiting),
            patterns: needs,
        }
    }

    /// Looks through a text, with memory that may be of another scan.
    pub(crate) fn scan<'a>(&'a self, text: &Text<'_>, hits: &'a mut Hits) -> Scan<'a> {
        // U+017F and U+212A match `s` and `k` without regard to case; literals are compared in ASCII only.
        let is_ascii = text.is_ascii();
        let is_blind = !is_ascii && text.raw.contains(['\u{17f}', '\u{212a}']);
        hits.all.clear();
        if !is_blind {
            self.literals.find(text.raw, &mut hits.search, &mut hits.all);
        }
        hits.met.clear();
        if hits.first.len() < self.waiting.len() || hits.scans_left == 0 {
            hits.first.clear();
            hits.first.resize(self.waiting.len(), u64::MAX);
            hits.scans_left = u32::MAX;
        }
        hits.scans_left -= 1;
        let this_scan = u64::from(hits.scans_left) << 32;
        let last_scan = this_scan | u64::from(u32::MAX);
        for hit in &hits.all {
            let place = this_scan | u64::from(hit.start);
            for demand in self.met.get(hit.literal) {
                let Some(first) = hits.first.get_mut(*demand as usize) else { continue };
                if *first > last_scan {
                    hits.met.push(*demand);
                }
                *first = place.min(*first);
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
            let demanding = (0..).zip(&filter.patterns).filter(|(_, needs)| needs.demand.is_some());
            return demanding.for_each(|(pattern, _)| visit(pattern));
        }
        let waiting = self.hits.met.iter().flat_map(|demand| filter.waiting.get(*demand));
        waiting.for_each(|pattern| visit(*pattern));
    }

    /// Whether the pattern cannot match because of the characters that the text has.
    pub(crate) fn rules_out(&self, pattern: u32) -> bool {
        self.is_ascii && self.filter.patterns.get(pattern as usize).is_some_and(|needs| needs.beyond_ascii)
    }

    /// Where matches of a candidate may begin.
    pub(crate) fn starts(&self, pattern: u32) -> Starts<'_> {
        let needs = self.filter.patterns.get(pattern as usize).filter(|needs| needs.begins_so);
        match needs.and_then(|needs| needs.demand) {
            Some(demand) if !self.is_blind => {
                let first = self.hits.first.get(demand as usize).map_or(0, |first| *first as u32);
                Starts::At(Places { first, demand, met: &self.filter.met, hits: &self.hits.all })
            }
            Some(_) | None => Starts::Anywhere,
        }
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
        Prefilter::build(&regexes.iter().map(read).collect::<Vec<_>>(), &[])
    }

    #[track_caller]
    fn check(filter: &Prefilter, text: &str, expected: &[usize]) {
        let mut found = Vec::new();
        filter
            .scan(&Text::new(text), &mut Hits::default())
            .candidates(|pattern| found.push(pattern as usize));
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
        let filter = filter(&[r"user\d*", r"\w+ quota", r"(mail)?box \d"]);
        let starts =
            |text: &str, pattern| match filter.scan(&Text::new(text), &mut Hits::default()).starts(pattern) {
                Starts::Anywhere => None,
                Starts::At(places) => Some(
                    std::iter::successors(Some(places.first()), |last| places.after(*last))
                        .collect::<Vec<_>>(),
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
