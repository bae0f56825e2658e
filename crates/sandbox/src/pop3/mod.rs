//! POP3 for the bounce mailbox (RFC 1939, with CAPA and response codes of RFC 2449, STLS of RFC 2595,
//! `[AUTH]` of RFC 3206): campaign systems that collect their own bounces poll it.
//!
//! [`session`] is the protocol as a state machine without I/O; [`server`] gives it sockets. What is in the
//! mailbox is asked of a [`Maildrop`]. A session sees the mailbox as it was at its login, and has it for
//! itself until it ends.

mod command;
mod dialogue;
pub mod server;
pub mod session;
mod snapshot;
mod text;

use std::future::Future;

use bytes::Bytes;

/// Most mails that one session sees; those that come after them are seen once these are deleted.
pub const MAX_ITEMS: usize = 100_000;

/// A mail in the mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name, the same in every session (UIDL): 1 to 70 printable ASCII characters without spaces.
    pub uid: String,
    /// Its size in octets.
    pub size: u64,
}

/// Why the mailbox did not do what it was asked; the text is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the mailbox failed: {0}")]
pub struct MaildropError(pub String);

/// The mailbox behind the server.
pub trait Maildrop: Send + Sync + 'static {
    /// The oldest `limit` mails that are not deleted, in the order in which they came.
    fn list(&self, limit: usize) -> impl Future<Output = Result<Vec<Item>, MaildropError>> + Send;

    /// A mail as it came; `None` if there is none of this name any more.
    fn content(&self, uid: &str) -> impl Future<Output = Result<Option<Bytes>, MaildropError>> + Send;

    /// Takes mails out of the mailbox; names that are not there are left out.
    fn delete(&self, uids: Vec<String>) -> impl Future<Output = Result<(), MaildropError>> + Send;
}

#[cfg(test)]
mod tests;
