//! Which patterns can match a text at all? One pass of Aho-Corasick over the literals that they require.
//!
//! One `RegexSet` over all rules was measured at milliseconds a text with the default limits, because its lazy DFA
//! thrashes; literals first, then the few regexes that are left, stays at microseconds with constant memory however
//! many rules there are.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

use crate::literals;

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

/// The literals of all patterns of a set. Patterns have numbers in the order given; each belongs to a rule.
#[derive(Clone, Debug)]
pub(crate) struct Prefilter {
    /// `None` where it could not be built: then every pattern is a candidate.
    automaton: Option<AhoCorasick>,
    /// For each literal of the automaton, the pattern that requires it.
    pattern_of: Vec<usize>,
    /// Patterns that say nothing about literals.
    unfiltered: Vec<usize>,
    /// For each pattern, its rule.
    rule_of: Vec<usize>,
}

/// What may match one text.
pub(crate) struct Candidates {
    patterns: BitSet,
}

impl Candidates {
    pub(crate) fn contains(&self, pattern: usize) -> bool {
        self.patterns.contains(pattern)
    }
}

impl Prefilter {
    /// From each pattern's rule and regex.
    pub(crate) fn build(patterns: &[(usize, String)]) -> Self {
        let mut words = Vec::new();
        let mut pattern_of = Vec::new();
        let mut unfiltered = Vec::new();
        for (number, (_, regex)) in patterns.iter().enumerate() {
            match literals::required(regex) {
                Some(found) => {
                    pattern_of.extend(std::iter::repeat_n(number, found.len()));
                    words.extend(found);
                }
                None => unfiltered.push(number),
            }
        }
        let automaton = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(&words)
            .ok();
        Self { automaton, pattern_of, unfiltered, rule_of: patterns.iter().map(|(rule, _)| *rule).collect() }
    }

    /// The patterns that may match this text; their rules are added to `rules`.
    pub(crate) fn candidates(&self, text: &str, rules: &mut BitSet) -> Candidates {
        let mut patterns = BitSet::with_capacity(self.rule_of.len());
        let mut add = |pattern: usize| {
            patterns.insert(pattern);
            if let Some(rule) = self.rule_of.get(pattern) {
                rules.insert(*rule);
            }
        };
        match &self.automaton {
            // U+017F and U+212A match `s` and `k` without regard to case; the automaton knows ASCII only.
            Some(automaton) if !text.contains(['\u{17f}', '\u{212a}']) => {
                self.unfiltered.iter().copied().for_each(&mut add);
                for found in automaton.find_overlapping_iter(text) {
                    if let Some(pattern) = self.pattern_of.get(found.pattern().as_usize()) {
                        add(*pattern);
                    }
                }
            }
            Some(_) | None => (0..self.rule_of.len()).for_each(add),
        }
        Candidates { patterns }
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
        let regexes = ["user unknown", "quota", r"\d+", "spam|virus"];
        let patterns: Vec<_> = regexes.iter().enumerate().map(|(n, r)| (n, (*r).to_owned())).collect();
        let filter = Prefilter::build(&patterns);
        let check = |text: &str, expected: &[usize]| {
            let mut rules = BitSet::with_capacity(patterns.len());
            filter.candidates(text, &mut rules);
            assert_eq!(rules.iter().collect::<Vec<_>>(), expected, "{text}");
        };
        check("550 User UNKNOWN", &[0, 2]);
        check("over QUOTA, or spam", &[1, 2, 3]);
        check("", &[2]);
        check("\u{17f}pam", &[0, 1, 2, 3]);
    }
}
