//! Chance that belongs to the message.
//!
//! Every random choice is a pure function of the seed, the message, the attempt and what the choice is for. There is
//! no stream to share, so the order in which sockets happen to be served changes nothing.

use crate::message::QueueId;

/// The source of all random choices of a run: a seed, and nothing that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance {
    seed: u64,
}

impl Chance {
    /// A source for this seed; the same seed draws the same numbers for the same questions.
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The seed it was made with.
    pub const fn seed(self) -> u64 {
        self.seed
    }

    /// 64 evenly distributed bits for this message, attempt (from 1; 0 where none applies) and purpose.
    pub fn bits(self, message: QueueId, attempt: u32, purpose: &str) -> u64 {
        Hasher::new()
            .u64(self.seed)
            .u64(message.as_u64())
            .u64(u64::from(attempt))
            .bytes(purpose.as_bytes())
            .finish()
    }

    /// A number in `0.0..1.0`.
    pub fn unit(self, message: QueueId, attempt: u32, purpose: &str) -> f64 {
        // 53 bits: all that an f64 holds exactly.
        (self.bits(message, attempt, purpose) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Whether something of this probability (0.0 to 1.0) happens.
    pub fn happens(self, probability: f64, message: QueueId, attempt: u32, purpose: &str) -> bool {
        self.unit(message, attempt, purpose) < probability
    }
}

/// A stable 64-bit hash of a sequence of fields; the same on every machine and in every version.
///
/// FNV-1a over length-prefixed fields, finished with SplitMix64's mixer so that every bit of the result depends on
/// every bit of the input. Not for input chosen by an adversary.
#[derive(Clone, Copy, Debug)]
pub struct Hasher(u64);

impl Hasher {
    /// An empty hash.
    #[expect(clippy::new_without_default, reason = "a hash of nothing is started, not defaulted")]
    pub const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a number.
    pub fn u64(self, value: u64) -> Self {
        self.raw(&value.to_le_bytes())
    }

    /// Adds a field of bytes; its length is part of the hash, so `("ab", "c")` and `("a", "bc")` differ.
    pub fn bytes(self, field: &[u8]) -> Self {
        self.u64(field.len() as u64).raw(field)
    }

    /// The hash of all that was added.
    pub const fn finish(self) -> u64 {
        let mut z = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_function_of_what_is_asked() {
        let chance = Chance::new(7);
        let id = QueueId::from_u64(42);
        assert_eq!(chance.bits(id, 1, "outcome"), Chance::new(7).bits(id, 1, "outcome"));
        let others = [
            Chance::new(8).bits(id, 1, "outcome"),
            chance.bits(QueueId::from_u64(43), 1, "outcome"),
            chance.bits(id, 2, "outcome"),
            chance.bits(id, 1, "open"),
        ];
        assert!(others.iter().all(|o| *o != chance.bits(id, 1, "outcome")));
    }

    #[test]
    fn is_even_enough_for_percentages() {
        let chance = Chance::new(1);
        let hits = (0..100_000).filter(|n| chance.happens(0.02, QueueId::from_u64(*n), 1, "x")).count();
        assert!((1_850..2_150).contains(&hits), "{hits}");
    }
}
