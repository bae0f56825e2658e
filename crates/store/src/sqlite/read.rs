//! Answering what is asked, on connections for reading.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use emta_mail::QueueId;
use rusqlite::{Connection, Params};

use super::columns::Columns;
use super::{Sqlite, event_row, failed, inbound_row, integer, message_row, octets, search};
use crate::backend::{Backend, Write};
use crate::change::JournalEntry;
use crate::error::StoreError;
use crate::event::{EventOrder, EventRow};
use crate::fault::Faults;
use crate::inbound::{InboundCounts, InboundCursor, InboundId, InboundRow};
use crate::message::{DeliveredRow, MessageCursor, MessageFilter, MessageRow, QueuedRow, StoredMessage};
use crate::segment::Placement;

impl Backend for Sqlite {
    fn write(&self, write: Write) {
        self.inbox.send(write);
    }

    fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    fn groups(&self) -> u64 {
        self.shared.groups.load(Ordering::Relaxed)
    }

    fn for_each_queued(&self, each: &mut dyn FnMut(QueuedRow)) -> Result<(), StoreError> {
        let sql = "SELECT m.id, m.recipient, m.accepted_at_ms, m.expires_at_ms, q.due_ms, q.attempts \
                   FROM queue AS q CROSS JOIN messages AS m ON m.sequence = q.message ORDER BY q.due_ms, m.id";
        self.read(|connection| {
            for_each(connection, "messages", sql, [], |columns| {
                let id = columns.queue_id()?;
                let recipient: emta_mail::EmailAddress = columns.parsed("an address")?;
                each(QueuedRow {
                    id,
                    domain: recipient.domain(),
                    accepted_at: columns.time()?,
                    expires_at: columns.time()?,
                    due: columns.time()?,
                    attempts: columns.unsigned()?,
                });
                Ok(())
            })
        })
    }

    fn for_each_delivered(&self, each: &mut dyn FnMut(DeliveredRow)) -> Result<(), StoreError> {
        let sql = "SELECT e.queue_id, m.sender, m.recipient, e.at_ms \
                   FROM events AS e CROSS JOIN messages AS m ON m.sequence = e.message \
                   WHERE e.kind = 'message.delivered'";
        self.read(|connection| {
            for_each(connection, "events", sql, [], |columns| {
                each(DeliveredRow {
                    id: columns.queue_id()?,
                    sender: columns.parsed("an address or nothing")?,
                    recipient: columns.parsed("an address")?,
                    at: columns.time()?,
                });
                Ok(())
            })
        })
    }

    fn message(&self, id: QueueId) -> Result<Option<MessageRow>, StoreError> {
        self.read(|connection| {
            let Some(message) = self.shared.lookup.find_id(connection, id)? else { return Ok(None) };
            message_of(connection, message)
        })
    }

    fn fresh(&self, id: QueueId) -> Option<StoredMessage> {
        self.shared.fresh.get(id)
    }

    fn body(&self, id: QueueId) -> Result<Option<StoredMessage>, StoreError> {
        if let Some(fresh) = self.fresh(id) {
            return Ok(Some(fresh));
        }
        let sql = format!(
            "SELECT m.body_segment, m.body_offset, m.body_length, {} FROM {} \
             JOIN segments AS s ON s.segment = m.body_segment WHERE m.sequence = ?1 AND s.released = 0",
            message_row::COLUMNS,
            message_row::TABLES,
        );
        let found = self.read(|connection| {
            let Some(message) = self.shared.lookup.find_id(connection, id)? else { return Ok(None) };
            first(connection, "messages", &sql, [message], |columns| {
                let place = Placement {
                    segment: columns.unsigned()?,
                    offset: columns.unsigned()?,
                    length: columns.unsigned()?,
                };
                Ok((place, message_row::read(columns)?))
            })
        })?;
        let Some((place, message)) = found else { return Ok(None) };
        let body = self.shared.bodies.read(place)?;
        Ok(body.map(|body| StoredMessage { message, body }))
    }

