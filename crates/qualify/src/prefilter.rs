//! Which patterns can match a text at all? One pass of Aho-Corasick over the literals that they demand.
//!
//! One `RegexSet` over all rules was measured at milliseconds a text with the default limits, because its lazy DFA
//! thrashes. Literals first, then the few regexes that are left: 1 us a text with 500 rules, 2 us with 2,000, 4 us
//! with 5,000, and constant memory. A pattern must have *all* its demands met: with the longest literal alone, rules
//! that share words came to 1 ms.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

use crate::literals::{self, AnyOf, MAX_DEMANDS};

/// A set of small numbers.
#[derive(Clone, Debug)]
pub(crate) struct BitSet(Vec<u64>);

impl BitSet {
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    /// Adds a number below the capacity; others are left out.
    pub(crate) fn insert(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }

    pub(crate) fn contains(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    /// The numbers in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest.checked_sub(1)?;
                Some(at * 64 + bit)
            })
        })
    }
}

/// One bit for each demand of a pattern.
type Demands = u8;
const _: () = assert!(MAX_DEMANDS <= Demands::BITS as usize);

/// The literals of all patterns of a set. Patterns have numbers in the order given; each belongs to a rule.
#[derive(Clone, Debug)]
pub(crate) struct Prefilter {
    /// `None` where it could not be built: then every pattern is a candidate.
    automaton: Option<AhoCorasick>,
    /// For each literal of the automaton, the patterns that demand it, and which of their demands it meets.
    met_by: Vec<Vec<(usize, Demands)>>,
    /// Patterns without demands.
    undemanding: Vec<usize>,
    /// For each pattern, its rule and all its demands.
    patterns: Vec<(usize, Demands)>,
}

/// The patterns that may match one text.
pub(crate) struct Candidates(BitSet);

impl Candidates {
    pub(crate) fn contains(&self, pattern: usize) -> bool {
        self.0.contains(pattern)
    }
}

impl Prefilter {
    /// From each pattern's rule and regex.
    pub(crate) fn build(sources: &[(usize, String)]) -> Self {
        let mut literals: BTreeMap<String, Vec<(usize, Demands)>> = BTreeMap::new();
        let mut patterns = Vec::with_capacity(sources.len());
        for (number, (rule, regex)) in sources.iter().enumerate() {
            let mut all = 0;
            for (bit, AnyOf(words)) in literals::demands(regex).into_iter().enumerate() {
                all |= 1 << bit;
                for word in words {
                    literals.entry(word).or_default().push((number, 1 << bit));
                }
            }
            patterns.push((*rule, all));
        }
        let automaton = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(literals.keys())
            .ok();
        let undemanding = (0..).zip(&patterns).filter(|(_, (_, all))| *all == 0).map(|(n, _)| n).collect();
        Self { automaton, met_by: literals.into_values().collect(), undemanding, patterns }
    }

    /// The patterns that may match this text; their rules are added to `rules`.
    pub(crate) fn candidates(&self, text: &str, rules: &mut BitSet) -> Candidates {
        let mut found = BitSet::with_capacity(self.patterns.len());
        let mut add = |pattern: usize, rule: usize| {
            found.insert(pattern);
            rules.insert(rule);
        };
        match &self.automaton {
            // U+017F and U+212A match `s` and `k` without regard to case; the automaton knows ASCII only.
            Some(automaton) if !text.contains(['\u{17f}', '\u{212a}']) => {
                // Each literal counts once, however often the text has it.
                let mut literals = BitSet::with_capacity(self.met_by.len());
                automaton
                    .find_overlapping_iter(text)
                    .for_each(|hit| literals.insert(hit.pattern().as_usize()));
                let mut met: Vec<Demands> = vec![0; self.patterns.len()];
                for (pattern, demand) in literals.iter().filter_map(|n| self.met_by.get(n)).flatten() {
                    if let (Some(met), Some((rule, all))) =
                        (met.get_mut(*pattern), self.patterns.get(*pattern))
                    {
                        *met |= demand;
                        if met == all {
                            add(*pattern, *rule);
                        }
                    }
                }
                for pattern in &self.undemanding {
                    if let Some((rule, _)) = self.patterns.get(*pattern) {
                        add(*pattern, *rule);
                    }
                }
            }
            Some(_) | None => (0..).zip(&self.patterns).for_each(|(pattern, (rule, _))| add(pattern, *rule)),
        }
        Candidates(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_sets_iterate_in_order() {
        let mut set = BitSet::with_capacity(130);
        for number in [129, 0, 64, 63, 500] {
            set.insert(number);
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 129]);
        assert!(set.contains(64) && !set.contains(65) && !set.contains(500));
    }

    #[test]
    fn leaves_out_what_cannot_match() {
        let regexes = ["user.*unknown", "quota", r"\d+", "spam|virus"];
        let patterns: Vec<_> = regexes.iter().enumerate().map(|(n, r)| (n, (*r).to_owned())).collect();
        let filter = Prefilter::build(&patterns);
        let check = |text: &str, expected: &[usize]| {
            let mut rules = BitSet::with_capacity(patterns.len());
            filter.candidates(text, &mut rules);
            assert_eq!(rules.iter().collect::<Vec<_>>(), expected, "{text}");
        };
        check("550 User UNKNOWN", &[0, 2]);
        check("550 user", &[2]);
        check("over QUOTA, or spam", &[1, 2, 3]);
        check("", &[2]);
        check("\u{17f}pam", &[0, 1, 2, 3]);
    }

    /// Cost follows the patterns that are tried, so this is what keeps it from growing with the set.
    #[test]
    fn rules_that_share_words_are_told_apart() {
        let words = ["mailbox", "quota", "unknown", "rejected", "blocked", "policy", "relay", "sender"];
        let word = |n: usize| words[n % words.len()];
        let regex = |n: usize| (n, format!(r"\b{} .{{0,20}}{} (code|error) ?{n:04}\b", word(n), word(n / 8)));
        let filter = Prefilter::build(&(0..2_000).map(regex).collect::<Vec<_>>());
        let mut rules = BitSet::with_capacity(2_000);
        filter.candidates("550 mailbox rejected by policy of the blocked sender, error 1027", &mut rules);
        assert_eq!(rules.iter().collect::<Vec<_>>(), [1027]);
    }
}
