//! The columns of `messages`, with what `queue` and `events` say of them.

use std::collections::BTreeMap;
use std::time::Duration;

use emta_mail::event::Attempt;
use emta_mail::message::{Notify, Return};
use emta_mail::{Envelope, Origin, Phase, QueueId, Reply};
use rusqlite::{Connection, params};

use super::columns::Columns;
use super::{failed, integer, octets};
use crate::error::StoreError;
use crate::message::{MessageIdHeader, MessageRow, MessageStatus, NewMessage, QueueState};
use crate::segment::Placement;

/// What [`read`] reads, in its order; see [`TABLES`].
pub(super) const COLUMNS: &str = "m.id, m.message_id, m.message_id_added, m.add_date, m.received_from, \
     m.sender, m.recipient, m.ret, m.envid, m.notify, m.original_recipient, m.eight_bit, m.smtputf8, \
     m.campaign, m.delivery, m.log, m.validity_ms, m.metadata, \
     m.accepted_at_ms, m.expires_at_ms, m.size, q.due_ms, q.attempts, l.kind, l.at_ms, \
     l.attempt, l.provider, l.mx, l.phase, l.code, l.enhanced, l.text, l.after_crash";

/// Where [`COLUMNS`] come from: `m` is the message, `q` its place in the queue unless it is finished, `l` the event that
/// says how its last attempt ended.
pub(super) const TABLES: &str = "messages AS m LEFT JOIN queue AS q ON q.message = m.sequence \
     LEFT JOIN events AS l ON l.sequence = CASE WHEN q.message IS NULL \
     THEN (SELECT f.sequence FROM events AS f WHERE f.message = m.sequence AND f.is_final) ELSE q.last_event END";

/// Inserts a message that was just accepted, whose `Message-ID` is this, and its place in the queue.
pub(super) fn insert(
    connection: &Connection,
    sequence: i64,
    id: QueueId,
    new: &NewMessage,
    message_id: &str,
    place: Placement,
) -> Result<(), StoreError> {
    let fail = |e: rusqlite::Error| failed("writing a message", &e);
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO messages (sequence, id, message_id, message_id_added, add_date, received_from, sender, \
             recipient, ret, envid, notify, original_recipient, eight_bit, smtputf8, campaign, delivery, log, \
             validity_ms, metadata, accepted_at_ms, expires_at_ms, size, body_segment, body_offset, body_length) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
             ?22, ?23, ?24, ?25)",
        )
        .map_err(fail)?;
    let NewMessage { envelope, origin, .. } = new;
    insert
        .execute(params![
            sequence,
            octets(id.as_u64()),
            message_id,
            matches!(new.header_message_id, MessageIdHeader::Add { .. }),
            new.add_date,
            new.received_from,
            envelope.sender.as_str(),
            envelope.recipient.as_str(),
            envelope.ret.map(ret_name),
            envelope.envid,
            notify_name(envelope.notify),
            envelope.original_recipient,
            envelope.eight_bit,
            envelope.smtputf8,
            origin.campaign,
            origin.delivery,
            origin.log,
            origin.validity.map(|v| i64::try_from(v.as_millis()).unwrap_or(i64::MAX)),
            metadata_json(&origin.metadata),
            new.accepted_at.as_millis(),
            new.expires_at.as_millis(),
            integer(new.size),
            place.segment,
            integer(place.offset),
            place.length,
        ])
        .map_err(fail)?;
    let mut insert = connection
        .prepare_cached("INSERT INTO queue (message, segment, due_ms, attempts) VALUES (?1, ?2, ?3, 0)")
        .map_err(fail)?;
    insert.execute((sequence, place.segment, new.accepted_at.as_millis())).map_err(fail)?;
    Ok(())
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
        notify: columns
            .named_or_null(notify_from_name, "`NEVER`, or a list of `SUCCESS`, `FAILURE`, `DELAY`")?
            .unwrap_or(Notify::DEFAULT),
        original_recipient: columns.text_or_null()?,
        eight_bit: columns.flag()?,
        smtputf8: columns.flag()?,
    };
    let origin = read_origin(columns)?;
    let accepted_at = columns.time()?;
    let expires_at = columns.time()?;
    let size = columns.unsigned()?;
    let due = columns.time_or_null()?;
    let attempts = columns.integer_or_null()?;
    let kind = columns.str_or_null()?;
    let last_at = columns.time_or_null()?;
    let last_attempt = read_attempt(columns)?;
    let (status, state, attempts) = match (due, attempts, kind, &last_attempt, last_at) {
        (Some(due), Some(attempts), kind, ..) => {
            let status = if kind.is_some() { MessageStatus::Deferred } else { MessageStatus::Queued };
            (status, QueueState::Waiting { due }, u32::try_from(attempts).ok())
        }
        (None, None, Some(kind), Some(last), Some(at)) => {
            let status = kind.strip_prefix("message.").and_then(MessageStatus::from_name);
            (status.unwrap_or(MessageStatus::Queued), QueueState::Finished { at }, Some(last.number))
        }
        _ => {
            let found = format!("message {id}");
            return Err(StoreError::corrupt(
                "table `messages`",
                found,
                "a place in the queue or a final event",
            ));
        }
    };
    let attempts = attempts.ok_or_else(|| {
        StoreError::corrupt("column `queue.attempts`", format!("message {id}"), "a 32-bit number")
    })?;
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
        last_attempt,
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

/// As `NOTIFY` writes it (RFC 3461 section 4.1); nothing where the default holds.
const fn notify_name(notify: Notify) -> Option<&'static str> {
    match (notify.success, notify.failure, notify.delay) {
        (false, true, false) => None,
        (false, false, false) => Some("NEVER"),
        (true, false, false) => Some("SUCCESS"),
        (false, false, true) => Some("DELAY"),
        (true, true, false) => Some("SUCCESS,FAILURE"),
        (true, false, true) => Some("SUCCESS,DELAY"),
        (false, true, true) => Some("FAILURE,DELAY"),
        (true, true, true) => Some("SUCCESS,FAILURE,DELAY"),
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
