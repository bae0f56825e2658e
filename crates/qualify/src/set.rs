//! A compiled rule set: who wins, who else would have.

use std::collections::HashSet;
use std::ops::Range;

use emta_mail::event::Verdict;
use emta_mail::{BounceClass, FailureReason, FailureType};
use regex::{Regex, RegexBuilder};

use crate::condition::Condition;
use crate::error::{RuleError, RuleProblem};
use crate::prefilter::{BitSet, Candidates, Prefilter};
use crate::rule::{Assignment, Field, Pattern, RuleSpec};
use crate::subject::Subject;

/// Rules that a set may have.
pub const MAX_RULES: usize = 5_000;
/// Regexes and literals that a rule may have together.
pub const MAX_PATTERNS_PER_RULE: usize = 100;
/// Longest regex or literal, in octets.
pub const MAX_PATTERN_LEN: usize = 4_096;

/// Octets that one compiled regex may take; bounds `\w{1000}` and the like.
const REGEX_SIZE_LIMIT: usize = 1 << 20;
/// Octets of cache that matching with one regex may take; a regex that needs more is slower, not wrong.
const REGEX_CACHE_LIMIT: usize = 1 << 18;

/// An ordered list of compiled rules. The first that matches wins.
#[derive(Clone, Debug)]
pub struct RuleSet {
    name: String,
    rules: Vec<Rule>,
    prefilter: Prefilter,
    /// Rules without a pattern: candidates for every subject.
    patternless: Vec<usize>,
    /// The fields that any rule looks at.
    fields: Vec<Field>,
}

#[derive(Clone, Debug)]
struct Rule {
    spec: RuleSpec,
    condition: Condition,
    look_at: Vec<Field>,
    /// Numbers of its patterns in the set.
    first_pattern: usize,
    patterns: Vec<Regex>,
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
    /// The first rule that is wrong: see [`RuleError`].
    pub fn compile(name: &str, rules: Vec<RuleSpec>) -> Result<Self, RuleError> {
        let count = rules.len();
        let mut ids = HashSet::new();
        let mut compiled = Vec::with_capacity(count.min(MAX_RULES));
        let mut sources = Vec::new();
        for (position, spec) in rules.into_iter().enumerate() {
            let id = spec.id.clone();
            let checked = if position >= MAX_RULES {
                Err(RuleProblem::TooManyRules { count, limit: MAX_RULES })
            } else if id.trim().is_empty() {
                Err(RuleProblem::NoId)
            } else if !ids.insert(id.clone()) {
                Err(RuleProblem::DuplicateId)
            } else {
                Rule::compile(spec, sources.len())
            };
            let rule = checked.map_err(|problem| RuleError {
                set: name.to_owned(),
                rule: id,
                position,
                problem: Box::new(problem),
            })?;
            sources.extend(rule.patterns.iter().map(|regex| (position, regex.as_str().to_owned())));
            compiled.push(rule);
        }
        let looks_at = |field: &Field| {
            compiled.iter().any(|rule| !rule.patterns.is_empty() && rule.look_at.contains(field))
        };
        let patternless = compiled
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.patterns.is_empty())
            .map(|(n, _)| n)
            .collect();
        Ok(Self {
            name: name.to_owned(),
            prefilter: Prefilter::build(&sources),
            patternless,
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
        let is_in = |regex: &Regex| texts.iter().any(|text| regex.is_match(text));
        rule.patterns.iter().enumerate().filter(|(_, regex)| is_in(regex)).map(|(n, _)| n).collect()
    }

    /// Calls `visit` with each match in order until it returns false.
    fn each_match<'a>(&'a self, subject: &Subject<'_>, mut visit: impl FnMut(RuleMatch<'a>) -> bool) {
        let mut candidates = BitSet::with_capacity(self.rules.len());
        self.patternless.iter().for_each(|rule| candidates.insert(*rule));
        let fields: Vec<LookedAt<'_>> = self
            .fields
            .iter()
            .filter_map(|field| {
                let text = subject.field(*field)?;
                Some(LookedAt {
                    field: *field,
                    text,
                    may_match: self.prefilter.candidates(text, &mut candidates),
                })
            })
            .collect();
        for position in candidates.iter() {
            let Some(rule) = self.rules.get(position) else { return };
            if let Outcome::Match(found) = rule.outcome(subject, &fields)
                && !visit(RuleMatch { rule: &rule.spec, position, found, verdict: &rule.verdict })
            {
                return;
            }
        }
    }
}

/// A part of the subject and the patterns that may match it.
struct LookedAt<'a> {
    field: Field,
    text: &'a str,
    may_match: Candidates,
}

