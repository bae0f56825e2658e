//! Rules that do not do what their author thinks.
//!
//! The witnesses are texts: the cases given, and the samples of all rules. What no text shows is not told, but for
//! patterns that are wrong by their looks (duplicate, without a literal to hold on to) and rules without samples.

mod looks;
mod witness;

use std::fmt;

use emta_mail::event::Verdict;

use self::witness::{Role, Witness};
use super::case::Case;
use crate::rule::Sample;
use crate::set::RuleSet;

/// A regex whose matches all have a literal of so many letters and digits is not too short.
pub const MIN_LITERAL: usize = 4;
/// A pattern that is in the `match` samples of so many rules with another meaning is too broad.
pub const MIN_FOREIGN_RULES: usize = 4;

/// A text that shows a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Where it is from: a case's name, or a rule's sample.
    pub source: String,
    /// The text.
    pub text: String,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It matches no text at all.
    Dead,
    /// It matches texts, and another rule wins each of them.
    Shadowed {
        /// The rule that wins most of them.
        by: String,
        /// How many texts it matches.
        matched: usize,
        /// How many of them that rule wins.
        lost: usize,
        /// One of those.
        evidence: Evidence,
    },
    /// A later rule matches texts that it wins, means something else, and is no less specific: only the order
    /// decides, and no label or sample says that the order is right.
    Conflicting {
        /// The later rule.
        with: String,
        /// How many texts.
        texts: usize,
        /// One of them.
        evidence: Evidence,
    },
    /// Without it every text would have the same verdict.
    Redundant {
        /// Texts that it wins.
        wins: usize,
        /// The rule that would win most of them; `None`: no rule, with the same verdict.
        instead: Option<String>,
    },
    /// A regex with no anchor whose matches need not contain a literal of [`MIN_LITERAL`] letters and digits: it is
    /// found inside other words.
    Unanchored {
        /// The regex.
        pattern: String,
        /// The longest literal that it demands, if it demands any.
        literal: Option<String>,
    },
    /// A pattern that is in the samples of rules that mean something else.
    TooBroad {
        /// The pattern.
        pattern: String,
        /// The rules.
        rules: Vec<String>,
        /// A sample of one of them.
        evidence: Evidence,
    },
    /// A pattern that stands in an earlier place too, under conditions that are no narrower.
    Duplicate {
        /// The pattern.
        pattern: String,
        /// The rule of the earlier place; may be the same one.
        with: String,
    },
    /// It has no `match` sample.
    Untested,
}

impl Problem {
    /// Its name in reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Shadowed { .. } => "shadowed",
            Self::Conflicting { .. } => "conflicting",
            Self::Redundant { .. } => "redundant",
            Self::Unanchored { .. } => "unanchored",
            Self::TooBroad { .. } => "too_broad",
            Self::Duplicate { .. } => "duplicate",
            Self::Untested => "untested",
        }
    }
}

/// A problem of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: String,
    /// Its place in the set, from 0.
    pub position: usize,
    /// What is wrong with it.
    pub problem: Problem,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule `{}`: ", self.rule)?;
        match &self.problem {
            Problem::Dead => f.write_str("matches none of the texts"),
            Problem::Shadowed { by, matched, lost, evidence } => write!(
                f,
                "never wins: of the {matched} texts that it matches, rule `{by}` wins {lost}, such as {evidence}"
            ),
            Problem::Conflicting { with, texts, evidence } => write!(
                f,
                "rule `{with}` says otherwise of {texts} of its texts, and only their order decides, such as {evidence}"
            ),
            Problem::Redundant { wins, instead: Some(instead) } => {
                write!(f, "changes nothing: without it rule `{instead}` says the same of its {wins} texts")
            }
            Problem::Redundant { wins, instead: None } => {
                write!(f, "changes nothing: its {wins} texts would have the same verdict without any rule")
            }
            Problem::Unanchored { pattern, literal: Some(literal) } => write!(
                f,
                "`{pattern}` holds on to `{literal}` only; expected {MIN_LITERAL} letters or digits, or an anchor such as `\\b`"
            ),
            Problem::Unanchored { pattern, literal: None } => write!(
                f,
                "`{pattern}` holds on to no literal; expected {MIN_LITERAL} letters or digits, or an anchor such as `\\b`"
            ),
            Problem::TooBroad { pattern, rules, evidence } => write!(
                f,
                "`{pattern}` is in samples of {} rules that mean something else (`{}`), such as {evidence}",
                rules.len(),
                rules.join("`, `")
            ),
            Problem::Duplicate { pattern, with } => write!(f, "`{pattern}` stands before in rule `{with}`"),
            Problem::Untested => f.write_str("has no `match` sample"),
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", self.text, self.source)
    }
}

/// Holds the set against the cases, one after the other as they are asked for, and the samples of all its rules. `unmatched` is what holds where no rule matches.
/// Findings are in the order of the rules. Rules that take everything are only looked at for samples.
pub fn lint<'a>(
    set: &RuleSet,
    unmatched: &Verdict,
    cases: impl IntoIterator<Item = &'a Case>,
) -> Vec<Finding> {
    let mut witness = Witness::new(set, unmatched);
    for case in cases {
        witness.hear(case, Role::Case);
    }
    for (position, spec) in set.rules().enumerate() {
        for (list, samples, role) in [
            ("match", &spec.tests.matches, Role::MatchOf(position)),
            ("no_match", &spec.tests.no_match, Role::NoMatch),
        ] {
            for (index, sample) in samples.iter().enumerate() {
                witness.hear(&sample_case(&spec.id, list, index, sample), role);
            }
        }
    }
    witness.findings()
}

fn sample_case(rule: &str, list: &str, index: usize, sample: &Sample) -> Case {
    Case::sample(format!("rule `{rule}`, tests.{list}[{index}]"), sample)
}

#[cfg(test)]
mod tests;
