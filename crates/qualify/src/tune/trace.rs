//! Every step of one decision.

use std::ops::Range;

use emta_mail::EnhancedStatus;
use emta_mail::event::Verdict;

use super::case::{Case, Meaning, meaning_at};
use crate::digest::MessageDigest;
use crate::normalise::normalise;
use crate::rule::{Field, RuleSpec};
use crate::set::{RuleMatch, RuleSet};
use crate::subject::Subject;

/// What one rule made of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// A condition does not hold; the pattern was not looked for.
    ConditionFailed {
        /// Its name in rule files: `codes`.
        condition: &'static str,
        /// What it asks for: one of these.
        wanted: Vec<String>,
        /// What the subject has; `None` if it has none.
        had: Option<String>,
    },
    /// The conditions hold, and no pattern is in the subject.
    NotFound {
        /// How many patterns were looked for.
        patterns: usize,
        /// The parts of the subject that were looked at.
        looked_at: Vec<Field>,
        /// The parts that the rule looks at and the subject does not have.
        missing: Vec<Field>,
    },
    /// The conditions hold, and the rule has no pattern.
    ConditionsSuffice,
    /// A pattern was found.
    Found {
        /// The name of its list in rule files: `match` or `literals`.
        list: &'static str,
        /// Its place in that list, from 0.
        place: usize,
        /// The pattern as it was written.
        pattern: String,
        /// The part of the subject.
        field: Field,
        /// The octets of that part.
        span: Range<usize>,
        /// What is there.
        text: String,
    },
}

impl StepOutcome {
    /// Whether the rule matches.
    pub const fn is_match(&self) -> bool {
        match self {
            Self::ConditionFailed { .. } | Self::NotFound { .. } => false,
            Self::ConditionsSuffice | Self::Found { .. } => true,
        }
    }
}

/// One rule's part in a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The rule.
    pub rule: String,
    /// Type and reason that it gives.
    pub gives: Option<Meaning>,
    /// What it made of the subject. After the winner: what it would have.
    pub outcome: StepOutcome,
}

/// One decision, from the text to the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Reply code, as the rules see it.
    pub code: Option<u16>,
    /// Enhanced status, as the rules see it.
    pub status: Option<EnhancedStatus>,
    /// One step for every rule, in order.
    pub steps: Vec<Step>,
    /// The place of the rule that wins: the first step that is a match.
    pub winner: Option<usize>,
    /// What holds.
    pub verdict: Verdict,
    /// No rule knows the text, or only one that takes everything.
    pub to_qualify: bool,
    /// The text as the qualification table knows it.
    pub normalised: String,
    /// Its name there.
    pub digest: MessageDigest,
}

/// Tells every step of the decision about `case`. `unmatched` is what holds where no rule matches.
pub fn trace(set: &RuleSet, unmatched: &Verdict, case: &Case) -> Trace {
    let subject = case.as_subject();
    let explanation = set.explain(&subject);
    let mut matches = explanation.matches.iter().peekable();
    let steps = set.rules().enumerate().map(|(position, spec)| {
        let matched = matches.next_if(|matched| matched.position == position);
        let outcome = match matched {
            Some(matched) => found(matched, &subject),
            None => not_found(set, position, spec, &subject),
        };
        Step { rule: spec.id.clone(), gives: meaning_at(set, position), outcome }
    });
    let steps = steps.collect();
    let winner = explanation.winner();
    let normalised = normalise(&case.text);
    Trace {
        code: case.code,
        status: case.status,
        steps,
        winner: winner.map(|winner| winner.position),
        verdict: winner.map_or(unmatched, |winner| winner.verdict()).clone(),
        to_qualify: winner.is_none_or(|winner| winner.rule.takes_everything()),
        digest: MessageDigest::of_normalised(&normalised),
        normalised,
    }
}

fn found(matched: &RuleMatch<'_>, subject: &Subject<'_>) -> StepOutcome {
    let Some(found) = &matched.found else { return StepOutcome::ConditionsSuffice };
    let (list, place) = matched.rule.pattern_place(found.pattern);
    let text = subject.field(found.field).and_then(|text| text.get(found.span.clone()));
    StepOutcome::Found {
        list,
        place,
        pattern: matched.rule.patterns().nth(found.pattern).unwrap_or_default().to_owned(),
        field: found.field,
        span: found.span.clone(),
        text: text.unwrap_or_default().to_owned(),
    }
}

