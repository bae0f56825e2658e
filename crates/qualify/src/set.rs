//! A compiled rule set: who wins, who else would have.

mod tries;

use std::cell::Cell;
use std::collections::HashSet;
use std::ops::Range;

use emta_mail::event::Verdict;
use emta_mail::{BounceClass, FailureReason, FailureType};

use crate::condition::Condition;
use crate::error::{RuleError, RuleProblem};
use crate::literals::Demands;
use crate::pattern::{self, Matcher};
pub(crate) use crate::pattern::{MAX_PATTERNS_PER_RULE, compiled, regex_problem};
use crate::prefilter::{Hits, Prefilter, Scan};
use crate::rule::{Assignment, Field, RuleSpec};
use crate::subject::Subject;
use tries::{Always, NO_PATTERN, Try};

/// Rules that a set may have.
pub const MAX_RULES: usize = 5_000;

/// An ordered list of compiled rules. The first that matches wins.
#[derive(Clone, Debug)]
pub struct RuleSet {
    name: String,
    rules: Vec<Rule>,
    prefilter: Prefilter,
    /// For each pattern of the prefilter, its rule.
    rule_of: Vec<u32>,
    /// What is tried whatever the texts hold: rules without a pattern, patterns without demands.
    always: Always,
    /// The fields that any rule looks at.
    fields: Vec<Field>,
}

#[derive(Clone, Debug)]
struct Rule {
    spec: RuleSpec,
    condition: Condition,
    look_at: Vec<Field>,
    /// Number of its first pattern in the set; the others follow.
    first_pattern: u32,
    patterns: Vec<Matcher>,
    verdict: Verdict,
}

/// A rule that matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleMatch<'a> {
    /// The rule as it was written.
    pub rule: &'a RuleSpec,
    /// Its place in the set, from 0.
    pub position: usize,
    /// Where its pattern was found; `None` for a rule without one.
    pub found: Option<Found>,
    verdict: &'a Verdict,
}

/// Where a pattern was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The part of the subject.
    pub field: Field,
    /// The octets of that part.
    pub span: Range<usize>,
    /// Which of the rule's patterns: regexes first, then literals, from 0.
    pub pattern: usize,
}

/// All rules that match a subject, in the set's order: the first one wins, the others are shadowed by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation<'a> {
    /// The matches.
    pub matches: Vec<RuleMatch<'a>>,
}

impl<'a> Explanation<'a> {
    /// The match that decides.
    pub fn winner(&self) -> Option<&RuleMatch<'a>> {
        self.matches.first()
    }

    /// Matches of later rules.
    pub fn shadowed(&self) -> &[RuleMatch<'a>] {
        self.matches.get(1..).unwrap_or_default()
    }
}

impl RuleMatch<'_> {
    /// What the rule says.
    pub fn verdict(&self) -> &Verdict {
        self.verdict
    }
}

/// What holds for a reply in the session that no rule knows: Undetermined, Unreachable / Soft (facts 2.4).
pub fn unmatched_reply() -> Verdict {
    let (failure_type, reason) = BounceClass::Undetermined.default_verdict();
    Verdict { class: Some(BounceClass::Undetermined), failure_type, reason, rule: None }
}

/// What holds for mail that no rule knows: Unreachable / Ignored (facts 2.3, `Other_responses`).
pub fn unmatched_mail() -> Verdict {
    Verdict {
        class: None,
        failure_type: FailureType::Ignored,
        reason: FailureReason::Unreachable,
        rule: None,
    }
}

impl RuleSet {
    /// Compiles rules in this order; `name` is for error messages.
    ///
    /// # Errors
    /// The first rule that is wrong: see [`RuleError`]; [`Self::problems`] tells all.
    pub fn compile(name: &str, rules: Vec<RuleSpec>) -> Result<Self, RuleError> {
        let count = rules.len();
        let mut ids = HashSet::new();
        let mut compiled = Vec::with_capacity(count.min(MAX_RULES));
        let mut demands: Vec<Demands> = Vec::new();
        let mut room = pattern::MAX_SET_SIZE;
        for (position, spec) in rules.into_iter().enumerate() {
            let id = spec.id.clone();
            let checked = if position >= MAX_RULES {
                Err(RuleProblem::TooManyRules { count, limit: MAX_RULES })
            } else if id.trim().is_empty() {
                Err(RuleProblem::NoId)
            } else if !ids.insert(id.clone()) {
                Err(RuleProblem::DuplicateId)
            } else {
                Rule::compile(spec, &mut demands, &mut room)
            };
            let rule = checked.map_err(|problem| RuleError {
                set: name.to_owned(),
                rule: id,
                position,
                problem: Box::new(problem),
            })?;
            compiled.push(rule);
        }
        let looks_at = |field: &Field| {
            compiled.iter().any(|rule| !rule.patterns.is_empty() && rule.look_at.contains(field))
        };
        let numbered = || (0..).zip(&compiled);
        Ok(Self {
            name: name.to_owned(),
            prefilter: Prefilter::build(&demands),
            rule_of: numbered().flat_map(|(n, rule)| rule.patterns.iter().map(move |_| n)).collect(),
            always: Always::of(numbered().flat_map(|(number, rule)| {
                rule.always_tried(number, &demands).into_iter().map(|next| (next, &rule.condition))
            })),
            fields: Field::ALL.into_iter().filter(looks_at).collect(),
            rules: compiled,
        })
    }

