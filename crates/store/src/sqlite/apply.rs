//! Making writes inside a group's transaction.

use std::collections::BTreeMap;

use emta_mail::event::Attempt;
use emta_mail::{QueueId, Timestamp};
use rusqlite::{Connection, params};

use super::message_row::Standing;
use super::{event_row, failed, inbound_row, integer, message_row};
use crate::change::{Change, Committed, QueueChange, Record};
use crate::error::StoreError;
use crate::message::{MessageRow, MessageStatus, NewMessage, copy_id};
use crate::segment::{End, Placement};

/// What a group means for the segments; written once a group, not once a message.
pub(super) struct Effects {
    end: End,
    segments: BTreeMap<u32, SegmentEffect>,
    now: Timestamp,
}

struct SegmentEffect {
    /// By how much the number of unfinished messages changes.
    unfinished: i64,
    /// When the last message was finished.
    last_finished: Option<Timestamp>,
}

impl Effects {
    pub(super) fn new(end: End) -> Self {
        Self { end, segments: BTreeMap::new(), now: Timestamp::MIN }
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
    effects: &mut Effects,
) -> Result<Vec<QueueId>, StoreError> {
    let mut ids = Vec::with_capacity(messages.len());
    for new in messages {
        let mut row = MessageRow::accepted(new, new.candidate);
        while !message_row::insert(connection, &row, place)? {
            let ordinal = next_copy(connection, new.candidate)?;
            row = MessageRow::accepted(new, copy_id(new.candidate, ordinal));
        }
        event_row::insert(connection, &row.accepted_event())?;
        effects.accepted(place.segment);
        effects.now = effects.now.max(new.accepted_at);
        ids.push(row.id);
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
    let copies: i64 = upsert.query_row([candidate.to_string()], |row| row.get(0)).map_err(fail)?;
    Ok(copies.unsigned_abs())
}

/// Makes changes, in order.
pub(super) fn commit(
    connection: &Connection,
    changes: &[Change],
    effects: &mut Effects,
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
fn append(connection: &Connection, record: &Record, effects: &mut Effects) -> Result<bool, StoreError> {
    let event = &record.event;
    let standing = message_row::standing(connection, event.message)?;
    let Some(standing) = standing else { return Err(StoreError::UnknownMessage(event.message)) };
    if !event_row::insert(connection, event)? {
        return Ok(false);
    }
    effects.now = effects.now.max(event.at);
    if standing.is_finished {
        return Ok(true);
    }
    let status = MessageStatus::after(&event.kind).map(MessageStatus::name);
    match &record.queue {
        QueueChange::None => {
            if let Some(status) = status {
                let sql = "UPDATE messages SET status = ?2 WHERE row = ?1";
                execute(connection, sql, (standing.row, status))?;
            }
        }
        QueueChange::Rescheduled { due, attempts, last } => {
            attempted(connection, &standing, status, Some(*due), None, *attempts, last)?;
        }
        QueueChange::Finished => {
            match event.attempt() {
                Some(last) => {
                    attempted(connection, &standing, status, None, Some(event.at), last.number, last)?;
                }
                None => execute(
                    connection,
                    "UPDATE messages SET status = coalesce(?2, status), due_ms = NULL, finished_at_ms = ?3 \
                     WHERE row = ?1",
                    (standing.row, status, event.at.as_millis()),
                )?,
            }
            effects.finished(standing.segment, event.at);
        }
    }
    Ok(true)
}

/// Notes an attempt that ended: with another one due, or as the last.
fn attempted(
    connection: &Connection,
    standing: &Standing,
    status: Option<&str>,
    due: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    attempts: u32,
    last: &Attempt,
) -> Result<(), StoreError> {
    execute(
        connection,
        "UPDATE messages SET status = coalesce(?2, status), due_ms = ?3, attempts = ?4, last_attempt = ?5, \
         last_provider = ?6, last_mx = ?7, last_phase = ?8, last_code = ?9, last_enhanced = ?10, last_text = ?11, \
         last_after_crash = ?12, finished_at_ms = ?13 WHERE row = ?1",
        params![
            standing.row,
            status,
            due.map(Timestamp::as_millis),
            attempts,
            last.number,
            last.provider,
            last.mx,
            last.phase.name(),
            last.reply.code(),
            last.reply.enhanced().map(|enhanced| enhanced.to_string()),
            last.reply.text(),
            last.after_crash,
            finished_at.map(Timestamp::as_millis),
        ],
    )
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
