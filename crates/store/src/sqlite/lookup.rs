//! Messages by what they are found by: id, `Message-ID`, recipient, entry of the delivery log.
//!
//! These values come in no order. An index on each of them would change a page of its own for every message, which
//! costs more than all the rest of an acceptance. So the newest entries are held in memory, sorted, and written in runs:
//! a run has about as many entries as the table has pages or more, so neighbours share a page. A group writes a part
//! of the run with its own rows.
//!
//! Nothing is lost by a crash: entries follow from the messages, and `lookup_progress` says up to which message they
//! are written. The others are made anew at the start. An entry that was already written is not written again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use emta_mail::QueueId;
use emta_mail::chance::Hasher;
use rusqlite::Connection;

use super::columns::Columns;
use super::failed;
use crate::error::StoreError;

/// How many entries make a run. Two runs are in memory at most, with about 70 octets an entry, sorted and to be found, so 36 MiB.
const RUN: usize = if cfg!(test) { 16 } else { 256 << 10 };
/// How many entries of a run are written for each one that is added, so that a run is written before the next is full.
const PACE: usize = 2;
/// How many entries of a run a group writes at least.
const LEAST: usize = if cfg!(test) { 1 } else { 16 };

/// What a message is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name {
    kind: u8,
    hash: u64,
}

impl Name {
    /// Its id. That is no hash, and only one message has it.
    pub(super) const fn id(id: QueueId) -> Self {
        Self { kind: 0, hash: id.as_u64() }
    }

    pub(super) fn message_id(message_id: &str) -> Self {
        Self::hashed(1, message_id.as_bytes())
    }

    /// Its recipient, without regard to the case of ASCII letters.
    pub(super) fn recipient(recipient: &str) -> Self {
        Self::hashed(2, recipient.to_ascii_lowercase().as_bytes())
    }

    pub(super) fn log(log: &str) -> Self {
        Self::hashed(3, log.as_bytes())
    }

    fn hashed(kind: u8, text: &[u8]) -> Self {
        Self { kind, hash: Hasher::new().bytes(text).finish() }
    }

    /// As the columns hold it.
    const fn columns(self) -> (u8, i64) {
        (self.kind, self.hash.cast_signed())
    }
}

/// A name, and the number of a message that may have it.
pub(super) type Entry = (Name, i64);

/// The entries that are not written yet; shared by the writer and the readers.
#[derive(Default)]
pub(super) struct Lookup(Mutex<Runs>);

#[derive(Default)]
struct Runs {
    /// Committed with their messages, and growing.
    young: Held,
    /// The run that is being written.
    old: Held,
}

/// Entries in memory. Most names have one message, and a map finds that with one access to memory where a sorted set
/// takes several.
#[derive(Default)]
struct Held {
    first: HashMap<Name, i64>,
    /// Of the names that have more than one message, the others.
    more: BTreeSet<Entry>,
}

impl Held {
    fn extend(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for (name, message) in entries {
            if *self.first.entry(name).or_insert(message) != message {
                self.more.insert((name, message));
            }
        }
    }

    fn len(&self) -> usize {
        self.first.len() + self.more.len()
    }

    fn of(&self, name: Name) -> impl Iterator<Item = i64> {
        let first = self.first.get(&name).copied();
        let more = first.map(|_| self.more.range((name, i64::MIN)..=(name, i64::MAX)));
        first.into_iter().chain(more.into_iter().flatten().map(|(_, message)| *message))
    }

    fn sorted(&self) -> Vec<Entry> {
        let first = self.first.iter().map(|(name, message)| (*name, *message));
        let mut entries: Vec<Entry> = first.chain(self.more.iter().copied()).collect();
        entries.sort_unstable();
        entries
    }
}

impl Lookup {
    /// Makes the entries that were not written when the program ended.
    pub(super) fn restore(&self, connection: &Connection) -> Result<(), StoreError> {
        let fail = |e: rusqlite::Error| failed("reading the newest messages", &e);
        let sql = "SELECT sequence, id, message_id, message_id_added, recipient, log FROM messages \
                   WHERE sequence > (SELECT written_to FROM lookup_progress)";
        let mut select = connection.prepare(sql).map_err(fail)?;
        let mut rows = select.query([]).map_err(fail)?;
        let mut runs = self.runs();
        while let Some(row) = rows.next().map_err(fail)? {
            let mut columns = Columns::new("messages", row);
            let message = columns.integer()?;
            let id = columns.queue_id()?;
            let (message_id, added) = (columns.str()?, columns.flag()?);
            let (recipient, log) = (columns.str()?, columns.str_or_null()?);
            runs.young.extend(entries(message, id, message_id, added, recipient, log));
        }
        Ok(())
    }

