//! The samples that rules carry, run.

use std::fmt;

use crate::rule::Sample;
use crate::set::RuleSet;

/// What a sample demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Expectation {
    /// The rule wins the sample.
    Match,
    /// The rule does not match the sample.
    NoMatch,
}

/// A sample that did not turn out as its rule demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestFailure {
    /// The rule that carries the sample.
    pub rule: String,
    /// Which list the sample is in.
    pub expectation: Expectation,
    /// Its place in that list, from 0.
    pub index: usize,
    /// The sample.
    pub sample: Sample,
    /// The rule that won instead, if any did; for [`Expectation::NoMatch`] the rule itself or one before it.
    pub winner: Option<String>,
}

impl fmt::Display for TestFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, index, sample, winner, .. } = self;
        let winner = winner.as_deref().map_or("no rule".to_owned(), |winner| format!("rule `{winner}`"));
        match self.expectation {
            Expectation::Match => {
                write!(
                    f,
                    "rule `{rule}`, tests.match[{index}]: expected to win `{}`; {winner} does",
                    sample.text
                )
            }
            Expectation::NoMatch => {
                write!(f, "rule `{rule}`, tests.no_match[{index}]: expected not to match `{}`", sample.text)
            }
        }
    }
}

impl RuleSet {
    /// Runs the samples of all rules and returns those that failed, in the set's order. A `match` sample must be won
    /// by its rule, a `no_match` sample must not match it, shadowed or not.
    pub fn run_tests(&self) -> Vec<TestFailure> {
        let mut failures = Vec::new();
        for spec in self.rules() {
            let lists =
                [(Expectation::Match, &spec.tests.matches), (Expectation::NoMatch, &spec.tests.no_match)];
            for (expectation, samples) in lists {
                for (index, sample) in samples.iter().enumerate() {
                    let explanation = self.explain(&sample.as_subject());
                    let winner = explanation.winner().map(|found| found.rule.id.clone());
                    let passed = match expectation {
                        Expectation::Match => winner.as_ref() == Some(&spec.id),
                        Expectation::NoMatch => explanation.matches.iter().all(|m| m.rule.id != spec.id),
                    };
                    if !passed {
                        let (rule, sample) = (spec.id.clone(), sample.clone());
                        failures.push(TestFailure { rule, expectation, index, sample, winner });
                    }
                }
            }
        }
        failures
    }
}