fn not_found(set: &RuleSet, position: usize, spec: &RuleSpec, subject: &Subject<'_>) -> StepOutcome {
    if let Some(condition) = set.failed_condition(position, subject) {
        let (wanted, had) = condition_of(condition, spec, subject);
        return StepOutcome::ConditionFailed { condition, wanted, had };
    }
    let (looked_at, missing) = spec.fields().iter().partition(|field| subject.field(**field).is_some());
    StepOutcome::NotFound { patterns: spec.patterns().count(), looked_at, missing }
}

/// What the condition of this name asks for, and what the subject has.
fn condition_of(name: &str, spec: &RuleSpec, subject: &Subject<'_>) -> (Vec<String>, Option<String>) {
    let when = &spec.when;
    let owned = |name: &str| name.to_owned();
    match name {
        "kinds" => {
            (when.kinds.iter().map(|kind| owned(kind.name())).collect(), Some(owned(subject.kind.name())))
        }
        "phases" => (
            when.phases.iter().map(|phase| owned(phase.name())).collect(),
            subject.phase.map(|phase| owned(phase.name())),
        ),
        "codes" => (when.codes.clone(), subject.code.map(|code| code.to_string())),
        "statuses" => (when.statuses.clone(), subject.status.map(|status| status.to_string())),
        "providers" => (when.providers.clone(), subject.provider.map(owned)),
        _ => (when.sender_formats.clone(), subject.sender_format.map(owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::testing::{compile, spec};
    use crate::unmatched_reply;

    #[test]
    fn tells_every_step() {
        let mut coded = spec("coded", "unknown", "hard/user_unknown");
        coded.when.codes = vec!["4xx".to_owned()];
        let mut status = spec("status", "", "soft/refused");
        status.when.statuses = vec!["5.1.*".to_owned()];
        let mut elsewhere = spec("elsewhere", "away", "ignored/unreachable");
        elsewhere.look_at = vec![Field::Text, Field::Body];
        let full = spec("full", "quota", "soft/mailbox_full");
        let unknown = spec("unknown", r"user \w+", "hard/user_unknown");
        let set = compile(vec![coded, elsewhere, full, unknown, status]);
        let told =
            trace(&set, &unmatched_reply(), &Case::line("x", "550 5.1.1 <ann@example.com> user unknown"));
        let outcomes: Vec<&StepOutcome> = told.steps.iter().map(|step| &step.outcome).collect();
        let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            outcomes,
            [
                &StepOutcome::ConditionFailed {
                    condition: "codes",
                    wanted: strings(&["4xx"]),
                    had: Some("550".to_owned())
                },
                &StepOutcome::NotFound {
                    patterns: 1,
                    looked_at: vec![Field::Text],
                    missing: vec![Field::Body]
                },
                &StepOutcome::NotFound { patterns: 1, looked_at: vec![Field::Text], missing: vec![] },
                &StepOutcome::Found {
                    list: "match",
                    place: 0,
                    pattern: r"user \w+".to_owned(),
                    field: Field::Text,
                    span: 28..40,
                    text: "user unknown".to_owned()
                },
                &StepOutcome::ConditionsSuffice,
            ]
        );
        assert_eq!((told.winner, told.to_qualify), (Some(3), false));
        assert_eq!(told.verdict.rule.as_deref(), Some("unknown"));
        assert_eq!(told.normalised, "550 5.1.1 <*> user unknown");
        assert_eq!(told.digest, MessageDigest::of_normalised(&told.normalised));
    }

    /// Every condition is told by the name that rule files give it.
    #[test]
    fn names_each_condition() {
        let check = |set: &dyn Fn(&mut RuleSpec), name: &str, wanted: &str| {
            let mut rule = spec("r", "no", "soft/refused");
            set(&mut rule);
            let told = trace(&compile(vec![rule]), &unmatched_reply(), &Case::line("x", "no"));
            let StepOutcome::ConditionFailed { condition, wanted: list, .. } = &told.steps[0].outcome else {
                panic!("{told:?}")
            };
            assert_eq!((*condition, list.join(" ").as_str()), (name, wanted));
            assert_eq!((told.winner, told.to_qualify), (None, true));
        };
        check(&|r| r.when.kinds = vec![crate::Kind::AutoReply], "kinds", "auto_reply");
        check(&|r| r.when.phases = vec![emta_mail::Phase::Rcpt], "phases", "rcpt");
        check(&|r| r.when.codes = vec!["55x".to_owned()], "codes", "55x");
        check(&|r| r.when.statuses = vec!["5.*".to_owned()], "statuses", "5.*");
        check(&|r| r.when.providers = vec!["gmail".to_owned()], "providers", "gmail");
        check(&|r| r.when.sender_formats = vec!["exim*".to_owned()], "sender_formats", "exim*");
    }
}
