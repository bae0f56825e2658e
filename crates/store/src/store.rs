//! The handle on a store.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, mpsc};

use bytes::Bytes;
use emta_mail::QueueId;

use crate::backend::{Backend, Done, Write};
use crate::change::{Change, Committed, JournalEntry, Record, at_most};
use crate::error::StoreError;
use crate::event::{EventOrder, EventRow};
use crate::fault::Faults;
use crate::inbound::{InboundCounts, InboundCursor, InboundId, InboundRow};
use crate::memory::Memory;
use crate::message::{
    DeliveredRow, MessageCursor, MessageFilter, MessageRow, NewMessage, QueuedRow, StoredMessage,
};
use crate::options::Options;
use crate::sqlite::Sqlite;

/// Most rows that one call returns; a larger limit means this one.
pub const MAX_PAGE: usize = 10_000;
/// Longest body and longest mail of the bounce mailbox, in octets.
pub const MAX_BODY: usize = 256 << 20;
/// Longest name of a cursor, namespace, key or journal, in octets.
pub const MAX_NAME: usize = 512;
/// Longest value and longest journal entry, in octets.
pub const MAX_VALUE: usize = 16 << 20;

/// A store: clone it freely, all clones are one. The last one to be dropped waits for the writes that were handed in.
///
/// Reading never waits for writing, and sees all that was committed before it began. Reading fails with
/// [`StoreError::Io`] if the disk does, with [`StoreError::Corrupt`] if what is there is not what was written.
#[derive(Clone)]
pub struct Store(Arc<dyn Backend>);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in a directory, and makes both if they are not there.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process has it open, [`StoreError::NewerSchema`] if a newer program wrote it,
    /// [`StoreError::Io`] and [`StoreError::Full`] if the disk fails.
    pub fn open(dir: &Path, options: Options) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(Sqlite::open(dir, options)?)))
    }

    /// A store that forgets everything when it is dropped, with [`Options::keep_bodies`] at its default. Its writes
    /// happen on the caller's thread: when the call returns, the callback was called.
    pub fn memory() -> Self {
        Self(Arc::new(Memory::new(Options::default().keep_bodies)))
    }

    /// The switches that make this store fail.
    pub fn faults(&self) -> &Faults {
        self.0.faults()
    }

    /// How many groups of writes were committed since this store was opened: on disk, each is one sync of the rows, and
    /// one of the bodies where it has any. In memory each write is a group of its own.
    pub fn groups(&self) -> u64 {
        self.0.groups()
    }

    // Writing.

    /// Keeps the messages of one mail transaction, which share one body, and writes the event
    /// [`Accepted`](emta_mail::EventKind::Accepted) of each. `done` gets their final ids, in order.
    ///
    /// A candidate id that is taken means that the same mail was sent before: the message gets the next
    /// [`copy_id`](crate::copy_id) that is free. Either all messages are kept or none.
    ///
    /// # Errors
    /// `done` gets [`StoreError::TooLong`] for a body beyond [`MAX_BODY`], [`StoreError::Full`], [`StoreError::Io`],
    /// [`StoreError::Busy`] or [`StoreError::Closed`].
    pub fn accept(&self, messages: Vec<NewMessage>, body: Bytes, done: Done<Vec<QueueId>>) {
        match at_most("a body", body.len(), MAX_BODY) {
            Ok(()) if messages.is_empty() => done(Ok(Vec::new())),
            Ok(()) => self.0.write(Write::Accept { messages, body, done }),
            Err(error) => done(Err(error)),
        }
    }

    /// Makes these changes, all or none, in this order.
    ///
    /// # Errors
    /// `done` gets [`StoreError::UnknownMessage`], [`StoreError::AcceptedTwice`] or [`StoreError::WrongChange`] for an
    /// event that cannot be recorded,
    /// [`StoreError::TooLong`] for what goes over a limit, and otherwise the errors of [`Store::accept`].
    pub fn commit(&self, changes: Vec<Change>, done: Done<Committed>) {
        match changes.iter().try_for_each(Change::check) {
            Ok(()) => self.0.write(Write::Commit { changes, done }),
            Err(error) => done(Err(error)),
        }
    }

    /// Appends events to the log and makes the changes of the queue that they imply: [`Store::commit`] of nothing
    /// else.
    pub fn record(&self, batch: Vec<Record>, done: Done<Committed>) {
        self.commit(batch.into_iter().map(|record| Change::Record(Box::new(record))).collect(), done);
    }

    /// [`Store::accept`], waiting for the outcome. Never call it from a callback.
    pub fn accept_wait(&self, messages: Vec<NewMessage>, body: Bytes) -> Result<Vec<QueueId>, StoreError> {
        wait(|done| self.accept(messages, body, done))
    }

    /// [`Store::commit`], waiting for the outcome. Never call it from a callback.
    pub fn commit_wait(&self, changes: Vec<Change>) -> Result<Committed, StoreError> {
        wait(|done| self.commit(changes, done))
    }

    /// [`Store::record`], waiting for the outcome. Never call it from a callback.
    pub fn record_wait(&self, batch: Vec<Record>) -> Result<Committed, StoreError> {
        wait(|done| self.record(batch, done))
    }

    // Messages.

    /// Shows every message that is not finished, by the instant at which it is due, then by id: what the queue needs when
    /// the program starts. They are shown as they are read, so that memory does not grow with their number.
    pub fn for_each_queued(&self, mut each: impl FnMut(QueuedRow)) -> Result<(), StoreError> {
        self.0.for_each_queued(&mut each)
    }

    /// Shows every message that a mailbox provider accepted, in no order: what the providers need when the program starts.
    pub fn for_each_delivered(&self, mut each: impl FnMut(DeliveredRow)) -> Result<(), StoreError> {
        self.0.for_each_delivered(&mut each)
    }

    /// The message of this id, without its body. It stays when the body is released.
    pub fn message(&self, id: QueueId) -> Result<Option<MessageRow>, StoreError> {
        self.0.message(id)
    }

    /// The message of this id with its body; `None` if there is none, or if its body was released, which happens at
    /// the earliest [`Options::keep_bodies`] after the message is finished.
    pub fn body(&self, id: QueueId) -> Result<Option<StoredMessage>, StoreError> {
        self.0.body(id)
    }

    /// [`Store::body`] of a message that was accepted not long ago ([`Options::body_cache`]) and not attempted since. It
    /// asks memory only, so that asynchronous code may call it; `None` says nothing.
    pub fn fresh(&self, id: QueueId) -> Option<StoredMessage> {
        self.0.fresh(id)
    }

    /// Messages that pass the filter, newest first, from after a place on; at most `limit` and [`MAX_PAGE`].
    pub fn messages(
        &self,
        filter: &MessageFilter,
        after: Option<MessageCursor>,
        limit: usize,
    ) -> Result<Vec<MessageRow>, StoreError> {
        self.0.messages(filter, after, limit.min(MAX_PAGE))
    }

    // Events.

    /// Events after this place in the order of commits (0: from the first one); at most `limit` and [`MAX_PAGE`].
    /// Nothing can appear before an event that was returned, so a reader that keeps its place misses none.
    pub fn events_after(&self, sequence: u64, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        self.0.events_after(sequence, limit.min(MAX_PAGE))
    }

    /// Events in the order of [`DeliveryEvent::order`](emta_mail::DeliveryEvent::order), from after a place on; at most
    /// `limit` and [`MAX_PAGE`]. This is the order in which a story is told, the same in every run.
    pub fn events_ordered(
        &self,
        after: Option<EventOrder>,
        limit: usize,
    ) -> Result<Vec<EventRow>, StoreError> {
        self.0.events_ordered(after, limit.min(MAX_PAGE))
    }

    /// The first events of one message, in the order of [`EventOrder`]; at most `limit` and [`MAX_PAGE`].
    pub fn events_of(&self, message: QueueId, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        self.0.events_of(message, limit.min(MAX_PAGE))
    }

    /// The place of the last event in the order of commits; 0 if there is none.
    pub fn last_sequence(&self) -> Result<u64, StoreError> {
        self.0.last_sequence()
    }

    /// Where a named cursor stands; 0 if it was never moved.
    pub fn cursor(&self, name: &str) -> Result<u64, StoreError> {
        self.0.cursor(name)
    }

    // The bounce mailbox.

    /// Mails of the bounce mailbox that were not deleted, oldest first, then by id, from after a place on; at most
    /// `limit` and [`MAX_PAGE`].
    pub fn mailbox(&self, after: Option<InboundCursor>, limit: usize) -> Result<Vec<InboundRow>, StoreError> {
        self.0.mailbox(after, limit.min(MAX_PAGE))
    }

    /// A mail that came back, deleted or not, without its content.
    pub fn inbound(&self, id: InboundId) -> Result<Option<InboundRow>, StoreError> {
        self.0.inbound(id)
    }

    /// The content of a mail that came back, deleted or not.
    pub fn inbound_raw(&self, id: InboundId) -> Result<Option<Bytes>, StoreError> {
        self.0.inbound_raw(id)
    }

    /// How much is in the bounce mailbox.
    pub fn inbound_counts(&self) -> Result<InboundCounts, StoreError> {
        self.0.inbound_counts()
    }

    // Small state of other parts.

    /// The small value of this name.
    pub fn value(&self, namespace: &str, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.0.value(namespace, key)
    }

    /// The small values of a namespace by key, in the order of the keys' bytes, from after a key on; at most `limit`
    /// and [`MAX_PAGE`].
    pub fn values(
        &self,
        namespace: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, StoreError> {
        self.0.values(namespace, after, limit.min(MAX_PAGE))
    }

    /// The entries of a journal after this one (0: from the first one); at most `limit` and [`MAX_PAGE`].
    pub fn journal_after(
        &self,
        journal: &str,
        sequence: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        self.0.journal_after(journal, sequence, limit.min(MAX_PAGE))
    }
}

/// Hands in a write and waits for its callback.
fn wait<T: Send + 'static>(write: impl FnOnce(Done<T>)) -> Result<T, StoreError> {
    let (sender, receiver) = mpsc::sync_channel(1);
    write(Box::new(move |outcome| {
        // The receiver waits below, so sending cannot fail.
        let _ = sender.send(outcome);
    }));
    // A callback that is dropped uncalled means that the writer is gone.
    receiver.recv().unwrap_or(Err(StoreError::Closed))
}
