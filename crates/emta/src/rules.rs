//! `emta rules`: rule files checked, tested, explained, and tuned with evidence.

mod check;
mod corpus;
mod diff;
mod eval;
mod explain;
mod json;
mod junit;
mod labels;
mod lint;
mod source;
mod suggest;
mod tell;
mod test;
mod transfer;
mod yaml;

use clap::{Args, Subcommand};

use crate::config::ConfigArgs;
use crate::exit::Exit;

/// Check, test, explain and tune the rules.
#[derive(Args)]
#[command(after_help = "Examples:
  emta rules check                      the rules in force: shipped, or those of the configuration
  emta rules test my-rules.yaml         exit code 1 if a test fails
  emta rules explain '550 5.1.1 mailbox is over quota'
  emta rules eval bounces/ --labels labels.jsonl
  emta rules suggest --corpus bounces/ > drafts.yaml")]
pub(crate) struct Rules {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Subcommand)]
enum Action {
    Check(check::Check),
    Test(test::Test),
    Explain(explain::Explain),
    Eval(eval::Eval),
    Diff(diff::Diff),
    Lint(lint::Lint),
    Suggest(suggest::Suggest),
    Import(transfer::Import),
    Export(transfer::Export),
}

impl Rules {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let config = &self.config;
        match self.action {
            Action::Check(command) => command.run(config),
            Action::Test(command) => command.run(config),
            Action::Explain(command) => command.run(config),
            Action::Eval(command) => command.run(config),
            Action::Diff(command) => command.run(config),
            Action::Lint(command) => command.run(config),
            Action::Suggest(command) => command.run(config),
            Action::Import(command) => command.run(),
            Action::Export(command) => command.run(config),
        }
    }
}