    /// The messages that may have this name, by their numbers, rising. A hash may have others too; an id has not.
    pub(super) fn find(&self, connection: &Connection, name: Name) -> Result<Vec<i64>, StoreError> {
        // Memory first: what leaves it in between is in the table by then.
        let mut found = self.held(name);
        let fail = |e: rusqlite::Error| failed("looking up a message", &e);
        let sql = "SELECT message FROM lookup WHERE kind = ?1 AND hash = ?2 ORDER BY message";
        let mut select = connection.prepare_cached(sql).map_err(fail)?;
        let mut rows = select.query(name.columns()).map_err(fail)?;
        while let Some(row) = rows.next().map_err(fail)? {
            found.push(row.get(0).map_err(fail)?);
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// The message of this id.
    pub(super) fn find_id(&self, connection: &Connection, id: QueueId) -> Result<Option<i64>, StoreError> {
        let name = Name::id(id);
        let held = {
            let runs = self.runs();
            runs.young.of(name).chain(runs.old.of(name)).next()
        };
        match held {
            Some(message) => Ok(Some(message)),
            None => Ok(self.find(connection, name)?.first().copied()),
        }
    }

    /// The messages of this name among the entries in memory.
    fn held(&self, name: Name) -> Vec<i64> {
        let runs = self.runs();
        runs.old.of(name).chain(runs.young.of(name)).collect()
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entries of a message.
pub(super) fn entries(
    message: i64,
    id: QueueId,
    message_id: &str,
    message_id_added: bool,
    recipient: &str,
    log: Option<&str>,
) -> impl Iterator<Item = Entry> + use<> {
    // A Message-ID that was added begins with the id, by which it is found.
    let message_id = (!message_id_added).then(|| Name::message_id(message_id));
    let names = [Some(Name::id(id)), message_id, Some(Name::recipient(recipient)), log.map(Name::log)];
    names.into_iter().flatten().map(move |name| (name, message))
}

/// Writes runs, a part with each group; the writer's thread has it.
#[derive(Default)]
pub(super) struct RunWriter {
    /// The run, sorted.
    run: Vec<Entry>,
    /// The last message that has entries in the run.
    up_to: i64,
    /// How many entries of the run are written.
    done: usize,
}

/// How far a run is written in a transaction that is not committed yet.
pub(super) struct Part {
    done: usize,
}

impl RunWriter {
    /// Writes the next part of the run, in the transaction of a group that adds so many entries.
    pub(super) fn write(&self, connection: &Connection, added: usize) -> Result<Part, StoreError> {
        let part = (self.run.iter().skip(self.done)).take(LEAST + PACE * added);
        if part.len() == 0 {
            return Ok(Part { done: self.done });
        }
        let fail = |e: rusqlite::Error| failed("writing the index of messages", &e);
        let insert = "INSERT OR IGNORE INTO lookup (kind, hash, message) VALUES (?1, ?2, ?3)";
        let mut insert = connection.prepare_cached(insert).map_err(fail)?;
        let done = self.done + part.len();
        for (name, message) in part {
            let (kind, hash) = name.columns();
            insert.execute((kind, hash, message)).map_err(fail)?;
        }
        if done == self.run.len() {
            let update = "UPDATE lookup_progress SET written_to = ?1";
            let mut update = connection.prepare_cached(update).map_err(fail)?;
            update.execute([self.up_to]).map_err(fail)?;
        }
        Ok(Part { done })
    }

    /// Goes on after a group was committed, with these new entries; `last` is the newest message.
    pub(super) fn committed(&mut self, part: &Part, added: BTreeSet<Entry>, last: i64, lookup: &Lookup) {
        self.done = part.done;
        let mut runs = lookup.runs();
        runs.young.extend(added);
        if self.done < self.run.len() {
            return;
        }
        if !self.run.is_empty() {
            runs.old = Held::default();
            *self = Self::default();
        }
        if runs.young.len() >= RUN {
            runs.old = std::mem::take(&mut runs.young);
            *self = Self { run: runs.old.sorted(), up_to: last, done: 0 };
        }
    }
}
