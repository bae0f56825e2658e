//! Making writes inside a group's transaction.

use std::collections::{BTreeMap, BTreeSet};

use emta_mail::{QueueId, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use super::lookup::{self, Entry, Lookup, Name};
use super::{event_row, failed, inbound_row, integer, message_row, octets};
use crate::change::{Change, Committed, QueueChange, Record};
use crate::error::StoreError;
use crate::message::{MessageIdHeader, NewMessage, copy_id};
use crate::segment::{End, Placement};

/// What a group adds up to: what is written once for all its messages, and what memory learns after the commit.
pub(super) struct Effects<'l> {
    end: End,
    segments: BTreeMap<u32, SegmentEffect>,
    now: Timestamp,
    /// The last place in the log of events that is taken.
    last: i64,
    lookup: &'l Lookup,
    /// What the messages of the group are found by.
    entries: BTreeSet<Entry>,
}

struct SegmentEffect {
    /// By how much the number of unfinished messages changes.
    unfinished: i64,
    /// When the last message was finished.
    last_finished: Option<Timestamp>,
}

impl<'l> Effects<'l> {
    pub(super) const fn new(end: End, last: i64, lookup: &'l Lookup) -> Self {
        Self { end, segments: BTreeMap::new(), now: Timestamp::MIN, last, lookup, entries: BTreeSet::new() }
    }

    /// The last place in the log of events that is taken.
    pub(super) const fn last(&self) -> i64 {
        self.last
    }

    /// How many entries the index of messages gets.
    pub(super) fn added(&self) -> usize {
        self.entries.len()
    }

    /// What the index of messages gets.
    pub(super) fn into_entries(self) -> BTreeSet<Entry> {
        self.entries
    }

    /// The number of the message of this id, be it of this group or older.
    fn message(&self, connection: &Connection, id: QueueId) -> Result<Option<i64>, StoreError> {
        let name = Name::id(id);
        match self.entries.range((name, i64::MIN)..=(name, i64::MAX)).next() {
            Some((_, message)) => Ok(Some(*message)),
            None => self.lookup.find_id(connection, id),
        }
    }

    /// The newest instant that the group spoke of.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    fn accepted(&mut self, segment: u32) {
        self.segment(segment).unfinished += 1;
    }

    fn finished(&mut self, segment: u32, at: Timestamp) {
        let effect = self.segment(segment);
        effect.unfinished -= 1;
        effect.last_finished = effect.last_finished.max(Some(at));
    }

    fn segment(&mut self, segment: u32) -> &mut SegmentEffect {
        self.segments.entry(segment).or_insert(SegmentEffect { unfinished: 0, last_finished: None })
    }

    /// Writes the counts, and where the records of the last segment end.
    pub(super) fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        let fail = |e: rusqlite::Error| failed("counting what segments hold", &e);
        let mut upsert = connection
            .prepare_cached(
                "INSERT INTO segments (segment, end_offset, unfinished, last_finished_ms) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (segment) DO UPDATE SET end_offset = max(end_offset, excluded.end_offset), \
                 unfinished = unfinished + excluded.unfinished, last_finished_ms = max(coalesce(last_finished_ms, \
                 excluded.last_finished_ms), coalesce(excluded.last_finished_ms, last_finished_ms))",
            )
            .map_err(fail)?;
        for (segment, effect) in &self.segments {
            // Segments before the last one get no more records, so their end is of no interest.
            let end = if *segment == self.end.segment { self.end.offset } else { 0 };
            let last_finished = effect.last_finished.map(Timestamp::as_millis);
            upsert.execute((segment, integer(end), effect.unfinished, last_finished)).map_err(fail)?;
        }
        Ok(())
    }
}

/// Keeps the messages of one mail transaction; returns their final ids.
pub(super) fn accept(
    connection: &Connection,
    messages: &[NewMessage],
    place: Placement,
    effects: &mut Effects<'_>,
) -> Result<Vec<QueueId>, StoreError> {
    let mut ids = Vec::with_capacity(messages.len());
    for new in messages {
        let mut id = new.candidate;
        while effects.message(connection, id)?.is_some() {
            id = copy_id(new.candidate, next_copy(connection, new.candidate)?);
        }
        let message_id = new.header_message_id.resolve(id);
        let message = effects.last + 1;
        message_row::insert(connection, message, id, new, &message_id, place)?;
        effects.last = message;
        effects.accepted(place.segment);
        effects.now = effects.now.max(new.accepted_at);
        let added = matches!(new.header_message_id, MessageIdHeader::Add { .. });
        let (recipient, log) = (new.envelope.recipient.as_str(), new.origin.log.as_deref());
        effects.entries.extend(lookup::entries(message, id, &message_id, added, recipient, log));
        ids.push(id);
    }
    Ok(ids)
}

/// Counts one more copy of a message, from 1.
fn next_copy(connection: &Connection, candidate: QueueId) -> Result<u64, StoreError> {
    let fail = |e: rusqlite::Error| failed("counting copies", &e);
    let mut upsert = connection
        .prepare_cached(
            "INSERT INTO copies (candidate, copies) VALUES (?1, 1) \
             ON CONFLICT (candidate) DO UPDATE SET copies = copies + 1 RETURNING copies",
        )
        .map_err(fail)?;
    let copies: i64 = upsert.query_row([octets(candidate.as_u64())], |row| row.get(0)).map_err(fail)?;
    Ok(copies.unsigned_abs())
}

