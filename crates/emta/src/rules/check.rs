//! `emta rules check`: whether rule files can be read.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::source;
use super::tell::count;
use crate::config::ConfigArgs;
use crate::exit::{self, Exit};
use crate::output::{self, Format, OutputArgs};

/// Read and compile rules; an error names file, line and column.
#[derive(Args)]
#[command(after_help = "Examples:
  emta rules check my-rules.yaml
  emta rules check rules/*.yaml --format json | jq '.[] | select(.error)'

As JSON:
  [{\"file\": ..., \"ok\": true, \"rules\": 55, \"error\": null},
   {\"file\": ..., \"ok\": false, \"rules\": null, \"error\": {\"file\", \"line\", \"column\", \"message\", \"hint\"}}]")]
pub(super) struct Check {
    /// Rule files; without any, the rules of the configuration; `-` is standard input.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

impl Check {
    pub(super) fn run(self, config: &ConfigArgs) -> anyhow::Result<Exit> {
        let read = source::each(&self.files, config)?;
        match self.output.format {
            Format::Json => {
                let all = read.iter().map(|read| match read {
                    Ok(set) => {
                        json!({ "file": set.name(), "ok": true, "rules": set.rules().len(), "error": null })
                    }
                    Err(error) => json!({
                        "file": error.origin(), "ok": false, "rules": null, "error": exit::config_error(error),
                    }),
                });
                output::json(&all.collect::<Vec<Value>>().into())?;
            }
            Format::Table => {
                for read in &read {
                    match read {
                        Ok(set) => {
                            output::print(&format!(
                                "{}: ok, {}",
                                set.name(),
                                count(set.rules().len(), "rule")
                            ))?;
                        }
                        Err(error) => output::tell(format_args!("error: {error}")),
                    }
                }
            }
        }
        Ok(if read.iter().all(Result::is_ok) { Exit::Ok } else { Exit::Configuration })
    }
}
