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
//!
//! ```
//! use bytes::Bytes;
//! use emta_mail::{Domain, EmailAddress, Envelope, EventKind, Origin, QueueId, ReversePath, Timestamp};
//! use emta_store::{MessageIdHeader, NewMessage, Store};
//!
//! let store = Store::memory();
//! let message = NewMessage {
//!     candidate: QueueId::from_u64(1),
//!     envelope: Envelope::new(ReversePath::Null, EmailAddress::parse("ann@example.com")?),
//!     origin: Origin::default(),
//!     header_message_id: MessageIdHeader::Add { domain: Domain::parse("mta.example")? },
//!     add_date: true,
//!     received_from: "from client.example ([192.0.2.7])".to_owned(),
//!     accepted_at: Timestamp::from_seconds(0),
//!     expires_at: Timestamp::from_seconds(302_400),
//!     size: 13,
//! };
//! let ids = store.accept_wait(vec![message], Bytes::from_static(b"Subject: hi\r\n"))?;
//! let event = &store.events_after(0, 10)?[0].event;
//! assert_eq!(event.message, ids[0]);
//! assert!(matches!(event.kind, EventKind::Accepted(_)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backend;
mod change;
mod error;
mod event;
mod fault;
mod fresh;
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
    DeliveredRow, MessageCursor, MessageFilter, MessageIdHeader, MessageRow, MessageStatus, NewMessage,
    QueueState, QueuedRow, StoredMessage, copy_id,
};
pub use options::{Durability, Options};
pub use store::{MAX_BODY, MAX_NAME, MAX_PAGE, MAX_VALUE, Store};
