//! A digest of the event log: two runs that tell the same story have the same.
//!
//! It is made from a compact binary form of each event, in the order in which they are taken, so that it costs a
//! fraction of a microsecond an event and does not depend on how JSON is written.

use std::fmt;

use emta_mail::event::{Accepted, Attempt, MailReport, Verdict};
use emta_mail::{DeliveryEvent, EventKind};
use sha2::{Digest as _, Sha256};

/// SHA-256 of an event log; written as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A digest in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct EventDigest(Sha256);

impl EventDigest {
    /// Takes an event in that [`encode`] has written.
    pub(super) fn take(&mut self, encoded: &[u8]) {
        self.0.update(encoded);
    }

    /// The digest of all events taken so far.
    pub(super) fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// Writes an event so that different events give different bytes: numbers little-endian, texts behind their length,
/// what may be missing behind a 0 or 1.
pub(crate) fn encode(event: &DeliveryEvent, out: &mut Vec<u8>) {
    out.extend_from_slice(&event.message.as_u64().to_le_bytes());
    out.extend_from_slice(&event.at.as_millis().to_le_bytes());
    out.push(event.kind.rank());
    match &event.kind {
        EventKind::Accepted(accepted) => encode_accepted(accepted, out),
        EventKind::Deferred { attempt, verdict, next_attempt } => {
            encode_attempt(attempt, out);
            encode_verdict(verdict, out);
            out.extend_from_slice(&next_attempt.as_millis().to_le_bytes());
        }
        EventKind::Delivered { attempt } => encode_attempt(attempt, out),
        EventKind::Bounced { attempt, verdict } | EventKind::Expired { attempt, verdict } => {
            encode_attempt(attempt, out);
            encode_verdict(verdict, out);
        }
        EventKind::AsynchronousBounce(report)
        | EventKind::Complaint(report)
        | EventKind::AutoReply(report) => encode_report(report, out),
        EventKind::Opened => {}
        EventKind::Clicked { url } => encode_text(url, out),
    }
}

fn encode_accepted(accepted: &Accepted, out: &mut Vec<u8>) {
    let Accepted { sender, recipient, message_id, size, expires_at, origin } = accepted;
    encode_text(sender.as_str(), out);
    encode_text(recipient.as_str(), out);
    encode_text(message_id, out);
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(&expires_at.as_millis().to_le_bytes());
    encode_option(origin.campaign.as_deref(), out, encode_text);
    encode_option(origin.delivery.as_deref(), out, encode_text);
    encode_option(origin.log.as_deref(), out, encode_text);
    encode_option(origin.validity, out, |validity, out| {
        out.extend_from_slice(&validity.as_millis().to_le_bytes());
    });
    encode_length(origin.metadata.len(), out);
    for (key, value) in &origin.metadata {
        encode_text(key, out);
        encode_text(value, out);
    }
}

fn encode_attempt(attempt: &Attempt, out: &mut Vec<u8>) {
    let Attempt { number, provider, mx, phase, reply, after_crash } = attempt;
    out.extend_from_slice(&number.to_le_bytes());
    encode_text(provider, out);
    encode_text(mx, out);
    encode_text(phase.name(), out);
    out.extend_from_slice(&reply.code().to_le_bytes());
    encode_option(reply.enhanced(), out, encode_status);
    encode_text(reply.text(), out);
    out.push(u8::from(*after_crash));
}

fn encode_verdict(verdict: &Verdict, out: &mut Vec<u8>) {
    let Verdict { class, failure_type, reason, rule } = verdict;
    encode_option(*class, out, |class, out| out.push(class.code()));
    out.push(failure_type.code());
    out.extend_from_slice(&reason.code().to_le_bytes());
    encode_option(rule.as_deref(), out, encode_text);
}

fn encode_report(report: &MailReport, out: &mut Vec<u8>) {
    let MailReport { report_id, recipient, status, text, verdict, matched_by, from_this_mta, feedback_type } =
        report;
    encode_text(report_id, out);
    encode_option(recipient.as_deref(), out, encode_text);
    encode_option(*status, out, encode_status);
    encode_text(text, out);
    encode_verdict(verdict, out);
    encode_text(matched_by.name(), out);
    out.push(u8::from(*from_this_mta));
    encode_text(feedback_type, out);
}

fn encode_status(status: emta_mail::EnhancedStatus, out: &mut Vec<u8>) {
    out.push(status.class());
    out.extend_from_slice(&status.subject().to_le_bytes());
    out.extend_from_slice(&status.detail().to_le_bytes());
}

fn encode_option<T>(value: Option<T>, out: &mut Vec<u8>, encode: impl FnOnce(T, &mut Vec<u8>)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        encode(value, out);
    }
}

fn encode_text(text: &str, out: &mut Vec<u8>) {
    encode_length(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

/// Seven bits an octet, the lowest first; the highest bit says that more follow. Most texts are short, and hashing is
/// most of the cost.
fn encode_length(mut length: usize, out: &mut Vec<u8>) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}
