//! Texts to hold rules against: a folder of mails, an mbox, or reply lines.
//!
//! All files of a folder are mails or mboxes, read with the eyes of the bounce mailbox. A single file is reply lines if
//! its name ends in `.jsonl` (objects with `text`) or if it does not look like a mail.

mod mails;

use std::collections::BTreeSet;
use std::path::Path;

use emta_qualify::tune::Case;
use emta_qualify::{Kind, RuleSet};
use serde_json::Value;

use super::labels::{self, Labels};
use crate::inmail::files;
use crate::output;
use crate::progress::Patient;

pub(super) use mails::{looks_like_mail, of_mail};

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Corpus {
    /// Every failure in it, with its label.
    pub(super) cases: Vec<Case>,
    /// Labels that nothing was found for in their file: `file index`.
    pub(super) lost: Vec<String>,
    /// Files, folders and lines that could not be read; the first [`UNREADABLE_TOLD`] were told.
    pub(super) unreadable: usize,
}

/// Reads all of it, with progress on standard error.
///
/// # Errors
/// Where the labels are wrong, or there is nothing at the path.
pub(super) fn load(path: &Path, labels: Option<&Path>, rules: &RuleSet) -> anyhow::Result<Corpus> {
    let labels = labels.map(Labels::read).transpose()?.unwrap_or_default();
    let mut loading = Loading {
        rules,
        labels: &labels,
        corpus: Corpus::default(),
        seen: BTreeSet::new(),
        progress: Patient::new(),
    };
    if path.is_dir() {
        loading.folder(path);
    } else {
        let raw = files::read(path)
            .map_err(|error| anyhow::anyhow!("`{}` cannot be read: {error}", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        loading.file(path, &name, &raw);
    }
    loading.tell_unseen();
    drop(loading.progress);
    if loading.corpus.cases.is_empty() {
        output::warn(format_args!("`{}` has no text to hold rules against", path.display()));
    }
    Ok(loading.corpus)
}

/// Whether this is no text: a mail that holds such octets has a header before them.
pub(super) fn is_binary(raw: &[u8]) -> bool {
    raw.contains(&0) && !looks_like_mail(raw)
}

/// Files and lines of which it is told that they cannot be read; a file in the wrong form has thousands of lines.
const UNREADABLE_TOLD: usize = 10;

struct Loading<'a> {
    rules: &'a RuleSet,
    labels: &'a Labels,
    corpus: Corpus,
    /// Files of the corpus that labels are about, as the labels call them.
    seen: BTreeSet<&'a str>,
    progress: Patient,
}

impl Loading<'_> {
    fn folder(&mut self, root: &Path) {
        let mut found = Vec::new();
        files::find(root, &mut found, &mut |path, why| self.unreadable(&path.to_string_lossy(), why));
        let count = found.len();
        for (at, path) in found.iter().enumerate() {
            let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy();
            match files::read(path) {
                Ok(raw) => self.mails(&name, &raw),
                Err(error) => self.unreadable(&name, &error),
            }
            self.show_progress(at + 1, count);
        }
    }

    fn file(&mut self, path: &Path, name: &str, raw: &[u8]) {
        if is_binary(raw) {
            return self.unreadable(name, "neither a mail nor a text");
        }
        let is_jsonl = path.extension().is_some_and(|extension| extension == "jsonl");
        if !is_jsonl && looks_like_mail(raw) {
            return self.mails(name, raw);
        }
        let text = String::from_utf8_lossy(raw);
        let count = text.lines().count();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let number = at + 1;
            if is_jsonl {
                match self.row(number, line) {
                    Ok(case) => self.corpus.cases.push(case),
                    Err(why) => self.unreadable(&format!("{name}:{number}"), &why),
                }
            } else {
                let expected = self.labels.of_line(number);
                let case = Case { expected, ..Case::line(format!("line {number}"), line) };
                self.corpus.cases.push(case);
            }
            self.show_progress(number, count);
        }
    }

    /// A reply line with what is known of it. Code and status of the line itself come first.
    fn row(&mut self, number: usize, line: &str) -> Result<Case, String> {
        let row: Value = serde_json::from_str(line).map_err(|error| format!("not JSON: {error}"))?;
        let word = |key: &str| row[key].as_str();
        let text = word("text").ok_or("`text` is missing, expected a reply line")?;
        let case = Case::line(format!("line {number}"), text);
        let code = ["code", "reply_code"].iter().find_map(|key| row[*key].as_u64());
        let code = case.code.or_else(|| code.and_then(|code| u16::try_from(code).ok()));
        let status = case.status.or_else(|| word("status").and_then(|status| status.parse().ok()));
        let of_file = word("file").and_then(|file| {
            let (name, labels) = self.labels.of_file(file);
            self.seen.insert(name);
            let index = row["index"].as_u64()?;
            labels.iter().find(|label| label.index as u64 == index).map(|label| label.means)
        });
        let expected = self.labels.of_line(number).or(of_file).or(labels::meaning(&row)?);
        Ok(Case {
            code,
            status,
            kind: word("kind").and_then(Kind::from_name).unwrap_or(case.kind),
            provider: word("provider").map(str::to_owned),
            sender_format: word("sender_format").map(str::to_owned),
            expected,
            ..case
        })
    }

    fn mails(&mut self, name: &str, raw: &[u8]) {
        let (known, labels) = self.labels.of_file(name);
        self.seen.insert(known);
        let found = mails::findings(raw, self.rules);
        mails::label(name, found, labels, &mut self.corpus);
    }

    fn unreadable(&mut self, name: &str, why: &str) {
        self.corpus.unreadable += 1;
        if self.corpus.unreadable <= UNREADABLE_TOLD {
            output::warn(format_args!("`{name}` cannot be read: {why}"));
        }
    }

    fn tell_unseen(&self) {
        if let Some(more) = self.corpus.unreadable.checked_sub(UNREADABLE_TOLD).filter(|more| *more > 0) {
            output::warn(format_args!("{more} more cannot be read"));
        }
        let unseen = self.labels.files().filter(|file| !self.seen.contains(file)).count();
        if unseen > 0 {
            output::warn(format_args!("labels are about {unseen} files that are not in the corpus"));
        }
    }

    fn show_progress(&mut self, done: usize, all: usize) {
        let cases = self.corpus.cases.len();
        self.progress.at(done as u64, all as u64, || format!("{done} of {all}, {cases} texts"));
    }
}
