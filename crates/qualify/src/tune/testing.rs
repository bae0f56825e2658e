//! Small rule sets and cases for tests.

use emta_mail::{FailureReason, FailureType};

use super::Case;
use crate::rule::{Assignment, Pattern, RuleSpec, Sample};
use crate::set::RuleSet;

/// `soft/mailbox_full`.
pub(super) fn meaning(text: &str) -> Option<(FailureType, FailureReason)> {
    let (failure_type, reason) = text.split_once('/')?;
    Some((FailureType::from_name(failure_type).unwrap(), FailureReason::from_name(reason).unwrap()))
}

/// A rule; an empty regex is none.
pub(super) fn spec(id: &str, regex: &str, means: &str) -> RuleSpec {
    let (failure_type, reason) = meaning(means).unwrap();
    RuleSpec {
        id: id.to_owned(),
        pattern: (!regex.is_empty())
            .then(|| Pattern { regexes: vec![regex.to_owned()], literals: Vec::new() }),
        set: Assignment { class: None, failure_type: Some(failure_type), reason: Some(reason) },
        ..RuleSpec::default()
    }
}

/// The same rule with samples.
pub(super) fn tested(mut spec: RuleSpec, matches: &[&str], no_match: &[&str]) -> RuleSpec {
    spec.tests.matches = matches.iter().map(|text| Sample::line(*text)).collect();
    spec.tests.no_match = no_match.iter().map(|text| Sample::line(*text)).collect();
    spec
}

pub(super) fn compile(specs: Vec<RuleSpec>) -> RuleSet {
    RuleSet::compile("test", specs).unwrap()
}

/// Rules from (id, regex, meaning).
pub(super) fn set(rules: &[(&str, &str, &str)]) -> RuleSet {
    compile(rules.iter().map(|(id, regex, means)| spec(id, regex, means)).collect())
}

/// A reply line with a label; an empty one is none.
pub(super) fn case(id: &str, text: &str, label: &str) -> Case {
    Case { expected: meaning(label), ..Case::line(id, text) }
}
