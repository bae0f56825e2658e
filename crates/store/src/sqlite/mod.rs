//! The back-end on disk: SQLite rows, body segment files, one thread that writes.
//!
//! ```text
//! DIR/lock             held while the store is open
//! DIR/emta.sqlite3     the rows (and -wal, -shm beside it while it is open)
//! DIR/bodies/*.seg     the bodies
//! ```

mod apply;
mod checkpoint;
mod columns;
mod event_row;
mod group;
mod inbound_row;
mod inbox;
mod lock;
mod lookup;
mod message_row;
mod read;
mod schema;
mod search;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use crate::error::StoreError;
use crate::fault::Faults;
use crate::fresh::Fresh;
use crate::options::{Durability, Options};
use crate::segment::{Disk, End, Machine, Reader, Writer};

use checkpoint::Checkpoints;
use group::GroupWriter;
use inbox::Inbox;
use lock::DirLock;
use lookup::Lookup;

/// How many writes may wait for the disk.
const QUEUE: usize = 8_192;
/// How many connections for reading are kept when nobody reads.
const IDLE_READERS: usize = 4;

/// The store on disk.
pub(crate) struct Sqlite {
    database: PathBuf,
    inbox: Arc<Inbox>,
    /// `None` only while it is opened and dropped.
    thread: Option<JoinHandle<()>>,
    readers: Mutex<Vec<Connection>>,
    shared: Arc<Shared>,
}

/// What the writer's thread and the readers have in common.
struct Shared {
    bodies: Reader,
    fresh: Fresh,
    /// How many groups were committed.
    groups: AtomicU64,
    lookup: Lookup,
    faults: Faults,
}

impl Sqlite {
    /// Opens the store in a directory, and makes both if they are not there.
    pub(crate) fn open(dir: &Path, options: Options) -> Result<Self, StoreError> {
        std::fs::create_dir_all(dir)
            .map_err(|e| StoreError::io("creating the directory of the store", &e))?;
        let lock = DirLock::take(dir)?;
        let durability = options.durability;
        let (mut opened, writer) = Self::recover(dir, options, Arc::new(Machine))?;
        let writer = writer.leave_the_log_to(Checkpoints::start(&opened.database, durability)?);
        let inbox = Arc::clone(&opened.inbox);
        let thread = thread::Builder::new()
            .name("emta-store".to_owned())
            .spawn(move || {
                inbox.serve(|inbox| writer.run(inbox));
                // Not before the last write: it may come after the last handle is gone.
                drop(lock);
            })
            .map_err(|e| StoreError::io("starting the writer", &e))?;
        opened.thread = Some(thread);
        Ok(opened)
    }

    /// What a directory has, and the one who goes on writing there.
    fn recover(dir: &Path, options: Options, disk: Arc<dyn Disk>) -> Result<(Self, GroupWriter), StoreError> {
        let database = dir.join("emta.sqlite3");
        let mut connection = connect(&database)?;
        configure_writer(&connection, options.durability)
            .map_err(|e| failed("configuring the database", &e))?;
        schema::migrate(&mut connection)?;

        let bodies = dir.join("bodies");
        let end = last_end(&connection)?;
        let durable = matches!(options.durability, Durability::Group);
        let writer = Writer::open(Arc::clone(&disk), &bodies, options.segment_size, durable, end)?;
        let reader = Reader::new(disk, &bodies);
        let needed = needed_segments(&connection)?;
        reader.sweep(|segment| segment == end.segment || needed.contains(&segment))?;

        let lookup = Lookup::default();
        lookup.restore(&connection)?;
        let last = last_sequence(&connection)?;
        let fresh = Fresh::new(options.body_cache);
        let shared = Arc::new(Shared {
            bodies: reader,
            fresh,
            groups: AtomicU64::new(0),
            lookup,
            faults: Faults::default(),
        });
        let readers = Mutex::new(Vec::new());
        let inbox = Arc::new(Inbox::new(QUEUE));
        let opened = Self { database, inbox, thread: None, readers, shared: Arc::clone(&shared) };
        Ok((opened, GroupWriter::new(connection, writer, shared, options, last)))
    }

