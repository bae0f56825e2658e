//! What the samples of the rules exercise, pattern by pattern.

use regex::Regex;

use super::case::Case;
use crate::rule::{RuleSpec, Sample};
use crate::set::{RuleSet, compiled};
use crate::subject::Subject;

/// Where one of the alternatives of a regex, `one|two`, was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlternativeCoverage {
    /// The alternative as it was written.
    pub alternative: String,
    /// `match` samples of its rule that it is in.
    pub samples: usize,
    /// Cases that its rule wins and that it is in.
    pub cases: usize,
}

/// Where one pattern of a rule was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternCoverage {
    /// The name of its list in rule files: `match` or `literals`.
    pub list: &'static str,
    /// Its place in that list, from 0.
    pub place: usize,
    /// The pattern as it was written.
    pub pattern: String,
    /// `match` samples of its rule that it is in.
    pub samples: usize,
    /// Cases that its rule wins and that it is in.
    pub cases: usize,
    /// Its alternatives, if it has more than one.
    pub alternatives: Vec<AlternativeCoverage>,
}

/// What the samples of one rule exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCoverage {
    /// Its id.
    pub rule: String,
    /// `match` samples that it has.
    pub match_samples: usize,
    /// `no_match` samples that it has.
    pub no_match_samples: usize,
    /// Cases that it wins.
    pub cases: usize,
    /// Its patterns: regexes, then literals.
    pub patterns: Vec<PatternCoverage>,
}

impl RuleCoverage {
    /// Whether it has samples of both kinds; one that takes everything can have no `no_match`.
    pub fn is_tested(&self, spec: &RuleSpec) -> bool {
        self.match_samples > 0 && (self.no_match_samples > 0 || spec.takes_everything())
    }
}

/// What the samples of a set exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Every rule, in the set's order.
    pub rules: Vec<RuleCoverage>,
}

impl Coverage {
    /// Rules with at least one `match` sample.
    pub fn tested_rules(&self) -> usize {
        self.rules.iter().filter(|rule| rule.match_samples > 0).count()
    }

    /// All patterns.
    pub fn patterns(&self) -> usize {
        self.rules.iter().map(|rule| rule.patterns.len()).sum()
    }

    /// Patterns that are in at least one `match` sample of their rule.
    pub fn tested_patterns(&self) -> usize {
        let patterns = self.rules.iter().flat_map(|rule| &rule.patterns);
        patterns.filter(|pattern| pattern.samples > 0).count()
    }
}

/// Looks for every pattern, and every alternative of it, in the samples of its rule and in the cases that the rule
/// wins. Unlike matching, this does not stop at the first pattern that is found.
pub fn coverage(set: &RuleSet, cases: &[Case]) -> Coverage {
    let mut rules: Vec<Counted> = set.rules().map(Counted::new).collect();
    for (position, (spec, rule)) in set.rules().zip(&mut rules).enumerate() {
        for sample in spec.tests.matches.iter().map(Sample::as_subject) {
            rule.count(spec, &sample, &set.patterns_in(position, &sample), |hits| &mut hits.samples);
        }
    }
    for case in cases {
        let subject = case.as_subject();
        let Some(matched) = set.qualify(&subject) else { continue };
        if let Some(rule) = rules.get_mut(matched.position) {
            rule.cases += 1;
            let patterns = set.patterns_in(matched.position, &subject);
            rule.count(matched.rule, &subject, &patterns, |hits| &mut hits.cases);
        }
    }
    Coverage { rules: rules.into_iter().zip(set.rules()).map(|(rule, spec)| rule.told(spec)).collect() }
}

#[derive(Clone, Copy, Default)]
struct Hits {
    samples: usize,
    cases: usize,
}

/// A rule while it is counted.
struct Counted {
    cases: usize,
    /// For each pattern its hits, and its alternatives with theirs.
    patterns: Vec<(Hits, Vec<Alternative>)>,
}

/// An alternative as it was written and compiled, and its hits.
type Alternative = (String, Regex, Hits);

impl Counted {
    fn new(spec: &RuleSpec) -> Self {
        let regexes = spec.pattern.iter().flat_map(|pattern| &pattern.regexes);
        let with_alternatives = regexes.map(|regex| {
            let alternatives = alternatives(regex);
            let all: Option<Vec<_>> = alternatives
                .iter()
                .map(|alternative| Some(((*alternative).to_owned(), compiled(alternative)?, Hits::default())))
                .collect();
            (Hits::default(), all.filter(|all| all.len() > 1).unwrap_or_default())
        });
        let mut patterns: Vec<_> = with_alternatives.collect();
        patterns.resize_with(spec.patterns().count(), Default::default);
        Self { cases: 0, patterns }
    }

