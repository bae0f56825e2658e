//! Agreement with the labels of the tuning corpora. The tests of `emta-mail` and `emta-sandbox` hold the same figures
//! to floors, and print every miss.

use std::fs;
use std::path::Path;

use emta_mail::event::Verdict;
use emta_mail::inbound::InboundMail;
use emta_mail::{FailureReason, FailureType};
use emta_qualify::tune::{Case, Meaning, evaluate};
use emta_qualify::{RuleSet, unmatched_mail, unmatched_reply};
use emta_sandbox::inmail::reading::{self, Finding, Reading};
use serde_json::Value;

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
        let finding = about.or_else(|| in_place(&reading, &label));
        let status = text(&label, "status");
        if let Some(finding) = about.filter(|_| !status.is_empty() && !is_publisher_s_own(status)) {
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
    let mut ordinary = Score::default();
    for entry in fs::read_dir(folder.join("not-a-bounce"))? {
        ordinary.count(reading::read(&fs::read(entry?.path())?, rules).findings.is_empty());
    }
    row("set-of-emails: ordinary mail left alone", &share(ordinary.right, ordinary.all));
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
    let map = fs::read_to_string(corpus.join("../facts/class-to-campaign-reason.json"))?;
    let map: Value = serde_json::from_str(&map)?;
    let mut cases = Vec::new();
    for label in rows(&corpus.join("reply-lines/lines.jsonl"))? {
        // The labels of the other source are severities.
        if text(&label, "source") != "sisimai-corpus-diag"
            || matches!(text(&label, "label"), "feedback" | "vacation")
        {
            continue;
        }
        let status = text(&label, "status");
        let mut case = Case::line(text(&label, "file"), text(&label, "text"));
        case.status = case.status.or(status.parse().ok().filter(|_| !is_publisher_s_own(status)));
        let is_permanent = case.code.map_or(!status.starts_with('4'), |code| code >= 500);
        let mapped = &map["sisimai"][text(&label, "label")][if is_permanent { "on5xx" } else { "on4xx" }];
        // What nobody can qualify is what holds where no rule matches (facts 2.4).
        let is_open = text(mapped, "type") == FailureType::NotDefined.label();
        case.expected =
            if is_open { Some((unmatched.failure_type, unmatched.reason)) } else { meaning(mapped) };
        cases.push(case);
    }
    let told = evaluate(rules, unmatched, &cases);
    row(&format!("reply-lines: type and reason, {}", rules.name()), &share(told.right, told.labelled));
    Ok(())
}

fn rows(path: &Path) -> Result<Vec<Value>, Failure> {
    let text = fs::read_to_string(path).map_err(|error| format!("`{}`: {error}", path.display()))?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn text<'a>(label: &'a Value, key: &str) -> &'a str {
    label[key].as_str().unwrap_or_default()
}

/// The publisher's codes for mails without one: x.9.y, x.0.9yy.
fn is_publisher_s_own(status: &str) -> bool {
    let rest = status.get(2..).unwrap_or_default();
    rest.starts_with("9.") || rest.starts_with("0.9") && rest.len() == 5
}

/// Campaign's type and reason; `None` where the label says that a person must decide, or that nothing failed.
fn meaning(label: &Value) -> Option<Meaning> {
    let failure_type = FailureType::ALL.iter().copied().find(|value| value.label() == text(label, "type"))?;
    let reason = FailureReason::ALL.iter().copied().find(|value| value.label() == text(label, "reason"))?;
    (failure_type != FailureType::NotDefined).then_some((failure_type, reason))
}

/// The finding about the label's recipient.
fn about<'a>(reading: &'a Reading, label: &Value) -> Option<&'a Finding> {
    let wanted = text(label, "recipient");
    let other = label["alias"].as_str().unwrap_or(wanted);
    let is_it = |name: &String| name.eq_ignore_ascii_case(wanted) || name.eq_ignore_ascii_case(other);
    reading.findings.iter().find(|one| [&one.recipient, &one.alias].into_iter().flatten().any(is_it))
}

/// The finding in the label's place, for mails that name nobody.
fn in_place<'a>(reading: &'a Reading, label: &Value) -> Option<&'a Finding> {
    let place = usize::try_from(label["index"].as_u64()?).ok()?;
    reading.findings.get(place.checked_sub(1)?)
}

fn names(mail: &InboundMail) -> impl Iterator<Item = &str> {
    let both = mail.recipients.iter().flat_map(|one| [&one.final_recipient, &one.original_recipient]);
    both.flatten().map(String::as_str)
}
