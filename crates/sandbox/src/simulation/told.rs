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
const ROOM: usize = 8_192;

/// An event as a listener hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told<'a> {
    /// The event in the compact form that the digest is made of (`report/digest.rs`).
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

/// Events of a shard. Emptied, it keeps room for about as much again; not for what a rare large step needed.
#[derive(Debug, Default)]
pub(super) struct Page {
    entries: Vec<Entry>,
    encoded: Texts,
    lines: Texts,
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

impl Page {
    /// Writes an event down; `id` is its [`DeliveryEvent::id`]. With the facts of its message, as a line too.
    pub(super) fn write(&mut self, event: &DeliveryEvent, id: EventId, facts: Option<&MessageFacts>) {
        let encoded = self.encoded.add(|out| report::encode(event, out));
        let line = self.lines.add(|out| {
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
            let encoded = later.encoded.add(|out| out.extend_from_slice(self.encoded.piece(entry.encoded)));
            let line = later.lines.add(|out| out.extend_from_slice(self.lines.piece(entry.line)));
            later.entries.push(Entry { encoded, line, ..entry });
        }
    }

    /// Number of events.
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.entries.shrink_to(ROOM);
        self.encoded.clear();
        self.lines.clear();
    }
}

/// Texts one behind the other, in chunks: one buffer would be copied as it grows, and be up to twice as large as what is
/// in it.
#[derive(Debug, Default)]
struct Texts {
    /// Full ones, then the one that is written, then empty ones.
    chunks: Vec<Vec<u8>>,
    /// Number of the one that is written.
    last: usize,
}

/// Where a text is.
#[derive(Clone, Copy, Debug)]
struct Piece {
    chunk: u32,
    from: u32,
    length: u32,
}

impl Texts {
    /// Octets from which on a chunk is full. A text is never divided.
    const CHUNK: usize = 60 * 1024;
    /// Octets that most texts are shorter than; a longer one at the end of a chunk makes that grow.
    const SLACK: usize = 4 * 1024;
    /// Empty chunks that are kept.
    const ROOM: usize = 16;

    /// Adds what is written.
    fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Piece {
        if self.chunks.get(self.last).is_some_and(|chunk| chunk.len() >= Self::CHUNK) {
            self.last += 1;
        }
        if self.chunks.len() <= self.last {
            self.chunks.push(Vec::with_capacity(Self::CHUNK + Self::SLACK));
        }
        let chunk = &mut self.chunks[self.last];
        let from = chunk.len();
        write(chunk);
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Piece { chunk: number(self.last), from: number(from), length: number(chunk.len() - from) }
    }

    fn piece(&self, Piece { chunk, from, length }: Piece) -> &[u8] {
        let chunk = self.chunks.get(chunk as usize).and_then(|chunk| chunk.get(from as usize..));
        chunk.and_then(|rest| rest.get(..length as usize)).unwrap_or_default()
    }

    fn clear(&mut self) {
        self.chunks.truncate(Self::ROOM);
        self.chunks.iter_mut().for_each(Vec::clear);
        self.last = 0;
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
            tell(*outcome, Told { encoded: page.encoded.piece(*encoded), line: page.lines.piece(*line) })?;
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

    #[test]
    fn texts_of_any_length_are_kept_apart() {
        let mut texts = Texts::default();
        for _ in 0..2 {
            let lengths = [0, 1, Texts::CHUNK - 2, 3, Texts::CHUNK, Texts::CHUNK * 3, 0, 5, Texts::SLACK];
            let text = |number: usize, length| vec![number as u8; length];
            let add = |(number, length)| texts.add(|out| out.extend(text(number, length)));
            let pieces: Vec<Piece> = lengths.into_iter().enumerate().map(add).collect();
            for (number, (length, piece)) in lengths.into_iter().zip(pieces).enumerate() {
                assert_eq!(texts.piece(piece), text(number, length), "{number}");
            }
            texts.clear();
            assert!(texts.chunks.len() <= Texts::ROOM && texts.chunks.iter().all(Vec::is_empty));
        }
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
