//! What can go wrong with a store.

use std::path::PathBuf;

use emta_mail::QueueId;

/// Why a write did not happen, or a read could not be answered. A failed write left nothing behind, and the store
/// stays usable: the same write may be tried again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk, or the space that was allowed, is full. Mail that meets this is answered 452, not 250.
    #[error("the disk is full: {what}; hint: free space, then send again")]
    Full {
        /// What was being written.
        what: String,
    },
    /// Reading or writing failed for another reason.
    #[error("{what} failed: {detail}")]
    Io {
        /// What was being done.
        what: String,
        /// What the operating system or SQLite said.
        detail: String,
    },
    /// What was read is not what was written.
    #[error("{place} is damaged: found `{found}`, expected {expected}")]
    Corrupt {
        /// Table and column, or segment and offset.
        place: String,
        /// What stood there.
        found: String,
        /// What could stand there.
        expected: &'static str,
    },
    /// A change names a message that was never accepted.
    #[error("message `{0}` is not in the store; expected one that was accepted")]
    UnknownMessage(QueueId),
    /// Somebody tried to record the acceptance of a message; [`Store::accept`](crate::Store::accept) writes that event.
    #[error(
        "the event `message.accepted` of message `{0}` cannot be recorded; expected it from accepting the message"
    )]
    AcceptedTwice(QueueId),
    /// An event came with a change of the queue that it cannot mean.
    #[error(
        "the event `{event}` of message `{message}` means {expected} for the queue, and something else was asked"
    )]
    WrongChange {
        /// The message.
        message: QueueId,
        /// The name of the event.
        event: &'static str,
        /// What it can mean.
        expected: &'static str,
    },
    /// Something is longer than its limit.
    #[error("{what} of {length} octets is longer than the {limit} that are allowed")]
    TooLong {
        /// What it is.
        what: &'static str,
        /// Its length in octets.
        length: usize,
        /// The limit in octets.
        limit: usize,
    },
    /// More writes are waiting than the queue to the writer holds; try again when some are done.
    #[error("{limit} writes are already waiting for the disk; expected fewer")]
    Busy {
        /// How many may wait.
        limit: usize,
    },
    /// The writer is gone, which happens only while the program ends.
    #[error("the store is closed")]
    Closed,
    /// Another process has the directory open.
    #[error("the store in `{}` is in use by {holder}; hint: stop it, or choose another directory", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// Who holds it, as that process wrote it down.
        holder: String,
    },
    /// The directory was written by a newer version of this program.
    #[error(
        "the store has schema {found}, and this program knows schemas up to {supported}; hint: use a newer program"
    )]
    NewerSchema {
        /// The schema on disk.
        found: u32,
        /// The newest that this program knows.
        supported: u32,
    },
}

impl StoreError {
    /// An input/output error of the operating system; a full disk is told apart.
    pub(crate) fn io(what: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { what: what.to_owned() },
            _ => Self::Io { what: what.to_owned(), detail: error.to_string() },
        }
    }

    pub(crate) fn corrupt(
        place: impl Into<String>,
        found: impl Into<String>,
        expected: &'static str,
    ) -> Self {
        Self::Corrupt { place: place.into(), found: found.into(), expected }
    }
}
