//! Event log, spool and views on disk.
//!
//! A [`Store`] keeps what must survive a crash: the messages with their bodies, the queue's state, the append-only log
//! of [`DeliveryEvent`](emta_mail::DeliveryEvent)s, the bounce mailbox, and small pieces of state of other parts. It
//! knows nothing of SMTP, HTTP, policies or time: every instant comes with the data.
//!
//! Two back-ends stand behind the one handle and pass the one conformance suite (`tests/suite`):
//!
//! * [`Store::open`]: SQLite rows and body segment files in a directory. One thread writes, in groups; readers have
//!   connections of their own and never wait for it.
//! * [`Store::memory`]: the same behaviour without disk or threads, for the simulation.
//!
//! The invariant: **when a write's callback says `Ok`, all of that write is durable, and when it says `Err`, none of
//! it happened.** A row never points at bytes that are not durable, because the bodies of a group are synced before
//! the rows that name them are committed.
//!
//! The crate is synchronous. A write takes a callback, called once, after the commit, on the writer's thread (in
//! memory: on the caller's); a callback must not block, and must not wait for another write.

mod backend;
mod change;
mod error;
mod event;
mod fault;
mod inbound;
mod memory;
mod message;
mod options;
mod segment;
mod sqlite;
mod store;

pub use backend::Done;
pub use change::{Change, Committed, JournalEntry, QueueChange, Record};
pub use error::StoreError;
pub use event::{EventOrder, EventRow, MessageFacts};
pub use fault::Faults;
pub use inbound::{InboundCounts, InboundCursor, InboundId, InboundResult, InboundRow, NewInbound};
pub use message::{
    MessageCursor, MessageFilter, MessageIdHeader, MessageRow, MessageStatus, NewMessage, QueueState,
    QueuedRow, StoredMessage, copy_id,
};
pub use options::{Durability, Options};
pub use store::{MAX_BODY, MAX_NAME, MAX_PAGE, MAX_VALUE, Store};