    fn messages(
        &self,
        filter: &MessageFilter,
        after: Option<MessageCursor>,
        limit: usize,
    ) -> Result<Vec<MessageRow>, StoreError> {
        self.read(|connection| search::messages(connection, &self.shared.lookup, filter, after, limit))
    }

    fn events_after(&self, sequence: u64, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        let (sql, _) = after_query();
        let values = (integer(sequence), integer(limit as u64));
        self.read(|connection| list(connection, "events", &sql, values, event_row::read))
    }

    fn events_ordered(&self, after: Option<EventOrder>, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        let Some(after) = after else {
            let (sql, _) = all_ordered_query();
            let limit = integer(limit as u64);
            return self.read(|connection| list(connection, "events", &sql, [limit], event_row::read));
        };
        let (sql, _) = ordered_query();
        // An acceptance has no id in its row, so that one at the very place is left out afterwards.
        let (at, message, rank, id) = after;
        let one_more = integer((limit as u64).saturating_add(1));
        let values = (at.as_millis(), octets(message.as_u64()), rank, octets(id.as_u64()), one_more);
        let mut rows = self.read(|connection| list(connection, "events", &sql, values, event_row::read))?;
        rows.retain(|row| row.event.order() > after);
        rows.truncate(limit);
        Ok(rows)
    }

    fn events_of(&self, message: QueueId, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        let sql = events("e.message = ?1", "m.sequence = ?1", &format!("{IN_ORDER} LIMIT ?2"));
        self.read(|connection| {
            let found = self.shared.lookup.find_id(connection, message)?;
            let Some(message) = found else { return Ok(Vec::new()) };
            list(connection, "events", &sql, (message, integer(limit as u64)), event_row::read)
        })
    }

    fn last_sequence(&self) -> Result<u64, StoreError> {
        self.read(|connection| Ok(super::last_sequence(connection)?.unsigned_abs()))
    }

    fn cursor(&self, name: &str) -> Result<u64, StoreError> {
        let sql = "SELECT sequence FROM cursors WHERE name = ?1";
        let found = self.read(|connection| first(connection, "cursors", sql, [name], number))?;
        Ok(found.unwrap_or(0))
    }

    fn mailbox(&self, after: Option<InboundCursor>, limit: usize) -> Result<Vec<InboundRow>, StoreError> {
        let sql = format!(
            "SELECT {} FROM inbound WHERE deleted = 0 AND (received_at_ms, id) > (?1, ?2) \
             ORDER BY received_at_ms, id LIMIT ?3",
            inbound_row::COLUMNS
        );
        // Every id is greater than the empty text.
        let (received_at, id) =
            after.map_or((i64::MIN, String::new()), |c| (c.received_at.as_millis(), c.id.to_string()));
        let values = (received_at, id, integer(limit as u64));
        self.read(|connection| {
            list(connection, "inbound", &sql, values, |columns| inbound_row::read(connection, columns))
        })
    }

    fn inbound(&self, id: InboundId) -> Result<Option<InboundRow>, StoreError> {
        let sql = format!("SELECT {} FROM inbound WHERE id = ?1", inbound_row::COLUMNS);
        self.read(|connection| {
            first(connection, "inbound", &sql, [id.to_string()], |columns| {
                inbound_row::read(connection, columns)
            })
        })
    }

    fn inbound_raw(&self, id: InboundId) -> Result<Option<Bytes>, StoreError> {
        let sql = "SELECT raw FROM inbound WHERE id = ?1";
        self.read(|connection| first(connection, "inbound", sql, [id.to_string()], content))
    }

