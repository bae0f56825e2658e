//! Facts of mail, without I/O, clock or randomness.
//!
//! What a message *is* to a Mail Transfer Agent and to a campaign system: addresses and domains, points in time,
//! SMTP replies with their enhanced status codes, Campaign's failure types and reasons, and the
//! [`DeliveryEvent`]s that together are the only truth about what happened. The crate also writes the mails that
//! report failures ([`compose`]) and reads them ([`inbound`]).
//!
//! It knows no SMTP dialogue, no rules and no storage: a value that exists is valid, and nothing here can fail for
//! a reason other than the bytes it was given.

pub mod address;
pub mod chance;
pub mod classification;
pub mod compose;
pub mod duration;
pub mod event;
pub mod header;
pub mod inbound;
pub mod message;
pub mod reply;
pub mod time;

pub use address::{AddressError, Domain, EmailAddress, ReversePath};
pub use chance::Chance;
pub use classification::{BounceClass, FailureReason, FailureType};
pub use event::{DeliveryEvent, EventId, EventKind};
pub use message::{Envelope, Origin, QueueId};
pub use reply::{EnhancedStatus, Phase, Reply};
pub use time::Timestamp;
