//! From a rule as it was written to one that can be tried.

use std::num::NonZero;
use std::ops::Range;
use std::thread;

use emta_mail::BounceClass;
use emta_mail::event::Verdict;

use super::gates::{Gate, Gates};
use super::tries::Try;
use crate::condition::Condition;
use crate::error::RuleProblem;
use crate::literals::Demands;
use crate::pattern::{self, Branch, Branches};
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
    room: usize,
    /// By rule, as far as they were compiled ahead.
    ahead: Vec<Option<Ahead>>,
}

/// The patterns of a rule, and the octets that they take.
type Ahead = (Vec<Branches>, usize);

/// So few rules are compiled before another thread has begun.
const FEW: usize = 64;

impl Parts {
    /// For these rules, whose patterns are compiled ahead, on all cores. Where one is wrong or finds no room, that is left
    /// to be told in its turn.
    pub(super) fn of(rules: &[RuleSpec]) -> Self {
        let rules = &rules[..rules.len().min(super::MAX_RULES)];
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(rules.len() / FEW).max(1);
        let share = |first: usize| {
            let mut room = pattern::MAX_SET_SIZE / threads;
            let mut compiled = |spec: &RuleSpec| {
                let before = room;
                let branches = pattern::compile(spec.pattern.as_ref()?, &mut room).ok()?;
                Some((branches, before - room))
            };
            let rules = rules.iter().enumerate().skip(first).step_by(threads);
            let mut done = Vec::new();
            for (number, spec) in rules.filter(|(_, spec)| spec.pattern.is_some()) {
                let Some(ahead) = compiled(spec) else { break };
                done.push((number, ahead));
            }
            done
        };
        let mut ahead: Vec<Option<Ahead>> = rules.iter().map(|_| None).collect();
        if threads > 1 {
            let shares: Vec<_> = thread::scope(|scope| {
                let shares: Vec<_> = (0..threads).map(|first| scope.spawn(move || share(first))).collect();
                shares.into_iter().filter_map(|share| share.join().ok()).flatten().collect()
            });
            for (number, patterns) in shares {
                if let Some(place) = ahead.get_mut(number) {
                    *place = Some(patterns);
                }
            }
        }
        Self { room: pattern::MAX_SET_SIZE, ahead, ..Self::default() }
    }

    /// The patterns of the rule of this number.
    fn patterns(&mut self, number: u32, spec: &RuleSpec) -> Result<Vec<Branches>, RuleProblem> {
        let ahead = self.ahead.get_mut(number as usize).and_then(Option::take);
        if let Some((branches, size)) = ahead
            && let Some(room) = self.room.checked_sub(size)
        {
            self.room = room;
            return Ok(branches);
        }
        spec.pattern.as_ref().map_or(Ok(Vec::new()), |pattern| pattern::compile(pattern, &mut self.room))
    }
}

impl Rule {
    /// Adds its patterns to the others'.
    pub(super) fn compile(number: u32, spec: RuleSpec, parts: &mut Parts) -> Result<Self, RuleProblem> {
        let condition = Condition::compile(&spec.when)?;
        let verdict = verdict_of(&spec.id, spec.set).ok_or(RuleProblem::NothingSet)?;
        let compiled = parts.patterns(number, &spec)?;
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
