//! Delivery events: the only truth about what happened to a message.
//!
//! The event log is an append-only sequence of these. Delivery log, KPIs, quarantine and queue are folds over it.

use std::fmt;

use crate::address::{EmailAddress, ReversePath};
use crate::chance::Hasher;
use crate::classification::{BounceClass, FailureReason, FailureType};
use crate::message::{Origin, QueueId};
use crate::reply::{EnhancedStatus, Phase, Reply};
use crate::time::Timestamp;

/// Something that happened to one message at one instant.
///
/// Events of one instant are ordered by message, then by [`EventKind::rank`]; see [`DeliveryEvent::order`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryEvent {
    /// The message.
    pub message: QueueId,
    /// When, in virtual time.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
}

/// An event's identifier: made from the event, so that the same story has the same ids and a repetition after a crash
/// is recognised. Written as `evt_` and 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(u64);

impl EventId {
    /// From its number.
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "evt_{:016x}", self.0)
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The relay committed the message to disk and answered 250.
    Accepted(Box<Accepted>),
    /// An attempt failed for now (4yz, DNS failure, lost connection); another follows.
    Deferred {
        /// The attempt that failed.
        attempt: Attempt,
        /// What the classifier made of its reply.
        verdict: Verdict,
        /// When the next attempt is due.
        next_attempt: Timestamp,
    },
    /// A mailbox provider accepted the message.
    Delivered {
        /// The attempt that succeeded.
        attempt: Attempt,
    },
    /// A mailbox provider refused the message for good (5yz), in the session.
    Bounced {
        /// The attempt that was refused.
        attempt: Attempt,
        /// What the classifier made of its reply.
        verdict: Verdict,
    },
    /// The validity ended before any attempt succeeded; `attempt` is the last one, with the reply
    /// `554 5.4.7 [internal] message timeout (last transfail: ...)`.
    Expired {
        /// The last attempt; its number is 0 if there was none.
        attempt: Attempt,
        /// What the classifier made of the last transient reply.
        verdict: Verdict,
    },
    /// A report of failure that came back by mail.
    AsynchronousBounce(Box<MailReport>),
    /// The recipient complained (ARF, RFC 5965).
    Complaint(Box<MailReport>),
    /// An automatic reply came back (RFC 3834); the message was delivered.
    AutoReply(Box<MailReport>),
    /// The recipient opened the message.
    Opened,
    /// The recipient followed a link.
    Clicked {
        /// Its address.
        url: String,
    },
}

/// What the relay knows of a message when it accepts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Envelope sender.
    pub sender: ReversePath,
    /// Envelope recipient.
    pub recipient: EmailAddress,
    /// `Message-ID` without angle brackets; the relay adds one where it is missing.
    pub message_id: String,
    /// Size of the content as it arrived, in octets.
    pub size: u64,
    /// When the validity ends.
    pub expires_at: Timestamp,
    /// Where in the campaign system it came from.
    pub origin: Origin,
}

/// One delivery attempt and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// The simulated mailbox provider.
    pub provider: String,
    /// The MX host; empty where none was reached.
    pub mx: String,
    /// The step at which it ended.
    pub phase: Phase,
    /// The reply that ended it. Failures without a server's reply have one made by the MTA, marked `[internal]`.
    pub reply: Reply,
    /// The program was not shut down cleanly while this attempt may already have been under way: if so, the provider
    /// has the message twice.
    pub after_crash: bool,
}

/// What classification made of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The Enhanced MTA's bounce class; `None` for mail qualified by inMail.
    pub class: Option<BounceClass>,
    /// Campaign's failure type.
    pub failure_type: FailureType,
    /// Campaign's failure reason.
    pub reason: FailureReason,
    /// The rule that matched; `None` where the default applied.
    pub rule: Option<String>,
}

/// What inMail made of a mail that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailReport {
    /// `Message-ID` of the report itself, without angle brackets; empty if it has none.
    pub report_id: String,
    /// The recipient that it speaks of, where it names one.
    pub recipient: Option<String>,
    /// Enhanced status of the failure.
    pub status: Option<EnhancedStatus>,
    /// The text that was qualified.
    pub text: String,
    /// Qualification by the Inbound email rules.
    pub verdict: Verdict,
    /// How the report was correlated with the message.
    pub matched_by: Correlation,
    /// The MTA's own report on a message that it gave up, not one by a mailbox provider that had accepted it.
    pub from_this_mta: bool,
    /// Kind of feedback of a complaint, such as `abuse` (RFC 5965 section 3.5); empty for others.
    pub feedback_type: String,
}

