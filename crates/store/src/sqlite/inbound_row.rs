//! The columns of `inbound` and `inbound_results`.

use emta_mail::event::Correlation;
use emta_mail::{FailureReason, FailureType, QueueId};
use rusqlite::{Connection, params};

use super::columns::Columns;
use super::{failed, integer};
use crate::error::StoreError;
use crate::inbound::{InboundId, InboundResult, InboundRow, NewInbound};

/// What [`read`] reads, in its order.
pub(super) const COLUMNS: &str = "id, received_at_ms, size, kind, message_id, subject, deleted";

/// Keeps a mail, unless it is there already; says whether it was new.
pub(super) fn insert(connection: &Connection, new: &NewInbound) -> Result<bool, StoreError> {
    let fail = |e: rusqlite::Error| failed("writing a mail of the bounce mailbox", &e);
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO inbound (id, received_at_ms, size, kind, message_id, subject, raw) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
        )
        .map_err(fail)?;
    let id = new.id.to_string();
    let received_at = new.received_at.as_millis();
    let size = integer(new.raw.len() as u64);
    let values = (&id, received_at, size, &new.kind, &new.message_id, &new.subject, &new.raw[..]);
    if insert.execute(values).map_err(fail)? == 0 {
        return Ok(false);
    }
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO inbound_results (inbound, position, message, matched_by, recipient, status, text, \
             failure_type, reason, rule) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )
        .map_err(fail)?;
    for (position, result) in new.results.iter().enumerate() {
        let matched = result.matched;
        insert
            .execute(params![
                id,
                integer(position as u64),
                matched.map(|(message, _)| message.to_string()),
                matched.map(|(_, by)| by.name()),
                result.recipient,
                result.status.map(|status| status.to_string()),
                result.text,
                result.failure_type.name(),
                result.reason.name(),
                result.rule,
            ])
            .map_err(fail)?;
    }
    Ok(true)
}

/// Reads [`COLUMNS`], then the results.
pub(super) fn read(connection: &Connection, columns: &mut Columns<'_>) -> Result<InboundRow, StoreError> {
    let id: String = columns.text()?;
    let number = u64::from_str_radix(&id, 16)
        .map_err(|_| StoreError::corrupt("column `inbound.id`", id.clone(), "16 hexadecimal digits"))?;
    Ok(InboundRow {
        id: InboundId::from_u64(number),
        received_at: columns.time()?,
        size: columns.unsigned()?,
        kind: columns.text()?,
        message_id: columns.text()?,
        subject: columns.text()?,
        deleted: columns.flag()?,
        results: read_results(connection, &id)?,
    })
}

fn read_results(connection: &Connection, id: &str) -> Result<Vec<InboundResult>, StoreError> {
    let fail = |e: rusqlite::Error| failed("reading the results of a mail", &e);
    let mut select = connection
        .prepare_cached(
            "SELECT message, matched_by, recipient, status, text, failure_type, reason, rule FROM inbound_results \
             WHERE inbound = ?1 ORDER BY position",
        )
        .map_err(fail)?;
    let mut rows = select.query([id]).map_err(fail)?;
    let mut results = Vec::new();
    while let Some(row) = rows.next().map_err(fail)? {
        let mut columns = Columns::new("inbound_results", row);
        let message = columns.named_or_null(|id| id.parse::<QueueId>().ok(), "a queue id")?;
        let matched_by = columns.named_or_null(Correlation::from_name, "a way of correlation")?;
        results.push(InboundResult {
            matched: message.zip(matched_by),
            recipient: columns.text_or_null()?,
            status: columns.enhanced()?,
            text: columns.text()?,
            failure_type: columns.named(FailureType::from_name, "a failure type")?,
            reason: columns.named(FailureReason::from_name, "a failure reason")?,
            rule: columns.text_or_null()?,
        });
    }
    Ok(results)
}
