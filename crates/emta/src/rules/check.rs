//! `emta rules check`: whether rule files can be read, and all that is wrong with those that cannot.

use std::path::PathBuf;

use clap::Args;
use emta_sandbox::config::ConfigError;
use emta_sandbox::config::rules::MAX_PROBLEMS;
use serde_json::{Value, json};

use super::source::{self, Checked};
use super::tell::count;
use crate::config::ConfigArgs;
use crate::exit::{self, Exit};
use crate::output::{self, Format, OutputArgs};

/// Read and compile rules; every problem is told with file, line and column.
#[derive(Args)]
#[command(after_help = "Examples:
  emta rules check my-rules.yaml
  emta rules check rules/*.yaml --format json | jq '.[].errors[] | [.file, .line, .message]'

As JSON, `error` is the first of the errors:
  [{\"file\": ..., \"ok\": true, \"rules\": 55, \"error\": null, \"errors\": []},
   {\"file\": ..., \"ok\": false, \"rules\": null, \"error\": {...},
    \"errors\": [{\"file\", \"line\", \"column\", \"message\", \"hint\"}, ...]}]")]
pub(super) struct Check {
    /// Rule files; without any, the rules of the configuration; `-` is standard input.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

impl Check {
    pub(super) fn run(self, config: &ConfigArgs) -> anyhow::Result<Exit> {
        let all = source::check(&self.files, config)?;
        match self.output.format {
            Format::Json => output::json(&all.iter().map(as_json).collect::<Vec<Value>>().into())?,
            Format::Table => {
                for checked in &all {
                    match checked {
                        Ok(set) => output::print(&format!(
                            "{}: ok, {}",
                            set.name(),
                            count(set.rules().len(), "rule")
                        ))?,
                        Err(problems) => tell(problems),
                    }
                }
            }
        }
        Ok(if all.iter().all(Result::is_ok) { Exit::Ok } else { Exit::Configuration })
    }
}

fn tell(problems: &[ConfigError]) {
    for problem in problems {
        output::tell(format_args!("error: {problem}"));
    }
    if let [first, _, ..] = problems {
        let more = if problems.len() < MAX_PROBLEMS { "" } else { "; there may be more" };
        output::tell(format_args!("{}: {}{more}", first.origin(), count(problems.len(), "problem")));
    }
}

fn as_json(checked: &Checked) -> Value {
    match checked {
        Ok(set) => {
            json!({ "file": set.name(), "ok": true, "rules": set.rules().len(), "error": null, "errors": [] })
        }
        Err(problems) => {
            let errors: Vec<Value> = problems.iter().map(exit::config_error).collect();
            json!({
                "file": problems.first().map(ConfigError::origin), "ok": false, "rules": null,
                "error": errors.first(), "errors": errors,
            })
        }
    }
}
