//! `emta rules`: rule files checked, and the samples that the rules carry run.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use emta_qualify::RuleSet;
use emta_sandbox::config::{ConfigError, rules};

use crate::config::ConfigArgs;
use crate::exit::Exit;
use crate::output;

/// Largest rule file, in octets.
const MAX_FILE: u64 = 16 << 20;

/// Check rule files and run the tests in them.
#[derive(Args)]
#[command(after_help = "Examples:
  emta rules check                      the rules in force: shipped, or those of the configuration
  emta rules test my-rules.yaml         exit code 1 if a test fails")]
pub(crate) struct Rules {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Read and compile rules; an error names file, line and column.
    #[command(after_help = "Example:\n  emta rules check my-rules.yaml")]
    Check {
        /// Rule files; without any, the rules of the configuration.
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Run the tests that the rules carry; exit code 1 if one fails.
    #[command(after_help = "Example:\n  emta rules test && echo all rules do what their tests say")]
    Test {
        /// Rule files; without any, the rules of the configuration.
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

impl Rules {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match &self.action {
            Action::Check { files } => {
                for set in self.sets(files)? {
                    output::print(&format!("{}: ok, {} rules", set.name(), set.rules().len()))?;
                }
                Ok(Exit::Ok)
            }
            Action::Test { files } => {
                let mut exit = Exit::Ok;
                for set in self.sets(files)? {
                    let samples =
                        |tests: &emta_qualify::RuleTests| tests.matches.len() + tests.no_match.len();
                    let count: usize = set.rules().map(|rule| samples(&rule.tests)).sum();
                    let failures = set.run_tests();
                    for failure in &failures {
                        output::print(&format!("{}: {failure}", set.name()))?;
                        exit = Exit::Findings;
                    }
                    let passed = count.saturating_sub(failures.len());
                    output::print(&format!("{}: {passed} of {count} tests passed", set.name()))?;
                }
                Ok(exit)
            }
        }
    }

    fn sets(&self, files: &[PathBuf]) -> anyhow::Result<Vec<RuleSet>> {
        if files.is_empty() {
            let rules = self.config.load(Vec::new())?.rules;
            return Ok(vec![RuleSet::clone(&rules.mta), RuleSet::clone(&rules.inbound_email)]);
        }
        Ok(files.iter().map(|file| read(file)).collect::<Result<_, _>>()?)
    }
}

fn read(path: &Path) -> Result<RuleSet, ConfigError> {
    let name = path.display().to_string();
    let wrong = |error: &dyn std::fmt::Display| ConfigError::of(&name, format!("cannot be read: {error}"));
    let size = std::fs::metadata(path).map_err(|error| wrong(&error))?.len();
    if size > MAX_FILE {
        return Err(ConfigError::of(
            &name,
            format!("the file has {size} octets, expected at most {MAX_FILE}"),
        ));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    rules::parse(&name, &text)
}