    /// Reads with a connection that no other thread uses meanwhile.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.database)?,
        };
        let outcome = read(&connection);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
        outcome
    }
}

impl Drop for Sqlite {
    /// Waits for the writes that were handed in, so that the directory is free afterwards.
    fn drop(&mut self) {
        self.inbox.close();
        // The connection that writes is to be the last one, because closing that one empties the log into the database.
        self.readers.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        let Some(thread) = self.thread.take() else { return };
        // A callback may hold the last handle; the writer's thread cannot wait for itself.
        if thread.thread().id() != thread::current().id() {
            // A panic there was already reported.
            let _ = thread.join();
        }
    }
}

fn connect(database: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(database).map_err(|e| failed("opening the database", &e))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn open_reader(database: &Path) -> Result<Connection, StoreError> {
    let connection = connect(database)?;
    let configure = || {
        connection.pragma_update(None, "query_only", true)?;
        // Only recovery after a crash and the last checkpoint ever make a reader wait.
        connection.busy_timeout(Duration::from_secs(10))
    };
    configure().map_err(|e| failed("configuring the database", &e))?;
    Ok(connection)
}

fn configure_writer(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    debug_assert_eq!(mode, "wal", "a database in a file can have a write-ahead log");
    let synchronous = match durability {
        Durability::Group => "FULL",
        Durability::None => "OFF",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    // 64 MiB of pages: the indices on random ids are what grows.
    connection.pragma_update(None, "cache_size", -65_536)?;
    // The log is copied beside the writer (`checkpoint.rs`); should that ever lag behind, the writer does it. The file
    // shrinks after a burst.
    connection.pragma_update(None, "wal_autocheckpoint", 32_768)?;
    connection.pragma_update(None, "journal_size_limit", 32 << 20)?;
    connection.busy_timeout(Duration::from_secs(10))
}

/// Where the records of the last segment end.
fn last_end(connection: &Connection) -> Result<End, StoreError> {
    let last = connection.query_row(
        "SELECT segment, end_offset, released FROM segments ORDER BY segment DESC LIMIT 1",
        [],
        |row| Ok((row.get::<_, u32>(0)?, row.get::<_, i64>(1)?, row.get::<_, bool>(2)?)),
    );
    match last {
        Ok((segment, _, true)) => Ok(End { segment: segment.saturating_add(1), offset: 0 }),
        Ok((segment, offset, false)) => Ok(End { segment, offset: u64::try_from(offset).unwrap_or(0) }),
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(End { segment: 1, offset: 0 }),
        Err(e) => Err(failed("reading the segments", &e)),
    }
}

/// The place of the last event in the order of commits; 0 if there is none.
fn last_sequence(connection: &Connection) -> Result<i64, StoreError> {
    let read = || {
        let sql = "SELECT max(ifnull((SELECT max(sequence) FROM messages), 0), \
                   ifnull((SELECT max(sequence) FROM events), 0))";
        connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
    };
    read().map_err(|e| failed("reading the end of the log", &e))
}

/// The segments that rows still point into.
fn needed_segments(connection: &Connection) -> Result<HashSet<u32>, StoreError> {
    let read = || {
        let mut select = connection.prepare("SELECT segment FROM segments WHERE released = 0")?;
        select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<HashSet<u32>>>()
    };
    read().map_err(|e| failed("reading the segments", &e))
}

/// What SQLite said, in our words; a full disk is told apart.
fn failed(what: &str, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full { what: what.to_owned() },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::corrupt(format!("the database ({what})"), error.to_string(), "an intact database")
        }
        _ => StoreError::Io { what: what.to_owned(), detail: error.to_string() },
    }
}

/// As a column holds it; nothing here comes near the limit.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An id as a column holds it: blobs are ordered as unsigned numbers are, and `hex` writes them for people.
const fn octets(id: u64) -> [u8; 8] {
    id.to_be_bytes()
}

#[cfg(test)]
mod crash;
#[cfg(test)]
mod tests;
