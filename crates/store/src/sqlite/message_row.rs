//! The columns of `messages`.

use std::collections::BTreeMap;
use std::time::Duration;

use emta_mail::event::Attempt;
use emta_mail::message::{Notify, Return};
use emta_mail::{Envelope, Origin, Phase, QueueId, Reply};
use rusqlite::{Connection, params};

use super::columns::Columns;
use super::{failed, integer};
use crate::error::StoreError;
use crate::message::{MessageRow, MessageStatus, QueueState};
use crate::segment::Placement;

/// What [`read`] reads, in its order; `m` is the table.
pub(super) const COLUMNS: &str = "m.id, m.message_id, m.message_id_added, m.add_date, m.received_from, \
     m.sender, m.recipient, m.ret, m.envid, m.notify, m.original_recipient, m.eight_bit, m.smtputf8, \
     m.campaign, m.delivery, m.log, m.validity_ms, m.metadata, \
     m.accepted_at_ms, m.expires_at_ms, m.size, m.status, m.due_ms, m.finished_at_ms, m.attempts, \
     m.last_attempt, m.last_provider, m.last_mx, m.last_phase, m.last_code, m.last_enhanced, m.last_text, \
     m.last_after_crash";

/// Inserts a message that was just accepted, unless its id is taken; says whether it was inserted.
pub(super) fn insert(
    connection: &Connection,
    row: &MessageRow,
    place: Placement,
) -> Result<bool, StoreError> {
    let fail = |e: rusqlite::Error| failed("writing a message", &e);
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO messages (id, message_id, message_id_added, add_date, received_from, sender, recipient, ret, \
             envid, notify, original_recipient, eight_bit, smtputf8, campaign, delivery, log, validity_ms, metadata, \
             accepted_at_ms, expires_at_ms, size, body_segment, body_offset, body_length, status, due_ms, attempts) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
             ?22, ?23, ?24, ?25, ?19, 0) ON CONFLICT (id) DO NOTHING",
        )
        .map_err(fail)?;
    let inserted = insert
        .execute(params![
            row.id.to_string(),
            row.message_id,
            row.message_id_added,
            row.add_date,
            row.received_from,
            row.envelope.sender.as_str(),
            row.envelope.recipient.as_str(),
            row.envelope.ret.map(ret_name),
            row.envelope.envid,
            notify_name(row.envelope.notify),
            row.envelope.original_recipient,
            row.envelope.eight_bit,
            row.envelope.smtputf8,
            row.origin.campaign,
            row.origin.delivery,
            row.origin.log,
            row.origin.validity.map(|v| i64::try_from(v.as_millis()).unwrap_or(i64::MAX)),
            metadata_json(&row.origin.metadata),
            row.accepted_at.as_millis(),
            row.expires_at.as_millis(),
            integer(row.size),
            place.segment,
            integer(place.offset),
            place.length,
            row.status.name(),
        ])
        .map_err(fail)?;
    Ok(inserted == 1)
}

/// Reads [`COLUMNS`].
pub(super) fn read(columns: &mut Columns<'_>) -> Result<MessageRow, StoreError> {
    let id = columns.queue_id()?;
    let message_id = columns.text()?;
    let message_id_added = columns.flag()?;
    let add_date = columns.flag()?;
    let received_from = columns.text()?;
    let envelope = Envelope {
        sender: columns.parsed("an address or nothing")?,
        recipient: columns.parsed("an address")?,
        ret: columns.named_or_null(ret_from_name, "`FULL` or `HDRS`")?,
        envid: columns.text_or_null()?,
        notify: columns.named(notify_from_name, "`NEVER`, or a list of `SUCCESS`, `FAILURE`, `DELAY`")?,
        original_recipient: columns.text_or_null()?,
        eight_bit: columns.flag()?,
        smtputf8: columns.flag()?,
    };
    let origin = read_origin(columns)?;
    let accepted_at = columns.time()?;
    let expires_at = columns.time()?;
    let size = columns.unsigned()?;
    let status = columns.named(MessageStatus::from_name, "a status")?;
    let due = columns.time_or_null()?;
    let finished_at = columns.time_or_null()?;
    let state = match (due, finished_at) {
        (Some(due), None) => QueueState::Waiting { due },
        (None, Some(at)) => QueueState::Finished { at },
        (Some(_), Some(_)) | (None, None) => {
            let found = format!("message {id}");
            return Err(StoreError::corrupt(
                "table `messages`",
                found,
                "either `due_ms` or `finished_at_ms`",
            ));
        }
    };
    let attempts = columns.unsigned()?;
    Ok(MessageRow {
        id,
        message_id,
        message_id_added,
        add_date,
        received_from,
        envelope,
        origin,
        accepted_at,
        expires_at,
        size,
        status,
        state,
        attempts,
        last_attempt: read_attempt(columns)?,
    })
}

