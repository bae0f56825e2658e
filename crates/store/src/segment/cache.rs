//! Fresh bodies in memory, so that a first attempt does not read the disk.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::Placement;

/// What an entry costs beside the octets of its body, roughly; so that empty bodies are limited too.
const ENTRY: usize = 128;

/// The newest bodies, up to a number of octets; the oldest goes first.
pub(crate) struct BodyCache {
    limit: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    bodies: HashMap<Placement, Bytes>,
    order: VecDeque<Placement>,
    octets: usize,
}

impl BodyCache {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, held: Mutex::new(Held::default()) }
    }

    /// Holds a body; one that is larger than the limit is not held.
    pub(crate) fn put(&self, place: Placement, body: Bytes) {
        let mut held = self.held();
        held.octets += ENTRY + body.len();
        // Only committed bodies come here, so that a place has one body for ever.
        if let Some(old) = held.bodies.insert(place, body) {
            held.octets -= ENTRY + old.len();
        } else {
            held.order.push_back(place);
        }
        while held.octets > self.limit {
            let Some(oldest) = held.order.pop_front() else { break };
            let gone = held.bodies.remove(&oldest).map_or(0, |body| ENTRY + body.len());
            held.octets -= gone;
        }
    }

    pub(crate) fn get(&self, place: Placement) -> Option<Bytes> {
        self.held().bodies.get(&place).cloned()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_up_to_the_limit_and_drops_the_oldest() {
        let cache = BodyCache::new(2 * ENTRY + 8);
        let place = |offset| Placement { segment: 1, offset, length: 4 };
        let held = |cache: &BodyCache| (0..4).filter(|n| cache.get(place(*n)).is_some()).collect::<Vec<_>>();
        cache.put(place(0), Bytes::from_static(b"1234"));
        cache.put(place(1), Bytes::from_static(b"1234"));
        assert_eq!(held(&cache), [0, 1]);
        cache.put(place(2), Bytes::from_static(b"1"));
        assert_eq!(held(&cache), [1, 2]);
        cache.put(place(3), Bytes::from(vec![0; 2 * ENTRY]));
        assert_eq!(held(&cache), Vec::<u64>::new());
    }
}
