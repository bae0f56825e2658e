//! Searching messages.

use emta_mail::QueueId;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::lookup::{Lookup, Name};
use super::read::{first, list, message_of};
use super::{integer, message_row, octets};
use crate::error::StoreError;
use crate::message::{MessageCursor, MessageFilter, MessageRow, MessageStatus};

/// Messages that pass the filter, newest first, from after a place on.
pub(super) fn messages(
    connection: &Connection,
    lookup: &Lookup,
    filter: &MessageFilter,
    after: Option<MessageCursor>,
    limit: usize,
) -> Result<Vec<MessageRow>, StoreError> {
    let Some(candidates) = candidates(connection, lookup, filter)? else {
        let (sql, values) = by_age(filter, after, limit);
        return list(connection, "messages", &sql, params_from_iter(values), message_row::read);
    };
    // Places first, which are cheap: a recipient may have very many messages, of which a few are asked for.
    let mut places = Vec::with_capacity(candidates.len());
    for message in candidates {
        if let Some(place) =
            place(connection, message)?.filter(|place| after.is_none_or(|after| *place < after))
        {
            places.push((place, message));
        }
    }
    places.sort_unstable_by(|a, b| b.cmp(a));
    let mut found = Vec::new();
    for (_, message) in places {
        if found.len() == limit {
            break;
        }
        found.extend(message_of(connection, message)?.filter(|row| filter.matches(row)));
    }
    Ok(found)
}

/// The messages among which the filter's matches are, from the most selective value that was given; `None` where only
/// age and delivery lead to them. The hashes may bring others.
fn candidates(
    connection: &Connection,
    lookup: &Lookup,
    filter: &MessageFilter,
) -> Result<Option<Vec<i64>>, StoreError> {
    let MessageFilter { message_id, log, recipient, delivery: _, status: _ } = filter;
    let name = match (message_id, log, recipient) {
        (Some(message_id), ..) => {
            let mut found = lookup.find(connection, Name::message_id(message_id))?;
            // One that was added begins with the message's id.
            let id = message_id.split_once('@').and_then(|(id, _)| id.parse::<QueueId>().ok());
            if let Some(id) = id {
                found.extend(lookup.find_id(connection, id)?.filter(|message| !found.contains(message)));
            }
            return Ok(Some(found));
        }
        (None, Some(log), _) => Name::log(log),
        (None, None, Some(recipient)) => Name::recipient(recipient),
        (None, None, None) => return Ok(None),
    };
    lookup.find(connection, name).map(Some)
}

/// The place of a message in the list.
fn place(connection: &Connection, message: i64) -> Result<Option<MessageCursor>, StoreError> {
    let sql = "SELECT accepted_at_ms, id FROM messages WHERE sequence = ?1";
    first(connection, "messages", sql, [message], |columns| {
        Ok(MessageCursor { accepted_at: columns.time()?, id: columns.queue_id()? })
    })
}

/// The query for messages by age, and its values.
pub(super) fn by_age(
    filter: &MessageFilter,
    after: Option<MessageCursor>,
    limit: usize,
) -> (String, Vec<Value>) {
    let (columns, tables) = (message_row::COLUMNS, message_row::TABLES);
    let mut sql = format!("SELECT {columns} FROM {tables} WHERE 1");
    let mut values: Vec<Value> = Vec::new();
    if let Some(delivery) = &filter.delivery {
        sql.push_str(" AND m.delivery = ?");
        values.push(Value::Text(delivery.clone()));
    }
    if let Some(status) = filter.status {
        sql.push_str(match status {
            MessageStatus::Queued => " AND q.message IS NOT NULL AND q.last_event IS NULL",
            MessageStatus::Deferred => " AND q.last_event IS NOT NULL",
            MessageStatus::Delivered => " AND q.message IS NULL AND l.kind = 'message.delivered'",
            MessageStatus::Bounced => " AND q.message IS NULL AND l.kind = 'message.bounced'",
            MessageStatus::Expired => " AND q.message IS NULL AND l.kind = 'message.expired'",
        });
    }
    if let Some(MessageCursor { accepted_at, id }) = after {
        sql.push_str(" AND (m.accepted_at_ms, m.id) < (?, ?)");
        values.extend([Value::Integer(accepted_at.as_millis()), Value::Blob(octets(id.as_u64()).to_vec())]);
    }
    sql.push_str(" ORDER BY m.accepted_at_ms DESC, m.id DESC LIMIT ?");
    values.push(Value::Integer(integer(limit as u64)));
    (sql, values)
}
