//! What the queue knows of a message, as it comes in and as it is kept.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use emta_mail::{Domain, QueueId, Timestamp};

use crate::lanes::LaneId;

/// A message for the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its name.
    pub id: QueueId,
    /// The recipient's domain: its lane.
    pub domain: Domain,
    /// The mailbox provider that serves the domain. All messages of a lane go to the provider named last.
    pub provider: Arc<str>,
    /// When it arrived.
    pub accepted_at: Timestamp,
    /// When its validity ends; at most [`MAX_VALIDITY`](crate::MAX_VALIDITY) after its arrival, later is cut to that.
    pub expires_at: Timestamp,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waits until it is due.
    Scheduled,
    /// Is due; waits until its lane lets it go.
    Ready,
    /// An attempt is on its way.
    InFlight {
        /// The lane's connection that carries it.
        slot: u32,
    },
}

/// A message as the queue keeps it: 40 octets, because there may be ten million.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) accepted_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// When the next attempt is due, at most `expires_at`; while in flight, when this one was.
    pub(crate) due: Timestamp,
    pub(crate) lane: LaneId,
    /// Attempts made, without the one in flight.
    pub(crate) attempts: u32,
    pub(crate) stage: Stage,
}

impl Record {
    /// When the timeline has to look at it again; `None` while it is in flight.
    pub(crate) const fn wakes_at(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Scheduled => Some(self.due),
            Stage::Ready => Some(self.expires_at),
            Stage::InFlight { .. } => None,
        }
    }
}

/// All messages by id.
pub(crate) type Records = HashMap<QueueId, Record, BuildHasherDefault<IdHasher>>;

/// Queue ids are hashes already, so one multiplication is enough to fill a table evenly; ids that tests make up by
/// counting get by with it too.
#[derive(Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        // The table takes its buckets from the low bits, the multiplication leaves its best bits on top.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_stays_small() {
        assert_eq!(size_of::<Record>(), 40);
    }
}
