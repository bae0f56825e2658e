//! What is printed of a mail: a line for each recipient.

use emta_mail::inbound::FoundIn;
use emta_sandbox::inmail::reading::{Finding, Reading};
use serde_json::{Value, json};

/// A line for each recipient; one with `null` for a mail without.
pub(super) fn lines(file: &str, index: usize, reading: &Reading) -> Vec<Value> {
    if reading.findings.is_empty() {
        return vec![line(file, index, reading, None)];
    }
    reading.findings.iter().map(|finding| line(file, index, reading, Some(finding))).collect()
}

fn line(file: &str, index: usize, Reading { mail, .. }: &Reading, finding: Option<&Finding>) -> Value {
    let verdict = finding.map(|finding| &finding.verdict);
    json!({
        "file": file,
        "index": index,
        "kind": mail.kind.name(),
        "recipient": finding.and_then(|finding| finding.recipient.as_deref()),
        "alias": finding.and_then(|finding| finding.alias.as_deref()),
        "found_in": finding.and_then(|finding| finding.found_in).map(FoundIn::name),
        "meaning": finding.map(|finding| finding.meaning.name()),
        "status": finding.and_then(|finding| finding.status).map(|status| status.to_string()),
        "reply_code": finding.and_then(|finding| finding.reply_code),
        "type": verdict.map(|verdict| verdict.failure_type.name()),
        "reason": verdict.map(|verdict| verdict.reason.name()),
        "rule": verdict.and_then(|verdict| verdict.rule.as_deref()),
        "to_qualify": finding.is_some_and(|finding| finding.to_qualify),
        "text": finding.map_or(&*mail.subject, |finding| &*finding.text),
        "sender_format": mail.sender_format,
        "program": mail.program,
        "report_message_id": mail.report_id,
        "original_message_id": mail.original.as_ref().and_then(|original| original.message_id.as_deref()),
        "feedback_type": mail.feedback.as_ref().map(|feedback| &*feedback.feedback_type),
    })
}