/// Makes changes, in order.
pub(super) fn commit(
    connection: &Connection,
    changes: &[Change],
    effects: &mut Effects<'_>,
) -> Result<Committed, StoreError> {
    let mut committed = Committed::default();
    for change in changes {
        match change {
            Change::Record(record) => {
                committed.events += usize::from(append(connection, record, effects)?);
            }
            Change::Inbound(new) => {
                committed.inbound += usize::from(inbound_row::insert(connection, new)?);
                effects.now = effects.now.max(new.received_at);
            }
            Change::Delete(id) => {
                execute(connection, "UPDATE inbound SET deleted = 1 WHERE id = ?1", [id.to_string()])?;
            }
            Change::Cursor { name, sequence } => execute(
                connection,
                "INSERT INTO cursors (name, sequence) VALUES (?1, ?2) \
                 ON CONFLICT (name) DO UPDATE SET sequence = excluded.sequence",
                (name, integer(*sequence)),
            )?,
            Change::Put { namespace, key, value } => execute(
                connection,
                "INSERT INTO key_values (namespace, key, value) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (namespace, key) DO UPDATE SET value = excluded.value",
                (namespace, key, &value[..]),
            )?,
            Change::Remove { namespace, key } => execute(
                connection,
                "DELETE FROM key_values WHERE namespace = ?1 AND key = ?2",
                (namespace, key),
            )?,
            Change::Append { journal, entry } => {
                committed.journal.push(append_journal(connection, journal, entry)?);
            }
        }
    }
    Ok(committed)
}

/// Appends an event and makes the change of the queue that it implies; says whether the event was new.
fn append(connection: &Connection, record: &Record, effects: &mut Effects<'_>) -> Result<bool, StoreError> {
    let Record { event, queue } = record;
    let message = effects.message(connection, event.message)?;
    let message = message.ok_or(StoreError::UnknownMessage(event.message))?;
    // Whether the message is unfinished matters only where it would be changed.
    let segment = match queue {
        QueueChange::None => None,
        QueueChange::Rescheduled { .. } | QueueChange::Finished => queued_in(connection, message)?,
    };
    let is_final = segment.is_some() && matches!(queue, QueueChange::Finished);
    let sequence = effects.last + 1;
    if !event_row::insert(connection, sequence, message, event, is_final)? {
        return Ok(false);
    }
    effects.last = sequence;
    effects.now = effects.now.max(event.at);
    let Some(segment) = segment else { return Ok(true) };
    match queue {
        QueueChange::None => {}
        QueueChange::Rescheduled { due, attempts } => execute(
            connection,
            "UPDATE queue SET due_ms = ?2, attempts = ?3, last_event = ?4 WHERE message = ?1",
            (message, due.as_millis(), attempts, sequence),
        )?,
        QueueChange::Finished => {
            execute(connection, "DELETE FROM queue WHERE message = ?1", [message])?;
            effects.finished(segment, event.at);
        }
    }
    Ok(true)
}

/// The segment with the body of this message, if it is not finished.
fn queued_in(connection: &Connection, message: i64) -> Result<Option<u32>, StoreError> {
    let fail = |e: rusqlite::Error| failed("looking up a message", &e);
    let select = "SELECT segment FROM queue WHERE message = ?1";
    let mut select = connection.prepare_cached(select).map_err(fail)?;
    select.query_row([message], |row| row.get(0)).optional().map_err(fail)
}

/// Appends an entry and returns its sequence number.
fn append_journal(connection: &Connection, journal: &str, entry: &[u8]) -> Result<u64, StoreError> {
    let fail = |e: rusqlite::Error| failed("writing a journal", &e);
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO journals (journal, sequence, entry) VALUES (?1, \
             (SELECT coalesce(max(sequence), 0) + 1 FROM journals WHERE journal = ?1), ?2) RETURNING sequence",
        )
        .map_err(fail)?;
    let sequence: i64 = insert.query_row((journal, entry), |row| row.get(0)).map_err(fail)?;
    Ok(sequence.unsigned_abs())
}

/// Marks the segments that no message needs any more, and returns them. The last segment stays: it is being written.
pub(super) fn release_segments(
    connection: &Connection,
    finished_before: Timestamp,
    current: u32,
) -> Result<Vec<u32>, StoreError> {
    let release = || {
        let mut update = connection.prepare_cached(
            "UPDATE segments SET released = 1 WHERE released = 0 AND unfinished = 0 AND segment <> ?2 \
             AND coalesce(last_finished_ms < ?1, 1) RETURNING segment",
        )?;
        let segments = update.query_map((finished_before.as_millis(), current), |row| row.get(0))?;
        segments.collect::<rusqlite::Result<Vec<u32>>>()
    };
    release().map_err(|e| failed("releasing segments", &e))
}

fn execute(connection: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<(), StoreError> {
    let run = || connection.prepare_cached(sql)?.execute(values);
    run().map(|_| ()).map_err(|e| failed("writing", &e))
}
