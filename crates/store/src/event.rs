//! The event log as it is read.

use emta_mail::event::Accepted;
use emta_mail::{DeliveryEvent, EmailAddress, EventId, EventKind, Origin, QueueId, ReversePath, Timestamp};

use crate::message::MessageRow;

/// The key by which the log is told: instant, message, kind, id; see [`DeliveryEvent::order`].
pub type EventOrder = (Timestamp, QueueId, u8, EventId);

/// One event of the log, with what its reader needs to know of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Its place in the order of commits, from 1. The order within one group is that in which writes were handed in;
    /// another run of the same story may commit in another order, but never in another [`EventOrder`].
    pub sequence: u64,
    /// The event.
    pub event: DeliveryEvent,
    /// The message that it speaks of.
    pub message: MessageFacts,
}

/// What feedback says of the message of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageFacts {
    /// Envelope sender.
    pub sender: ReversePath,
    /// Envelope recipient.
    pub recipient: EmailAddress,
    /// `Message-ID` without angle brackets.
    pub message_id: String,
    /// Where in the campaign system it came from.
    pub origin: Origin,
}

impl MessageFacts {
    pub(crate) fn of(row: &MessageRow) -> Self {
        Self {
            sender: row.envelope.sender.clone(),
            recipient: row.envelope.recipient.clone(),
            message_id: row.message_id.clone(),
            origin: row.origin.clone(),
        }
    }

    /// What the event of acceptance says.
    pub(crate) fn accepted(&self, size: u64, expires_at: Timestamp) -> EventKind {
        EventKind::Accepted(Box::new(Accepted {
            sender: self.sender.clone(),
            recipient: self.recipient.clone(),
            message_id: self.message_id.clone(),
            size,
            expires_at,
            origin: self.origin.clone(),
        }))
    }
}
