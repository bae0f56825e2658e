//! What a rule set is worth: its verdicts against labels.

use std::collections::BTreeMap;

use emta_mail::event::Verdict;
use emta_mail::{FailureReason, FailureType};

use super::case::{Case, Meaning, meaning_at};
use crate::set::RuleSet;

/// How often what was expected came out as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion<T: Ord> {
    /// Cases by (expected, given); pairs that did not occur are missing.
    pub cells: BTreeMap<(T, T), usize>,
}

impl<T: Ord + Copy> Confusion<T> {
    /// Cases with this label that came out as `given`.
    pub fn count(&self, expected: T, given: T) -> usize {
        self.cells.get(&(expected, given)).copied().unwrap_or(0)
    }

    /// Cases that came out as expected.
    pub fn right(&self) -> usize {
        self.cells.iter().filter(|((expected, given), _)| expected == given).map(|(_, count)| count).sum()
    }

    /// Of the cases that came out as `value`, the share that should have; `None` if none did.
    pub fn precision(&self, value: T) -> Option<f64> {
        share(self.count(value, value), self.sum(|(_, given)| given == value))
    }

    /// Of the cases labelled `value`, the share that came out so; `None` if none is.
    pub fn recall(&self, value: T) -> Option<f64> {
        share(self.count(value, value), self.sum(|(expected, _)| expected == value))
    }

    fn new() -> Self {
        Self { cells: BTreeMap::new() }
    }

    fn add(&mut self, expected: T, given: T) {
        *self.cells.entry((expected, given)).or_default() += 1;
    }

    fn sum(&self, of: impl Fn((T, T)) -> bool) -> usize {
        self.cells.iter().filter(|(cell, _)| of(**cell)).map(|(_, count)| count).sum()
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// What a wrong verdict does, the costliest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mistake {
    /// Hard, where the label is not: a good address is quarantined at once.
    QuarantinesForNothing,
    /// The label is Hard, the verdict is not: a dead address is mailed on.
    MissesHard,
    /// Soft where the label is Ignored: the address's error counter rises for nothing.
    CountsForNothing,
    /// Another wrong type.
    WrongType,
    /// The type is right, the reason is not.
    WrongReason,
}

impl Mistake {
    /// The mistake between a label and a verdict; `None` if they agree.
    pub fn between(expected: Meaning, given: Meaning) -> Option<Self> {
        use FailureType::{Hard, Ignored, NotDefined, Soft};
        match (expected.0, given.0) {
            (expected_type, given_type) if expected_type == given_type => {
                (expected.1 != given.1).then_some(Self::WrongReason)
            }
            (_, Hard) => Some(Self::QuarantinesForNothing),
            (Hard, _) => Some(Self::MissesHard),
            (Ignored, Soft) => Some(Self::CountsForNothing),
            (NotDefined | Soft | Ignored, NotDefined | Soft | Ignored) => Some(Self::WrongType),
        }
    }

    /// What it does, in words.
    pub const fn label(self) -> &'static str {
        match self {
            Self::QuarantinesForNothing => "hard, but should not be",
            Self::MissesHard => "should be hard",
            Self::CountsForNothing => "soft, but should be ignored",
            Self::WrongType => "wrong type",
            Self::WrongReason => "wrong reason",
        }
    }
}

/// A labelled case with another verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// The case's name.
    pub case: String,
    /// Its text.
    pub text: String,
    /// The label.
    pub expected: Meaning,
    /// The verdict.
    pub given: Meaning,
    /// The rule that gave it; `None` if none matched.
    pub rule: Option<String>,
    /// What it costs.
    pub mistake: Mistake,
}

/// What one rule did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleScore {
    /// Its id.
    pub rule: String,
    /// Type and reason that it gives.
    pub gives: Meaning,
    /// Cases that it won, labelled or not.
    pub wins: usize,
    /// Labelled cases that it won.
    pub labelled: usize,
    /// Labelled cases that it won and got right.
    pub right: usize,
    /// Labelled cases whose label is what it gives, whoever won them.
    pub wanted: usize,
}

impl RuleScore {
    /// Of the labelled cases that it won, the share that it got right; `None` if it won none.
    pub fn precision(&self) -> Option<f64> {
        share(self.right, self.labelled)
    }

    /// Of the labelled cases that should come out as it says, the share that it won; `None` if there are none. Rules
    /// that say the same share these cases, so one of them alone need not reach them all.
    pub fn recall(&self) -> Option<f64> {
        share(self.right, self.wanted)
    }
}

/// The verdicts of a rule set held against labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// All cases.
    pub cases: usize,
    /// Cases with a label.
    pub labelled: usize,
    /// Labelled cases with the right type and reason.
    pub right: usize,
    /// Cases that no rule knows, or only one that takes everything.
    pub to_qualify: usize,
    /// Types of labelled cases.
    pub types: Confusion<FailureType>,
    /// Reasons of labelled cases.
    pub reasons: Confusion<FailureReason>,
    /// Every rule, in the set's order.
    pub rules: Vec<RuleScore>,
    /// Every labelled case that is not right: the costliest mistakes first, then in the order of the cases.
    pub misses: Vec<Miss>,
}

impl Evaluation {
    /// The share of labelled cases with the right type and reason; `None` without labels.
    pub fn accuracy(&self) -> Option<f64> {
        share(self.right, self.labelled)
    }
}