/// How a report was correlated with the message it speaks of, in the order tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Correlation {
    /// `Message-ID` of the returned message.
    MessageId,
    /// A header field that the MTA or the campaign system had put in (`X-Emta-Id`, `X-MSFBL`, ...), or the `ENVID`.
    Header,
    /// The report's own recipient address (variable envelope return path).
    Verp,
    /// `Original-Recipient` or `Final-Recipient`: the newest message to that address.
    Recipient,
}

impl Correlation {
    /// All ways, in the order tried.
    pub const ALL: [Self; 4] = [Self::MessageId, Self::Header, Self::Verp, Self::Recipient];

    /// Its name in events and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MessageId => "message_id",
            Self::Header => "header",
            Self::Verp => "verp",
            Self::Recipient => "recipient",
        }
    }

    /// The way of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.name() == name)
    }
}

impl EventKind {
    /// Place among the events of one message at one instant: a message is accepted before it is attempted, delivered
    /// before it is opened.
    pub const fn rank(&self) -> u8 {
        match self {
            Self::Accepted(_) => 0,
            Self::Deferred { .. } => 1,
            Self::Delivered { .. } => 2,
            Self::Bounced { .. } => 3,
            Self::Expired { .. } => 4,
            Self::Opened => 5,
            Self::Clicked { .. } => 6,
            Self::AutoReply(_) => 7,
            Self::AsynchronousBounce(_) => 8,
            Self::Complaint(_) => 9,
        }
    }

    /// Its name in events, webhooks and the API.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "message.accepted",
            Self::Deferred { .. } => "message.deferred",
            Self::Delivered { .. } => "message.delivered",
            Self::Bounced { .. } => "message.bounced",
            Self::Expired { .. } => "message.expired",
            Self::AsynchronousBounce(_) => "message.asynchronous_bounce",
            Self::Complaint(_) => "message.complained",
            Self::AutoReply(_) => "message.auto_replied",
            Self::Opened => "message.opened",
            Self::Clicked { .. } => "message.clicked",
        }
    }

    /// What tells two events of the same kind, message and instant apart.
    fn detail(&self) -> &[u8] {
        match self {
            Self::AsynchronousBounce(report) | Self::Complaint(report) | Self::AutoReply(report) => {
                report.report_id.as_bytes()
            }
            Self::Clicked { url } => url.as_bytes(),
            Self::Accepted(_)
            | Self::Deferred { .. }
            | Self::Delivered { .. }
            | Self::Bounced { .. }
            | Self::Expired { .. }
            | Self::Opened => b"",
        }
    }
}

impl DeliveryEvent {
    /// The event's identifier.
    pub fn id(&self) -> EventId {
        let hash = Hasher::new()
            .u64(self.message.as_u64())
            .u64(self.at.as_millis() as u64)
            .u64(u64::from(self.kind.rank()))
            .bytes(self.kind.detail());
        EventId(hash.finish())
    }

    /// The key by which the log is told: instant, message, kind, id.
    pub fn order(&self) -> (Timestamp, QueueId, u8, EventId) {
        (self.at, self.message, self.kind.rank(), self.id())
    }

    /// The attempt that the event reports, if it reports one.
    pub const fn attempt(&self) -> Option<&Attempt> {
        match &self.kind {
            EventKind::Deferred { attempt, .. }
            | EventKind::Delivered { attempt }
            | EventKind::Bounced { attempt, .. }
            | EventKind::Expired { attempt, .. } => Some(attempt),
            EventKind::Accepted(_)
            | EventKind::AsynchronousBounce(_)
            | EventKind::Complaint(_)
            | EventKind::AutoReply(_)
            | EventKind::Opened
            | EventKind::Clicked { .. } => None,
        }
    }

    /// The classification that the event carries, if it carries one.
    pub const fn verdict(&self) -> Option<&Verdict> {
        match &self.kind {
            EventKind::Deferred { verdict, .. }
            | EventKind::Bounced { verdict, .. }
            | EventKind::Expired { verdict, .. } => Some(verdict),
            EventKind::AsynchronousBounce(report)
            | EventKind::Complaint(report)
            | EventKind::AutoReply(report) => Some(&report.verdict),
            EventKind::Accepted(_)
            | EventKind::Delivered { .. }
            | EventKind::Opened
            | EventKind::Clicked { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_from_the_event() {
        let event = |at, url: &str| DeliveryEvent {
            message: QueueId::from_u64(1),
            at: Timestamp::from_seconds(at),
            kind: EventKind::Clicked { url: url.to_owned() },
        };
        assert_eq!(event(1, "a").id(), event(1, "a").id());
        assert_ne!(event(1, "a").id(), event(2, "a").id());
        assert_ne!(event(1, "a").id(), event(1, "b").id());
        assert!(event(1, "a").order() < event(2, "a").order());
    }
}
