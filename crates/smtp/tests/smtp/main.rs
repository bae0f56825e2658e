//! Both state machines from outside: transcripts, each against the other, and cut into pieces.

mod client;
mod duet;
mod script;
mod server;
mod splits;
