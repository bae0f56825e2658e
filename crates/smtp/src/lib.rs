//! SMTP as two state machines, server and client, without I/O (RFC 5321).
//!
//! Bytes, answers and signals go in by `handle`; bytes to send, questions and results come out by `poll`, which is
//! drained until it returns `None`. Nothing here opens a socket, speaks TLS, reads a clock or draws a random number:
//! the caller does, and tells the session. So the same two cores run over TCP, over TLS and in memory.
//!
//! * [`ServerSession`] serves the relay, the simulated mailbox providers and the bounce mailbox. It knows the
//!   dialogue; whether a sender, a recipient or a message is welcome it asks by [`Request`] and is told by [`Answer`].
//! * [`ClientSession`] is the outbound leg of the MTA: it is handed [`Job`]s and reports one [`Outcome`] for each.
//!
//! Extensions: PIPELINING (RFC 2920), SIZE (RFC 1870), 8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531), ENHANCEDSTATUSCODES
//! (RFC 2034), DSN (RFC 3461), CHUNKING (RFC 3030, without BINARYMIME), STARTTLS (RFC 3207), AUTH PLAIN and LOGIN
//! (RFC 4954, server only).
//!
//! Invariants: how the bytes were cut into pieces never changes what comes out; only CRLF ends a line, and what
//! arrives with a bare CR or LF is refused and ends the session, so that nothing can be smuggled; every buffer has a
//! named limit.

pub mod client;
mod content;
mod line;
pub mod server;
mod xtext;

pub use client::{ClientConfig, ClientInput, ClientOutput, ClientSession, Job, Outcome, TlsPolicy};
pub use server::{
    Answer, AuthPolicy, Credentials, Extensions, Limits, MailCommand, Mechanism, RcptCommand, Recipient,
    Request, ServerConfig, ServerInput, ServerOutput, ServerSession, Transaction,
};
