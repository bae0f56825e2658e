//! `emta rules import` and `export`: from and to what people have.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use emta_qualify::tune::{export_csv, import_csv, import_kumomta};
use emta_qualify::{RuleSet, RuleSpec};
use emta_sandbox::config::ConfigError;

use super::source::{self, SideArgs};
use super::yaml;
use crate::config::ConfigArgs;
use crate::exit::Exit;
use crate::output;

/// Turn somebody else's rules into a rule file.
#[derive(Args)]
#[command(after_help = "Examples:
  emta rules import kumomta iana.toml > rules.yaml
  emta rules import csv rules.csv > rules.yaml      a heading, then id,pattern,type,reason or id,pattern,class

What cannot be taken over is told by its line on standard error; exit code 6 then, 3 if nothing is left.")]
pub(super) struct Import {
    /// What the file is.
    from: From,
    /// The file.
    file: PathBuf,
}

/// Formats that are read.
#[derive(Clone, Copy, ValueEnum)]
enum From {
    /// TOML of KumoMTA's bounce classifier.
    Kumomta,
    /// A table, one row for each pattern.
    Csv,
}

impl Import {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let text = source::text(&self.file)?;
        let import = match self.from {
            From::Kumomta => import_kumomta(&text),
            From::Csv => import_csv(&text),
        };
        let file = self.file.display().to_string();
        for problem in &import.problems {
            eprintln!("warning: {file}:{}: {}", problem.line, problem.problem);
        }
        if import.rules.is_empty() {
            return Err(ConfigError::of(&file, "no rule could be taken over").into());
        }
        RuleSet::compile(&file, import.rules.clone())
            .map_err(|error| ConfigError::of(&file, error.to_string()))?;
        output::print(&yaml::file(&import.rules))?;
        Ok(if import.problems.is_empty() { Exit::Ok } else { Exit::Partial })
    }
}

/// Print rules as a table or as a rule file.
#[derive(Args)]
#[command(after_help = "Examples:
  emta rules export --format csv > rules.csv        the inbound email rules in force
  emta rules export my-rules.yaml --format csv
  emta rules export --mta --format yaml

A table has one row for each pattern and leaves out the samples.")]
pub(super) struct Export {
    /// Rule file; the inbound email rules of the configuration by default.
    file: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = To::Csv)]
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
}

impl Export {
    pub(super) fn run(self, config: &ConfigArgs) -> anyhow::Result<Exit> {
        let set = source::one(self.file.as_deref(), self.side, config)?;
        let rules: Vec<&RuleSpec> = set.rules().collect();
        output::print(&match self.format {
            To::Csv => export_csv(rules),
            To::Yaml => yaml::file(rules),
        })?;
        Ok(Exit::Ok)
    }
}
