//! The run of the same cores without sockets, and what it shows.
//!
//! Campaign core, relay, queue, providers, bounce mailbox and rules are those of the running system, down to the bytes
//! of SMTP and of reports; what is missing are sockets, disk and the clock. Time is the next instant at which
//! something is due. The invariant: neither the number of threads nor that of shards changes the story, and it is the
//! one that the running system would tell (`tests/simulation.rs`).

mod audience;
mod crew;
mod engine;
pub mod figures;
mod inmail;
mod link;
mod mta;
mod relay;
pub mod report;
mod scenario;
mod shard;
mod spool;
mod steps;
mod told;
mod world;

pub use engine::{Finished, Lines, Listener, Options, Progress, SimulationError, run};
pub use scenario::{Audience, Outage, Plan, Scenario, Share, Waves};
pub use told::Told;
