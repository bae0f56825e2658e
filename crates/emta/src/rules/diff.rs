//! `emta rules diff`: what another rule set changes.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use emta_qualify::tune::{Diff as Differences, Side, diff};
use serde_json::{Value, json};

use super::corpus;
use super::source::{self, SideArgs};
use super::tell::{count, meaning, plain, rule, words};
use crate::config::ConfigArgs;
use crate::exit::Exit;
use crate::output::{self, Format, OutputArgs};
use crate::progress::watched;

/// Show every verdict that another rule file changes, grouped.
#[derive(Args)]
#[command(after_help = "Examples:
  emta rules diff old.yaml new.yaml --corpus bounces/ --labels labels.jsonl && mv new.yaml old.yaml
  emta rules diff old.yaml new.yaml --corpus replies.txt --mta --format json
  emta rules export --format yaml | emta rules diff - my-rules.yaml --corpus bounces/")]
pub(super) struct Diff {
    /// Rule file as it is; `-` is standard input.
    old: PathBuf,
    /// Rule file as it would be.
    new: PathBuf,
    /// A folder of mails, an mbox, or a file of reply lines (.txt, or .jsonl with `text`).
    #[arg(long, value_name = "CORPUS")]
    corpus: PathBuf,
    /// Labels, a line of JSON each; see `emta rules eval`.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    #[command(flatten)]
    side: SideArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Diff {
    pub(super) fn run(self, _: &ConfigArgs) -> anyhow::Result<Exit> {
        let (old, new) = (source::read(&self.old)?, source::read(&self.new)?);
        let corpus = corpus::load(&self.corpus, self.labels.as_deref(), &old)?;
        let told = diff(&old, &new, &self.side.unmatched(), watched(&corpus.cases, "compared"));
        match self.output.format {
            Format::Json => output::json(&as_json(&told))?,
            Format::Table => output::print(&as_text(&told))?,
        }
        Ok(match (told.regressions(), corpus.unreadable) {
            (0, 0) => Exit::Ok,
            (0, _) => Exit::Partial,
            _ => Exit::Findings,
        })
    }
}

fn as_json(told: &Differences) -> Value {
    let side = |side: &Side| json!({ "rule": side.rule, "means": meaning(side.means) });
    let changes = told.changes.iter().map(|change| {
        let examples = change.examples.iter().map(|(case, text)| json!({ "case": case, "text": text }));
        json!({
            "old": side(&change.old), "new": side(&change.new), "count": change.count,
            "regressions": change.regressions, "improvements": change.improvements,
            "examples": examples.collect::<Vec<_>>(),
        })
    });
    json!({
        "cases": told.cases,
        "changed": told.changed(),
        "regressions": told.regressions(),
        "improvements": told.improvements(),
        "renamed": told.renamed,
        "changes": changes.collect::<Vec<_>>(),
    })
}

fn as_text(told: &Differences) -> String {
    let mut text = format!(
        "{} of {} change: {}, {}; {} more keep type and reason under another rule\n",
        told.changed(),
        count(told.cases, "text"),
        count(told.regressions(), "regression"),
        count(told.improvements(), "improvement"),
        told.renamed
    );
    let side = |side: &Side| format!("{} by {}", words(side.means), rule(side.rule.as_deref()));
    for change in &told.changes {
        // Writing to a String does not fail.
        let _ = write!(text, "\n{}: {} -> {}", change.count, side(&change.old), side(&change.new));
        let _ = match (change.regressions, change.improvements) {
            (0, 0) => writeln!(text),
            (worse, better) => {
                writeln!(text, " ({}, {})", count(worse, "regression"), count(better, "improvement"))
            }
        };
        for (case, example) in &change.examples {
            let _ = writeln!(text, "    {case}: {}", plain(example));
        }
    }
    text
}
