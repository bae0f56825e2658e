//! What texts say of rules.

use std::collections::{BTreeMap, BTreeSet};

use emta_mail::event::Verdict;

use super::{Evidence, Finding, MIN_FOREIGN_RULES, Problem, looks};
use crate::rule::RuleSpec;
use crate::set::{RuleMatch, RuleSet};
use crate::tune::case::{Case, meaning_at};

/// What a text is to the rules.
#[derive(Clone, Copy)]
pub(super) enum Role {
    Case,
    /// A `match` sample of the rule at this place.
    MatchOf(usize),
    NoMatch,
}

/// How often, and the first time.
struct Seen {
    count: usize,
    first: Evidence,
}

/// What the texts say of one rule.
#[derive(Default)]
struct Record {
    matched: usize,
    wins: usize,
    /// Texts that it wins and whose verdict would be another without it.
    needed: usize,
    /// Who would win what it wins.
    instead: BTreeMap<Option<usize>, usize>,
    /// Who wins what it matches.
    lost_to: BTreeMap<usize, Seen>,
    /// Later rules that say otherwise.
    conflicts: BTreeMap<usize, Seen>,
    /// For each of its patterns, the rules of other meaning in whose samples it is.
    foreign: BTreeMap<usize, (BTreeSet<usize>, Evidence)>,
}

pub(super) struct Witness<'a> {
    set: &'a RuleSet,
    specs: Vec<&'a RuleSpec>,
    unmatched: &'a Verdict,
    records: Vec<Record>,
}

impl<'a> Witness<'a> {
    pub(super) fn new(set: &'a RuleSet, unmatched: &'a Verdict) -> Self {
        let specs: Vec<_> = set.rules().collect();
        let records = specs.iter().map(|_| Record::default()).collect();
        Self { set, specs, unmatched, records }
    }

    pub(super) fn hear(&mut self, case: &Case, role: Role) {
        let explanation = self.set.explain(&case.as_subject());
        let evidence = || Evidence { source: case.id.clone(), text: case.shown().to_owned() };
        let Some(winner) = explanation.winner() else { return };
        let decided = match role {
            Role::Case => case.expected == meaning_at(self.set, winner.position),
            Role::MatchOf(position) => position == winner.position,
            Role::NoMatch => false,
        };
        for matched in &explanation.matches {
            if let Some(record) = self.records.get_mut(matched.position) {
                record.matched += 1;
            }
        }
        let second = explanation.shadowed().first();
        if let Some(record) = self.records.get_mut(winner.position) {
            record.wins += 1;
            let without = second.map_or(self.unmatched, |second| second.verdict());
            record.needed += usize::from(!same(winner.verdict(), without));
            *record.instead.entry(second.map(|second| second.position)).or_default() += 1;
            for other in explanation.shadowed().iter().filter(|other| !decided && conflict(winner, other)) {
                see(&mut record.conflicts, other.position, evidence);
            }
        }
        for other in explanation.shadowed() {
            if let Some(record) = self.records.get_mut(other.position) {
                see(&mut record.lost_to, winner.position, evidence);
            }
        }
        if let Role::MatchOf(owner) = role {
            self.hear_foreign(case, owner, &explanation.matches, &evidence);
        }
    }

