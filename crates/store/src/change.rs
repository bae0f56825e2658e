//! What a write can change, apart from accepting mail.

use bytes::Bytes;
use emta_mail::{DeliveryEvent, EventKind, QueueId, Timestamp};

use crate::error::StoreError;
use crate::inbound::{InboundId, NewInbound};
use crate::store::{MAX_BODY, MAX_NAME, MAX_VALUE};

/// One change. The changes of one write happen together or not at all, so that an event, the mail that brought it and
/// the cursor of the one who handled it can never disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Appends an event to the log.
    Record(Box<Record>),
    /// Keeps a mail that came back; nothing happens if its id is already there.
    Inbound(Box<NewInbound>),
    /// Takes a mail out of the mailbox; nothing happens if it is not there.
    Delete(InboundId),
    /// Moves a named cursor on the event log, forwards or back.
    Cursor {
        /// Whose it is.
        name: String,
        /// The last event that was handled; 0 for none.
        sequence: u64,
    },
    /// Sets a small value.
    Put {
        /// What kind of value.
        namespace: String,
        /// Its name within the namespace.
        key: String,
        /// The value.
        value: Bytes,
    },
    /// Removes a small value; nothing happens if it is not there.
    Remove {
        /// What kind of value.
        namespace: String,
        /// Its name within the namespace.
        key: String,
    },
    /// Appends an entry to a journal.
    Append {
        /// The journal.
        journal: String,
        /// The entry.
        entry: Bytes,
    },
}

/// An event, and what it means for the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The event. If the log already has one of its id, the whole record is skipped: it happened before the crash that
    /// made the caller repeat it. [`EventKind::Accepted`] is refused; accepting a message writes that event.
    pub event: DeliveryEvent,
    /// What it means for the queue. A message that is finished stays finished, whatever this says.
    pub queue: QueueChange,
}

/// What an event means for the queue. The status of the message changes with it, and with nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueChange {
    /// Nothing.
    None,
    /// The message waits for another attempt. Only [`EventKind::Deferred`] says so; its attempt is then the message's
    /// last one.
    Rescheduled {
        /// When that is due.
        due: Timestamp,
        /// How many attempts were made.
        attempts: u32,
    },
    /// The message is over. Only [`EventKind::Delivered`], [`EventKind::Bounced`] and [`EventKind::Expired`] say so.
    Finished,
}

/// What a write did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// How many events were new to the log.
    pub events: usize,
    /// How many mails were new to the bounce mailbox.
    pub inbound: usize,
    /// The sequence number of each [`Change::Append`], in order.
    pub journal: Vec<u64>,
}

/// One entry of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// Its place in the journal, from 1, without gaps.
    pub sequence: u64,
    /// What was appended.
    pub entry: Bytes,
}

impl Change {
    /// Octets of content that it brings, beside those that every change has.
    pub(crate) const fn octets(&self) -> usize {
        match self {
            Self::Inbound(new) => new.raw.len(),
            Self::Put { value, .. } => value.len(),
            Self::Append { entry, .. } => entry.len(),
            Self::Record(_) | Self::Delete(_) | Self::Cursor { .. } | Self::Remove { .. } => 0,
        }
    }

    /// The message whose place in the queue this changes.
    pub(crate) const fn queued(&self) -> Option<QueueId> {
        match self {
            Self::Record(record) => match record.queue {
                QueueChange::None => None,
                QueueChange::Rescheduled { .. } | QueueChange::Finished => Some(record.event.message),
            },
            Self::Inbound(_)
            | Self::Delete(_)
            | Self::Cursor { .. }
            | Self::Put { .. }
            | Self::Remove { .. }
            | Self::Append { .. } => None,
        }
    }

    /// Refuses what no back-end keeps.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match self {
            Self::Record(record) => record.check(),
            Self::Inbound(new) => at_most("a mail", new.raw.len(), MAX_BODY),
            Self::Delete(_) => Ok(()),
            Self::Cursor { name, sequence: _ } => at_most("the name of a cursor", name.len(), MAX_NAME),
            Self::Put { namespace, key, value } => {
                at_most("a namespace", namespace.len(), MAX_NAME)?;
                at_most("a key", key.len(), MAX_NAME)?;
                at_most("a value", value.len(), MAX_VALUE)
            }
            Self::Remove { namespace, key } => {
                at_most("a namespace", namespace.len(), MAX_NAME)?;
                at_most("a key", key.len(), MAX_NAME)
            }
            Self::Append { journal, entry } => {
                at_most("the name of a journal", journal.len(), MAX_NAME)?;
                at_most("an entry", entry.len(), MAX_VALUE)
            }
        }
    }
}

impl Record {
    fn check(&self) -> Result<(), StoreError> {
        let Self { event, queue } = self;
        let (expected, is_allowed) = match event.kind {
            EventKind::Accepted(_) => return Err(StoreError::AcceptedTwice(event.message)),
            EventKind::Deferred { .. } => ("another attempt", !matches!(queue, QueueChange::Finished)),
            EventKind::Delivered { .. } | EventKind::Bounced { .. } | EventKind::Expired { .. } => {
                ("the end", !matches!(queue, QueueChange::Rescheduled { .. }))
            }
            EventKind::AsynchronousBounce(_)
            | EventKind::Complaint(_)
            | EventKind::AutoReply(_)
            | EventKind::Opened
            | EventKind::Clicked { .. } => ("nothing", matches!(queue, QueueChange::None)),
        };
        if is_allowed {
            return Ok(());
        }
        Err(StoreError::WrongChange { message: event.message, event: event.kind.name(), expected })
    }
}

/// Refuses what is longer than its limit.
pub(crate) const fn at_most(what: &'static str, length: usize, limit: usize) -> Result<(), StoreError> {
    if length > limit { Err(StoreError::TooLong { what, length, limit }) } else { Ok(()) }
}
