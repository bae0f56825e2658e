//! What people say that texts mean: JSON lines, by file and index or by line.
//!
//! ```json
//! {"file": "full.eml", "index": 1, "recipient": "ann@example.com", "campaign": {"type": "Soft", "reason": "Mailbox full"}}
//! {"line": 7, "campaign": {"type": "hard", "reason": "user_unknown"}}
//! ```
//!
//! A row whose `campaign` is null, or whose type is `Not defined`, is no label. Other fields are not looked at.

use std::collections::BTreeMap;
use std::path::Path;

use emta_mail::{FailureReason, FailureType};
use emta_qualify::tune::Meaning;
use emta_sandbox::config::ConfigError;
use serde_json::Value;

use super::source;

/// One label about a recipient in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    /// Its place among the recipients of the file, from 1.
    pub(super) index: usize,
    /// The recipient, where the label names one.
    pub(super) recipient: Option<String>,
    /// Type and reason.
    pub(super) means: Meaning,
}

/// All labels.
#[derive(Debug, Default)]
pub(super) struct Labels {
    files: BTreeMap<String, Vec<Label>>,
    lines: BTreeMap<usize, Meaning>,
}

impl Labels {
    /// Reads a file of labels.
    ///
    /// # Errors
    /// With file and line, where a row is not a label.
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = source::text(path)?;
        let mut labels = Self::default();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let added = serde_json::from_str(line)
                .map_err(|error| format!("not JSON: {error}"))
                .and_then(|row| labels.add(&row));
            added.map_err(|problem| ConfigError::at_line(&source::name(path), &text, at + 1, 1, problem))?;
        }
        Ok(labels)
    }

    fn add(&mut self, row: &Value) -> Result<(), String> {
        let Some(means) = meaning(row)? else { return Ok(()) };
        let number = |key: &str| row[key].as_u64().and_then(|number| usize::try_from(number).ok());
        if let Some(line) = number("line") {
            self.lines.insert(line, means);
            return Ok(());
        }
        let Some(file) = row["file"].as_str() else {
            return Err("neither `file` nor `line` says what the label is about".to_owned());
        };
        let recipient = row["recipient"].as_str().map(str::to_owned);
        let label = Label { index: number("index").unwrap_or(1), recipient, means };
        self.files.entry(file.to_owned()).or_default().push(label);
        Ok(())
    }

    /// The labels about a file of this path in the corpus, and the name that they know it by.
    pub(super) fn of_file(&self, path: &str) -> (&str, &[Label]) {
        let name = path.rsplit('/').next().unwrap_or(path);
        let known = [path, name].into_iter().find_map(|name| self.files.get_key_value(name));
        known.map_or(("", &[]), |(name, labels)| (name.as_str(), labels.as_slice()))
    }

    /// The label about the line of this number, from 1.
    pub(super) fn of_line(&self, line: usize) -> Option<Meaning> {
        self.lines.get(&line).copied()
    }

    /// The names of all files that labels are about.
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }
}

/// What `campaign` of a row says; `None` where it says nothing.
///
/// # Errors
/// Where it says something that is not a type and a reason.
pub(super) fn meaning(row: &Value) -> Result<Option<Meaning>, String> {
    let campaign = match &row["campaign"] {
        Value::Null => return Ok(None),
        campaign => campaign,
    };
    let word = |key: &str| campaign[key].as_str().unwrap_or_default();
    let is = |word: &str, name: &str, label: &str| word == name || word.eq_ignore_ascii_case(label);
    let failure_type = FailureType::ALL.iter().copied().find(|t| is(word("type"), t.name(), t.label()));
    let reason = FailureReason::ALL.iter().copied().find(|r| is(word("reason"), r.name(), r.label()));
    match (failure_type, reason) {
        (Some(FailureType::NotDefined), _) => Ok(None),
        (Some(failure_type), Some(reason)) => Ok(Some((failure_type, reason))),
        _ => Err(format!(
            "`{campaign}` is not a type and a reason, expected such as `{{\"type\": \"hard\", \"reason\": \"user_unknown\"}}`"
        )),
    }
}
