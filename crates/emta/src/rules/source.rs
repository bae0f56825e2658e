//! Where rules come from: the configuration, or a file.

use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

use clap::Args;
use emta_mail::event::Verdict;
use emta_qualify::{RuleSet, unmatched_mail, unmatched_reply};
use emta_sandbox::config::{ConfigError, rules};

use crate::config::ConfigArgs;
use crate::inmail::files;

/// Largest rule file, in octets.
pub(super) const MAX_FILE: u64 = 16 << 20;

/// Which rules a command is about.
#[derive(Args)]
pub(super) struct SetArgs {
    /// Rule file; the inbound email rules of the configuration by default; `-` is standard input.
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

/// A rule set, or all that is wrong with its file.
pub(super) type Checked = Result<RuleSet, Vec<ConfigError>>;

/// As [`sets`], with all that is wrong with each of the files.
///
/// # Errors
/// Where something else of the configuration is wrong.
pub(super) fn check(files: &[PathBuf], config: &ConfigArgs) -> Result<Vec<Checked>, ConfigError> {
    if !files.is_empty() {
        return Ok(files.iter().map(|file| check_file(file)).collect());
    }
    match sets(files, config) {
        Ok(sets) => Ok(sets.into_iter().map(Ok).collect()),
        Err(error) => match check_file(Path::new(error.origin())) {
            Err(problems) if problems.contains(&error) => Ok(vec![Err(problems)]),
            Ok(_) | Err(_) => Err(error),
        },
    }
}

fn check_file(path: &Path) -> Checked {
    let (name, text) = written(path).map_err(|error| vec![error])?;
    rules::check(&name, &text)
}

/// Reads a rule file; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<RuleSet, ConfigError> {
    let (name, text) = written(path)?;
    rules::parse(&name, &text)
}

/// Name and text of a rule file in which something is written.
fn written(path: &Path) -> Result<(String, String), ConfigError> {
    let (name, text) = (name(path), text(path)?);
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Err(ConfigError::of(name, "the file is empty, expected rules")
            .hinted("`emta rules export --format yaml` prints some to start from".to_owned()));
    }
    Ok((name, text))
}

/// What a file is called in errors.
pub(super) fn name(path: &Path) -> String {
    if path.as_os_str() == "-" { "<stdin>".to_owned() } else { path.display().to_string() }
}

/// The text of a file of rules or labels, at most [`MAX_FILE`] octets; `-` is standard input.
pub(super) fn text(path: &Path) -> Result<String, ConfigError> {
    let name = name(path);
    let bytes = files::read_within(path, MAX_FILE)
        .map_err(|why| ConfigError::of(&name, format!("cannot be read: {why}")))?;
    String::from_utf8(bytes).map_err(|error| not_text(&name, &error))
}

/// Where a file stops to be UTF-8, and what it may be instead.
fn not_text(name: &str, error: &FromUtf8Error) -> ConfigError {
    let (bytes, end) = (error.as_bytes(), error.utf8_error().valid_up_to());
    let before = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default());
    let octet = bytes.get(end).copied().unwrap_or_default();
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return ConfigError::of(name, "the file is UTF-16, expected UTF-8")
            .hinted(format!("`iconv -f UTF-16 -t UTF-8 {name}`"));
    }
    if bytes.contains(&0) {
        return ConfigError::of(name, "the file is not a text, expected UTF-8");
    }
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let text = String::from_utf8_lossy(bytes);
    ConfigError::at_line(name, &text, line, column, format!("octet `{octet:#04x}` is not UTF-8"))
        .hinted(format!("if it is Latin-1: `iconv -f ISO-8859-1 -t UTF-8 {name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_text_is_told_by_its_place() {
        let check = |bytes: &[u8], expected: &str| {
            let error = String::from_utf8(bytes.to_vec()).unwrap_err();
            let told = not_text("a.yaml", &error).to_string();
            assert!(told.starts_with(expected), "{told}");
        };
        check(b"rules:\n  - id: \xe9t\xe9\n", "a.yaml:2:9: octet `0xe9` is not UTF-8\n");
        check(b"\xff\xfer\0u\0", "a.yaml: the file is UTF-16");
        check(b"\x7fELF\0\xff", "a.yaml: the file is not a text");
    }
}
