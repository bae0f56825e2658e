//! `emta rules test`: the samples that rules carry, run.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use emta_qualify::tune::{Coverage, coverage};
use emta_qualify::{Expectation, RuleSet, TestFailure};
use serde_json::{Value, json};

use super::{junit, source};
use crate::config::ConfigArgs;
use crate::exit::Exit;
use crate::output::{self, Format, OutputArgs};

/// Run the tests that the rules carry.
#[derive(Args)]
#[command(after_help = "Examples:
  emta rules test && echo all rules do what their tests say
  emta rules test my-rules.yaml --coverage          which patterns no test is in
  emta rules test my-rules.yaml --junit report.xml")]
pub(super) struct Test {
    /// Rule files; without any, both rule sets of the configuration.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write a report for CI servers to this file.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Show what the tests leave out: rules without tests, and patterns that no test is in.
    #[arg(long)]
    coverage: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// A rule set and what came of its tests.
pub(super) struct Tested {
    /// The set.
    pub(super) set: RuleSet,
    /// Tests in it.
    pub(super) count: usize,
    /// Tests that failed.
    pub(super) failures: Vec<TestFailure>,
}

impl Test {
    pub(super) fn run(self, config: &ConfigArgs) -> anyhow::Result<Exit> {
        let tested: Vec<Tested> = source::sets(&self.files, config)?.into_iter().map(Tested::new).collect();
        if let Some(file) = &self.junit {
            std::fs::write(file, junit::report(&tested))
                .with_context(|| format!("`{}` cannot be written", file.display()))?;
        }
        match self.output.format {
            Format::Json => {
                let all: Vec<Value> = tested.iter().map(|tested| tested.json(self.coverage)).collect();
                output::json(&Value::from(all))?;
            }
            Format::Table => {
                let all: String = tested.iter().map(|tested| tested.text(self.coverage)).collect();
                output::print(&all)?;
            }
        }
        let failed = tested.iter().any(|tested| !tested.failures.is_empty());
        Ok(if failed { Exit::Findings } else { Exit::Ok })
    }
}

impl Tested {
    fn new(set: RuleSet) -> Self {
        let samples = set.rules().map(|rule| rule.tests.matches.len() + rule.tests.no_match.len());
        let (count, failures) = (samples.sum(), set.run_tests());
        Self { set, count, failures }
    }

    fn passed(&self) -> usize {
        self.count.saturating_sub(self.failures.len())
    }

    fn text(&self, with_coverage: bool) -> String {
        let name = self.set.name();
        let mut text = String::new();
        // Writing to a String does not fail.
        for failure in &self.failures {
            let _ = writeln!(text, "{name}: {failure}");
        }
        if with_coverage {
            let told = coverage(&self.set, &[]);
            for line in gaps(&self.set, &told) {
                let _ = writeln!(text, "{name}: {line}");
            }
            let (rules, patterns) = (told.rules.len(), told.patterns());
            let (with_tests, covered) = (told.tested_rules(), told.tested_patterns());
            let _ = write!(text, "{name}: {with_tests} of {rules} rules have a `match` test, ");
            let _ = writeln!(text, "{covered} of {patterns} patterns are in one");
        }
        let _ = writeln!(text, "{name}: {} of {} tests passed", self.passed(), self.count);
        text
    }

    fn json(&self, with_coverage: bool) -> Value {
        let failures = self.failures.iter().map(|failure| {
            json!({
                "rule": failure.rule, "list": list(failure.expectation), "index": failure.index,
                "text": failure.sample.text, "winner": failure.winner, "message": failure.to_string(),
            })
        });
        json!({
            "set": self.set.name(),
            "tests": self.count,
            "passed": self.passed(),
            "failures": failures.collect::<Vec<_>>(),
            "coverage": with_coverage.then(|| coverage_json(&coverage(&self.set, &[]))),
        })
    }
}

/// The name of a list of samples in rule files.
pub(super) const fn list(expectation: Expectation) -> &'static str {
    match expectation {
        Expectation::Match => "match",
        Expectation::NoMatch => "no_match",
    }
}

/// What the samples leave out, a line each.
fn gaps(set: &RuleSet, told: &Coverage) -> Vec<String> {
    let mut gaps = Vec::new();
    for (spec, rule) in set.rules().zip(&told.rules) {
        let id = &rule.rule;
        if rule.match_samples == 0 {
            gaps.push(format!("rule `{id}` has no `match` test"));
        } else if !rule.is_tested(spec) {
            gaps.push(format!("rule `{id}` has no `no_match` test"));
        }
        for pattern in &rule.patterns {
            let place = format!("rule `{id}`, {}[{}]", pattern.list, pattern.place);
            if pattern.samples == 0 {
                gaps.push(format!("{place}: no test has `{}`", pattern.pattern));
                continue;
            }
            let untested = pattern.alternatives.iter().filter(|alternative| alternative.samples == 0);
            gaps.extend(
                untested.map(|alternative| format!("{place}: no test has `{}`", alternative.alternative)),
            );
        }
    }
    gaps
}

fn coverage_json(told: &Coverage) -> Value {
    let rules = told.rules.iter().map(|rule| {
        let patterns = rule.patterns.iter().map(|pattern| {
            let alternatives = pattern.alternatives.iter().map(|alternative| {
                json!({ "alternative": alternative.alternative, "samples": alternative.samples })
            });
            json!({
                "list": pattern.list, "place": pattern.place, "pattern": pattern.pattern,
                "samples": pattern.samples, "alternatives": alternatives.collect::<Vec<_>>(),
            })
        });
        json!({
            "rule": rule.rule, "match_samples": rule.match_samples, "no_match_samples": rule.no_match_samples,
            "patterns": patterns.collect::<Vec<_>>(),
        })
    });
    json!({
        "rules_with_tests": told.tested_rules(),
        "patterns": told.patterns(),
        "patterns_in_tests": told.tested_patterns(),
        "rules": rules.collect::<Vec<_>>(),
    })
}
