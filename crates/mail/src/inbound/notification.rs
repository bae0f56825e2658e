//! Notifications of Amazon SES: the JSON that SNS posts, mails or stores, of bounces, complaints and deliveries; as it
//! is, or within the envelope of SNS, or in the body of a mail.

use serde_json::Value;

use super::diagnostic::{self, codes};
use super::dsn::{best_status, implied_action};
use super::limits::{MAX_DIAGNOSTIC, MAX_JSON, MAX_ORIGINAL_FIELDS, MAX_RECIPIENTS, MAX_VALUE};
use super::report::{Action, Feedback, FoundIn, MailKind, OriginalMessage, RecipientReport};
use super::values::{full_address, host, message_id, one_line, short, untyped};
use crate::time::Timestamp;

/// What a notification says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Notification {
    pub(super) kind: MailKind,
    pub(super) reporting_mta: Option<String>,
    pub(super) recipients: Vec<RecipientReport>,
    pub(super) original: Option<OriginalMessage>,
    pub(super) feedback: Option<Feedback>,
    pub(super) at: Option<Timestamp>,
}

/// Reads the notification in a text; `None` if there is none. The text may go on behind the JSON, as SNS's mails do.
pub(super) fn read(text: &str) -> Option<Notification> {
    let json = text.trim_start();
    if !json.starts_with('{') {
        return None;
    }
    let mark = ["otificationType", "eventType", "\"Notification\""];
    if !mark.iter().any(|mark| memchr::memmem::find(json.as_bytes(), mark.as_bytes()).is_some()) {
        return None;
    }
    let value = parse(json)?;
    match value["Message"].as_str() {
        // The envelope of SNS has the notification as text.
        Some(inner) => event(&parse(inner)?),
        None => event(&value),
    }
}

/// The first JSON value of a text. Lines may be torn where a mail had to break them: a line end in a string is none.
fn parse(json: &str) -> Option<Value> {
    let json = &json[..json.floor_char_boundary(MAX_JSON)];
    let first = |text: &str| serde_json::Deserializer::from_str(text).into_iter::<Value>().next()?.ok();
    first(json).or_else(|| first(&json.replace(['\r', '\n'], "")))
}

fn event(value: &Value) -> Option<Notification> {
    let kind = value["notificationType"].as_str().or_else(|| value["eventType"].as_str())?;
    let mut out = Notification { original: Some(original(&value["mail"])), ..Notification::default() };
    match kind {
        "Bounce" => bounce(&mut out, &value["bounce"]),
        "Complaint" => complaint(&mut out, &value["complaint"]),
        "Delivery" => delivery(&mut out, &value["delivery"]),
        "DeliveryDelay" => delay(&mut out, &value["deliveryDelay"]),
        _ => return None,
    }
    Some(out)
}

fn bounce(out: &mut Notification, bounce: &Value) {
    out.kind = MailKind::DeliveryReport;
    out.reporting_mta = bounce["reportingMTA"].as_str().and_then(host);
    out.at = time(&bounce["timestamp"]);
    // A bounce of type `Transient` is one that SES has given up on.
    out.recipients = recipients(&bounce["bouncedRecipients"], Action::Failed);
    for report in &mut out.recipients {
        report.last_attempt = out.at;
        report.remote_mta = bounce["remoteMtaIp"].as_str().and_then(host);
    }
}

fn delay(out: &mut Notification, delay: &Value) {
    out.kind = MailKind::DeliveryReport;
    out.reporting_mta = delay["reportingMTA"].as_str().and_then(host);
    out.at = time(&delay["timestamp"]);
    let until = time(&delay["expirationTime"]);
    out.recipients = recipients(&delay["delayedRecipients"], Action::Delayed);
    for report in &mut out.recipients {
        report.action = Action::Delayed;
        report.will_retry_until = until;
        report.last_attempt = out.at;
    }
}

fn recipients(list: &Value, unsaid: Action) -> Vec<RecipientReport> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .take(MAX_RECIPIENTS)
        .filter_map(|one| {
            let recipient = full_address(one["emailAddress"].as_str()?)?;
            let said = untyped(one["diagnosticCode"].as_str().unwrap_or_default());
            let diagnostic = one_line(said, MAX_DIAGNOSTIC);
            let codes = codes(&diagnostic);
            let status = one["status"].as_str().and_then(diagnostic::leading_status);
            let status = best_status(status, codes.status);
            let action = one["action"].as_str().and_then(Action::from_name);
            let implied = if unsaid == Action::Failed { Action::Failed } else { implied_action(status) };
            Some(RecipientReport {
                final_recipient: Some(recipient),
                action: action.unwrap_or(implied),
                status,
                reply_code: codes.reply,
                smtp_command: diagnostic::command(&diagnostic),
                diagnostic,
                found_in: FoundIn::Json,
                ..RecipientReport::default()
            })
        })
        .collect()
}

