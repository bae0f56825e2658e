//! What all the mails add up to.

use std::collections::BTreeMap;
use std::fmt;

use emta_mail::inbound::MailKind;
use emta_sandbox::inmail::reading::Reading;

/// Counts of what was read.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Files that could be read.
    pub(super) files: u64,
    /// Mails in them.
    pub(super) mails: u64,
    /// Files and folders that could not be read.
    pub(super) unreadable: u64,
    recipients: u64,
    to_qualify: u64,
    kinds: BTreeMap<MailKind, u64>,
    verdicts: BTreeMap<String, u64>,
    rules: BTreeMap<String, u64>,
}

impl Summary {
    /// Counts a mail.
    pub(super) fn count(&mut self, reading: &Reading) {
        self.mails += 1;
        *self.kinds.entry(reading.mail.kind).or_default() += 1;
        for finding in &reading.findings {
            let verdict = &finding.verdict;
            self.recipients += u64::from(finding.recipient.is_some());
            self.to_qualify += u64::from(finding.to_qualify);
            let name = format!("{} {}", verdict.failure_type.name(), verdict.reason.name());
            *self.verdicts.entry(name).or_default() += 1;
            let rule = verdict.rule.as_deref().unwrap_or("(no rule)");
            *self.rules.entry(rule.to_owned()).or_default() += 1;
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not_reports = self.kinds.get(&MailKind::Other).copied().unwrap_or(0);
        writeln!(f, "{:>9} files", self.files)?;
        writeln!(f, "{:>9} mails", self.mails)?;
        writeln!(f, "{:>9} recipients", self.recipients)?;
        writeln!(f, "{:>9} to qualify", self.to_qualify)?;
        writeln!(f, "{not_reports:>9} not a report")?;
        writeln!(f, "{:>9} unreadable", self.unreadable)?;
        let kinds = self.kinds.iter().map(|(kind, count)| (kind.name(), *count));
        section(f, "by kind", kinds)?;
        section(f, "by type and reason", most_first(&self.verdicts))?;
        section(f, "by rule", most_first(&self.rules))
    }
}

fn most_first(counts: &BTreeMap<String, u64>) -> impl Iterator<Item = (&str, u64)> {
    let mut sorted: Vec<_> = counts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    sorted.into_iter()
}

fn section<'a>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    counts: impl Iterator<Item = (&'a str, u64)>,
) -> fmt::Result {
    let mut counts = counts.peekable();
    if counts.peek().is_some() {
        writeln!(f, "{title}:")?;
    }
    counts.try_for_each(|(name, count)| writeln!(f, "{count:>9} {name}"))
}
