//! Everything that is wrong with rules, for those who mend them: compiling stops at the first problem.

use std::collections::HashSet;

use crate::condition::Condition;
use crate::error::{RuleError, RuleProblem};
use crate::pattern::{self, MAX_SET_SIZE};
use crate::rule::RuleSpec;
use crate::set::{MAX_RULES, RuleSet, verdict_of};

impl RuleSet {
    /// Everything that is wrong with these rules, in their order; nothing where [`Self::compile`] takes them, else what
    /// it tells and what it would tell next. `name` is for error messages.
    pub fn problems(name: &str, rules: &[RuleSpec]) -> Vec<RuleError> {
        let mut ids = HashSet::new();
        let mut room = MAX_SET_SIZE;
        let mut all = Vec::new();
        for (position, spec) in rules.iter().enumerate().take(MAX_RULES + 1) {
            let problems = if position == MAX_RULES {
                vec![RuleProblem::TooManyRules { count: rules.len(), limit: MAX_RULES }]
            } else {
                let is_new = ids.insert(spec.id.as_str());
                of_rule(spec, is_new, &mut room)
            };
            all.extend(problems.into_iter().map(|problem| RuleError {
                set: name.to_owned(),
                rule: spec.id.clone(),
                position,
                problem: Box::new(problem),
            }));
        }
        all
    }
}

/// The same checks in the same order as compiling makes them.
fn of_rule(spec: &RuleSpec, is_new: bool, room: &mut usize) -> Vec<RuleProblem> {
    let mut problems = Vec::new();
    if spec.id.trim().is_empty() {
        problems.push(RuleProblem::NoId);
    } else if !is_new {
        problems.push(RuleProblem::DuplicateId);
    }
    problems.extend(Condition::problems(&spec.when));
    if verdict_of(&spec.id, spec.set).is_none() {
        problems.push(RuleProblem::NothingSet);
    }
    problems.extend(spec.pattern.iter().flat_map(|pattern| pattern::problems(pattern, room)));
    problems
}

#[cfg(test)]
mod tests {
    use emta_mail::BounceClass;
    use proptest::prelude::*;

    use super::*;
    use crate::rule::{Assignment, Pattern, When};

    fn rule(id: &str, regexes: &[&str], codes: &[&str], class: Option<BounceClass>) -> RuleSpec {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        RuleSpec {
            id: id.to_owned(),
            when: When { codes: owned(codes), ..When::default() },
            pattern: Some(Pattern { regexes: owned(regexes), literals: Vec::new() }),
            set: Assignment { class, ..Assignment::default() },
            ..RuleSpec::default()
        }
    }

    #[test]
    fn all_are_told_and_lead_to_their_places() {
        let class = Some(BounceClass::MailboxFull);
        let rules = [
            rule("full", &["full", "(", "quota", "["], &["5xx", "9xx"], class),
            rule("", &[], &[], None),
            rule("full", &["full"], &[], class),
        ];
        let told: Vec<String> =
            RuleSet::problems("x", &rules).iter().map(|error| error.path().join(".")).collect();
        assert_eq!(told, ["0.when.codes.1", "0.match.1", "0.match.3", "1.id", "1.set", "1.match", "2.id"]);
        let many = vec![rule("full", &["full"], &[], class); MAX_RULES + 2];
        let told = RuleSet::problems("x", &many);
        assert_eq!(
            told.len(),
            MAX_RULES,
            "all but the first have its id, and one says that there are too many"
        );
        assert_eq!(
            told.last().map(|error| &*error.problem),
            Some(&RuleProblem::TooManyRules { count: MAX_RULES + 2, limit: MAX_RULES })
        );
    }

    proptest! {
        /// The first of all problems is the one that compiling tells.
        #[test]
        fn compiling_tells_the_first(
            parts in prop::collection::vec((0..4_usize, 0..4_usize, 0..3_usize, 0..3_usize), 1..4)
        ) {
            let rules: Vec<RuleSpec> = parts.into_iter().map(|(id, regex, code, class)| {
                let regexes: &[&str] = [&["full"][..], &["(", "["], &[], &["a*"]][regex];
                let class = [Some(BounceClass::MailboxFull), Some(BounceClass::MailBlock), None][class];
                rule(["one", "two", "three", " "][id], regexes, &[["5xx", "55x", "x"][code]], class)
            }).collect();
            let first = RuleSet::problems("x", &rules).into_iter().next();
            prop_assert_eq!(RuleSet::compile("x", rules).err(), first);
        }
    }
}
