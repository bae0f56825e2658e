//! What every back-end can do.

use bytes::Bytes;
use emta_mail::QueueId;

use crate::change::{Change, Committed, JournalEntry};
use crate::error::StoreError;
use crate::event::{EventOrder, EventRow};
use crate::fault::Faults;
use crate::inbound::{InboundCounts, InboundCursor, InboundId, InboundRow};
use crate::message::{
    DeliveredRow, MessageCursor, MessageFilter, MessageRow, NewMessage, QueuedRow, StoredMessage,
};

/// Called once with the outcome of a write, after it is durable. It must not block and must not wait for a write.
pub type Done<T> = Box<dyn FnOnce(Result<T, StoreError>) + Send>;

/// A write on its way to the disk; its limits were checked.
pub(crate) enum Write {
    /// Keeps messages that share one body.
    Accept { messages: Vec<NewMessage>, body: Bytes, done: Done<Vec<QueueId>> },
    /// Makes changes.
    Commit { changes: Vec<Change>, done: Done<Committed> },
}

impl Write {
    /// What it counts for in a group.
    pub(crate) const fn weight(&self) -> usize {
        match self {
            Self::Accept { messages, .. } => messages.len(),
            Self::Commit { changes, .. } => changes.len(),
        }
    }

    /// Whether it accepts mail.
    pub(crate) const fn is_mail(&self) -> bool {
        match self {
            Self::Accept { .. } => true,
            Self::Commit { .. } => false,
        }
    }

    /// Tells the caller that it failed.
    pub(crate) fn fail(self, error: StoreError) {
        match self {
            Self::Accept { done, .. } => done(Err(error)),
            Self::Commit { done, .. } => done(Err(error)),
        }
    }
}

/// Storage of one kind. The meaning of each verb is documented on [`Store`](crate::Store); page limits are already
/// clamped when they come here.
pub(crate) trait Backend: Send + Sync {
    fn write(&self, write: Write);
    fn faults(&self) -> &Faults;
    fn groups(&self) -> u64;
    fn for_each_queued(&self, each: &mut dyn FnMut(QueuedRow)) -> Result<(), StoreError>;
    fn for_each_delivered(&self, each: &mut dyn FnMut(DeliveredRow)) -> Result<(), StoreError>;
    fn message(&self, id: QueueId) -> Result<Option<MessageRow>, StoreError>;
    fn body(&self, id: QueueId) -> Result<Option<StoredMessage>, StoreError>;
    fn fresh(&self, id: QueueId) -> Option<StoredMessage>;
    fn messages(
        &self,
        filter: &MessageFilter,
        after: Option<MessageCursor>,
        limit: usize,
    ) -> Result<Vec<MessageRow>, StoreError>;
    fn events_after(&self, sequence: u64, limit: usize) -> Result<Vec<EventRow>, StoreError>;
    fn events_ordered(&self, after: Option<EventOrder>, limit: usize) -> Result<Vec<EventRow>, StoreError>;
    fn events_of(&self, message: QueueId, limit: usize) -> Result<Vec<EventRow>, StoreError>;
    fn last_sequence(&self) -> Result<u64, StoreError>;
    fn cursor(&self, name: &str) -> Result<u64, StoreError>;
    fn mailbox(&self, after: Option<InboundCursor>, limit: usize) -> Result<Vec<InboundRow>, StoreError>;
    fn inbound(&self, id: InboundId) -> Result<Option<InboundRow>, StoreError>;
    fn inbound_raw(&self, id: InboundId) -> Result<Option<Bytes>, StoreError>;
    fn inbound_counts(&self) -> Result<InboundCounts, StoreError>;
    fn value(&self, namespace: &str, key: &str) -> Result<Option<Bytes>, StoreError>;
    fn values(
        &self,
        namespace: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, StoreError>;
    fn journal_after(
        &self,
        journal: &str,
        sequence: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StoreError>;
}
