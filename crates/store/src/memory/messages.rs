//! Messages in memory, with the indices that searches use.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use bytes::Bytes;
use emta_mail::{DeliveryEvent, QueueId, Timestamp};

use crate::change::{QueueChange, Record};
use crate::message::{
    MessageCursor, MessageFilter, MessageRow, MessageStatus, NewMessage, QueueState, copy_id,
};

/// Ids by some text of the message.
type Index = HashMap<String, Vec<QueueId>>;

/// All messages.
pub(super) struct Messages {
    rows: HashMap<QueueId, MessageRow>,
    by_age: BTreeSet<MessageCursor>,
    by_message_id: Index,
    by_recipient: Index,
    by_log: Index,
    by_delivery: Index,
    bodies: HashMap<QueueId, Bytes>,
    /// How many copies of a candidate there are.
    copies: HashMap<QueueId, u64>,
    /// Finished messages whose bodies are still there.
    releasable: BTreeSet<(Timestamp, QueueId)>,
    keep_bodies: Duration,
}

impl Messages {
    pub(super) fn new(keep_bodies: Duration) -> Self {
        Self {
            rows: HashMap::new(),
            by_age: BTreeSet::new(),
            by_message_id: Index::new(),
            by_recipient: Index::new(),
            by_log: Index::new(),
            by_delivery: Index::new(),
            bodies: HashMap::new(),
            copies: HashMap::new(),
            releasable: BTreeSet::new(),
            keep_bodies,
        }
    }

    /// Keeps a message under the first id that is free, and returns the event of its acceptance.
    pub(super) fn insert(&mut self, new: NewMessage, body: &Bytes) -> DeliveryEvent {
        let mut id = new.candidate;
        while self.rows.contains_key(&id) {
            let ordinal = self.copies.entry(new.candidate).or_insert(0);
            *ordinal += 1;
            id = copy_id(new.candidate, *ordinal);
        }
        let row = MessageRow::accepted(new, id);
        self.by_age.insert(row.cursor());
        add(&mut self.by_message_id, Some(&row.message_id), id);
        add(&mut self.by_recipient, Some(&row.envelope.recipient.as_str().to_ascii_lowercase()), id);
        add(&mut self.by_log, row.origin.log.as_deref(), id);
        add(&mut self.by_delivery, row.origin.delivery.as_deref(), id);
        self.bodies.insert(id, body.clone());
        let event = row.accepted_event();
        self.rows.insert(id, row);
        event
    }

    /// Carries out what a new event means for its message.
    pub(super) fn follow(&mut self, record: &Record) {
        let at = record.event.at;
        let Some(row) = self.rows.get_mut(&record.event.message) else { return };
        if let QueueState::Waiting { .. } = row.state {
            let status = MessageStatus::after(&record.event.kind).unwrap_or(row.status);
            match &record.queue {
                QueueChange::None => {}
                QueueChange::Rescheduled { due, attempts } => {
                    row.status = status;
                    row.state = QueueState::Waiting { due: *due };
                    row.attempts = *attempts;
                    row.last_attempt = record.event.attempt().cloned();
                }
                QueueChange::Finished => {
                    row.status = status;
                    row.attempts = record.event.attempt().map_or(row.attempts, |last| last.number);
                    row.last_attempt = record.event.attempt().cloned();
                    row.state = QueueState::Finished { at };
                    self.releasable.insert((at, row.id));
                }
            }
        }
        self.release(at);
    }

    /// Drops the bodies that nobody needs any more.
    fn release(&mut self, now: Timestamp) {
        while let Some((finished, id)) = self.releasable.first().copied()
            && finished + self.keep_bodies < now
        {
            self.releasable.pop_first();
            self.bodies.remove(&id);
        }
    }

    pub(super) fn get(&self, id: QueueId) -> Option<&MessageRow> {
        self.rows.get(&id)
    }

    pub(super) fn body(&self, id: QueueId) -> Option<Bytes> {
        self.bodies.get(&id).cloned()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &MessageRow> {
        self.rows.values()
    }

    /// Messages that pass the filter, newest first.
    pub(super) fn find(
        &self,
        filter: &MessageFilter,
        after: Option<MessageCursor>,
        limit: usize,
    ) -> Vec<MessageRow> {
        let comes = |row: &&MessageRow| after.is_none_or(|after| row.cursor() < after) && filter.matches(row);
        let Some(ids) = self.candidates(filter) else {
            let places: Box<dyn Iterator<Item = &MessageCursor>> = match after {
                Some(after) => Box::new(self.by_age.range(..after).rev()),
                None => Box::new(self.by_age.iter().rev()),
            };
            let rows = places.filter_map(|place| self.rows.get(&place.id)).filter(comes);
            return rows.take(limit).cloned().collect();
        };
        let mut rows: Vec<&MessageRow> =
            ids.iter().filter_map(|id| self.rows.get(id)).filter(comes).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.cursor()));
        rows.into_iter().take(limit).cloned().collect()
    }

    /// The ids among which the filter's matches are, from the most selective index that applies; `None` where none
    /// does.
    fn candidates(&self, filter: &MessageFilter) -> Option<&[QueueId]> {
        let (index, key) = match (&filter.message_id, &filter.log, &filter.recipient, &filter.delivery) {
            (Some(message_id), ..) => (&self.by_message_id, message_id.clone()),
            (None, Some(log), ..) => (&self.by_log, log.clone()),
            (None, None, Some(recipient), _) => (&self.by_recipient, recipient.to_ascii_lowercase()),
            (None, None, None, Some(delivery)) => (&self.by_delivery, delivery.clone()),
            (None, None, None, None) => return None,
        };
        Some(index.get(&key).map_or(&[], Vec::as_slice))
    }
}

fn add(index: &mut Index, key: Option<&str>, id: QueueId) {
    if let Some(key) = key {
        index.entry(key.to_owned()).or_default().push(id);
    }
}
