//! The client's side of SMTP: the outbound leg of the MTA.
//!
//! A session is handed jobs and reports one outcome for each, whatever happens: every reply, refusal, time-out and lost
//! connection becomes an [`Outcome`] with the step at which it happened.

mod commands;
mod exchange;
mod reply;
mod session;
mod transaction;

pub use exchange::{ClientConfig, ClientInput, ClientOutput, Job, Outcome, TlsPolicy};
pub use session::ClientSession;