    fn inbound_counts(&self) -> Result<InboundCounts, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM inbound), count(*), coalesce(sum(size), 0) FROM inbound \
                   WHERE deleted = 0";
        let counts = self.read(|connection| {
            first(connection, "inbound", sql, [], |columns| {
                Ok(InboundCounts {
                    kept: columns.unsigned()?,
                    mailbox: columns.unsigned()?,
                    mailbox_octets: columns.unsigned()?,
                })
            })
        })?;
        Ok(counts.unwrap_or_default())
    }

    fn value(&self, namespace: &str, key: &str) -> Result<Option<Bytes>, StoreError> {
        let sql = "SELECT value FROM key_values WHERE namespace = ?1 AND key = ?2";
        self.read(|connection| first(connection, "key_values", sql, (namespace, key), content))
    }

    fn values(
        &self,
        namespace: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, StoreError> {
        let sql = "SELECT key, value FROM key_values WHERE namespace = ?1 AND (?2 IS NULL OR key > ?2) \
                   ORDER BY key LIMIT ?3";
        let values = (namespace, after, integer(limit as u64));
        self.read(|connection| {
            list(connection, "key_values", sql, values, |columns| Ok((columns.text()?, columns.bytes()?)))
        })
    }

    fn journal_after(
        &self,
        journal: &str,
        sequence: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let sql = "SELECT sequence, entry FROM journals WHERE journal = ?1 AND sequence > ?2 \
                   ORDER BY sequence LIMIT ?3";
        let values = (journal, integer(sequence), integer(limit as u64));
        self.read(|connection| {
            list(connection, "journals", sql, values, |columns| {
                Ok(JournalEntry { sequence: columns.unsigned()?, entry: columns.bytes()? })
            })
        })
    }
}

/// The order in which the story is told, as a compound query has it.
const IN_ORDER: &str = "13, 12, 36, 37";

/// The query for events that meet a condition, among them acceptances that meet another one. SQLite merges both without
/// sorting where an index gives the order.
fn events(of_events: &str, of_acceptances: &str, order: &str) -> String {
    format!(
        "SELECT {} FROM events AS e CROSS JOIN messages AS m ON m.sequence = e.message WHERE {of_events} \
         UNION ALL SELECT {} FROM messages AS m WHERE {of_acceptances} ORDER BY {order}",
        event_row::COLUMNS,
        event_row::ACCEPTED,
    )
}

/// The query of `events_after`, and how many values it takes.
pub(super) fn after_query() -> (String, usize) {
    (events("e.sequence > ?1", "m.sequence > ?1", "1 LIMIT ?2"), 2)
}

/// The query of `events_ordered` from the first event on, and how many values it takes.
pub(super) fn all_ordered_query() -> (String, usize) {
    (events("1", "1", &format!("{IN_ORDER} LIMIT ?1")), 1)
}

/// The query of `events_ordered` from after a place on, and how many values it takes.
pub(super) fn ordered_query() -> (String, usize) {
    let of_events = "(e.at_ms, e.queue_id, e.rank, e.id) > (?1, ?2, ?3, ?4)";
    let of_acceptances = "(m.accepted_at_ms, m.id) >= (?1, ?2)";
    (events(of_events, of_acceptances, &format!("{IN_ORDER} LIMIT ?5")), 5)
}

/// The message of this number.
pub(super) fn message_of(connection: &Connection, message: i64) -> Result<Option<MessageRow>, StoreError> {
    let sql = format!("SELECT {} FROM {} WHERE m.sequence = ?1", message_row::COLUMNS, message_row::TABLES);
    first(connection, "messages", &sql, [message], message_row::read)
}

pub(super) fn for_each(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    values: impl Params,
    mut each: impl FnMut(&mut Columns<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let fail = |e: rusqlite::Error| failed("reading", &e);
    let mut select = connection.prepare_cached(sql).map_err(fail)?;
    let mut rows = select.query(values).map_err(fail)?;
    while let Some(row) = rows.next().map_err(fail)? {
        each(&mut Columns::new(table, row))?;
    }
    Ok(())
}

pub(super) fn list<T>(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    values: impl Params,
    read: impl Fn(&mut Columns<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    for_each(connection, table, sql, values, |columns| {
        found.push(read(columns)?);
        Ok(())
    })?;
    Ok(found)
}

pub(super) fn first<T>(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    values: impl Params,
    read: impl Fn(&mut Columns<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    Ok(list(connection, table, sql, values, read)?.into_iter().next())
}

/// The one column of a number.
fn number(columns: &mut Columns<'_>) -> Result<u64, StoreError> {
    columns.unsigned()
}

/// The one column of content.
fn content(columns: &mut Columns<'_>) -> Result<Bytes, StoreError> {
    columns.bytes()
}
