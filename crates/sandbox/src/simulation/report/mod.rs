//! What a simulation shows: files, a page to read, and tables for the terminal.
//!
//! [`EventSink`] takes the events of a run while it goes; [`Study`] is what is told at the end of one run, of one
//! scenario on many seeds, or of two policies held against each other. [`OutDir`] writes all of it.

pub mod breakdown;
mod digest;
mod directory;
mod events;
mod html;
pub mod key_figures;
pub mod numbers;
mod study;
mod summary;
pub mod tables;
#[cfg(test)]
mod tests;

pub use digest::Digest;
#[cfg(test)]
use digest::EventDigest;
pub(super) use digest::encode;
pub use directory::{OutDir, OutError};
pub(super) use events::write_line;
pub use events::{EventLog, EventSink};
pub use study::{Group, Run, Spread, Study};
pub use summary::{GroupSummary, RunSummary, Summary};
