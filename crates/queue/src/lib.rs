//! When each message is due: retry schedule, validity, lanes with throttling.
//!
//! The queue is a value with three verbs: [`Queue::handle`] takes what happened, [`Queue::poll`] says what to do now,
//! [`Queue::deadline`] says when to come back. It has no socket, no disk, no clock and no randomness but the
//! [`Chance`](emta_mail::Chance) it is given; every point in time comes in as an argument.
//!
//! A message is *scheduled* until it is due, *ready* until its lane lets it go, *in flight* until the shell reports how
//! the attempt ended. A lane is one recipient domain: it limits connections, messages on each connection and
//! attempts an hour.
//!
//! Invariants, held by `tests/stories.rs`:
//!
//! - no attempt starts at or after the end of a message's validity, and a message that is not in flight expires
//!   exactly then;
//! - every message accepted is delivered, bounced, expired or still queued;
//! - no limit of a lane is ever exceeded;
//! - *which* attempts are made at *which* instant does not depend on the order in which the inputs of one instant
//!   come, provided that an instant is played out before the next begins;
//! - a queue restored from its messages has the same future as one that never stopped.

mod connections;
mod lane;
mod lanes;
mod limits;
mod message;
mod policy;
mod queue;
mod schedule;
mod summary;
mod throttle;
mod validity;

pub use limits::{Limits, LimitsError};
pub use message::{Message, Stage};
pub use policy::{Policy, ProviderPolicy};
pub use queue::{AttemptResult, Ignored, Input, Output, Queue};
pub use schedule::{RetrySchedule, ScheduleError};
pub use summary::{LaneSummary, Load, Queued, Summary};
pub use validity::{MAX_VALIDITY, effective_validity, expires_at};
