//! `emta config`, and where every command takes its configuration from.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use emta_sandbox::config::{self, ConfigError, Override, shipped};

use crate::exit::Exit;
use crate::output;

/// Where the configuration comes from. A flag beats the environment (`EMTA_SEED`, `EMTA_LISTEN_SMTP`, ...),
/// which beats the file, which beats the defaults.
#[derive(Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct ConfigArgs {
    /// Main configuration file; without it the shipped defaults hold.
    #[arg(long, short, env = "EMTA_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Set any value of the configuration, such as `--set queue.validity=24h`; may be repeated.
    #[arg(long, value_name = "PATH=VALUE", global = true)]
    set: Vec<String>,
}

impl ConfigArgs {
    /// Reads the configuration; `flags` are those that have a name of their own.
    pub(crate) fn load(&self, mut flags: Vec<Override>) -> Result<config::Config, ConfigError> {
        for assignment in &self.set {
            flags.push(Override::parse(assignment)?);
        }
        config::Config::load(self.config.as_deref(), &flags, std::env::vars())
    }
}

/// Check the configuration, or print it.
#[derive(Args)]
#[command(after_help = "Examples:
  emta config show-default > emta.yaml      a file with every option, to start from
  emta config check -c emta.yaml
  emta config print --set queue.validity=24h")]
pub(crate) struct Config {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Clone, Copy, Subcommand)]
enum Action {
    /// Read the configuration with its providers and rules, and say what is wrong.
    #[command(after_help = "Example:\n  emta config check -c emta.yaml")]
    Check,
    /// Print what is in force, and where each value comes from; secrets are hidden.
    #[command(after_help = "Example:\n  EMTA_SEED=7 emta config print -c emta.yaml")]
    Print,
    /// Print the shipped main file, which documents every option and sets each to its default.
    #[command(after_help = "Example:\n  emta config show-default > emta.yaml")]
    ShowDefault,
}

impl Config {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self.action {
            Action::ShowDefault => output::print(&shipped::main().text)?,
            Action::Print => output::print(&self.config.load(Vec::new())?.effective())?,
            Action::Check => {
                let config = self.config.load(Vec::new())?;
                let rules = config.rules.mta.rules().len() + config.rules.inbound_email.rules().len();
                let webhooks = config.webhooks.len();
                let providers = config.providers.len();
                output::print(&format!("ok: {providers} providers, {rules} rules, {webhooks} webhooks"))?;
            }
        }
        Ok(Exit::Ok)
    }
}
