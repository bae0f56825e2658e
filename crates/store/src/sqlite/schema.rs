//! The schema, and how an older one becomes the newest.
//!
//! Rows are for people and any SQL tool: times are milliseconds since 1970 (`*_ms`), ids are written as everywhere else,
//! enumerations by name. Only free metadata is JSON. A migration that was released is never edited.

use rusqlite::{Connection, OptionalExtension};

use super::failed;
use crate::error::StoreError;

/// All migrations in order; the first one makes version 1.
const MIGRATIONS: [(&str, &str); 1] = [("first schema", V1)];

/// The version that this program writes.
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

const V1: &str = "
CREATE TABLE messages (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    message_id TEXT NOT NULL,
    message_id_added INTEGER NOT NULL,
    add_date INTEGER NOT NULL,
    received_from TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL COLLATE NOCASE,
    ret TEXT,
    envid TEXT,
    notify TEXT NOT NULL,
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
    body_length INTEGER NOT NULL,
    status TEXT NOT NULL,
    due_ms INTEGER,
    finished_at_ms INTEGER,
    attempts INTEGER NOT NULL,
    last_attempt INTEGER,
    last_provider TEXT,
    last_mx TEXT,
    last_phase TEXT,
    last_code INTEGER,
    last_enhanced TEXT,
    last_text TEXT,
    last_after_crash INTEGER,
    CHECK ((due_ms IS NULL) <> (finished_at_ms IS NULL))
) STRICT;
CREATE INDEX messages_by_age ON messages (accepted_at_ms, id);
CREATE INDEX messages_unfinished ON messages (accepted_at_ms, id) WHERE due_ms IS NOT NULL;
CREATE INDEX messages_by_message_id ON messages (message_id);
CREATE INDEX messages_by_recipient ON messages (recipient);
CREATE INDEX messages_by_log ON messages (log) WHERE log IS NOT NULL;
CREATE INDEX messages_by_delivery ON messages (delivery, accepted_at_ms, id) WHERE delivery IS NOT NULL;

-- How many further copies of a message were accepted under ids of their own.
CREATE TABLE copies (
    candidate TEXT PRIMARY KEY,
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

CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    message TEXT NOT NULL,
    rank INTEGER NOT NULL,
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
CREATE UNIQUE INDEX events_in_order ON events (at_ms, message, rank, id);
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

-- The log as a person reads it.
CREATE VIEW event_log AS
SELECT e.sequence, strftime('%Y-%m-%dT%H:%M:%fZ', e.at_ms / 1000.0, 'unixepoch') AS at, e.kind, e.message, m.recipient,
       e.attempt, e.provider, e.mx, e.phase, e.code, e.enhanced, e.text, e.class, e.failure_type, e.reason, e.rule,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.next_attempt_ms / 1000.0, 'unixepoch') AS next_attempt,
       m.campaign, m.delivery, m.log, m.message_id
FROM events AS e JOIN messages AS m ON m.id = e.message
ORDER BY e.at_ms, e.message, e.rank, e.id;
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
