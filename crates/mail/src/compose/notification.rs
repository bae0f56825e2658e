//! The notifications that Amazon SES sends by way of SNS, as JSON.

use serde_json::{Value, json};

use super::bounce::BounceSpec;
use super::writer::bare;
use crate::header;
use crate::inbound::Action;

/// The notification on one line.
pub(super) fn json(spec: &BounceSpec<'_>) -> String {
    let recipient = bare(spec.final_recipient);
    let at = spec.at.to_string();
    let mta = format!("dns; {}", spec.reporting_mta);
    let diagnostic = format!("smtp; {}", spec.diagnostic);
    let status = spec.status.to_string();
    let mail = mail(spec);
    let notification = match spec.action {
        Action::Failed => json!({
            "notificationType": "Bounce",
            "bounce": {
                "bounceType": if spec.status.is_permanent() { "Permanent" } else { "Transient" },
                "bounceSubType": "General",
                "bouncedRecipients": [{
                    "emailAddress": recipient, "action": "failed", "status": status, "diagnosticCode": diagnostic,
                }],
                "timestamp": at,
                "feedbackId": bare(spec.report_id),
                "reportingMTA": mta,
            },
            "mail": mail,
        }),
        Action::Delayed => json!({
            "notificationType": "DeliveryDelay",
            "deliveryDelay": {
                "delayType": "TransientCommunicationFailure",
                "delayedRecipients": [{"emailAddress": recipient, "status": status, "diagnosticCode": diagnostic}],
                "timestamp": at,
                "expirationTime": spec.will_retry_until.map(|until| until.to_string()),
                "reportingMTA": mta,
            },
            "mail": mail,
        }),
        Action::Delivered | Action::Relayed | Action::Expanded => json!({
            "notificationType": "Delivery",
            "delivery": {
                "recipients": [recipient],
                "timestamp": at,
                "smtpResponse": spec.diagnostic,
                "reportingMTA": spec.reporting_mta,
            },
            "mail": mail,
        }),
    };
    notification.to_string()
}

fn mail(spec: &BounceSpec<'_>) -> Value {
    let headers: Vec<Value> = header::fields(spec.original)
        .map(|(name, value)| json!({"name": name, "value": value.as_ref()}))
        .collect();
    let message_id = header::find(spec.original, "Message-ID").unwrap_or_default();
    json!({
        "timestamp": spec.arrival.to_string(),
        "messageId": message_id.trim_matches(['<', '>']),
        "source": bare(spec.to),
        "destination": [bare(spec.original_recipient.unwrap_or(spec.final_recipient))],
        "headersTruncated": false,
        "headers": headers,
    })
}