/// Reads `campaign, delivery, log, validity_ms, metadata`.
pub(super) fn read_origin(columns: &mut Columns<'_>) -> Result<Origin, StoreError> {
    Ok(Origin {
        campaign: columns.text_or_null()?,
        delivery: columns.text_or_null()?,
        log: columns.text_or_null()?,
        validity: columns
            .integer_or_null()?
            .map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or(0))),
        metadata: columns.named_or_null(metadata_from_json, "a JSON object of texts")?.unwrap_or_default(),
    })
}

/// Reads the eight columns of an attempt: number, provider, mx, phase, code, enhanced, text, after_crash.
pub(super) fn read_attempt(columns: &mut Columns<'_>) -> Result<Option<Attempt>, StoreError> {
    let Some(number) = columns.integer_or_null()? else {
        columns.skip(7);
        return Ok(None);
    };
    let number = u32::try_from(number).map_err(|_| {
        StoreError::corrupt("the number of an attempt", number.to_string(), "a 32-bit number")
    })?;
    let provider = columns.text()?;
    let mx = columns.text()?;
    let phase = columns.named(Phase::from_name, "a step of a session")?;
    let code = columns.unsigned()?;
    let enhanced = columns.enhanced()?;
    let text = columns.text()?;
    let after_crash = columns.flag()?;
    Ok(Some(Attempt { number, provider, mx, phase, reply: Reply::new(code, enhanced, text), after_crash }))
}

/// How far a message came, as far as a write needs to know.
pub(super) struct Standing {
    pub(super) row: i64,
    pub(super) segment: u32,
    pub(super) is_finished: bool,
}

/// How far the message of this id came; `None` if there is none.
pub(super) fn standing(connection: &Connection, id: QueueId) -> Result<Option<Standing>, StoreError> {
    let fail = |e: rusqlite::Error| failed("looking up a message", &e);
    let mut select = connection
        .prepare_cached("SELECT row, body_segment, due_ms IS NULL FROM messages WHERE id = ?1")
        .map_err(fail)?;
    let mut rows = select.query([id.to_string()]).map_err(fail)?;
    let Some(row) = rows.next().map_err(fail)? else { return Ok(None) };
    let mut columns = Columns::new("messages", row);
    Ok(Some(Standing { row: columns.integer()?, segment: columns.unsigned()?, is_finished: columns.flag()? }))
}

const fn ret_name(ret: Return) -> &'static str {
    match ret {
        Return::Full => "FULL",
        Return::Headers => "HDRS",
    }
}

fn ret_from_name(name: &str) -> Option<Return> {
    match name {
        "FULL" => Some(Return::Full),
        "HDRS" => Some(Return::Headers),
        _ => None,
    }
}

/// As `NOTIFY` writes it (RFC 3461 section 4.1).
const fn notify_name(notify: Notify) -> &'static str {
    match (notify.success, notify.failure, notify.delay) {
        (false, false, false) => "NEVER",
        (true, false, false) => "SUCCESS",
        (false, true, false) => "FAILURE",
        (false, false, true) => "DELAY",
        (true, true, false) => "SUCCESS,FAILURE",
        (true, false, true) => "SUCCESS,DELAY",
        (false, true, true) => "FAILURE,DELAY",
        (true, true, true) => "SUCCESS,FAILURE,DELAY",
    }
}

fn notify_from_name(name: &str) -> Option<Notify> {
    let mut notify = Notify::NEVER;
    if name == "NEVER" {
        return Some(notify);
    }
    for word in name.split(',') {
        match word {
            "SUCCESS" => notify.success = true,
            "FAILURE" => notify.failure = true,
            "DELAY" => notify.delay = true,
            _ => return None,
        }
    }
    Some(notify)
}

fn metadata_json(metadata: &BTreeMap<String, String>) -> Option<String> {
    // A map of texts always has a JSON form.
    (!metadata.is_empty()).then(|| serde_json::to_string(metadata).unwrap_or_default())
}

fn metadata_from_json(text: &str) -> Option<BTreeMap<String, String>> {
    serde_json::from_str(text).ok()
}
