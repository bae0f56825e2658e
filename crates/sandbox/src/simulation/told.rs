//! What shards tell, written down at once.
//!
//! An event is a few dozen small texts. Kept as such until its turn comes in the story, those of one step were more
//! than the caches hold, and were freed by another thread than had made them. So a shard writes each event down when it
//! happens, one behind the other; what is left to do for the thread that tells them all is to copy. Each event has 32
//! octets beside its texts, and what a shard has room for begins small: there are many shards and small runs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;

use emta_mail::{DeliveryEvent, EventId, QueueId, Timestamp};
use emta_store::MessageFacts;

use super::figures::Outcome;
use super::report;

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

/// Events of a shard, in runs that are sorted each by itself.
#[derive(Debug, Default)]
pub(super) struct Page {
    runs: Vec<Run>,
}

/// Some events and their texts, one behind the other. One buffer for a whole page would be copied as it grows, and be up
/// to twice as large as what is in it.
#[derive(Debug, Default)]
struct Run {
    entries: Vec<Entry>,
    texts: Vec<u8>,
}

/// The order of the story: [`DeliveryEvent::order`], with the id made only once.
type Order = (Timestamp, QueueId, u8, EventId);

/// Small, because an instant may have a hundred thousand.
#[derive(Clone, Copy, Debug)]
struct Entry {
    at: Timestamp,
    message: QueueId,
    event: EventId,
    /// Where its texts begin: the compact form, and behind it the line.
    from: u32,
    rank: u8,
    outcome: Outcome,
}

impl Entry {
    const fn order(&self) -> Order {
        (self.at, self.message, self.rank, self.event)
    }
}

impl Page {
    /// Octets of the texts of a run that an emptied page keeps: there are some pages for each shard, and most shards
    /// have few events a step.
    const ROOM: usize = 16 * 1024;

    /// Writes an event down; `id` is its [`DeliveryEvent::id`]. With the facts of its message, as a line too.
    pub(super) fn write(&mut self, event: &DeliveryEvent, id: EventId, facts: Option<&MessageFacts>) {
        let (rank, outcome) = (event.kind.rank(), Outcome::of(event));
        let entry = Entry { at: event.at, message: event.message, event: id, from: 0, rank, outcome };
        let encode = |out: &mut Vec<u8>| report::encode(event, out);
        self.open_run().add(entry, encode, |out| {
            if let Some(facts) = facts {
                report::write_line(event, facts, out);
            }
        });
    }

    /// The run that has room for an event more.
    fn open_run(&mut self) -> &mut Run {
        if self.runs.last().is_none_or(Run::is_full) {
            self.runs.push(Run::default());
        }
        let last = self.runs.len() - 1;
        &mut self.runs[last]
    }

    /// Puts the events of each run in order, and what is behind the bound into `later`.
    pub(super) fn sort(&mut self, until: Bound, later: &mut Self) {
        let bound = (until.at, QueueId::from_u64(until.id));
        for Run { entries, texts } in &mut self.runs {
            entries.sort_unstable_by_key(Entry::order);
            let behind = entries.partition_point(|entry| (entry.at, entry.message) < bound);
            for entry in entries.drain(behind..) {
                let told = told(texts, entry.from);
                let copy = |text| move |out: &mut Vec<u8>| out.extend_from_slice(text);
                later.open_run().add(entry, copy(told.encoded), copy(told.line));
            }
        }
    }

    /// Number of events.
    pub(super) fn len(&self) -> usize {
        self.runs.iter().map(|run| run.entries.len()).sum()
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.runs.truncate(1);
        self.runs.retain(|run| run.texts.capacity() <= Self::ROOM);
        for Run { entries, texts } in &mut self.runs {
            entries.clear();
            texts.clear();
        }
    }
}

impl Run {
    /// Octets of texts from which on a run is full. A text is never divided.
    const FULL: usize = 60 * 1024;
    /// Octets that most texts are shorter than; a longer one at the end of a run makes that grow.
    const SLACK: usize = 4 * 1024;
    /// Octets of the lengths before an entry's texts.
    const LENGTHS: usize = 8;

    const fn is_full(&self) -> bool {
        self.texts.len() >= Self::FULL
    }