    /// The set's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rules as they were written, in order.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &RuleSpec> {
        self.rules.iter().map(|rule| &rule.spec)
    }

    /// The first rule that matches.
    pub fn qualify(&self, subject: &Subject<'_>) -> Option<RuleMatch<'_>> {
        let mut winner = None;
        self.each_match(subject, |found| {
            winner = Some(found);
            false
        });
        winner
    }

    /// Every rule that matches, in order.
    pub fn explain(&self, subject: &Subject<'_>) -> Explanation<'_> {
        let mut matches = Vec::new();
        self.each_match(subject, |found| {
            matches.push(found);
            true
        });
        Explanation { matches }
    }

    /// What the set makes of the subject; `unmatched` ([`unmatched_reply`], [`unmatched_mail`]) where no rule
    /// matches.
    pub fn verdict(&self, subject: &Subject<'_>, unmatched: impl FnOnce() -> Verdict) -> Verdict {
        self.qualify(subject).map_or_else(unmatched, |found| found.verdict.clone())
    }

    /// What the rule at this place says; `None` if there is none.
    pub(crate) fn verdict_at(&self, position: usize) -> Option<&Verdict> {
        self.rules.get(position).map(|rule| &rule.verdict)
    }

    /// Why the rule at this place does not apply to the subject, before its pattern is looked for.
    pub(crate) fn failed_condition(&self, position: usize, subject: &Subject<'_>) -> Option<&'static str> {
        self.rules.get(position).and_then(|rule| rule.condition.first_failure(subject))
    }

    /// Every pattern of the rule at this place that is in the subject, whether or not its conditions hold; matching
    /// itself stops at the first.
    pub(crate) fn patterns_in(&self, position: usize, subject: &Subject<'_>) -> Vec<usize> {
        let Some(rule) = self.rules.get(position) else { return Vec::new() };
        let texts: Vec<&str> = rule.look_at.iter().filter_map(|field| subject.field(*field)).collect();
        let is_in = |pattern: &Matcher| texts.iter().any(|text| pattern.is_in(text));
        rule.patterns.iter().enumerate().filter(|(_, pattern)| is_in(pattern)).map(|(n, _)| n).collect()
    }

    /// Calls `visit` with each match in order until it returns false.
    fn each_match<'a>(&'a self, subject: &Subject<'_>, visit: impl FnMut(RuleMatch<'a>) -> bool) {
        let mut memory = MEMORY.take();
        let mut hits = memory.hits.iter_mut();
        let looked_at = |field: &Field| {
            let text = subject.field(*field)?;
            let hits = hits.next().map(std::mem::take).unwrap_or_default();
            Some(LookedAt { field: *field, text, scan: self.prefilter.scan(text, hits) })
        };
        let mut fields = self.fields.iter().filter_map(looked_at);
        let texts = [fields.next(), fields.next(), fields.next()];
        drop(fields);
        self.try_all(subject, &texts, &mut memory.tries, visit);
        for (slot, looked_at) in memory.hits.iter_mut().zip(texts.into_iter().flatten()) {
            *slot = looked_at.scan.into_hits();
        }
        MEMORY.set(memory);
    }

    fn try_all<'a>(
        &'a self,
        subject: &Subject<'_>,
        texts: &Texts<'_>,
        tries: &mut Vec<Try>,
        mut visit: impl FnMut(RuleMatch<'a>) -> bool,
    ) {
        self.collect(subject, texts, tries);
        let mut last_match = None;
        for next in self.always.among(tries) {
            let position = next.rule as usize;
            let Some(rule) = self.rules.get(position).filter(|_| last_match != Some(next.rule)) else {
                continue;
            };
            let Outcome::Match(found) = rule.outcome(next, subject, texts) else { continue };
            last_match = Some(next.rule);
            if !visit(RuleMatch { rule: &rule.spec, position, found, verdict: &rule.verdict }) {
                return;
            }
        }
    }

    /// The patterns whose demands are met, of rules whose conditions hold, in order.
    fn collect(&self, subject: &Subject<'_>, texts: &Texts<'_>, tries: &mut Vec<Try>) {
        tries.clear();
        for looked_at in texts.iter().flatten() {
            looked_at.scan.candidates(|pattern| {
                let number = self.rule_of.get(pattern).copied().unwrap_or(u32::MAX);
                let Some(rule) = self.rules.get(number as usize) else { return };
                if let Some(turn) = rule.look_at.iter().position(|field| *field == looked_at.field)
                    && rule.condition.holds(subject)
                {
                    let pattern = pattern as u32 - rule.first_pattern;
                    tries.push(Try { rule: number, turn: turn as u8, pattern: pattern as u8 });
                }
            });
        }
        tries.extend(subject.provider.iter().flat_map(|provider| self.always.of_provider(provider)));
        tries.sort_unstable();
        tries.dedup();
    }
}