/// Qualifies every case, one after the other as they are asked for, and counts. `unmatched` is what holds where no rule matches
/// ([`unmatched_reply`](crate::unmatched_reply), [`unmatched_mail`](crate::unmatched_mail)).
pub fn evaluate<'a>(
    set: &RuleSet,
    unmatched: &Verdict,
    cases: impl IntoIterator<Item = &'a Case>,
) -> Evaluation {
    let mut rules: Vec<RuleScore> =
        set.rules().enumerate().map(|(n, spec)| score(set, n, &spec.id)).collect();
    let mut wanted: BTreeMap<Meaning, usize> = BTreeMap::new();
    let (mut count, mut labelled, mut right, mut to_qualify) = (0, 0, 0, 0);
    let (mut types, mut reasons, mut misses) = (Confusion::new(), Confusion::new(), Vec::new());
    for case in cases {
        count += 1;
        let matched = set.qualify(&case.as_subject());
        to_qualify += usize::from(matched.as_ref().is_none_or(|matched| matched.rule.takes_everything()));
        let verdict = matched.as_ref().map_or(unmatched, |matched| matched.verdict());
        let given = (verdict.failure_type, verdict.reason);
        let score = matched.as_ref().and_then(|matched| rules.get_mut(matched.position));
        let is_right = case.expected == Some(given);
        if let Some(score) = score {
            score.wins += 1;
            score.labelled += usize::from(case.expected.is_some());
            score.right += usize::from(is_right);
        }
        let Some(expected) = case.expected else { continue };
        labelled += 1;
        right += usize::from(is_right);
        *wanted.entry(expected).or_default() += 1;
        types.add(expected.0, given.0);
        reasons.add(expected.1, given.1);
        if let Some(mistake) = Mistake::between(expected, given) {
            misses.push(Miss {
                case: case.id.clone(),
                text: case.shown().to_owned(),
                expected,
                given,
                rule: matched.map(|matched| matched.rule.id.clone()),
                mistake,
            });
        }
    }
    for score in &mut rules {
        score.wanted = wanted.get(&score.gives).copied().unwrap_or(0);
    }
    misses.sort_by_key(|miss| miss.mistake);
    Evaluation { cases: count, labelled, right, to_qualify, types, reasons, rules, misses }
}

fn score(set: &RuleSet, position: usize, id: &str) -> RuleScore {
    let gives = meaning_at(set, position).unwrap_or((FailureType::NotDefined, FailureReason::NotDefined));
    RuleScore { rule: id.to_owned(), gives, wins: 0, labelled: 0, right: 0, wanted: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::testing::{case, set};
    use crate::unmatched_reply;

    const SET: &[(&str, &str, &str)] = &[
        ("full", "quota", "soft/mailbox_full"),
        ("unknown", "unknown|no mailbox", "hard/user_unknown"),
        ("gone", "gone", "hard/user_unknown"),
        ("any", "", "ignored/unreachable"),
    ];

    fn evaluation() -> Evaluation {
        let cases = [
            case("1", "550 user unknown", "hard/user_unknown"),
            case("2", "550 no mailbox", "soft/mailbox_full"),
            case("3", "552 over quota", "soft/mailbox_full"),
            case("4", "552 quota, unknown", "hard/user_unknown"),
            case("5", "451 quota of connections", "ignored/unreachable"),
            case("6", "what", "soft/unreachable"),
            case("7", "who", ""),
            case("8", "452 quota", "soft/unreachable"),
        ];
        evaluate(&set(SET), &unmatched_reply(), &cases)
    }

    #[test]
    fn counts_by_type_reason_and_rule() {
        use {FailureReason as R, FailureType as T};
        let told = evaluation();
        assert_eq!((told.cases, told.labelled, told.right, told.to_qualify), (8, 7, 2, 2));
        assert_eq!(told.types.count(T::Hard, T::Soft), 1);
        assert_eq!(told.types.right(), 3);
        assert_eq!(told.reasons.precision(R::MailboxFull), Some(0.25));
        assert_eq!(told.reasons.recall(R::MailboxFull), Some(0.5));
        assert_eq!(told.reasons.recall(R::Refused), None);
        let full = &told.rules[0];
        assert_eq!((full.wins, full.labelled, full.right, full.wanted), (4, 4, 1, 2));
        assert_eq!((full.precision(), full.recall()), (Some(0.25), Some(0.5)));
        assert_eq!(
            (told.rules[2].wins, told.rules[2].precision(), told.rules[2].recall()),
            (0, None, Some(0.0))
        );
        assert_eq!(told.accuracy(), Some(2.0 / 7.0));
    }

    #[test]
    fn the_costliest_mistakes_come_first() {
        let told = evaluation();
        let misses: Vec<_> = told.misses.iter().map(|miss| (miss.case.as_str(), miss.mistake)).collect();
        assert_eq!(
            misses,
            [
                ("2", Mistake::QuarantinesForNothing),
                ("4", Mistake::MissesHard),
                ("5", Mistake::CountsForNothing),
                ("6", Mistake::WrongType),
                ("8", Mistake::WrongReason),
            ]
        );
        assert_eq!(told.misses[0].rule.as_deref(), Some("unknown"));
    }

    #[test]
    fn without_cases_there_is_nothing_to_divide() {
        let told = evaluate(&set(SET), &unmatched_reply(), &[]);
        assert_eq!((told.accuracy(), told.rules[0].recall()), (None, None));
    }
}
