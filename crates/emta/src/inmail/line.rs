//! What is printed of a mail: a line for each recipient.

use emta_mail::inbound::{FoundIn, InboundMail, MailKind};
use emta_sandbox::inmail::reading::{Finding, Reading};
use serde_json::{Map, Value, json};

/// A line for each recipient; one with `null` for a mail without.
pub(super) fn lines(file: &str, index: usize, reading: &Reading) -> Vec<Value> {
    if reading.findings.is_empty() {
        return vec![line(file, index, reading, None)];
    }
    (0..).zip(&reading.findings).map(|found| line(file, index, reading, Some(found))).collect()
}

fn line(file: &str, index: usize, Reading { mail, .. }: &Reading, found: Option<(usize, &Finding)>) -> Value {
    let finding = found.map(|(_, finding)| finding);
    let verdict = finding.map(|finding| &finding.verdict);
    // Those of other mails say nothing but who it was.
    let report = found
        .filter(|_| mail.kind == MailKind::DeliveryReport)
        .and_then(|(number, _)| mail.recipients.get(number));
    json!({
        "file": file,
        "index": index,
        "kind": mail.kind.name(),
        "recipient": finding.and_then(|finding| finding.recipient.as_deref()),
        "alias": finding.and_then(|finding| finding.alias.as_deref()),
        "final_recipient": report.and_then(|report| report.final_recipient.as_deref()),
        "original_recipient": report.and_then(|report| report.original_recipient.as_deref()),
        "found_in": finding.and_then(|finding| finding.found_in).map(FoundIn::name),
        "meaning": finding.map(|finding| finding.meaning.name()),
        "action": report.map(|report| report.action.name()),
        "status": finding.and_then(|finding| finding.status).map(|status| status.to_string()),
        "reply_code": finding.and_then(|finding| finding.reply_code),
        "smtp_command": report.and_then(|report| report.smtp_command),
        "type": verdict.map(|verdict| verdict.failure_type.name()),
        "reason": verdict.map(|verdict| verdict.reason.name()),
        "rule": verdict.and_then(|verdict| verdict.rule.as_deref()),
        "to_qualify": finding.is_some_and(|finding| finding.to_qualify),
        "text": finding.map_or(&*mail.subject, |finding| &*finding.text),
        "remote_mta": report.and_then(|report| report.remote_mta.as_deref()),
        "reporting_mta": mail.reporting_mta,
        "last_attempt": report.and_then(|report| report.last_attempt).map(|at| at.to_string()),
        "will_retry_until": report.and_then(|report| report.will_retry_until).map(|at| at.to_string()),
        "sender_format": mail.sender_format,
        "program": mail.program,
        "report_date": mail.date.map(|at| at.to_string()),
        "report_message_id": mail.report_id,
        "original_message_id": mail.original.as_ref().and_then(|original| original.message_id.as_deref()),
        "original_headers": own_headers(mail),
        "feedback_type": mail.feedback.as_ref().map(|feedback| &*feedback.feedback_type),
    })
}

/// The `X-` fields of the original message, by which its sender may know it; of several of one name the first.
fn own_headers(mail: &InboundMail) -> Value {
    let mut own = Map::new();
    for (name, value) in mail.original.iter().flat_map(|original| &original.headers) {
        if name.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("X-")) {
            own.entry(name.as_str()).or_insert_with(|| value.as_str().into());
        }
    }
    Value::Object(own)
}
