//! The back-end without a disk: plain collections behind one lock.
//!
//! Callbacks run on the caller's thread after the lock is released, so a simulation on one thread is deterministic and
//! a callback may read the store or write to it.

mod log;
mod mailbox;
mod messages;
mod small;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use emta_mail::{EventKind, QueueId};

use crate::backend::{Backend, Write};
use crate::change::{Change, Committed, JournalEntry};
use crate::error::StoreError;
use crate::event::{EventOrder, EventRow};
use crate::fault::Faults;
use crate::inbound::{InboundCounts, InboundCursor, InboundId, InboundRow};
use crate::message::{
    DeliveredRow, MessageCursor, MessageFilter, MessageRow, NewMessage, QueueState, QueuedRow, StoredMessage,
};

use log::Log;
use mailbox::Mailbox;
use messages::Messages;
use small::Small;

/// The store without a disk.
pub(crate) struct Memory {
    state: Mutex<State>,
    faults: Faults,
    writes: AtomicU64,
}

/// All that is stored.
struct State {
    messages: Messages,
    log: Log,
    mailbox: Mailbox,
    small: Small,
}

impl Memory {
    /// An empty store that keeps bodies this long after their message is finished.
    pub(crate) fn new(keep_bodies: Duration) -> Self {
        let state = State {
            messages: Messages::new(keep_bodies),
            log: Log::default(),
            mailbox: Mailbox::default(),
            small: Small::default(),
        };
        Self { state: Mutex::new(state), faults: Faults::default(), writes: AtomicU64::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code under the lock panics on input; if it did, the state would be as good as after any other bug.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn accept(&mut self, messages: Vec<NewMessage>, body: &Bytes) -> Vec<QueueId> {
        let mut ids = Vec::with_capacity(messages.len());
        for new in messages {
            let event = self.messages.insert(new, body);
            self.log.append_accepted(&event);
            ids.push(event.message);
        }
        ids
    }

    fn commit(&mut self, changes: Vec<Change>) -> Result<Committed, StoreError> {
        // All that can fail is checked before anything changes.
        for change in &changes {
            if let Change::Record(record) = change
                && self.messages.get(record.event.message).is_none()
            {
                return Err(StoreError::UnknownMessage(record.event.message));
            }
        }
        let mut committed = Committed::default();
        for change in changes {
            match change {
                Change::Record(record) => {
                    if self.log.append(&record.event) {
                        self.messages.follow(&record);
                        committed.events += 1;
                    }
                }
                Change::Inbound(new) => committed.inbound += usize::from(self.mailbox.insert(*new)),
                Change::Delete(id) => self.mailbox.delete(id),
                Change::Cursor { name, sequence } => self.small.set_cursor(name, sequence),
                Change::Put { namespace, key, value } => self.small.put(namespace, key, value),
                Change::Remove { namespace, key } => self.small.remove(&namespace, &key),
                Change::Append { journal, entry } => {
                    committed.journal.push(self.small.append(journal, entry));
                }
            }
        }
        Ok(committed)
    }
}

impl Backend for Memory {
    fn write(&self, write: Write) {
        if let Err(error) = self.faults.check() {
            return write.fail(error);
        }
        self.writes.fetch_add(1, Ordering::Relaxed);
        match write {
            Write::Accept { messages, body, done } => {
                let ids = self.state().accept(messages, &body);
                done(Ok(ids));
            }
            Write::Commit { changes, done } => {
                let outcome = self.state().commit(changes);
                done(outcome);
            }
        }
    }

    fn faults(&self) -> &Faults {
        &self.faults
    }

    fn groups(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    fn for_each_queued(&self, each: &mut dyn FnMut(QueuedRow)) -> Result<(), StoreError> {
        // Collected first: `each` may use the store.
        let mut rows: Vec<QueuedRow> = self.state().messages.all().filter_map(queued).collect();
        rows.sort_unstable_by_key(|row| (row.due, row.id));
        rows.into_iter().for_each(each);
        Ok(())
    }

    fn for_each_delivered(&self, each: &mut dyn FnMut(DeliveredRow)) -> Result<(), StoreError> {
        // Collected first: `each` may use the store.
        let state = self.state();
        let rows = state.log.after(0).filter_map(|entry| entry.row(&state.messages)).filter_map(delivered);
        let rows: Vec<DeliveredRow> = rows.collect();
        drop(state);
        rows.into_iter().for_each(each);
        Ok(())
    }

    fn message(&self, id: QueueId) -> Result<Option<MessageRow>, StoreError> {
        Ok(self.state().messages.get(id).cloned())
    }

    fn body(&self, id: QueueId) -> Result<Option<StoredMessage>, StoreError> {
        let state = self.state();
        let found = state.messages.get(id).zip(state.messages.body(id));
        Ok(found.map(|(message, body)| StoredMessage { message: message.clone(), body }))
    }

    fn fresh(&self, id: QueueId) -> Option<StoredMessage> {
        self.body(id).ok().flatten()
    }

    fn messages(
        &self,
        filter: &MessageFilter,
        after: Option<MessageCursor>,
        limit: usize,
    ) -> Result<Vec<MessageRow>, StoreError> {
        Ok(self.state().messages.find(filter, after, limit))
    }

    fn events_after(&self, sequence: u64, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        let state = self.state();
        Ok(state.log.after(sequence).take(limit).filter_map(|entry| entry.row(&state.messages)).collect())
    }

    fn events_ordered(&self, after: Option<EventOrder>, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        let state = self.state();
        let entries = state.log.ordered_after(after).take(limit);
        Ok(entries.filter_map(|entry| entry.row(&state.messages)).collect())
    }

    fn events_of(&self, message: QueueId, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        let state = self.state();
        let mut rows: Vec<EventRow> =
            state.log.of(message).filter_map(|entry| entry.row(&state.messages)).collect();
        rows.sort_by_key(|row| row.event.order());
        rows.truncate(limit);
        Ok(rows)
    }

    fn last_sequence(&self) -> Result<u64, StoreError> {
        Ok(self.state().log.last_sequence())
    }

    fn cursor(&self, name: &str) -> Result<u64, StoreError> {
        Ok(self.state().small.cursor(name))
    }

    fn mailbox(&self, after: Option<InboundCursor>, limit: usize) -> Result<Vec<InboundRow>, StoreError> {
        Ok(self.state().mailbox.list(after, limit))
    }

    fn inbound(&self, id: InboundId) -> Result<Option<InboundRow>, StoreError> {
        Ok(self.state().mailbox.get(id))
    }

    fn inbound_raw(&self, id: InboundId) -> Result<Option<Bytes>, StoreError> {
        Ok(self.state().mailbox.raw(id))
    }

    fn inbound_counts(&self) -> Result<InboundCounts, StoreError> {
        Ok(self.state().mailbox.counts())
    }

    fn value(&self, namespace: &str, key: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.state().small.value(namespace, key))
    }

    fn values(
        &self,
        namespace: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, StoreError> {
        Ok(self.state().small.values(namespace, after, limit))
    }

    fn journal_after(
        &self,
        journal: &str,
        sequence: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        Ok(self.state().small.journal_after(journal, sequence, limit))
    }
}

fn queued(row: &MessageRow) -> Option<QueuedRow> {
    match row.state {
        QueueState::Waiting { due } => Some(QueuedRow {
            id: row.id,
            domain: row.envelope.recipient.domain(),
            accepted_at: row.accepted_at,
            expires_at: row.expires_at,
            due,
            attempts: row.attempts,
        }),
        QueueState::Finished { .. } => None,
    }
}

fn delivered(row: EventRow) -> Option<DeliveredRow> {
    matches!(row.event.kind, EventKind::Delivered { .. }).then_some(DeliveredRow {
        id: row.event.message,
        sender: row.message.sender,
        recipient: row.message.recipient,
        at: row.event.at,
    })
}