    /// A sample of one rule that patterns of rules with another meaning are in. A pattern that both have is meant to be:
    /// `when` tells the rules apart.
    fn hear_foreign(
        &mut self,
        case: &Case,
        owner: usize,
        matches: &[RuleMatch<'_>],
        evidence: &impl Fn() -> Evidence,
    ) {
        let meaning = meaning_at(self.set, owner);
        let own = self.specs.get(owner).copied();
        for other in matches.iter().filter(|other| meaning_at(self.set, other.position) != meaning) {
            let Some(record) = self.records.get_mut(other.position) else { continue };
            for pattern in self.set.patterns_in(other.position, &case.as_subject()) {
                let text = other.rule.patterns().nth(pattern);
                if own.is_some_and(|own| own.patterns().any(|own| Some(own) == text)) {
                    continue;
                }
                let entry = record.foreign.entry(pattern).or_insert_with(|| (BTreeSet::new(), evidence()));
                entry.0.insert(owner);
            }
        }
    }

    pub(super) fn findings(self) -> Vec<Finding> {
        let mut duplicates = looks::duplicates(&self.specs);
        let mut findings = Vec::new();
        for (position, (spec, record)) in self.specs.iter().zip(&self.records).enumerate() {
            let mut problems = Vec::new();
            if !spec.takes_everything() {
                problems.extend(self.wins(record));
                problems.extend(self.conflicts(record));
                problems.extend(
                    spec.pattern.iter().flat_map(|p| &p.regexes).filter_map(|regex| looks::unanchored(regex)),
                );
                problems.extend(self.foreign(spec, record));
                problems.extend(duplicates.remove(&position).unwrap_or_default());
            }
            if spec.tests.matches.is_empty() {
                problems.push(Problem::Untested);
            }
            let told = |problem| Finding { rule: spec.id.clone(), position, problem };
            findings.extend(problems.into_iter().map(told));
        }
        findings
    }

    fn id(&self, position: usize) -> String {
        self.specs.get(position).map_or_else(String::new, |spec| spec.id.clone())
    }

    fn wins(&self, record: &Record) -> Option<Problem> {
        if record.matched == 0 {
            return Some(Problem::Dead);
        }
        if record.wins == 0 {
            let (by, seen) =
                record.lost_to.iter().max_by_key(|(by, seen)| (seen.count, usize::MAX - **by))?;
            let (matched, lost) = (record.matched, seen.count);
            return Some(Problem::Shadowed { by: self.id(*by), matched, lost, evidence: seen.first.clone() });
        }
        let (instead, _) = record.instead.iter().max_by_key(|(_, count)| **count)?;
        (record.needed == 0)
            .then(|| Problem::Redundant { wins: record.wins, instead: instead.map(|other| self.id(other)) })
    }

    fn conflicts(&self, record: &Record) -> Vec<Problem> {
        let told = |(with, seen): (&usize, &Seen)| Problem::Conflicting {
            with: self.id(*with),
            texts: seen.count,
            evidence: seen.first.clone(),
        };
        record.conflicts.iter().map(told).collect()
    }

    fn foreign(&self, spec: &RuleSpec, record: &Record) -> Vec<Problem> {
        let is_broad =
            |(_, (rules, _)): &(&usize, &(BTreeSet<usize>, Evidence))| rules.len() >= MIN_FOREIGN_RULES;
        let told = |(pattern, (rules, evidence)): (&usize, &(BTreeSet<usize>, Evidence))| Problem::TooBroad {
            pattern: spec.patterns().nth(*pattern).unwrap_or_default().to_owned(),
            rules: rules.iter().map(|rule| self.id(*rule)).collect(),
            evidence: evidence.clone(),
        };
        record.foreign.iter().filter(is_broad).map(told).collect()
    }
}

fn see(seen: &mut BTreeMap<usize, Seen>, position: usize, evidence: impl Fn() -> Evidence) {
    seen.entry(position).or_insert_with(|| Seen { count: 0, first: evidence() }).count += 1;
}

/// Whether two verdicts have the same effect.
fn same(one: &Verdict, other: &Verdict) -> bool {
    (one.class, one.failure_type, one.reason) == (other.class, other.failure_type, other.reason)
}

/// Whether the winner means something else than a later rule and is not the more specific of the two: its pattern does
/// not take in more of the text than the other's, nor does it have conditions that the other has not.
fn conflict(winner: &RuleMatch<'_>, other: &RuleMatch<'_>) -> bool {
    let Some(later) = &other.found else { return false };
    let wider = winner.found.as_ref().is_some_and(|found| {
        found.field == later.field
            && found.span.start <= later.span.start
            && found.span.end >= later.span.end
            && found.span != later.span
    });
    let elsewhere = winner.found.as_ref().is_some_and(|found| found.field != later.field);
    !wider && !elsewhere && conditions(winner.rule) <= conditions(other.rule) && {
        let (one, two) = (winner.verdict(), other.verdict());
        (one.failure_type, one.reason) != (two.failure_type, two.reason)
    }
}

/// How many kinds of conditions a rule has.
fn conditions(spec: &RuleSpec) -> usize {
    let when = &spec.when;
    [
        when.providers.is_empty(),
        when.phases.is_empty(),
        when.codes.is_empty(),
        when.statuses.is_empty(),
        when.kinds.is_empty(),
        when.sender_formats.is_empty(),
    ]
    .iter()
    .filter(|is_empty| !**is_empty)
    .count()
}
