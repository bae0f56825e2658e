//! A compiled rule set: who wins, who else would have.

mod compile;
mod gates;
mod tries;

use std::cell::RefCell;
use std::collections::HashSet;
use std::ops::Range;

use emta_mail::event::Verdict;
use emta_mail::{BounceClass, FailureReason, FailureType};

use crate::error::{RuleError, RuleProblem};
use crate::pattern::{self, Branch};
pub(crate) use crate::pattern::{MAX_PATTERNS_PER_RULE, compiled, regex_problem};
use crate::plain::Text;
use crate::prefilter::{Hits, Prefilter, Scan};
use crate::rule::{Field, RuleSpec};
use crate::subject::Subject;
pub(crate) use compile::verdict_of;
use compile::{BranchOf, Parts, Rule};
use gates::{Answers, Gates};
use tries::{Always, Try};

/// Rules that a set may have.
pub const MAX_RULES: usize = 5_000;

/// An ordered list of compiled rules. The first that matches wins.
#[derive(Clone, Debug)]
pub struct RuleSet {
    name: String,
    rules: Vec<Rule>,
    prefilter: Prefilter,
    /// The branches of the patterns of all rules, numbered as the prefilter does.
    branches: Vec<Branch>,
    /// What is to be known before one is tried.
    of: Vec<BranchOf>,
    gates: Gates,
    /// What is tried whatever the texts hold: rules without a pattern, patterns without demands.
    always: Always,
    /// The fields that any rule looks at.
    fields: Vec<Field>,
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

/// The rule that decides about a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Winner<'a> {
    /// The rule as it was written.
    pub rule: &'a RuleSpec,
    /// Its place in the set, from 0.
    pub position: usize,
    /// What it says.
    pub verdict: &'a Verdict,
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
        let mut compiled: Vec<Rule> = Vec::with_capacity(count.min(MAX_RULES));
        let mut parts = Parts { room: pattern::MAX_SET_SIZE, ..Parts::default() };
        for (number, spec) in (0..).zip(rules) {
            let id = spec.id.clone();
            let position = number as usize;
            let checked = if position >= MAX_RULES {
                Err(RuleProblem::TooManyRules { count, limit: MAX_RULES })
            } else if id.trim().is_empty() {
                Err(RuleProblem::NoId)
            } else if !ids.insert(id.clone()) {
                Err(RuleProblem::DuplicateId)
            } else {
                Rule::compile(number, spec, &mut parts)
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
            compiled.iter().any(|rule| !rule.branches.is_empty() && rule.look_at.contains(field))
        };
        let Parts { branches, of, demands, gates, .. } = parts;
        let always = Always::of((0..).zip(&compiled).flat_map(|(number, rule)| {
            let names = rule.condition.only_providers().unwrap_or_default();
            let providers: Vec<u32> = names.iter().filter_map(|name| gates.provider(name)).collect();
            rule.always_tried(number, &demands).into_iter().map(move |next| (next, providers.clone()))
        }));
        let tests = compiled.iter().map(|rule| &rule.spec.tests);
        let samples = tests.flat_map(|tests| tests.matches.iter().chain(&tests.no_match));
        let samples: Vec<&str> = samples.map(|sample| sample.text.as_str()).collect();
        Ok(Self {
            name: name.to_owned(),
            prefilter: Prefilter::build(&demands, &samples),
            branches,
            of,
            gates,
            always,
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

    /// The first rule that matches. This is what deciding takes and no more; [`Self::qualify`] also tells where.
    pub fn winner(&self, subject: &Subject<'_>) -> Option<Winner<'_>> {
        self.with_tries(subject, |tries, texts, answers| {
            let decides = |next: &Try| match next.branch {
                None => self.rules.get(next.rule as usize).is_some_and(|rule| answers.pass(rule.gate)),
                Some(_) => self.branch(*next, texts, answers).is_some_and(|(number, branch, looked_at)| {
                    branch.is_match(&looked_at.text, looked_at.scan.starts(number))
                }),
            };
            let position = self.always.among(tries).find(decides)?.rule as usize;
            let rule = self.rules.get(position)?;
            Some(Winner { rule: &rule.spec, position, verdict: &rule.verdict })
        })
    }

    /// The first rule that matches, and where its pattern is.
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
        self.winner(subject).map_or_else(unmatched, |winner| winner.verdict.clone())
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
        let fields = rule.look_at.iter().filter_map(|field| subject.field(*field));
        let texts: Vec<Text<'_>> = fields.map(Text::new).collect();
        let is_in = |number: &u32| {
            let branch = self.branches.get(*number as usize);
            branch.is_some_and(|branch| texts.iter().any(|text| branch.is_in(text)))
        };
        let pattern = |number: u32| Some(self.of.get(number as usize)?.pattern as usize);
        let mut found: Vec<usize> = rule.branches.clone().filter(is_in).filter_map(pattern).collect();
        found.dedup();
        found
    }

    /// What `work` makes of the tries that are to be made on a subject, in order but for those that are
    /// [always](Always::among) made.
    fn with_tries<T>(
        &self,
        subject: &Subject<'_>,
        work: impl FnOnce(&[Try], &Texts<'_>, &mut Answers<'_>) -> T,
    ) -> T {
        MEMORY.with(|memory| match memory.try_borrow_mut() {
            Ok(mut memory) => self.with_tries_in(&mut memory, subject, work),
            // `work` has asked about another subject.
            Err(_) => self.with_tries_in(&mut Memory::default(), subject, work),
        })
    }

    fn with_tries_in<T>(
        &self,
        memory: &mut Memory,
        subject: &Subject<'_>,
        work: impl FnOnce(&[Try], &Texts<'_>, &mut Answers<'_>) -> T,
    ) -> T {
        let mut hits = memory.hits.iter_mut();
        let mut fields = self.fields.iter().filter_map(|field| {
            let text = Text::new(subject.field(*field)?);
            let scan = self.prefilter.scan(&text, hits.next()?);
            Some(LookedAt { field: *field, text, scan })
        });
        let texts = [fields.next(), fields.next(), fields.next()];
        let mut answers = self.gates.ask(subject, &mut memory.answers);
        self.collect(&texts, &mut answers, &mut memory.tries);
        work(&memory.tries, &texts, &mut answers)
    }

    /// Calls `visit` with each match in order until it returns false.
    fn each_match<'a>(&'a self, subject: &Subject<'_>, visit: impl FnMut(RuleMatch<'a>) -> bool) {
        self.with_tries(subject, |tries, texts, answers| self.try_all(tries, texts, answers, visit));
    }

    fn try_all<'a>(
        &'a self,
        tries: &[Try],
        texts: &Texts<'_>,
        answers: &mut Answers<'_>,
        mut visit: impl FnMut(RuleMatch<'a>) -> bool,
    ) {
        let mut tries = self.always.among(tries).peekable();
        let mut last_match = None;
        while let Some(next) = tries.next() {
            let position = next.rule as usize;
            let Some(rule) = self.rules.get(position).filter(|_| last_match != Some(next.rule)) else {
                continue;
            };
            let found = if next.branch.is_none() {
                if !answers.pass(rule.gate) {
                    continue;
                }
                None
            } else {
                let Some((pattern, mut span)) = self.find(next, texts, answers) else { continue };
                // Of the branches of a pattern that one counts which matches first.
                while let Some(other) =
                    tries.next_if(|other| self.pattern_of(*other) == self.pattern_of(next))
                {
                    let found =
                        self.find(other, texts, answers).filter(|(_, found)| found.start < span.start);
                    span = found.map_or(span, |(_, found)| found);
                }
                Some(Found { field: next.field, span, pattern: pattern as usize })
            };
            last_match = Some(next.rule);
            if !visit(RuleMatch { rule: &rule.spec, position, found, verdict: &rule.verdict }) {
                return;
            }
        }
    }

    /// Which pattern it is about, and where that is looked for.
    fn pattern_of(&self, next: Try) -> Option<(u32, u8, u32)> {
        let of = self.of.get(next.branch? as usize)?;
        Some((next.rule, next.turn, of.pattern))
    }

    /// The number of the pattern in its rule, and where it is, if the rule applies.
    fn find(&self, next: Try, texts: &Texts<'_>, answers: &mut Answers<'_>) -> Option<(u32, Range<usize>)> {
        let (number, branch, looked_at) = self.branch(next, texts, answers)?;
        let span = branch.find(&looked_at.text, looked_at.scan.starts(number))?;
        Some((self.of.get(number as usize)?.pattern, span))
    }

    /// The branch to be looked for, its number, and where it is looked for, if the rule applies.
    fn branch<'a>(
        &'a self,
        next: Try,
        texts: &'a Texts<'a>,
        answers: &mut Answers<'_>,
    ) -> Option<(u32, &'a Branch, &'a LookedAt<'a>)> {
        let number = next.branch?;
        let (branch, of) = (self.branches.get(number as usize)?, self.of.get(number as usize)?);
        let looked_at = texts.iter().flatten().find(|looked_at| looked_at.field == next.field)?;
        let applies = !looked_at.scan.rules_out(number) && answers.pass(of.gate);
        applies.then_some((number, branch, looked_at))
    }

