//! `emta rules suggest`: drafted rules for what no rule knows.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use emta_qualify::tune::{Suggestion, suggest};
use serde_json::{Value, json};

use super::source::SetArgs;
use super::tell::{meaning, plain, words};
use super::{corpus, yaml};
use crate::config::ConfigArgs;
use crate::exit::Exit;
use crate::output::{self, Format, OutputArgs};
use crate::progress::watched;

/// Cluster what no rule knows by its normalised form, and draft a rule with samples for each cluster.
///
/// The drafts are printed as a rule file, those of the largest clusters first; they belong before the rule that takes
/// everything. Whether a draft means what it says is for you to decide.
#[derive(Args)]
#[command(after_help = "Examples:
  emta rules suggest --corpus bounces/ > drafts.yaml
  emta rules suggest --corpus replies.txt --mta --format json | jq '.[] | [.count, .normalised]'")]
pub(super) struct Suggest {
    /// A folder of mails, an mbox, or a file of reply lines (.txt, or .jsonl with `text`).
    #[arg(long, value_name = "CORPUS")]
    corpus: PathBuf,
    /// Labels, a line of JSON each, which decide what drafts say; see `emta rules eval`.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Suggest {
    pub(super) fn run(self, config: &ConfigArgs) -> anyhow::Result<Exit> {
        let set = self.set.load(config)?;
        let corpus = corpus::load(&self.corpus, self.labels.as_deref(), &set)?;
        let suggestions = suggest(&set, watched(&corpus.cases, "looked at"));
        match self.output.format {
            Format::Json => {
                let all: Vec<Value> = suggestions.iter().map(as_json).collect();
                output::json(&Value::from(all))?;
            }
            Format::Table => output::print(&as_text(&suggestions))?,
        }
        Ok(if corpus.unreadable > 0 { Exit::Partial } else { Exit::Ok })
    }
}

fn as_json(suggestion: &Suggestion) -> Value {
    let examples = suggestion.examples.iter().map(|(case, text)| json!({ "case": case, "text": text }));
    let labels =
        suggestion.labels.iter().map(|(label, count)| json!({ "label": meaning(*label), "count": count }));
    json!({
        "normalised": suggestion.normalised,
        "digest": suggestion.digest.to_string(),
        "count": suggestion.count,
        "examples": examples.collect::<Vec<_>>(),
        "labels": labels.collect::<Vec<_>>(),
        "nearest": suggestion.nearest,
        "id": suggestion.rule.as_ref().map(|rule| &rule.id),
        "rule": suggestion.rule.as_ref().map(yaml::rule),
    })
}

/// A rule file; what is known of each draft stands above it.
fn as_text(suggestions: &[Suggestion]) -> String {
    let mut text = String::new();
    let drafts = suggestions.iter().filter(|suggestion| suggestion.rule.is_some()).count();
    // Writing to a String does not fail.
    let _ = writeln!(text, "# {} forms of text that no rule knows, {drafts} drafts.", suggestions.len());
    text.push_str(if drafts == 0 { "rules: []\n" } else { "rules:\n" });
    for suggestion in suggestions {
        let _ = writeln!(text, "\n    # {} times: {}", suggestion.count, plain(&suggestion.normalised));
        for (case, example) in suggestion.examples.iter().take(1) {
            let _ = writeln!(text, "    # such as {}: {}", plain(case), plain(example));
        }
        let labels: Vec<String> =
            suggestion.labels.iter().map(|(label, count)| format!("{} ({count})", words(*label))).collect();
        if !labels.is_empty() {
            let _ = writeln!(text, "    # labelled {}", labels.join(", "));
        }
        if let Some(nearest) = &suggestion.nearest {
            let _ = writeln!(text, "    # most like what `{}` knows", plain(nearest));
        }
        match &suggestion.rule {
            Some(rule) => text.push_str(&yaml::rule(rule)),
            None => text.push_str("    # nothing to hold on to: no draft\n"),
        }
    }
    text
}