fn complaint(out: &mut Notification, complaint: &Value) {
    out.kind = MailKind::Complaint;
    out.at = time(&complaint["timestamp"]);
    out.recipients = addresses(&complaint["complainedRecipients"], |one| one["emailAddress"].as_str());
    let text = |name: &str| complaint[name].as_str().and_then(short);
    out.feedback = Some(Feedback {
        feedback_type: text("complaintFeedbackType").map_or("abuse".to_owned(), |t| t.to_ascii_lowercase()),
        user_agent: text("userAgent"),
        original_rcpt_to: out.recipients.iter().filter_map(|r| r.final_recipient.clone()).collect(),
        arrival_date: time(&complaint["arrivalDate"]),
        ..Feedback::default()
    });
}

fn delivery(out: &mut Notification, delivery: &Value) {
    out.kind = MailKind::DeliveryReport;
    out.reporting_mta = delivery["reportingMTA"].as_str().and_then(host);
    out.at = time(&delivery["timestamp"]);
    let reply = one_line(delivery["smtpResponse"].as_str().unwrap_or_default(), MAX_DIAGNOSTIC);
    let codes = codes(&reply);
    out.recipients = addresses(&delivery["recipients"], Value::as_str);
    for report in &mut out.recipients {
        report.status = codes.status;
        report.reply_code = codes.reply;
        report.last_attempt = out.at;
    }
    if let Some(first) = out.recipients.first_mut() {
        first.diagnostic = reply;
    }
}

/// Recipients to whom the message was delivered.
fn addresses<'a>(list: &'a Value, address: impl Fn(&'a Value) -> Option<&'a str>) -> Vec<RecipientReport> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .take(MAX_RECIPIENTS)
        .filter_map(|one| {
            Some(RecipientReport {
                final_recipient: Some(full_address(address(one)?)?),
                action: Action::Delivered,
                found_in: FoundIn::Json,
                ..RecipientReport::default()
            })
        })
        .collect()
}

