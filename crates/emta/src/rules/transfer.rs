//! `emta rules import` and `export`: from and to what people have.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use emta_qualify::tune::{self, export_csv, export_kumomta, import_csv, import_kumomta};
use emta_qualify::{RuleSet, RuleSpec};
use emta_sandbox::config::ConfigError;
use serde_json::{Value, json};

use super::source::{self, SideArgs};
use super::tell::count;
use super::{json, yaml};
use crate::config::ConfigArgs;
use crate::exit::Exit;
use crate::output;

/// Turn somebody else's rules into a rule file.
#[derive(Args)]
#[command(after_help = "Examples:
  emta rules import kumomta iana.toml > rules.yaml
  emta rules import csv rules.csv > rules.yaml      a heading, then id,pattern,type,reason or id,pattern,class
  emta rules import csv rules.csv --format json | jq .warnings

What cannot be taken over is told by its line on standard error. As JSON:
  {\"file\": ..., \"rules\": [RULE, ...], \"warnings\": [{\"file\", \"line\", \"message\"}, ...]}
where a RULE has the keys of a rule file.")]
pub(super) struct Import {
    /// What the file is.
    from: From,
    /// The file; `-` is standard input.
    file: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value_t = As::Yaml, value_name = "FORMAT")]
    format: As,
}

/// Formats that are read.
#[derive(Clone, Copy, ValueEnum)]
enum From {
    /// TOML of KumoMTA's bounce classifier.
    Kumomta,
    /// A table, one row for each pattern.
    Csv,
}

/// How imported rules are printed.
#[derive(Clone, Copy, ValueEnum)]
enum As {
    /// A rule file.
    Yaml,
    /// The rules, and what could not be taken over.
    Json,
}

impl Import {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let text = source::text(&self.file)?;
        let import = match self.from {
            From::Kumomta => import_kumomta(&text),
            From::Csv => import_csv(&text),
        };
        let file = source::name(&self.file);
        if let As::Yaml = self.format {
            for problem in &import.problems {
                output::warn(format_args!("{file}:{}: {}", problem.line, problem.problem));
            }
        }
        if import.rules.is_empty() {
            // In JSON the error is all that is printed: it says what is wrong with the first line.
            let why = import.problems.first().map(|first| (first.line, first.problem.as_str()));
            let nothing = "no rule could be taken over";
            return Err(match (self.format, why) {
                (As::Json, Some((line, problem))) => {
                    ConfigError::at_line(&file, &text, line, 1, format!("{nothing}: {problem}"))
                }
                (As::Yaml | As::Json, _) => ConfigError::of(&file, nothing),
            }
            .into());
        }
        RuleSet::compile(&file, import.rules.clone())
            .map_err(|error| ConfigError::of(&file, error.to_string()))?;
        match self.format {
            As::Yaml => output::print(&yaml::file(&import.rules))?,
            As::Json => output::json(&json!({
                "file": file,
                "rules": import.rules.iter().map(json::rule).collect::<Vec<_>>(),
                "warnings": import.problems.iter().map(|problem| {
                    json!({ "file": file, "line": problem.line, "message": problem.problem })
                }).collect::<Vec<_>>(),
            }))?,
        }
        Ok(if import.problems.is_empty() { Exit::Ok } else { Exit::Partial })
    }
}

/// Print rules as a table, as a rule file, or for KumoMTA.
#[derive(Args)]
#[command(after_help = "Examples:
  emta rules export --format csv > rules.csv        the inbound email rules in force
  emta rules export my-rules.yaml --format csv
  emta rules export --mta --format yaml
  emta rules export --mta --format kumomta > bounce_classifier.toml
  emta rules export --format json | jq '.rules[] | select(.set.type == \"hard\") | .id'

A table has one row for each pattern. `csv` and `kumomta` have no samples; what else of a rule they cannot say is told
on standard error, rule by rule. JSON is {\"rules\": [RULE, ...]} with the keys of a rule file, which it is, too.")]
pub(super) struct Export {
    /// Rule file; the inbound email rules of the configuration by default; `-` is standard input.
    file: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = To::Csv, value_name = "FORMAT")]
    format: To,
    #[command(flatten)]
    side: SideArgs,
}

/// Formats that are written.
#[derive(Clone, Copy, ValueEnum)]
enum To {
    /// A table, one row for each pattern.
    Csv,
    /// A rule file.
    Yaml,
    /// A rule file in JSON.
    Json,
    /// TOML of KumoMTA's bounce classifier.
    Kumomta,
}

impl Export {
    pub(super) fn run(self, config: &ConfigArgs) -> anyhow::Result<Exit> {
        let set = source::one(self.file.as_deref(), self.side, config)?;
        let rules: Vec<&RuleSpec> = set.rules().collect();
        let export = match self.format {
            To::Yaml => {
                output::print(&yaml::file(rules))?;
                return Ok(Exit::Ok);
            }
            To::Json => {
                output::json(&json!({ "rules": rules.into_iter().map(json::rule).collect::<Vec<Value>>() }))?;
                return Ok(Exit::Ok);
            }
            To::Csv => export_csv(rules.iter().copied()),
            To::Kumomta => export_kumomta(rules.iter().copied()),
        };
        output::write(export.text.as_bytes())?;
        tell_losses(&export);
        let with_samples =
            rules.iter().filter(|rule| !(rule.tests.matches.is_empty() && rule.tests.no_match.is_empty()));
        match with_samples.count() {
            0 => {}
            rules => output::warn(format_args!(
                "the samples of {} are left out; `--format yaml` keeps them",
                count(rules, "rule")
            )),
        }
        Ok(if export.losses.is_empty() { Exit::Ok } else { Exit::Partial })
    }
}

/// A line for each rule; the losses of one follow each other.
fn tell_losses(export: &tune::Export) {
    for losses in export.losses.chunk_by(|one, other| one.rule == other.rule) {
        let told: Vec<&str> = losses.iter().map(|loss| loss.loss.as_str()).collect();
        let rule = losses.first().map_or("", |loss| loss.rule.as_str());
        output::warn(format_args!("rule `{rule}`: {}", told.join("; ")));
    }
}
