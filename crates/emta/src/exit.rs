//! How the program ends: its exit codes, and which error leads to which.

use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use emta_sandbox::config::ConfigError;
use serde_json::{Value, json};

use crate::client::RequestError;

/// A command line that is wrong for a reason that the parser of arguments does not know.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// The exit codes, as `emta --help` documents them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything is as it should be.
    Ok = 0,
    /// The question was answered, and the answer is bad.
    Findings = 1,
    /// The command line is wrong; clap ends with this too.
    Usage = 2,
    /// The configuration or a rule file is wrong.
    Configuration = 3,
    /// The machine or the server does not allow it.
    Environment = 4,
    /// A wait took too long.
    TimedOut = 5,
    /// Done, but not for all of the input.
    Partial = 6,
    /// Ctrl-C.
    Interrupted = 130,
}

impl Exit {
    /// All codes, in order.
    pub(crate) const ALL: [Self; 8] = [
        Self::Ok,
        Self::Findings,
        Self::Usage,
        Self::Configuration,
        Self::Environment,
        Self::TimedOut,
        Self::Partial,
        Self::Interrupted,
    ];

    /// What `--help` says of it.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "all is well",
            Self::Findings => {
                "findings: a rule's test, a lint, a label or a comparison is not met, or the server refuses (unknown id, \
                 wrong state)"
            }
            Self::Usage => "the command line is wrong",
            Self::Configuration => "the configuration or a rule file is wrong",
            Self::Environment => "the environment: port in use, server not reachable, permission, disk",
            Self::TimedOut => "a wait or an advance timed out, or the clock is stuck",
            Self::Partial => "done in part: some inputs could not be read",
            Self::Interrupted => "interrupted",
        }
    }

    /// The code for an error that a command returned.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if let Some(error) = error.downcast_ref::<RequestError>() {
            return error.exit();
        }
        if error.downcast_ref::<ConfigError>().is_some() {
            return Self::Configuration;
        }
        if error.downcast_ref::<UsageError>().is_some() {
            return Self::Usage;
        }
        if is_closed_pipe(error) { Self::Ok } else { Self::Environment }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Whether whoever reads our output has seen enough, as `head` does: no error.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let closed = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(closed)
}

/// The error with its causes, for people; causes that an outer message has told already are left out.
pub(crate) fn describe(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// The error for programs: where it is, if it is about a file, what is wrong and what to do.
pub(crate) fn as_json(error: &anyhow::Error) -> Value {
    let told = match error.downcast_ref::<ConfigError>() {
        Some(error) => config_error(error),
        None => {
            let text = describe(error);
            let (message, hint) = match text.split_once("\nhint: ") {
                Some((message, hint)) => (message, Some(hint)),
                None => (text.as_str(), None),
            };
            json!({ "file": null, "line": null, "column": null, "message": message, "hint": hint })
        }
    };
    json!({ "error": told, "exit_code": Exit::of(error) as u8 })
}

/// An error in a file for programs.
pub(crate) fn config_error(error: &ConfigError) -> Value {
    json!({
        "file": error.origin(), "line": error.line(), "column": error.column(), "message": error.message(),
        "hint": error.hint(),
    })
}

/// The part of `emta --help` about exit codes, variables and examples.
pub(crate) fn help() -> String {
    let mut text = String::from(
        "Examples:
  emta demo                         a campaign of 2,000 recipients, 84 hours in seconds
  emta up --clock frozen            the system, on a clock that moves only when told
  emta delivery create --label spring --recipients list.csv --text 'Hello' --confirm
  emta clock advance 84h            play the whole retry period
  emta messages --status deferred   what is still being tried
  emta simulate everyday            a campaign without sockets, of as many recipients as you like
  emta inmail bounces/ | jq .reason read and qualify mail that came back, offline

Environment:
  EMTA_URL      server that the commands talk to (default http://127.0.0.1:8025)
  EMTA_TOKEN    bearer token of its HTTP API
  EMTA_CONFIG   main configuration file; every option of it has a variable too, such as EMTA_SEED
  EMTA_LOG      what is logged, such as `info` or `emta_sandbox=debug` (default `warn`)
  NO_COLOR      no colours

Exit codes:
",
    );
    for exit in Exit::ALL {
        // Writing to a String does not fail.
        let _ = writeln!(text, "  {:<4}{}", exit as u8, exit.meaning());
    }
    text
}
