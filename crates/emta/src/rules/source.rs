//! Where rules come from: the configuration, or a file.

use std::path::{Path, PathBuf};

use clap::Args;
use emta_mail::event::Verdict;
use emta_qualify::{RuleSet, unmatched_mail, unmatched_reply};
use emta_sandbox::config::{ConfigError, rules};

use crate::config::ConfigArgs;

/// Largest rule file, in octets.
pub(super) const MAX_FILE: u64 = 16 << 20;

/// Which rules a command is about.
#[derive(Args)]
pub(super) struct SetArgs {
    /// Rule file; the inbound email rules of the configuration by default.
    #[arg(long = "rules", value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    side: SideArgs,
}

/// Whose rules they are.
#[derive(Clone, Copy, Args)]
pub(super) struct SideArgs {
    /// The rules are the MTA's, for replies in the SMTP session, not those for mail that came back.
    #[arg(long)]
    mta: bool,
}

impl SideArgs {
    /// What holds where no rule matches.
    pub(super) fn unmatched(self) -> Verdict {
        if self.mta { unmatched_reply() } else { unmatched_mail() }
    }
}

impl SetArgs {
    /// Reads the rules.
    pub(super) fn load(&self, config: &ConfigArgs) -> Result<RuleSet, ConfigError> {
        one(self.file.as_deref(), self.side, config)
    }

    /// What holds where no rule matches.
    pub(super) fn unmatched(&self) -> Verdict {
        self.side.unmatched()
    }
}

/// Reads this file; without one, the rule set of the configuration for this side.
pub(super) fn one(file: Option<&Path>, side: SideArgs, config: &ConfigArgs) -> Result<RuleSet, ConfigError> {
    if let Some(file) = file {
        return read(file);
    }
    let rules = config.load(Vec::new())?.rules;
    Ok(RuleSet::clone(if side.mta { &rules.mta } else { &rules.inbound_email }))
}

/// Reads these files; without any, both rule sets of the configuration.
pub(super) fn sets(files: &[PathBuf], config: &ConfigArgs) -> Result<Vec<RuleSet>, ConfigError> {
    if files.is_empty() {
        let rules = config.load(Vec::new())?.rules;
        return Ok(vec![RuleSet::clone(&rules.mta), RuleSet::clone(&rules.inbound_email)]);
    }
    files.iter().map(|file| read(file)).collect()
}

/// Reads a rule file.
pub(super) fn read(path: &Path) -> Result<RuleSet, ConfigError> {
    rules::parse(&path.display().to_string(), &text(path)?)
}

/// The text of a file of rules or labels, at most [`MAX_FILE`] octets.
pub(super) fn text(path: &Path) -> Result<String, ConfigError> {
    let name = path.display().to_string();
    let wrong = |error: std::io::Error| ConfigError::of(&name, format!("cannot be read: {error}"));
    let size = std::fs::metadata(path).map_err(wrong)?.len();
    if size > MAX_FILE {
        let problem = format!("the file has {size} octets, expected at most {MAX_FILE}");
        return Err(ConfigError::of(&name, problem));
    }
    std::fs::read_to_string(path).map_err(wrong)
}
