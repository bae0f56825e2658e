//! How a store on disk behaves.

use std::time::Duration;

/// Options of [`Store::open`](crate::Store::open).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What a commit survives.
    pub durability: Durability,
    /// Size at which a body segment is full, in octets. A body that is larger gets a segment of its own.
    pub segment_size: u64,
    /// How many messages and changes a group may have before it is committed.
    pub group_max: usize,
    /// How long a group may wait for as many transactions of mail as the one before had; zero commits what is there.
    /// Where no mail is taken in, nothing waits.
    pub group_wait: Duration,
    /// How long, in virtual time, bodies are kept after the last of their messages is finished. Reports that come back
    /// days later are read next to the header of the original: up to one week after (facts 2.1), so seven days by default.
    pub keep_bodies: Duration,
    /// How many octets of messages that were not attempted yet stay in memory, so that a first attempt does not read the
    /// disk.
    pub body_cache: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::Group,
            segment_size: 64 << 20,
            group_max: 512,
            group_wait: Duration::from_millis(2),
            keep_bodies: Duration::from_hours(7 * 24),
            body_cache: 64 << 20,
        }
    }
}

/// What a commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The end of the program and the loss of power: each group is synced before its callbacks are called.
    Group,
    /// The end of the program, even by `kill -9`; not the loss of power. For tests and for comparison with systems that
    /// do not sync.
    None,
}
