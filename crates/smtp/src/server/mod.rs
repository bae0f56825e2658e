//! The server's side of SMTP, for the relay, the simulated mailbox providers and the bounce mailbox.
//!
//! The session knows the dialogue: syntax, order, limits, extensions. What is welcome it does not know: before each step
//! that could be refused it asks ([`ServerOutput::Ask`]) and reads nothing more until it is answered.

mod answers;
mod auth;
mod command;
mod config;
mod dialogue;
mod exchange;
mod parameters;
mod replies;
mod session;
mod transaction;

pub use config::{AuthPolicy, Extensions, Limits, ServerConfig};
pub use exchange::{
    Answer, Credentials, MailCommand, Mechanism, RcptCommand, Recipient, Request, ServerInput, ServerOutput,
    Transaction,
};
pub use session::ServerSession;
