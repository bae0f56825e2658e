//! Copying the database's log into the database, beside the writer.
//!
//! SQLite would do it in the commit that makes the log long enough, and all mail would wait for some tens of
//! milliseconds. So a thread does most of it while groups go on. It can never finish, because the log goes on too: the
//! writer copies what came meanwhile, which is little, and then the log begins anew.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use super::{configure_writer, connect, failed};
use crate::error::StoreError;
use crate::options::Durability;

/// How much of the log is written between two copies, in pages of 4 KiB, as estimated by [`Checkpoints::wrote`].
const EVERY: usize = 8_192;
/// How many pages a group changes, whatever is in it: the ends of tables and indices.
const PAGES_A_GROUP: usize = 12;
/// How many writes fill a page of the log, roughly; that of an index of messages is counted in.
const WRITES_A_PAGE: usize = 2;

/// The thread that copies, and when it is its turn.
pub(super) struct Checkpoints {
    /// `None` only while it is dropped.
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// The thread has copied what it was asked for.
    copied: Arc<AtomicBool>,
    /// The thread was asked, and what came meanwhile is not copied.
    is_asked: bool,
    /// Pages of the log since the last copy.
    pages: usize,
}

impl Checkpoints {
    /// Starts the thread for a database whose writer leaves the log to it.
    pub(super) fn start(database: &Path, durability: Durability) -> Result<Self, StoreError> {
        let connection = connect(database)?;
        configure_writer(&connection, durability).map_err(|e| failed("configuring the database", &e))?;
        let (ask, asked) = mpsc::sync_channel(1);
        let copied = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&copied);
        let thread = thread::Builder::new()
            .name("emta-store-copy".to_owned())
            .spawn(move || {
                while let Ok(()) = asked.recv() {
                    copy(&connection);
                    tell.store(true, Ordering::Release);
                }
            })
            .map_err(|e| StoreError::io("starting the thread that copies the log", &e))?;
        Ok(Self { ask: Some(ask), thread: Some(thread), copied, is_asked: false, pages: 0 })
    }

    /// Takes note of a group that was committed, of so many writes and octets of content, and copies what is left where
    /// the thread has done its part.
    pub(super) fn wrote(&mut self, writer: &Connection, writes: usize, octets: usize) {
        self.pages += PAGES_A_GROUP + writes / WRITES_A_PAGE + octets / 4_096;
        if self.is_asked {
            if self.copied.swap(false, Ordering::Acquire) {
                copy(writer);
                self.is_asked = false;
            }
        } else if self.pages >= EVERY
            && let Some(ask) = &self.ask
        {
            self.is_asked = ask.try_send(()).is_ok();
            self.pages = 0;
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was already reported.
            let _ = thread.join();
        }
    }
}

/// Copies what is committed and not copied. That it fails is no harm: the log stays as it is until the next time.
fn copy(connection: &Connection) {
    let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
}
