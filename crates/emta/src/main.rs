//! `emta`: a simulated Enhanced MTA, on one machine, on a clock that can be moved.

mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use emta_sandbox::config::{Config, ConfigError, Override};

/// A simulated Enhanced MTA: an SMTP relay, a retry queue with the 84-hour cap, simulated mailbox providers, a bounce
/// parser and rule engine, a feedback emitter and a reference campaign core, on a clock that can be moved.
#[derive(Parser)]
#[command(name = "emta", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start everything: relay, providers, bounce mailbox, campaign core and HTTP API.
    Up(up::Up),
}

/// Where the configuration comes from. A flag beats the environment (`EMTA_SEED`, `EMTA_LISTEN_SMTP`, ...), which beats
/// the file, which beats the defaults.
#[derive(Args)]
pub(crate) struct ConfigArgs {
    /// Main configuration file; without it the shipped defaults hold.
    #[arg(long, short, env = "EMTA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set any value of the configuration, such as `--set queue.validity=24h`; may be repeated.
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
}

impl ConfigArgs {
    /// Reads the configuration; `flags` are those that have a name of their own.
    pub(crate) fn load(&self, mut flags: Vec<Override>) -> Result<Config, ConfigError> {
        for assignment in &self.set {
            flags.push(Override::parse(assignment)?);
        }
        Config::load(self.config.as_deref(), &flags, std::env::vars())
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Up(up) => up.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            exit_code(&error)
        }
    }
}

/// 1: findings; 3: the configuration is wrong; 4: the environment does not allow it; see `emta --help`.
fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<ConfigError>().is_some() {
        ExitCode::from(3)
    } else {
        ExitCode::from(4)
    }
}