    /// Adds an event with the texts that are written.
    fn add(
        &mut self,
        entry: Entry,
        encode: impl FnOnce(&mut Vec<u8>),
        write_line: impl FnOnce(&mut Vec<u8>),
    ) {
        let Self { entries, texts } = self;
        // As it grows it is doubled, but not beyond what makes it full.
        if texts.len() + Self::SLACK > texts.capacity() {
            let wanted = (texts.capacity() * 2).clamp(Self::SLACK, Self::FULL + Self::SLACK);
            texts.reserve_exact(wanted.saturating_sub(texts.len()));
        }
        let from = texts.len();
        texts.extend_from_slice(&[0; Self::LENGTHS]);
        encode(texts);
        let middle = texts.len();
        write_line(texts);
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let encoded = u64::from(number(middle - from - Self::LENGTHS));
        let lengths = encoded | u64::from(number(texts.len() - middle)) << 32;
        if let Some(room) = texts.get_mut(from..from + Self::LENGTHS) {
            room.copy_from_slice(&lengths.to_le_bytes());
        }
        entries.push(Entry { from: number(from), ..entry });
    }
}

/// The texts that begin here.
fn told(texts: &[u8], from: u32) -> Told<'_> {
    let texts = texts.get(from as usize..).unwrap_or_default();
    let (lengths, rest) = texts.split_first_chunk().unwrap_or((&[0; Run::LENGTHS], &[]));
    let lengths = u64::from_le_bytes(*lengths);
    let (encoded, rest) = rest.split_at_checked((lengths as u32) as usize).unwrap_or_default();
    Told { encoded, line: rest.get(..(lengths >> 32) as usize).unwrap_or_default() }
}

/// Reads sorted pages in one order.
///
/// # Errors
/// What `tell` says; nothing is told after it.
pub(super) fn merge(
    pages: &[Page],
    mut tell: impl FnMut(Outcome, Told<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let runs = pages.iter().flat_map(|page| &page.runs);
    let mut unread: Vec<_> = runs.map(|run| (&run.texts, run.entries.iter())).collect();
    let head = |(number, (_, rest)): (usize, &(&Vec<u8>, std::slice::Iter<'_, Entry>))| {
        Some(Reverse((rest.as_slice().first()?.order(), number)))
    };
    let mut heads: BinaryHeap<_> = unread.iter().enumerate().filter_map(head).collect();
    while let Some(mut first) = heads.peek_mut() {
        let Reverse((_, number)) = *first;
        let Some((texts, rest)) = unread.get_mut(number) else { break };
        if let Some(Entry { outcome, from, .. }) = rest.next() {
            tell(*outcome, told(texts, *from))?;
        }
        match rest.as_slice().first() {
            // Sinks to where it belongs when it is let go.
            Some(next) => *first = Reverse((next.order(), number)),
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
        let mut page = Page::default();
        for _ in 0..2 {
            let lengths = [0, 1, Run::FULL - 2, 3, Run::FULL, Run::FULL * 3, 0, 5, Run::SLACK];
            let text = |number: usize, length| vec![number as u8; length];
            for (number, (length, other)) in lengths.into_iter().zip(lengths.into_iter().rev()).enumerate() {
                let entry = Entry {
                    at: Timestamp::from_seconds(0),
                    message: QueueId::from_u64(number as u64),
                    event: EventId::from_u64(0),
                    from: 0,
                    rank: 0,
                    outcome: Outcome::Opened,
                };
                let write = |length| move |out: &mut Vec<u8>| out.extend(text(number, length));
                page.open_run().add(entry, write(length), write(other));
            }
            let mut read = 0;
            page.sort(Bound { at: Timestamp::from_seconds(1), id: 0 }, &mut Page::default());
            merge(std::slice::from_ref(&page), |_, Told { encoded, line }| {
                assert_eq!(encoded, text(read, lengths[read]), "{read}");
                assert_eq!(line, text(read, lengths[lengths.len() - 1 - read]), "{read}");
                read += 1;
                Ok(())
            })
            .unwrap();
            assert_eq!((read, page.len()), (lengths.len(), lengths.len()));
            page.clear();
            assert!(page.runs.is_empty() && page.len() == 0, "room for so much is not kept");
        }
    }

    #[test]
    fn an_entry_stays_small() {
        assert_eq!(size_of::<Entry>(), 32);
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
