//! The schema, and how an older one becomes the newest.
//!
//! Rows are for people and any SQL tool: times are milliseconds since 1970 (`*_ms`), ids are their eight octets, which
//! `hex` writes as they are written everywhere else, enumerations are names. Only free metadata is JSON. The views write
//! it all out. A migration that was released is never edited.
//!
//! What is written for each message is chosen for its price: a page of 4 KiB that a group changes costs about 7 us, so
//! that rows are appended, and an index must either grow at its end as well or be written in long sorted runs
//! (`lookup.rs`).

use rusqlite::{Connection, OptionalExtension};

use super::failed;
use crate::error::StoreError;

/// All migrations in order; the first one makes version 1.
const MIGRATIONS: [(&str, &str); 1] = [("first schema", V1)];

/// The version that this program writes.
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

const V1: &str = "
-- A message as it was accepted; never changed. Its number is the place of its acceptance in the log of events, which is
-- written here and nowhere else.
CREATE TABLE messages (
    sequence INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    message_id TEXT NOT NULL,
    message_id_added INTEGER NOT NULL,
    add_date INTEGER NOT NULL,
    received_from TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    ret TEXT,
    envid TEXT,
    notify TEXT,
    original_recipient TEXT,
    eight_bit INTEGER NOT NULL,
    smtputf8 INTEGER NOT NULL,
    campaign TEXT,
    delivery TEXT,
    log TEXT,
    validity_ms INTEGER,
    metadata TEXT,
    accepted_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    size INTEGER NOT NULL,
    body_segment INTEGER NOT NULL,
    body_offset INTEGER NOT NULL,
    body_length INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_by_age ON messages (accepted_at_ms, id);
CREATE INDEX messages_by_delivery ON messages (delivery, accepted_at_ms, id) WHERE delivery IS NOT NULL;

-- The messages that are not finished. Where attempts were made, `last_event` is the one that says how the last ended.
CREATE TABLE queue (
    message INTEGER PRIMARY KEY,
    segment INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    last_event INTEGER
) STRICT;

-- Messages by hashes of what they are found by (`lookup.rs`), as far as they are written here: those up to `written_to`.
CREATE TABLE lookup (
    kind INTEGER NOT NULL,
    hash INTEGER NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (kind, hash, message)
) STRICT, WITHOUT ROWID;
CREATE TABLE lookup_progress (
    written_to INTEGER NOT NULL
) STRICT;
INSERT INTO lookup_progress VALUES (0);

-- How many further copies of a message were accepted under ids of their own.
CREATE TABLE copies (
    candidate BLOB PRIMARY KEY,
    copies INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Where the records of each body segment end, and what still needs it.
CREATE TABLE segments (
    segment INTEGER PRIMARY KEY,
    end_offset INTEGER NOT NULL,
    unfinished INTEGER NOT NULL,
    last_finished_ms INTEGER,
    released INTEGER NOT NULL DEFAULT 0
) STRICT;

-- All events but acceptances. `message` is the message's `sequence`, `queue_id` its `id`; `is_final` that this event
-- finished it.
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    queue_id BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    id BLOB NOT NULL,
    is_final INTEGER NOT NULL,
    kind TEXT NOT NULL,
    attempt INTEGER,
    provider TEXT,
    mx TEXT,
    phase TEXT,
    code INTEGER,
    enhanced TEXT,
    text TEXT,
    after_crash INTEGER,
    class TEXT,
    failure_type TEXT,
    reason TEXT,
    rule TEXT,
    next_attempt_ms INTEGER,
    report_id TEXT,
    report_recipient TEXT,
    matched_by TEXT,
    from_this_mta INTEGER,
    feedback_type TEXT,
    url TEXT
) STRICT;
CREATE UNIQUE INDEX events_in_order ON events (at_ms, queue_id, rank, id);
CREATE INDEX events_by_message ON events (message);

CREATE TABLE cursors (
    name TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE inbound (
    id TEXT PRIMARY KEY,
    received_at_ms INTEGER NOT NULL,
    size INTEGER NOT NULL,
    kind TEXT NOT NULL,
    message_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    raw BLOB NOT NULL
) STRICT;
CREATE INDEX inbound_mailbox ON inbound (received_at_ms, id, size) WHERE deleted = 0;

CREATE TABLE inbound_results (
    inbound TEXT NOT NULL,
    position INTEGER NOT NULL,
    message TEXT,
    matched_by TEXT,
    recipient TEXT,
    status TEXT,
    text TEXT NOT NULL,
    failure_type TEXT NOT NULL,
    reason TEXT NOT NULL,
    rule TEXT,
    PRIMARY KEY (inbound, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_values (
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE journals (
    journal TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    entry BLOB NOT NULL,
    PRIMARY KEY (journal, sequence)
) STRICT, WITHOUT ROWID;

-- The log and the messages as a person reads them.
CREATE VIEW event_log AS
SELECT a.sequence, strftime('%Y-%m-%dT%H:%M:%fZ', a.accepted_at_ms / 1000.0, 'unixepoch') AS at,
       'message.accepted' AS kind, lower(hex(a.id)) AS message, a.recipient, NULL AS attempt, NULL AS provider,
       NULL AS mx, NULL AS phase, NULL AS code, NULL AS enhanced, NULL AS text, NULL AS class, NULL AS failure_type,
       NULL AS reason, NULL AS rule, NULL AS next_attempt, a.campaign, a.delivery, a.log, a.message_id
FROM messages AS a
UNION ALL
SELECT e.sequence, strftime('%Y-%m-%dT%H:%M:%fZ', e.at_ms / 1000.0, 'unixepoch'), e.kind, lower(hex(e.queue_id)),
       m.recipient, e.attempt, e.provider, e.mx, e.phase, e.code, e.enhanced, e.text, e.class, e.failure_type,
       e.reason, e.rule, strftime('%Y-%m-%dT%H:%M:%fZ', e.next_attempt_ms / 1000.0, 'unixepoch'),
       m.campaign, m.delivery, m.log, m.message_id
FROM events AS e JOIN messages AS m ON m.sequence = e.message;
CREATE VIEW message_list AS
SELECT lower(hex(m.id)) AS id, strftime('%Y-%m-%dT%H:%M:%fZ', m.accepted_at_ms / 1000.0, 'unixepoch') AS accepted_at,
       m.sender, m.recipient, m.message_id, m.size, m.campaign, m.delivery, m.log,
       iif(q.message IS NULL, NULL, strftime('%Y-%m-%dT%H:%M:%fZ', q.due_ms / 1000.0, 'unixepoch')) AS due, q.attempts
FROM messages AS m LEFT JOIN queue AS q ON q.message = m.sequence;
";

/// Brings the schema to [`VERSION`].
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let fail = |e: rusqlite::Error| failed("preparing the database", &e);
    connection
        .execute_batch(
            "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT",
        )
        .map_err(fail)?;
    let found: Option<u32> = connection
        .query_row("SELECT version FROM migrations ORDER BY version DESC LIMIT 1", [], |row| row.get(0))
        .optional()
        .map_err(fail)?;
    let found = found.unwrap_or(0);
    if found > VERSION {
        return Err(StoreError::NewerSchema { found, supported: VERSION });
    }
    for (version, (name, sql)) in (1u32..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        let migration = connection.transaction().map_err(fail)?;
        migration.execute_batch(sql).map_err(fail)?;
        migration
            .execute("INSERT INTO migrations (version, name) VALUES (?1, ?2)", (version, name))
            .map_err(fail)?;
        migration.commit().map_err(fail)?;
    }
    Ok(())
}
