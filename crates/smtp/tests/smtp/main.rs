//! Both state machines from outside: transcripts, each against the other, and cut into pieces.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod client;
mod duet;
mod script;
mod server;
mod splits;