    fn count(
        &mut self,
        spec: &RuleSpec,
        subject: &Subject<'_>,
        found: &[usize],
        counter: impl Fn(&mut Hits) -> &mut usize,
    ) {
        let texts: Vec<&str> = spec.fields().iter().filter_map(|field| subject.field(*field)).collect();
        for pattern in found {
            let Some((hits, alternatives)) = self.patterns.get_mut(*pattern) else { continue };
            *counter(hits) += 1;
            for (_, regex, hits) in alternatives {
                *counter(hits) += usize::from(texts.iter().any(|text| regex.is_match(text)));
            }
        }
    }

    fn told(self, spec: &RuleSpec) -> RuleCoverage {
        let patterns = self.patterns.into_iter().zip(spec.patterns()).enumerate();
        RuleCoverage {
            rule: spec.id.clone(),
            match_samples: spec.tests.matches.len(),
            no_match_samples: spec.tests.no_match.len(),
            cases: self.cases,
            patterns: patterns
                .map(|(number, ((hits, alternatives), pattern))| {
                    let (list, place) = spec.pattern_place(number);
                    let alternatives =
                        alternatives.into_iter().map(|(alternative, _, Hits { samples, cases })| {
                            AlternativeCoverage { alternative, samples, cases }
                        });
                    PatternCoverage {
                        list,
                        place,
                        pattern: pattern.to_owned(),
                        samples: hits.samples,
                        cases: hits.cases,
                        alternatives: alternatives.collect(),
                    }
                })
                .collect(),
        }
    }
}

/// The alternatives of a regex outside groups and classes. Flags such as `(?-i)` hold for all that follow them, so a
/// regex with flags is left whole.
fn alternatives(regex: &str) -> Vec<&str> {
    let (mut depth, mut class, mut escaped, mut start) = (0_usize, 0_usize, false, 0);
    let mut found = Vec::new();
    for (at, c) in regex.char_indices() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match c {
            '\\' => escaped = true,
            '[' => class += 1,
            ']' => class = class.saturating_sub(1),
            '(' if class == 0 => {
                let rest = regex.get(at..).unwrap_or_default();
                if rest.starts_with("(?") && !rest.starts_with("(?:") && !rest.starts_with("(?P<") {
                    return vec![regex];
                }
                depth += 1;
            }
            ')' if class == 0 => depth = depth.saturating_sub(1),
            '|' if class == 0 && depth == 0 => {
                found.extend(regex.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    found.extend(regex.get(start..));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::testing::{case, compile, spec, tested};

    #[test]
    fn counts_patterns_and_alternatives() {
        let mut rule =
            tested(spec("r", "quota|full", "soft/mailbox_full"), &["552 full", "552 Full quota"], &[]);
        let pattern = rule.pattern.as_mut().unwrap();
        pattern.regexes.push("never".to_owned());
        pattern.literals.push("(over)".to_owned());
        let any = tested(spec("any", "", "ignored/unreachable"), &["x"], &[]);
        let set = compile(vec![rule, any]);
        let told = coverage(&set, &[case("1", "552 (over) quota", ""), case("2", "550 hm", "")]);
        let r = &told.rules[0];
        assert_eq!((r.match_samples, r.no_match_samples, r.cases), (2, 0, 1));
        let hits: Vec<_> = r.patterns.iter().map(|p| (p.list, p.place, p.samples, p.cases)).collect();
        assert_eq!(hits, [("match", 0, 2, 1), ("match", 1, 0, 0), ("literals", 0, 0, 1)]);
        let first: Vec<_> =
            r.patterns[0].alternatives.iter().map(|a| (a.alternative.as_str(), a.samples, a.cases)).collect();
        assert_eq!(first, [("quota", 1, 1), ("full", 2, 0)]);
        assert_eq!((told.tested_rules(), told.patterns(), told.tested_patterns()), (2, 3, 1));
        let tested: Vec<bool> = told.rules.iter().zip(set.rules()).map(|(r, s)| r.is_tested(s)).collect();
        assert_eq!(tested, [false, true]);
    }

    #[test]
    fn alternatives_are_those_outside_groups() {
        let check = |regex: &str, expected: &[&str]| assert_eq!(alternatives(regex), expected, "{regex}");
        check("a", &["a"]);
        check("a|b", &["a", "b"]);
        check("(a|b)c|d", &["(a|b)c", "d"]);
        check(r"[|]a|b\|c", &["[|]a", r"b\|c"]);
        check("(?-i)a|b", &["(?-i)a|b"]);
        check("(?:a|b)|(?P<n>c|d)", &["(?:a|b)", "(?P<n>c|d)"]);
        check("", &[""]);
    }
}
