//! The simulated mailbox providers: what each answers at every step, and what it sends back later.
//!
//! A pure core. It opens no socket and reads no clock: the shell that owns the listeners asks [`ProviderSession`] for
//! each answer and [`Providers`] for where a message goes and for what is due.
//!
//! The invariant: a message's fate is a function of the seed, the message and the attempt. No choice depends on the order in
//! which connections happen to be served, so the same seed tells the same story.

pub mod action;
pub mod door;
pub mod fate;
pub mod internal;
pub mod latency;
pub mod outcome;
pub mod providers;
mod routing;
pub mod sandbox_address;
pub mod schedule;
pub mod script;
pub mod session;
pub mod spec;
pub mod template;
pub mod validate;

pub use action::{ActionKind, Delay, DelayError, Disclosure, LaterAction, Probability, ProbabilityError};
pub use door::{Door, DoorBehaviour, DoorId};
pub use fate::ChosenBy;
pub use latency::{Latency, LatencyError};
pub use outcome::{AttemptStep, Outcome, OutcomeError, Step, TimedStep};
pub use providers::{Delivery, Providers, Resolution};
pub use schedule::{Later, ReportMail};
pub use script::ScriptError;
pub use session::ProviderSession;
pub use spec::{
    DeliveryLimits, DomainPattern, Glob, Offers, ProviderSpec, RecipientOutcome, RecipientPattern,
    SandboxAddresses, WeightedOutcome,
};
pub use validate::ProvidersError;