/// What matching needs, kept for the thread's next text: at a million texts a second, asking for memory takes a tenth
/// of the time.
#[derive(Default)]
struct Memory {
    hits: [Hits; Field::ALL.len()],
    tries: Vec<Try>,
}

thread_local! {
    static MEMORY: Cell<Memory> = Cell::default();
}

/// A part of the subject and what is in it.
struct LookedAt<'a> {
    field: Field,
    text: &'a str,
    scan: Scan<'a>,
}

/// The parts that the subject has.
type Texts<'a> = [Option<LookedAt<'a>>; Field::ALL.len()];

impl Rule {
    /// Adds what its patterns demand to `demands`, and takes what they take from `room`.
    fn compile(spec: RuleSpec, demands: &mut Vec<Demands>, room: &mut usize) -> Result<Self, RuleProblem> {
        let condition = Condition::compile(&spec.when)?;
        let verdict = verdict_of(&spec.id, spec.set).ok_or(RuleProblem::NothingSet)?;
        let compiled = spec.pattern.as_ref().map_or(Ok(Vec::new()), |it| pattern::compile(it, room))?;
        let first_pattern = demands.len() as u32;
        let mut patterns = Vec::with_capacity(compiled.len());
        for (matcher, demanded) in compiled {
            patterns.push(matcher);
            demands.push(demanded);
        }
        let mut look_at = Vec::new();
        for field in spec.fields() {
            if !look_at.contains(field) {
                look_at.push(*field);
            }
        }
        Ok(Self { spec, condition, look_at, first_pattern, patterns, verdict })
    }

    /// What of it is tried on every subject, given the demands of all patterns.
    fn always_tried(&self, rule: u32, demands: &[Demands]) -> Vec<Try> {
        if self.patterns.is_empty() {
            return vec![Try { rule, turn: 0, pattern: NO_PATTERN }];
        }
        let own = demands.iter().skip(self.first_pattern as usize);
        let undemanding: Vec<u8> = (0..)
            .zip(own.take(self.patterns.len()))
            .filter(|(_, d)| d.all.is_empty())
            .map(|(n, _)| n)
            .collect();
        let turns = 0..self.look_at.len() as u8;
        turns.flat_map(|turn| undemanding.iter().map(move |n| Try { rule, turn, pattern: *n })).collect()
    }

    fn outcome(&self, next: Try, subject: &Subject<'_>, texts: &Texts<'_>) -> Outcome {
        if next.pattern == NO_PATTERN {
            let holds = self.condition.holds(subject);
            return if holds { Outcome::Match(None) } else { Outcome::NoMatch };
        }
        let pattern = usize::from(next.pattern);
        let find = || {
            let field = *self.look_at.get(usize::from(next.turn))?;
            let looked_at = texts.iter().flatten().find(|looked_at| looked_at.field == field)?;
            let number = self.first_pattern as usize + pattern;
            if looked_at.scan.rules_out(number) || !self.condition.holds(subject) {
                return None;
            }
            let starts = looked_at.scan.starts(number);
            let span = self.patterns.get(pattern)?.find(looked_at.text, starts)?;
            Some(Found { field, span, pattern })
        };
        find().map_or(Outcome::NoMatch, |found| Outcome::Match(Some(found)))
    }
}

/// What comes of a try.
enum Outcome {
    NoMatch,
    /// With the place of the pattern; without one where the conditions suffice.
    Match(Option<Found>),
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

#[cfg(test)]
mod equivalence;
#[cfg(test)]
mod tests;
