//! Answering what is asked, on connections for reading.

use bytes::Bytes;
use emta_mail::QueueId;
use rusqlite::types::Value;
use rusqlite::{Connection, Params, params_from_iter};

use super::columns::Columns;
use super::{Sqlite, event_row, failed, inbound_row, integer, message_row};
use crate::backend::{Backend, Write};
use crate::change::JournalEntry;
use crate::error::StoreError;
use crate::event::{EventOrder, EventRow};
use crate::fault::Faults;
use crate::inbound::{InboundCounts, InboundCursor, InboundId, InboundRow};
use crate::message::{MessageCursor, MessageFilter, MessageRow, QueuedRow, StoredMessage};
use crate::segment::Placement;

impl Backend for Sqlite {
    fn write(&self, write: Write) {
        self.send(write);
    }

    fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    fn for_each_queued(&self, each: &mut dyn FnMut(QueuedRow)) -> Result<(), StoreError> {
        let sql = "SELECT id, recipient, accepted_at_ms, expires_at_ms, due_ms, attempts FROM messages \
                   INDEXED BY messages_unfinished WHERE due_ms IS NOT NULL ORDER BY accepted_at_ms, id";
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

    fn message(&self, id: QueueId) -> Result<Option<MessageRow>, StoreError> {
        let sql = format!("SELECT {} FROM messages AS m WHERE m.id = ?1", message_row::COLUMNS);
        self.read(|connection| first(connection, "messages", &sql, [id.to_string()], message_row::read))
    }

    fn body(&self, id: QueueId) -> Result<Option<StoredMessage>, StoreError> {
        let sql = format!(
            "SELECT m.body_segment, m.body_offset, m.body_length, {} FROM messages AS m \
             JOIN segments AS s ON s.segment = m.body_segment WHERE m.id = ?1 AND s.released = 0",
            message_row::COLUMNS
        );
        let found = self.read(|connection| {
            first(connection, "messages", &sql, [id.to_string()], |columns| {
                let place = Placement {
                    segment: columns.unsigned()?,
                    offset: columns.unsigned()?,
                    length: columns.unsigned()?,
                };
                Ok((place, message_row::read(columns)?))
            })
        })?;
        let Some((place, message)) = found else { return Ok(None) };
        let body = match self.shared.cache.get(place) {
            Some(body) => Some(body),
            None => self.shared.bodies.read(place)?,
        };
        Ok(body.map(|body| StoredMessage { message, body }))
    }

    fn messages(
        &self,
        filter: &MessageFilter,
        after: Option<MessageCursor>,
        limit: usize,
    ) -> Result<Vec<MessageRow>, StoreError> {
        let (sql, values) = select_messages(filter, after, limit);
        self.read(|connection| {
            list(connection, "messages", &sql, params_from_iter(values), message_row::read)
        })
    }

    fn events_after(&self, sequence: u64, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        let values = (integer(sequence), integer(limit as u64));
        self.events("e.sequence > ?1 ORDER BY e.sequence LIMIT ?2", values)
    }

    fn events_ordered(&self, after: Option<EventOrder>, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        let limit = integer(limit as u64);
        match after {
            None => self.events("1 ORDER BY e.at_ms, e.message, e.rank, e.id LIMIT ?1", [limit]),
            Some((at, message, rank, id)) => self.events(
                "(e.at_ms, e.message, e.rank, e.id) > (?1, ?2, ?3, ?4) \
                 ORDER BY e.at_ms, e.message, e.rank, e.id LIMIT ?5",
                (at.as_millis(), message.to_string(), rank, id.to_string(), limit),
            ),
        }
    }

    fn events_of(&self, message: QueueId, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        let values = (message.to_string(), integer(limit as u64));
        self.events("e.message = ?1 ORDER BY e.at_ms, e.message, e.rank, e.id LIMIT ?2", values)
    }

    fn last_sequence(&self) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(max(sequence), 0) FROM events";
        let last = self.read(|connection| first(connection, "events", sql, [], number))?;
        Ok(last.unwrap_or(0))
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
        self.read(|connection| first(connection, "inbound", sql, [id.to_string()], octets))
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
        self.read(|connection| first(connection, "key_values", sql, (namespace, key), octets))
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

impl Sqlite {
    /// Events that meet a condition, which may end with order and limit.
    fn events(&self, condition: &str, values: impl Params) -> Result<Vec<EventRow>, StoreError> {
        let columns = event_row::COLUMNS;
        let sql = format!(
            "SELECT {columns} FROM events AS e CROSS JOIN messages AS m ON m.id = e.message WHERE {condition}"
        );
        self.read(|connection| list(connection, "events", &sql, values, event_row::read))
    }
}

/// The query for messages that pass a filter, newest first, and its values.
pub(super) fn select_messages(
    filter: &MessageFilter,
    after: Option<MessageCursor>,
    limit: usize,
) -> (String, Vec<Value>) {
    let mut sql = format!("SELECT {} FROM messages AS m WHERE 1", message_row::COLUMNS);
    let mut values: Vec<Value> = Vec::new();
    // The most selective column comes first, and the others are kept from an index by their `+`: SQLite would take
    // the index that gives the order for free, and walk through a whole delivery to find one of its messages.
    let wanted = [
        ("m.message_id = ?", filter.message_id.clone()),
        ("m.log = ?", filter.log.clone()),
        ("m.recipient = ?", filter.recipient.clone()),
        ("m.delivery = ?", filter.delivery.clone()),
    ];
    for (condition, value) in wanted {
        if let Some(value) = value {
            sql.push_str(if values.is_empty() { " AND " } else { " AND +" });
            sql.push_str(condition);
            values.push(Value::Text(value));
        }
    }
    if let Some(status) = filter.status {
        sql.push_str(" AND m.status = ?");
        values.push(Value::Text(status.name().to_owned()));
    }
    if let Some(MessageCursor { accepted_at, id }) = after {
        sql.push_str(" AND (m.accepted_at_ms, m.id) < (?, ?)");
        values.extend([Value::Integer(accepted_at.as_millis()), Value::Text(id.to_string())]);
    }
    sql.push_str(" ORDER BY m.accepted_at_ms DESC, m.id DESC LIMIT ?");
    values.push(Value::Integer(integer(limit as u64)));
    (sql, values)
}

fn for_each(
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

fn list<T>(
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

fn first<T>(
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

/// The one column of octets.
fn octets(columns: &mut Columns<'_>) -> Result<Bytes, StoreError> {
    columns.bytes()
}
