//! Messages as they are handed in, queued, stored and found.

use std::borrow::Cow;

use bytes::Bytes;
use emta_mail::chance::Hasher;
use emta_mail::event::Attempt;
use emta_mail::{
    DeliveryEvent, Domain, EmailAddress, Envelope, EventKind, Origin, QueueId, ReversePath, Timestamp,
};

use crate::event::MessageFacts;

/// A message that the relay hands in, one for each recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// The id that the message gets if no message has it yet; see [`copy_id`] for the others.
    pub candidate: QueueId,
    /// Its envelope.
    pub envelope: Envelope,
    /// Where in the campaign system it came from.
    pub origin: Origin,
    /// Its `Message-ID`.
    pub header_message_id: MessageIdHeader,
    /// The content has no `Date`; the one who sends it on adds it.
    pub add_date: bool,
    /// Text for the `Received` field that is added when it is sent on.
    pub received_from: String,
    /// When it was accepted; also when it is first due.
    pub accepted_at: Timestamp,
    /// When its validity ends.
    pub expires_at: Timestamp,
    /// Size of the content as it arrived, in octets.
    pub size: u64,
}

#[cfg(test)]
impl NewMessage {
    /// A message of which a test needs no more than its id.
    pub(crate) fn sample(candidate: u64) -> Self {
        Self {
            candidate: QueueId::from_u64(candidate),
            envelope: Envelope::new(ReversePath::Null, EmailAddress::parse("ann@example.com").unwrap()),
            origin: Origin::default(),
            header_message_id: MessageIdHeader::Present(String::new()),
            add_date: false,
            received_from: String::new(),
            accepted_at: Timestamp::default(),
            expires_at: Timestamp::default(),
            size: 1,
        }
    }
}

/// The `Message-ID` of a message that is handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageIdHeader {
    /// The content has this one, here without angle brackets.
    Present(String),
    /// The content has none: it gets `id@domain`, with the message's final id.
    Add {
        /// The domain to the right of the `@`.
        domain: Domain,
    },
}

impl MessageIdHeader {
    /// The `Message-ID` without angle brackets.
    pub(crate) fn resolve(&self, id: QueueId) -> Cow<'_, str> {
        match self {
            Self::Present(message_id) => Cow::Borrowed(message_id),
            Self::Add { domain } => Cow::Owned(format!("{id}@{domain}")),
        }
    }
}

/// The id of the `ordinal`-th further copy (from 1) of a message whose own id is `candidate`: the same mail, sent again,
/// is another message, and has the same ids in every run.
pub fn copy_id(candidate: QueueId, ordinal: u64) -> QueueId {
    QueueId::from_u64(Hasher::new().u64(candidate.as_u64()).u64(ordinal).finish())
}

/// A message that is not finished, as the queue needs it when the program starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedRow {
    /// The message.
    pub id: QueueId,
    /// The recipient's domain.
    pub domain: Domain,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When its validity ends.
    pub expires_at: Timestamp,
    /// When the next attempt is due.
    pub due: Timestamp,
    /// How many attempts were made.
    pub attempts: u32,
}

/// A message that a mailbox provider accepted, as the providers need it when the program starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveredRow {
    /// The message.
    pub id: QueueId,
    /// Envelope sender.
    pub sender: ReversePath,
    /// Envelope recipient.
    pub recipient: EmailAddress,
    /// When the provider accepted it.
    pub at: Timestamp,
}

/// A message without its body. All that was handed in, with the ids it got and how far it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Its final id.
    pub id: QueueId,
    /// `Message-ID` without angle brackets.
    pub message_id: String,
    /// The content has no `Message-ID`; the one who sends it on adds the field.
    pub message_id_added: bool,
    /// The content has no `Date`; the one who sends it on adds it.
    pub add_date: bool,
    /// Text for the `Received` field that is added when it is sent on.
    pub received_from: String,
    /// Its envelope.
    pub envelope: Envelope,
    /// Where in the campaign system it came from.
    pub origin: Origin,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When its validity ends.
    pub expires_at: Timestamp,
    /// Size of the content as it arrived, in octets.
    pub size: u64,
    /// What the MTA knows of its fate.
    pub status: MessageStatus,
    /// Whether it is still tried.
    pub state: QueueState,
    /// How many attempts were made.
    pub attempts: u32,
    /// The last attempt that ended, if one has; of a message that expired, with the reply that says so.
    pub last_attempt: Option<Attempt>,
}

