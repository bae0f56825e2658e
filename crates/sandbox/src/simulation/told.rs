//! What shards tell, written down at once.
//!
//! An event is a few dozen small texts. Kept as such until its turn comes in the story, those of one step were more
//! than the caches hold, and were freed by another thread than had made them. So a shard writes each event down when it
//! happens, one behind the other; what is left to do for the thread that tells them all is to copy.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;

use emta_mail::{DeliveryEvent, EventId, QueueId, Timestamp};
use emta_store::MessageFacts;

use super::figures::Outcome;
use super::report;

/// Events that an empty page has room for at most: a step's, were they all of one shard.
const ROOM_ENTRIES: usize = 8_192;
/// Octets that an empty page has room for at most, of each form.
const ROOM: usize = 1 << 20;

/// An event as a listener hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told<'a> {
    /// The event in the compact form that the digest is made of ([`report::encode`]).
    pub encoded: &'a [u8],
    /// The event as a line of JSON with its LF; empty where [`super::Lines::Omitted`] was asked for.
    pub line: &'a [u8],
}

/// Up to where a shard is to run and to tell: all events that come before this instant, or at it for messages with a
/// smaller id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bound {
    pub(super) at: Timestamp,
    pub(super) id: u64,
}

/// Events of a shard. Emptied, it keeps its room for the next ones.
#[derive(Debug, Default)]
pub(super) struct Page {
    entries: Vec<Entry>,
    encoded: Vec<u8>,
    lines: Vec<u8>,
}

/// The order of the story: [`DeliveryEvent::order`], with the id made only once.
type Order = (Timestamp, QueueId, u8, EventId);

#[derive(Clone, Copy, Debug)]
struct Entry {
    order: Order,
    outcome: Outcome,
    encoded: Piece,
    line: Piece,
}

/// A part of a buffer.
#[derive(Clone, Copy, Debug)]
struct Piece {
    from: usize,
    length: usize,
}

impl Piece {
    fn of(self, buffer: &[u8]) -> &[u8] {
        self.from.checked_add(self.length).and_then(|to| buffer.get(self.from..to)).unwrap_or_default()
    }

    /// Adds to a buffer; what was added.
    fn add(buffer: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let from = buffer.len();
        write(buffer);
        Self { from, length: buffer.len() - from }
    }
}

impl Page {
    /// Writes an event down; `id` is its [`DeliveryEvent::id`]. With the facts of its message, as a line too.
    pub(super) fn write(&mut self, event: &DeliveryEvent, id: EventId, facts: Option<&MessageFacts>) {
        let encoded = Piece::add(&mut self.encoded, |out| report::encode(event, out));
        let line = Piece::add(&mut self.lines, |out| {
            if let Some(facts) = facts {
                report::write_line(event, facts, out);
            }
        });
        let order = (event.at, event.message, event.kind.rank(), id);
        self.entries.push(Entry { order, outcome: Outcome::of(event), encoded, line });
    }

    /// Puts the events in order, and what is behind the bound into `later`.
    pub(super) fn sort(&mut self, until: Bound, later: &mut Self) {
        self.entries.sort_unstable_by_key(|entry| entry.order);
        let bound = (until.at, QueueId::from_u64(until.id));
        let behind = self.entries.partition_point(|entry| (entry.order.0, entry.order.1) < bound);
        for entry in self.entries.drain(behind..) {
            let copy = |from: &[u8], piece: Piece, to: &mut Vec<u8>| {
                Piece::add(to, |out| out.extend_from_slice(piece.of(from)))
            };
            let encoded = copy(&self.encoded, entry.encoded, &mut later.encoded);
            let line = copy(&self.lines, entry.line, &mut later.lines);
            later.entries.push(Entry { encoded, line, ..entry });
        }
    }

    /// Number of events.
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Forgets everything, and keeps room for about as much again; not for what a rare large step needed.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.entries.shrink_to(ROOM_ENTRIES);
        for buffer in [&mut self.encoded, &mut self.lines] {
            buffer.clear();
            buffer.shrink_to(ROOM);
        }
    }
}

/// Reads sorted pages in one order.
///
/// # Errors
/// What `tell` says; nothing is told after it.
pub(super) fn merge(
    pages: &[Page],
    mut tell: impl FnMut(Outcome, Told<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut unread: Vec<_> = pages.iter().map(|page| (page, page.entries.iter())).collect();
    let head = |(number, (_, rest)): (usize, &(&Page, std::slice::Iter<'_, Entry>))| {
        Some(Reverse((rest.as_slice().first()?.order, number)))
    };
    let mut heads: BinaryHeap<_> = unread.iter().enumerate().filter_map(head).collect();
    while let Some(mut first) = heads.peek_mut() {
        let Reverse((_, number)) = *first;
        let Some((page, rest)) = unread.get_mut(number) else { break };
        if let Some(Entry { outcome, encoded, line, .. }) = rest.next() {
            tell(*outcome, Told { encoded: encoded.of(&page.encoded), line: line.of(&page.lines) })?;
        }
        match rest.as_slice().first() {
            // Sinks to where it belongs when it is let go.
            Some(next) => *first = Reverse((next.order, number)),
            None => drop(std::collections::binary_heap::PeekMut::pop(first)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use emta_mail::EventKind;

    fn opened((at, message): (i64, u64)) -> DeliveryEvent {
        let (at, message) = (Timestamp::from_seconds(at), QueueId::from_u64(message));
        DeliveryEvent { message, at, kind: EventKind::Opened }
    }

    fn page(events: &[(i64, u64)]) -> Page {
        let mut page = Page::default();
        for event in events.iter().copied().map(opened) {
            page.write(&event, event.id(), None);
        }
        page
    }

    fn encoded(events: &[(i64, u64)]) -> Vec<u8> {
        let mut out = Vec::new();
        events.iter().copied().for_each(|event| report::encode(&opened(event), &mut out));
        out
    }

    proptest! {
        /// However events are divided among pages and bounds, they are read in one order.
        #[test]
        fn one_order(
            shards in prop::collection::vec(prop::collection::vec((0..9_i64, 0..9_u64), 0..9), 0..5),
            mut bounds in prop::collection::vec((0..9_i64, 0..9_u64), 0..4),
        ) {
            bounds.sort_unstable();
            bounds.push((i64::from(u16::MAX), 0));
            let mut told = Vec::new();
            let mut pages: Vec<Page> = shards.iter().map(|events| page(events)).collect();
            for (at, id) in bounds {
                let bound = Bound { at: Timestamp::from_seconds(at), id };
                let mut later: Vec<Page> = pages.iter().map(|_| Page::default()).collect();
                pages.iter_mut().zip(&mut later).for_each(|(page, later)| page.sort(bound, later));
                merge(&pages, |_, event| {
                    told.extend_from_slice(event.encoded);
                    Ok(())
                }).unwrap();
                pages = later;
            }
            prop_assert!(pages.iter().all(|page| page.len() == 0));
            let mut all = shards.concat();
            all.sort_unstable();
            prop_assert_eq!(told, encoded(&all));
        }
    }
}
