//! The event log in memory.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use emta_mail::{DeliveryEvent, EventKind, QueueId, Timestamp};

use super::messages::Messages;
use crate::event::{EventOrder, EventRow, MessageFacts};

/// All events.
#[derive(Default)]
pub(super) struct Log {
    /// In the order of commits; the first one has sequence 1.
    entries: Vec<Entry>,
    /// Places in `entries` in the order in which the story is told; also what tells repetitions.
    order: BTreeMap<EventOrder, usize>,
    by_message: HashMap<QueueId, Vec<usize>>,
}

/// One event.
pub(super) struct Entry {
    sequence: u64,
    message: QueueId,
    at: Timestamp,
    /// `None` for the acceptance of the message, which is made from the message.
    kind: Option<EventKind>,
}

impl Entry {
    /// The event with the facts of its message; every event has one.
    pub(super) fn row(&self, messages: &Messages) -> Option<EventRow> {
        let row = messages.get(self.message)?;
        let facts = MessageFacts::of(row);
        let kind = self.kind.clone().unwrap_or_else(|| facts.accepted(row.size, row.expires_at));
        let event = DeliveryEvent { message: self.message, at: self.at, kind };
        Some(EventRow { sequence: self.sequence, event, message: facts })
    }
}

impl Log {
    /// Appends the acceptance of a message that is new.
    pub(super) fn append_accepted(&mut self, event: &DeliveryEvent) {
        self.push(event, None);
    }

    /// Appends an event, unless it is there already; says whether it was new.
    pub(super) fn append(&mut self, event: &DeliveryEvent) -> bool {
        if self.order.contains_key(&event.order()) {
            return false;
        }
        self.push(event, Some(event.kind.clone()));
        true
    }

    fn push(&mut self, event: &DeliveryEvent, kind: Option<EventKind>) {
        let place = self.entries.len();
        self.order.insert(event.order(), place);
        self.by_message.entry(event.message).or_default().push(place);
        let sequence = place as u64 + 1;
        self.entries.push(Entry { sequence, message: event.message, at: event.at, kind });
    }

    pub(super) fn last_sequence(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(super) fn after(&self, sequence: u64) -> impl Iterator<Item = &Entry> {
        let from = usize::try_from(sequence).unwrap_or(usize::MAX);
        self.entries.iter().skip(from)
    }

    pub(super) fn ordered_after(&self, after: Option<EventOrder>) -> impl Iterator<Item = &Entry> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.order.range((from, Bound::Unbounded)).filter_map(|(_, place)| self.entries.get(*place))
    }

    pub(super) fn of(&self, message: QueueId) -> impl Iterator<Item = &Entry> {
        let places = self.by_message.get(&message).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|place| self.entries.get(*place))
    }
}