    /// The branches whose demands are met, of rules whose conditions hold, in order.
    fn collect(&self, texts: &Texts<'_>, answers: &mut Answers<'_>, tries: &mut Vec<Try>) {
        tries.clear();
        for looked_at in texts.iter().flatten() {
            let field = looked_at.field;
            looked_at.scan.candidates(|number| {
                let Some(of) = self.of.get(number as usize) else { return };
                if let Some(turn) = of.turns[field as usize]
                    && answers.pass(of.gate)
                {
                    tries.push(Try { rule: of.rule, turn, branch: Some(number), field });
                }
            });
        }
        tries.extend(answers.provider.iter().flat_map(|provider| self.always.of_provider(*provider)));
        tries.sort_unstable_by_key(Try::key);
    }
}

/// What matching needs, kept for the thread's next text: at a million texts a second, asking for memory takes a tenth
/// of the time.
#[derive(Default)]
struct Memory {
    hits: [Hits; Field::ALL.len()],
    answers: Vec<Option<bool>>,
    tries: Vec<Try>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// A part of the subject and what is in it.
struct LookedAt<'a> {
    field: Field,
    text: Text<'a>,
    scan: Scan<'a>,
}

/// The parts that the subject has.
type Texts<'a> = [Option<LookedAt<'a>>; Field::ALL.len()];

#[cfg(test)]
mod equivalence;
#[cfg(test)]
mod tests;