/// The header of the message: complete where SES was told to send it, or else the common fields.
fn original(mail: &Value) -> OriginalMessage {
    let mut original = OriginalMessage::default();
    let listed = mail["headers"].as_array().map(Vec::as_slice).unwrap_or_default();
    for field in listed.iter().take(MAX_ORIGINAL_FIELDS) {
        if let (Some(name), Some(value)) = (field["name"].as_str(), field["value"].as_str()) {
            original.headers.push((one_line(name, MAX_VALUE), one_line(value, MAX_VALUE)));
        }
    }
    let common = mail["commonHeaders"].as_object();
    for (key, value) in common.into_iter().flatten().take(MAX_ORIGINAL_FIELDS) {
        let value = match value.as_array() {
            Some(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            None => value.as_str().unwrap_or_default().to_owned(),
        };
        let name = common_name(key);
        let room = original.headers.len() < MAX_ORIGINAL_FIELDS;
        if room && original.header(name).is_none() && !value.is_empty() {
            original.headers.push((one_line(name, MAX_VALUE), one_line(&value, MAX_VALUE)));
        }
    }
    // SES gives the message an identifier of its own; the sender's is in the header, if it is anywhere.
    let id = original.header("Message-ID").and_then(message_id);
    original.message_id = id.or_else(|| mail["messageId"].as_str().and_then(message_id));
    original
}

fn common_name(key: &str) -> &str {
    match key {
        "messageId" => "Message-ID",
        "returnPath" => "Return-Path",
        "replyTo" => "Reply-To",
        "from" => "From",
        "to" => "To",
        "cc" => "Cc",
        "subject" => "Subject",
        "date" => "Date",
        other => other,
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(value.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUNCE: &str = r#"{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","reportingMTA":"dns; ses.example",
        "timestamp":"2026-01-05T09:00:00.000Z","bouncedRecipients":[
        {"emailAddress":"a@example.com","action":"failed","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"},
        {"emailAddress":"\"B\" <b@example.com>"}, {"emailAddress":7}]},
        "mail":{"messageId":"ses-1","commonHeaders":{"from":["S <s@shop.example>"],"messageId":"<m1@shop.example>","subject":"Offers"}}}"#;

    fn told(notification: &Notification) -> Vec<String> {
        let tell = |r: &RecipientReport| {
            let status = r.status.map_or("-".to_owned(), |s| s.to_string());
            format!("{} {} {status} {}", r.address().unwrap_or("-"), r.action, r.diagnostic).trim().to_owned()
        };
        notification.recipients.iter().map(tell).collect()
    }

    #[test]
    fn bounces_as_they_are_and_in_envelopes() {
        let envelope =
            serde_json::json!({"Type": "Notification", "Message": BOUNCE.replace('\n', "")}).to_string();
        let torn = BOUNCE.replace("user unknown", "user un\r\nknown");
        for text in [BOUNCE.to_owned(), format!("{BOUNCE}\n\n--\nTo stop, click"), envelope, torn] {
            let read = read(&text).unwrap();
            assert_eq!(read.kind, MailKind::DeliveryReport);
            assert_eq!(
                told(&read),
                ["a@example.com failed 5.1.1 550 5.1.1 user unknown", "b@example.com failed -"]
            );
            assert_eq!(read.reporting_mta.as_deref(), Some("ses.example"));
            let original = read.original.unwrap();
            assert_eq!(original.message_id.as_deref(), Some("m1@shop.example"));
            assert_eq!(original.header("subject"), Some("Offers"));
        }
    }

    #[test]
    fn complaints_deliveries_and_delays() {
        let complaint = read(
            r#"{"eventType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"a@example.com"}],
            "complaintFeedbackType":"abuse","userAgent":"ExampleFBL/1.0"},"mail":{"messageId":"ses-1"}}"#,
        )
        .unwrap();
        assert_eq!(
            (complaint.kind, told(&complaint)),
            (MailKind::Complaint, vec!["a@example.com delivered -".to_owned()])
        );
        assert_eq!(complaint.feedback.unwrap().original_rcpt_to, ["a@example.com"]);
        assert_eq!(complaint.original.unwrap().message_id.as_deref(), Some("ses-1"));
        let delivery = read(
            r#"{"notificationType":"Delivery","delivery":{"recipients":["a@example.com"],"smtpResponse":"250 2.0.0 ok"},"mail":{}}"#,
        );
        assert_eq!(told(&delivery.unwrap()), ["a@example.com delivered 2.0.0 250 2.0.0 ok"]);
        let delay = read(
            r#"{"eventType":"DeliveryDelay","deliveryDelay":{"delayedRecipients":[{"emailAddress":"a@example.com","status":"4.4.1",
            "diagnosticCode":"smtp; 421 4.4.1 busy"}],"expirationTime":"2026-01-05T09:00:00Z"}}"#,
        );
        assert_eq!(told(&delay.unwrap()), ["a@example.com delayed 4.4.1 421 4.4.1 busy"]);
    }

    #[test]
    fn header_fields_are_limited() {
        let listed = vec![r#"{"name":"X","value":"1"}"#; MAX_ORIGINAL_FIELDS - 1].join(",");
        let text = format!(
            r#"{{"notificationType":"Delivery","delivery":{{}},"mail":{{"headers":[{listed}],
            "commonHeaders":{{"to":["a@example.com"],"subject":"Offers"}}}}}}"#
        );
        let original = read(&text).unwrap().original.unwrap();
        assert_eq!(original.headers.len(), MAX_ORIGINAL_FIELDS);
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "{}",
            "{\"notificationType\":\"Bounce\"",
            "{\"notificationType\":\"Received\"}",
            "{\"eventType\":\"Open\"}",
            "Hello",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let deep = format!("{{\"notificationType\":{}", "[".repeat(100_000));
        assert_eq!(read(&deep), None);
        let just = |n: usize| format!("{BOUNCE}{}", " ".repeat(n));
        assert!(read(&just(MAX_JSON)).is_some());
        let far = format!("{{\"x\":\"{}\",{}", "x".repeat(MAX_JSON), &BOUNCE[1..]);
        assert_eq!(read(&far), None);
    }

    proptest! {
        #[test]
        fn any_json_is_read(text in "(\\{|\\}|\\[|\\]|\"notificationType\"|:|,|\"Bounce\"|\"bounce\"|1|\"é\"|\"mail\"){0,30}") {
            let _ = read(&format!("{{{text}"));
        }
    }
}
