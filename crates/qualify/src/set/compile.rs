//! From a rule as it was written to one that can be tried.

use std::ops::Range;

use emta_mail::BounceClass;
use emta_mail::event::Verdict;

use super::gates::{Gate, Gates};
use super::tries::Try;
use crate::condition::Condition;
use crate::error::RuleProblem;
use crate::literals::Demands;
use crate::pattern::{self, Branch};
use crate::rule::{Assignment, Field, RuleSpec};

/// A rule of a set.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) spec: RuleSpec,
    pub(super) condition: Condition,
    pub(super) gate: Gate,
    pub(super) look_at: Vec<Field>,
    /// Numbers of the branches of its patterns in the set.
    pub(super) branches: Range<u32>,
    pub(super) verdict: Verdict,
}

/// What is to be known of a branch of a pattern before it is tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct BranchOf {
    pub(super) rule: u32,
    /// The number of its pattern in the rule.
    pub(super) pattern: u32,
    pub(super) gate: Gate,
    /// By field, when the rule looks there.
    pub(super) turns: [Option<u8>; Field::ALL.len()],
}

/// What the rules of a set have together, while it is compiled.
#[derive(Default)]
pub(super) struct Parts {
    /// The branches of all patterns, and of each what is to be known and what it demands.
    pub(super) branches: Vec<Branch>,
    pub(super) of: Vec<BranchOf>,
    pub(super) demands: Vec<Demands>,
    pub(super) gates: Gates,
    /// Octets that further patterns may take.
    pub(super) room: usize,
}

impl Rule {
    /// Adds its patterns to the others'.
    pub(super) fn compile(number: u32, spec: RuleSpec, parts: &mut Parts) -> Result<Self, RuleProblem> {
        let condition = Condition::compile(&spec.when)?;
        let verdict = verdict_of(&spec.id, spec.set).ok_or(RuleProblem::NothingSet)?;
        let compiled =
            spec.pattern.as_ref().map_or(Ok(Vec::new()), |it| pattern::compile(it, &mut parts.room))?;
        let mut look_at = Vec::new();
        for field in spec.fields() {
            if !look_at.contains(field) {
                look_at.push(*field);
            }
        }
        let mut turns = [None; Field::ALL.len()];
        for (turn, field) in (0..).zip(&look_at) {
            turns[*field as usize] = Some(turn);
        }
        let gate = parts.gates.add(&condition);
        let first = parts.branches.len() as u32;
        for (pattern, branches) in (0..).zip(compiled) {
            for (branch, demanded) in branches {
                parts.branches.push(branch);
                parts.of.push(BranchOf { rule: number, pattern, gate, turns });
                parts.demands.push(demanded);
            }
        }
        Ok(Self { spec, condition, gate, look_at, branches: first..parts.branches.len() as u32, verdict })
    }

    /// What of it is tried on every subject, given what the branches of all patterns demand.
    pub(super) fn always_tried(&self, rule: u32, demands: &[Demands]) -> Vec<Try> {
        if self.branches.is_empty() {
            return vec![Try { rule, turn: 0, branch: None, field: Field::Text }];
        }
        let is_undemanding =
            |number: &u32| demands.get(*number as usize).is_some_and(|demands| demands.all.is_empty());
        let undemanding = self.branches.clone().filter(is_undemanding);
        let tries = |(turn, field): (u8, &Field)| {
            let field = *field;
            undemanding.clone().map(move |number| Try { rule, turn, branch: Some(number), field })
        };
        (0..).zip(&self.look_at).flat_map(tries).collect()
    }
}

/// Type and reason come from the class where they are not set; `None` if there is nothing to take them from.
pub(crate) fn verdict_of(id: &str, set: Assignment) -> Option<Verdict> {
    let default = set.class.map(BounceClass::default_verdict);
    Some(Verdict {
        class: set.class,
        failure_type: set.failure_type.or(default.map(|(failure_type, _)| failure_type))?,
        reason: set.reason.or(default.map(|(_, reason)| reason))?,
        rule: Some(id.to_owned()),
    })
}