impl MessageRow {
    /// The message as it is when it was just accepted under this id.
    pub(crate) fn accepted(new: NewMessage, id: QueueId) -> Self {
        Self {
            id,
            message_id: new.header_message_id.resolve(id).into_owned(),
            message_id_added: matches!(new.header_message_id, MessageIdHeader::Add { .. }),
            add_date: new.add_date,
            received_from: new.received_from,
            envelope: new.envelope,
            origin: new.origin,
            accepted_at: new.accepted_at,
            expires_at: new.expires_at,
            size: new.size,
            status: MessageStatus::Queued,
            state: QueueState::Waiting { due: new.accepted_at },
            attempts: 0,
            last_attempt: None,
        }
    }

    /// The event that says that the message was accepted. It is made from the message and not stored twice.
    pub(crate) fn accepted_event(&self) -> DeliveryEvent {
        let kind = MessageFacts::of(self).accepted(self.size, self.expires_at);
        DeliveryEvent { message: self.id, at: self.accepted_at, kind }
    }

    /// The place of this message among all, newest first.
    pub const fn cursor(&self) -> MessageCursor {
        MessageCursor { accepted_at: self.accepted_at, id: self.id }
    }
}

/// Whether a message is still tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueState {
    /// It waits for its next attempt.
    Waiting {
        /// When that is due.
        due: Timestamp,
    },
    /// It was delivered, refused for good, or expired. There is no way back.
    Finished {
        /// When.
        at: Timestamp,
    },
}

/// What the MTA itself knows of a message's fate. What comes back later by mail does not change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageStatus {
    /// Accepted, no attempt has ended yet.
    Queued,
    /// An attempt failed for now.
    Deferred,
    /// A mailbox provider accepted it.
    Delivered,
    /// A mailbox provider refused it for good.
    Bounced,
    /// Its validity ended.
    Expired,
}

impl MessageStatus {
    /// All values, in the order of a message's life.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Deferred, Self::Delivered, Self::Bounced, Self::Expired];

    /// Its name on disk and in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Deferred => "deferred",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Expired => "expired",
        }
    }

    /// The status of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// The status that an event brings if it changes the queue; `None` for events that never do.
    pub(crate) const fn after(kind: &EventKind) -> Option<Self> {
        match kind {
            EventKind::Accepted(_) => Some(Self::Queued),
            EventKind::Deferred { .. } => Some(Self::Deferred),
            EventKind::Delivered { .. } => Some(Self::Delivered),
            EventKind::Bounced { .. } => Some(Self::Bounced),
            EventKind::Expired { .. } => Some(Self::Expired),
            EventKind::AsynchronousBounce(_)
            | EventKind::Complaint(_)
            | EventKind::AutoReply(_)
            | EventKind::Opened
            | EventKind::Clicked { .. } => None,
        }
    }
}

/// A message with its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// All but the body.
    pub message: MessageRow,
    /// The content as it arrived, header and body.
    pub body: Bytes,
}

/// Which messages to list; a field that is `None` lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Exactly this `Message-ID`, without angle brackets.
    pub message_id: Option<String>,
    /// This recipient, without regard to the case of ASCII letters: reports often change it.
    pub recipient: Option<String>,
    /// This entry of the campaign system's delivery log.
    pub log: Option<String>,
    /// This delivery of the campaign system.
    pub delivery: Option<String>,
    /// This status.
    pub status: Option<MessageStatus>,
}

impl MessageFilter {
    /// Whether the message passes.
    pub fn matches(&self, row: &MessageRow) -> bool {
        let same = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        same(&self.message_id, Some(&row.message_id))
            && same(&self.log, row.origin.log.as_deref())
            && same(&self.delivery, row.origin.delivery.as_deref())
            && self.status.is_none_or(|status| status == row.status)
            && (self.recipient.as_deref())
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(row.envelope.recipient.as_str()))
    }
}

/// A place in the list of messages, which is told newest first: by the instant of acceptance, then by id, both falling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageCursor {
    /// When the message was accepted.
    pub accepted_at: Timestamp,
    /// The message.
    pub id: QueueId,
}
