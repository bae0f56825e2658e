//! The running system: configuration, the clock, and the thin shells that give the pure cores sockets, disk and time.
//!
//! A shell reads bytes, feeds a core, and carries out what the core asks; decisions about mail are made in the cores.
//! Everything that is under way holds a [`clock::Token`], and the clock moves only when none is held.

mod api;
pub mod campaign;
mod classify;
pub mod clock;
pub mod config;
pub mod feedback;
pub mod inmail;
mod live_rules;
mod maildrop;
mod mailed_bounces;
mod mta;
mod network;
mod outbox;
pub mod pop3;
mod pulse;
mod qualification;
mod relay;
pub mod simulation;
mod smtp_shell;
mod system;
pub mod tls;
pub mod wire;

pub use smtp_shell::BindError;
pub use system::{Addresses, Sandbox, StartError};
