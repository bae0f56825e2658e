//! Agreement with the labels of the tuning corpora. The tests of `emta-mail` and `emta-sandbox` hold the same figures
//! to floors, and print every miss.

use std::fs;
use std::path::Path;

use emta_mail::event::Verdict;
use emta_mail::inbound::InboundMail;
use emta_qualify::tune::evaluate;
use emta_qualify::{RuleSet, unmatched_mail, unmatched_reply};
use emta_sandbox::inmail::reading;
use serde_json::Value;

use crate::corpus::{self, about, finding, meaning, rows, status, text};
use crate::{Failure, row, share};

/// Prints the agreement with all labels.
pub(crate) fn report(corpus: &Path, inbound: &RuleSet, mta: &RuleSet) -> Result<(), Failure> {
    set_of_emails(&corpus.join("set-of-emails"), inbound)?;
    flufl_bounce(&corpus.join("flufl-bounce"), inbound)?;
    reply_lines(corpus, mta, &unmatched_reply())?;
    reply_lines(corpus, inbound, &unmatched_mail())
}

/// How many of all are right.
#[derive(Default)]
struct Score {
    right: usize,
    all: usize,
}

impl Score {
    fn count(&mut self, right: bool) {
        self.all += 1;
        self.right += usize::from(right);
    }
}

fn set_of_emails(folder: &Path, rules: &RuleSet) -> Result<(), Failure> {
    let table = fs::read_to_string("tests/corpus-disagreements.md")?;
    let [mut recipients, mut statuses, mut types, mut verdicts, mut undisputed] =
        [(); 5].map(|()| Score::default());
    for label in rows(&folder.join("labels.jsonl"))? {
        let file = text(&label, "file");
        let reading = reading::read(&fs::read(folder.join("mail").join(file))?, rules);
        let about = about(&reading, &label);
        if label["recipient"].is_string() {
            recipients.count(about.is_some());
        }
        let finding = finding(&reading, &label);
        if let (Some(finding), Some(status)) = (about, status(&label)) {
            let found = finding.status.map(|status| status.to_string()).unwrap_or_default();
            // The publisher writes x.0.0 where the mail has no status.
            statuses.count(found == status || found.is_empty() && status.ends_with(".0.0"));
        }
        let Some((failure_type, reason)) = meaning(&label["campaign"]) else { continue };
        let verdict = finding.map(|finding| &finding.verdict);
        let right_type = verdict.is_some_and(|verdict| verdict.failure_type == failure_type);
        let right = right_type && verdict.is_some_and(|verdict| verdict.reason == reason);
        types.count(right_type);
        verdicts.count(right);
        if !table.contains(&format!("| {file} | {} |", label["index"])) {
            undisputed.count(right);
        }
    }
    row("set-of-emails: recipients found", &share(recipients.right, recipients.all));
    row("set-of-emails: status", &share(statuses.right, statuses.all));
    row("set-of-emails: type", &share(types.right, types.all));
    row("set-of-emails: type and reason", &share(verdicts.right, verdicts.all));
    row("  without the labels that are disputed", &share(undisputed.right, undisputed.all));
    let [mut ordinary, mut undisputed] = [(); 2].map(|()| Score::default());
    for entry in fs::read_dir(folder.join("not-a-bounce"))? {
        let entry = entry?;
        let is_left_alone = reading::read(&fs::read(entry.path())?, rules).findings.is_empty();
        ordinary.count(is_left_alone);
        if !table.contains(&format!("| {} |", entry.file_name().display())) {
            undisputed.count(is_left_alone);
        }
    }
    row("set-of-emails: ordinary mail left alone", &share(ordinary.right, ordinary.all));
    row("  without the labels that are disputed", &share(undisputed.right, undisputed.all));
    Ok(())
}

fn flufl_bounce(folder: &Path, rules: &RuleSet) -> Result<(), Failure> {
    let mut recipients = Score::default();
    for label in rows(&folder.join("labels.jsonl"))? {
        let mail = reading::read(&fs::read(folder.join("mail").join(text(&label, "file")))?, rules).mail;
        let named =
            ["permanent", "temporary"].into_iter().filter_map(|kind| label[kind].as_array()).flatten();
        for recipient in named.filter_map(Value::as_str) {
            recipients.count(names(&mail).any(|name| name.eq_ignore_ascii_case(recipient)));
        }
    }
    row("flufl-bounce: recipients found", &share(recipients.right, recipients.all));
    Ok(())
}

fn reply_lines(corpus: &Path, rules: &RuleSet, unmatched: &Verdict) -> Result<(), Failure> {
    let cases = corpus::reply_lines(&corpus.join("reply-lines"), unmatched)?;
    let told = evaluate(rules, unmatched, &cases);
    row(&format!("reply-lines: type and reason, {}", rules.name()), &share(told.right, told.labelled));
    Ok(())
}

fn names(mail: &InboundMail) -> impl Iterator<Item = &str> {
    let both = mail.recipients.iter().flat_map(|one| [&one.final_recipient, &one.original_recipient]);
    both.flatten().map(String::as_str)
}
