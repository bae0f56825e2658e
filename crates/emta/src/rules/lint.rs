//! `emta rules lint`: rules that do not do what their author thinks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use emta_qualify::tune::{Evidence, Finding, Problem, lint};
use serde_json::{Value, json};

use super::corpus::{self, Corpus};
use super::source::{self, SetArgs};
use super::tell::{count, plain};
use crate::config::ConfigArgs;
use crate::exit::Exit;
use crate::output::{self, Format, OutputArgs};
use crate::progress::watched;

/// Find shadowed, dead, conflicting, redundant, too broad, duplicate and untested rules.
#[derive(Args)]
#[command(after_help = "Examples:
  emta rules lint                             the shipped inbound email rules, by their own samples
  emta rules lint my-rules.yaml --corpus bounces/")]
pub(super) struct Lint {
    /// Rule file, as `--rules`.
    #[arg(value_name = "RULES", conflicts_with = "file")]
    rules: Option<PathBuf>,
    /// More texts: a folder of mails, an mbox, or a file of reply lines (.txt, or .jsonl with `text`).
    #[arg(long, value_name = "CORPUS")]
    corpus: Option<PathBuf>,
    /// Labels of the corpus, a line of JSON each; see `emta rules eval`.
    #[arg(long, value_name = "FILE", requires = "corpus")]
    labels: Option<PathBuf>,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Lint {
    pub(super) fn run(self, config: &ConfigArgs) -> anyhow::Result<Exit> {
        let set = match &self.rules {
            Some(file) => source::read(file)?,
            None => self.set.load(config)?,
        };
        let corpus = match &self.corpus {
            Some(path) => corpus::load(path, self.labels.as_deref(), &set)?,
            None => Corpus::default(),
        };
        let findings = lint(&set, &self.set.unmatched(), watched(&corpus.cases, "held against the rules"));
        match self.output.format {
            Format::Json => {
                let all: Vec<Value> = findings.iter().map(as_json).collect();
                output::json(&Value::from(all))?;
            }
            Format::Table => output::print(&as_text(set.name(), set.rules().len(), &findings))?,
        }
        Ok(match (findings.is_empty(), corpus.unreadable) {
            (false, _) => Exit::Findings,
            (true, 0) => Exit::Ok,
            (true, _) => Exit::Partial,
        })
    }
}

fn as_text(name: &str, rules: usize, findings: &[Finding]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut lines = Vec::new();
    for finding in findings {
        *counts.entry(finding.problem.name()).or_default() += 1;
        lines.push(format!("{}: {}", finding.problem.name(), plain(&finding.to_string())));
    }
    let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let counts = if counts.is_empty() { "nothing found".to_owned() } else { counts.join(", ") };
    lines.push(format!("{name}: {}, {counts}", count(rules, "rule")));
    lines.join("\n")
}

fn as_json(finding: &Finding) -> Value {
    let evidence = |evidence: &Evidence| json!({ "source": evidence.source, "text": evidence.text });
    let detail = match &finding.problem {
        Problem::Dead | Problem::Untested => Value::Null,
        Problem::Shadowed { by, matched, lost, evidence: shown } => {
            json!({ "by": by, "matched": matched, "lost": lost, "evidence": evidence(shown) })
        }
        Problem::Conflicting { with, texts, evidence: shown } => {
            json!({ "with": with, "texts": texts, "evidence": evidence(shown) })
        }
        Problem::Redundant { wins, instead } => json!({ "wins": wins, "instead": instead }),
        Problem::Unanchored { pattern, literal } => json!({ "pattern": pattern, "literal": literal }),
        Problem::TooBroad { pattern, rules, evidence: shown } => {
            json!({ "pattern": pattern, "rules": rules, "evidence": evidence(shown) })
        }
        Problem::Duplicate { pattern, with } => json!({ "pattern": pattern, "with": with }),
    };
    json!({
        "rule": finding.rule,
        "position": finding.position,
        "problem": finding.problem.name(),
        "detail": detail,
        "message": finding.to_string(),
    })
}
