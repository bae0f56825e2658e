//! The JSON of events, as webhooks, API and exports write it.
//!
//! Kept apart from the core's types on purpose: a field of an answer never changes because a type was renamed.

use std::collections::BTreeMap;

use emta_mail::event::{Attempt, MailReport, Verdict};
use emta_mail::{BounceClass, DeliveryEvent, EventKind, Origin, QueueId, Timestamp};
use serde::{Deserialize, Serialize};

/// One event: `type`, `timestamp` (virtual time, RFC 3339) and `data`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireEvent {
    /// `message.accepted`, `message.deferred`, `message.delivered`, `message.bounced`, `message.expired`,
    /// `message.asynchronous_bounce`, `message.complained`, `message.auto_replied`, `message.opened` or
    /// `message.clicked`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened, in virtual time.
    pub timestamp: String,
    /// What happened.
    pub data: WireData,
}

/// The data of an event. Fields that do not apply are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireData {
    /// `evt_` and 16 hexadecimal digits; the same for every repetition.
    pub event_id: String,
    /// Queue id of the message, 16 hexadecimal digits.
    pub queue_id: String,
    /// `Message-ID` without angle brackets.
    pub message_id: String,
    /// Envelope recipient.
    pub recipient: String,
    /// Envelope sender; empty for `<>`.
    pub sender: String,
    /// The campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// The delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// The delivery-log entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// Free metadata of the message.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Size of the content in octets; for `message.accepted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When the validity ends; for `message.accepted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The delivery attempt, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<WireAttempt>,
    /// The next attempt; for `message.deferred`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt: Option<String>,
    /// Classification of the failure, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<WireFailure>,
    /// The mail that came back, for what inMail reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<WireReport>,
    /// The link; for `message.clicked`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// One delivery attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireAttempt {
    /// From 1; 0 if the message expired without any.
    pub number: u32,
    /// The mailbox provider.
    pub provider: String,
    /// The MX host; empty where none was reached.
    pub mx: String,
    /// The step at which it ended.
    pub phase: String,
    /// Reply code.
    pub code: u16,
    /// Enhanced status code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enhanced: Option<String>,
    /// Text of the reply.
    pub text: String,
    /// The provider may have the message twice, because the program ended uncleanly.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after_crash: bool,
}

/// What classification made of a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireFailure {
    /// Bounce class (facts 8.2), for failures in the SMTP session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<u8>,
    /// Name of the bounce class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,
    /// `soft`, `hard`, `ignored` or `not_defined`.
    #[serde(rename = "type")]
    pub failure_type: String,
    /// Campaign's reason.
    pub reason: String,
    /// Campaign's number of the reason.
    pub reason_code: u16,
    /// The rule that matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// A mail that came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireReport {
    /// Its `Message-ID`.
    pub message_id: String,
    /// The recipient that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// Enhanced status that it gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The text that was qualified.
    pub text: String,
    /// How it was correlated with the message.
    pub matched_by: String,
    /// The MTA's own report.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_this_mta: bool,
    /// Kind of feedback of a complaint.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub feedback_type: String,
}

/// What a reader of an event must know of its message.
#[derive(Clone, Copy, Debug)]
pub struct MessageFacts<'a> {
    /// `Message-ID` without angle brackets.
    pub message_id: &'a str,
    /// Envelope recipient.
    pub recipient: &'a str,
    /// Envelope sender; empty for `<>`.
    pub sender: &'a str,
    /// Where it came from.
    pub origin: &'a Origin,
}

impl<'a> From<&'a emta_store::MessageFacts> for MessageFacts<'a> {
    fn from(facts: &'a emta_store::MessageFacts) -> Self {
        Self {
            message_id: &facts.message_id,
            recipient: facts.recipient.as_str(),
            sender: facts.sender.as_str(),
            origin: &facts.origin,
        }
    }
}

impl WireEvent {
    /// Writes an event of a message.
    pub fn new(event: &DeliveryEvent, message: MessageFacts<'_>) -> Self {
        let mut data = WireData {
            event_id: event.id().to_string(),
            queue_id: event.message.to_string(),
            message_id: message.message_id.to_owned(),
            recipient: message.recipient.to_owned(),
            sender: message.sender.to_owned(),
            campaign: message.origin.campaign.clone(),
            delivery: message.origin.delivery.clone(),
            log: message.origin.log.clone(),
            metadata: message.origin.metadata.clone(),
            attempt: event.attempt().map(WireAttempt::from),
            failure: event.verdict().map(WireFailure::from),
            ..WireData::default()
        };
        match &event.kind {
            EventKind::Accepted(accepted) => {
                data.size = Some(accepted.size);
                data.expires_at = Some(accepted.expires_at.to_string());
            }
            EventKind::Deferred { next_attempt, .. } => data.next_attempt = Some(next_attempt.to_string()),
            EventKind::AsynchronousBounce(report)
            | EventKind::Complaint(report)
            | EventKind::AutoReply(report) => {
                data.report = Some(WireReport::from(&**report));
            }
            EventKind::Clicked { url } => data.url = Some(url.clone()),
            EventKind::Delivered { .. }
            | EventKind::Bounced { .. }
            | EventKind::Expired { .. }
            | EventKind::Opened => {}
        }
        Self { kind: event.kind.name().to_owned(), timestamp: event.at.to_string(), data }
    }

    /// When it happened.
    pub fn at(&self) -> Option<Timestamp> {
        self.timestamp.parse().ok()
    }

    /// The message.
    pub fn queue_id(&self) -> Option<QueueId> {
        self.data.queue_id.parse().ok()
    }
}

impl From<&Attempt> for WireAttempt {
    fn from(attempt: &Attempt) -> Self {
        Self {
            number: attempt.number,
            provider: attempt.provider.clone(),
            mx: attempt.mx.clone(),
            phase: attempt.phase.name().to_owned(),
            code: attempt.reply.code(),
            enhanced: attempt.reply.enhanced().map(|status| status.to_string()),
            text: attempt.reply.text().to_owned(),
            after_crash: attempt.after_crash,
        }
    }
}

impl From<&Verdict> for WireFailure {
    fn from(verdict: &Verdict) -> Self {
        Self {
            class: verdict.class.map(BounceClass::code),
            class_name: verdict.class.map(|class| class.name().to_owned()),
            failure_type: verdict.failure_type.name().to_owned(),
            reason: verdict.reason.name().to_owned(),
            reason_code: verdict.reason.code(),
            rule: verdict.rule.clone(),
        }
    }
}

impl WireFailure {
    /// The classification that was written; `None` where a name is unknown.
    pub fn verdict(&self) -> Option<Verdict> {
        Some(Verdict {
            class: self.class.and_then(BounceClass::from_code),
            failure_type: emta_mail::FailureType::from_name(&self.failure_type)?,
            reason: emta_mail::FailureReason::from_name(&self.reason)?,
            rule: self.rule.clone(),
        })
    }
}

impl From<&MailReport> for WireReport {
    fn from(report: &MailReport) -> Self {
        Self {
            message_id: report.report_id.clone(),
            recipient: report.recipient.clone(),
            status: report.status.map(|status| status.to_string()),
            text: report.text.clone(),
            matched_by: report.matched_by.name().to_owned(),
            from_this_mta: report.from_this_mta,
            feedback_type: report.feedback_type.clone(),
        }
    }
}