impl Rule {
    fn compile(spec: RuleSpec, first_pattern: usize) -> Result<Self, RuleProblem> {
        let condition = Condition::compile(&spec.when)?;
        let verdict = verdict_of(&spec.id, spec.set).ok_or(RuleProblem::NothingSet)?;
        let patterns = spec.pattern.as_ref().map_or(Ok(Vec::new()), compile_patterns)?;
        let look_at = spec.fields().to_vec();
        Ok(Self { spec, condition, look_at, first_pattern, patterns, verdict })
    }

    fn outcome(&self, subject: &Subject<'_>, fields: &[LookedAt<'_>]) -> Outcome {
        if !self.condition.holds(subject) {
            return Outcome::NoMatch;
        }
        if self.patterns.is_empty() {
            return Outcome::Match(None);
        }
        for field in &self.look_at {
            let Some(looked_at) = fields.iter().find(|looked_at| looked_at.field == *field) else { continue };
            for (pattern, regex) in self.patterns.iter().enumerate() {
                if looked_at.may_match.contains(self.first_pattern + pattern)
                    && let Some(hit) = regex.find(looked_at.text)
                {
                    return Outcome::Match(Some(Found { field: *field, span: hit.range(), pattern }));
                }
            }
        }
        Outcome::NoMatch
    }
}

/// What a rule makes of a subject.
enum Outcome {
    NoMatch,
    /// With the place of the pattern; without one where the conditions suffice.
    Match(Option<Found>),
}

/// Type and reason come from the class where they are not set; `None` if there is nothing to take them from.
fn verdict_of(id: &str, set: Assignment) -> Option<Verdict> {
    let default = set.class.map(BounceClass::default_verdict);
    Some(Verdict {
        class: set.class,
        failure_type: set.failure_type.or(default.map(|(failure_type, _)| failure_type))?,
        reason: set.reason.or(default.map(|(_, reason)| reason))?,
        rule: Some(id.to_owned()),
    })
}

/// Why a regex cannot be a rule's pattern; `None` if it can.
pub(crate) fn regex_problem(regex: &str) -> Option<String> {
    compile_regex(regex, true).err().map(|problem| problem.text)
}

/// A rule's regex as matching sees it; `None` if it is none.
pub(crate) fn compiled(regex: &str) -> Option<Regex> {
    compile_regex(regex, true).ok()
}

fn compile_patterns(pattern: &Pattern) -> Result<Vec<Regex>, RuleProblem> {
    let count = pattern.regexes.len() + pattern.literals.len();
    if count == 0 {
        return Err(RuleProblem::NoPattern);
    }
    if count > MAX_PATTERNS_PER_RULE {
        return Err(RuleProblem::TooManyPatterns { count, limit: MAX_PATTERNS_PER_RULE });
    }
    let bad = |list, index, pattern: &str, Problem { text, offset }| RuleProblem::BadPattern {
        list,
        index,
        pattern: pattern.chars().take(80).collect(),
        problem: text,
        offset,
    };
    let regexes = pattern.regexes.iter().enumerate().map(|(index, regex)| {
        compile_regex(regex, true).map_err(|problem| bad("match", index, regex, problem))
    });
    let literals = pattern.literals.iter().enumerate().map(|(index, literal)| {
        compile_regex(&regex::escape(literal), false)
            .map_err(|problem| bad("literals", index, literal, problem))
    });
    regexes.chain(literals).collect()
}

struct Problem {
    text: String,
    offset: Option<usize>,
}

/// `unicode` false: upper and lower case are the same for ASCII letters only.
fn compile_regex(regex: &str, unicode: bool) -> Result<Regex, Problem> {
    let problem = |text: &str| Problem { text: text.to_owned(), offset: None };
    if regex.len() > MAX_PATTERN_LEN {
        return Err(problem(&format!("is longer than the {MAX_PATTERN_LEN} octets that are allowed")));
    }
    let compiled = RegexBuilder::new(regex)
        .case_insensitive(true)
        .multi_line(true)
        .unicode(unicode)
        .size_limit(REGEX_SIZE_LIMIT)
        .dfa_size_limit(REGEX_CACHE_LIMIT)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                problem("is too big when compiled; expected smaller repetitions")
            }
            error => syntax_problem(&error.to_string()),
        })?;
    if compiled.is_match("") {
        return Err(problem(
            "matches even an empty text; hint: leave the pattern out if the conditions suffice",
        ));
    }
    Ok(compiled)
}

/// The regex crate tells the place of an error by a caret below the regex; four columns are its margin.
fn syntax_problem(message: &str) -> Problem {
    const MARGIN: usize = 4;
    let caret = |line: &str| line.find('^').filter(|at| line.bytes().take(*at).all(|b| b == b' '));
    let offset = message.lines().find_map(caret).and_then(|column| column.checked_sub(MARGIN));
    let problem = message.lines().find_map(|line| line.strip_prefix("error: ")).unwrap_or(message);
    Problem { text: format!("is not a regex: {problem}"), offset }
}

#[cfg(test)]
mod tests;
