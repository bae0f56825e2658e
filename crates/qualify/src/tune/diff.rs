//! What another rule set changes.

use std::collections::BTreeMap;

use emta_mail::event::Verdict;

use super::case::{Case, Meaning};
use crate::set::RuleSet;

/// Cases that a change shows; the others are counted.
pub const MAX_EXAMPLES: usize = 5;

/// What one of the two sets says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Side {
    /// The rule that won; `None` if none matched.
    pub rule: Option<String>,
    /// Type and reason.
    pub means: Meaning,
}

/// Cases whose verdict changes in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What the old set says.
    pub old: Side,
    /// What the new set says.
    pub new: Side,
    /// How many cases.
    pub count: usize,
    /// Of these, cases whose label the old set gave and the new one does not.
    pub regressions: usize,
    /// Of these, cases whose label the new set gives and the old one did not.
    pub improvements: usize,
    /// Name and text of up to [`MAX_EXAMPLES`] cases, regressions first.
    pub examples: Vec<(String, String)>,
}

/// What another rule set changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// All cases.
    pub cases: usize,
    /// Cases that another rule wins with the same type and reason.
    pub renamed: usize,
    /// Changes of type or reason: those with most regressions first, then by number of cases, then by name.
    pub changes: Vec<Change>,
}

impl Diff {
    /// Cases whose type or reason changes.
    pub fn changed(&self) -> usize {
        self.changes.iter().map(|change| change.count).sum()
    }

    /// Cases that were right and are wrong.
    pub fn regressions(&self) -> usize {
        self.changes.iter().map(|change| change.regressions).sum()
    }

    /// Cases that were wrong and are right.
    pub fn improvements(&self) -> usize {
        self.changes.iter().map(|change| change.improvements).sum()
    }
}

/// Qualifies every case with both sets, one after the other as they are asked for. `unmatched` is what holds where no
/// rule matches.
pub fn diff<'a>(
    old: &RuleSet,
    new: &RuleSet,
    unmatched: &Verdict,
    cases: impl IntoIterator<Item = &'a Case>,
) -> Diff {
    let mut groups: BTreeMap<(Side, Side), Group<'_>> = BTreeMap::new();
    let (mut count, mut renamed) = (0, 0);
    for case in cases {
        count += 1;
        let before = side(old, unmatched, case);
        let after = side(new, unmatched, case);
        if before.means == after.means {
            renamed += usize::from(before.rule != after.rule);
            continue;
        }
        let (was, is) = (case.expected == Some(before.means), case.expected == Some(after.means));
        let group = groups.entry((before, after)).or_default();
        group.improvements += usize::from(is);
        if was {
            group.regressions.push(case);
        } else {
            group.others.push(case);
        }
    }
    let mut changes: Vec<Change> =
        groups.into_iter().map(|((old, new), group)| group.into_change(old, new)).collect();
    changes.sort_by_key(|change| std::cmp::Reverse((change.regressions, change.count)));
    Diff { cases: count, renamed, changes }
}

fn side(set: &RuleSet, unmatched: &Verdict, case: &Case) -> Side {
    let matched = set.qualify(&case.as_subject());
    let verdict = matched.as_ref().map_or(unmatched, |matched| matched.verdict());
    Side {
        means: (verdict.failure_type, verdict.reason),
        rule: matched.as_ref().map(|matched| matched.rule.id.clone()),
    }
}

#[derive(Default)]
struct Group<'a> {
    improvements: usize,
    regressions: Vec<&'a Case>,
    others: Vec<&'a Case>,
}

impl Group<'_> {
    fn into_change(self, old: Side, new: Side) -> Change {
        let examples = self.regressions.iter().chain(&self.others).take(MAX_EXAMPLES);
        Change {
            old,
            new,
            count: self.regressions.len() + self.others.len(),
            regressions: self.regressions.len(),
            improvements: self.improvements,
            examples: examples.map(|case| (case.id.clone(), case.shown().to_owned())).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::testing::{case, set};
    use crate::unmatched_reply;

    #[test]
    fn groups_changes_and_tells_steps_back() {
        let old = set(&[("full", "quota", "soft/mailbox_full"), ("unknown", "unknown", "hard/user_unknown")]);
        let new =
            set(&[("no_user", "unknown", "hard/user_unknown"), ("block", "quota|spam", "ignored/refused")]);
        let cases = [
            case("1", "552 over quota", "soft/mailbox_full"),
            case("2", "552 quota", ""),
            case("3", "550 unknown", "hard/user_unknown"),
            case("4", "550 spam", "ignored/refused"),
            case("5", "550 what", ""),
            case("6", "551 quota", "soft/mailbox_full"),
        ];
        let told = diff(&old, &new, &unmatched_reply(), &cases);
        assert_eq!((told.cases, told.renamed, told.changed()), (6, 1, 4));
        assert_eq!((told.regressions(), told.improvements()), (2, 1));
        let first = &told.changes[0];
        assert_eq!((first.old.rule.as_deref(), first.new.rule.as_deref()), (Some("full"), Some("block")));
        assert_eq!((first.count, first.regressions), (3, 2));
        let names: Vec<&str> = first.examples.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["1", "6", "2"]);
        assert_eq!((told.changes[1].old.rule.as_deref(), told.changes[1].improvements), (None, 1));
        assert_eq!(diff(&old, &old, &unmatched_reply(), &cases).changes, []);
    }

    #[test]
    fn examples_end_at_their_bound() {
        let (old, new) = (set(&[("a", "x", "soft/refused")]), set(&[("a", "x", "hard/refused")]));
        let cases: Vec<Case> = (0..=MAX_EXAMPLES).map(|n| case(&n.to_string(), "x", "")).collect();
        let told = diff(&old, &new, &unmatched_reply(), &cases);
        assert_eq!((told.changes[0].count, told.changes[0].examples.len()), (MAX_EXAMPLES + 1, MAX_EXAMPLES));
    }
}
