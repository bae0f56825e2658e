//! A lane's connections, as the queue counts them: numbered slots, and how much went over each.

use std::collections::BTreeSet;

use crate::limits::Limits;
use crate::throttle::Slice;

/// The slots of one lane. Slots are made when first needed, and a number is never larger than the limit was.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    slots: Vec<Slot>,
    free: BTreeSet<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Messages given to the connection that is open on this slot; zero if none is.
    used: u32,
    /// In which slice its last attempt started.
    started: Slice,
}

/// How an attempt left its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// The attempt was made over it.
    Used,
    /// It closed before the attempt began.
    Unused,
}

impl Connections {
    /// How many attempts are on their way.
    pub(crate) fn busy(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Takes the lowest free slot for an attempt that starts now, and says whether the attempt needs a connection of
    /// its own; `None` when all are busy.
    pub(crate) fn take(&mut self, limits: &Limits, now: Slice) -> Option<(u32, bool)> {
        // Both checks count after a limit was lowered: high slots may still be busy, or free but out of bounds.
        if self.busy() >= limits.connections() as usize {
            return None;
        }
        let number = match self.free.first() {
            Some(lowest) if *lowest < limits.connections() => self.free.pop_first()?,
            Some(_) => return None,
            None => {
                self.slots.push(Slot { used: 0, started: now });
                (self.slots.len() - 1) as u32
            }
        };
        let slot = self.slots.get_mut(number as usize)?;
        let fresh = slot.used == 0 || slot.used >= limits.messages_per_connection();
        *slot = Slot { used: if fresh { 1 } else { slot.used + 1 }, started: now };
        Some((number, fresh))
    }

    /// Frees a slot, and says in which slice its attempt started.
    pub(crate) fn release(&mut self, number: u32, left: Left) -> Option<Slice> {
        let slot = self.slots.get_mut(number as usize)?;
        if left == Left::Unused {
            slot.used = 0;
        }
        self.free.insert(number);
        Some(slot.started)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use emta_mail::Timestamp;

    const NOW: Slice = Slice::at(Timestamp::from_seconds(0));

    fn limits(connections: u32, messages: u32) -> Limits {
        Limits::try_new(connections, messages, None).unwrap()
    }

    #[test]
    fn the_lowest_free_slot_is_taken() {
        let mut connections = Connections::default();
        let limits = limits(3, 10);
        for number in 0..3 {
            assert_eq!(connections.take(&limits, NOW), Some((number, true)));
        }
        assert_eq!(connections.take(&limits, NOW), None);
        connections.release(2, Left::Used);
        connections.release(0, Left::Used);
        assert_eq!(connections.busy(), 1);
        assert_eq!(connections.take(&limits, NOW), Some((0, false)));
        assert_eq!(connections.take(&limits, NOW), Some((2, false)));
    }

    #[test]
    fn a_connection_is_replaced_when_used_up_or_lost() {
        let mut connections = Connections::default();
        let mut fresh = |left| {
            let (number, fresh) = connections.take(&limits(1, 3), NOW).unwrap();
            connections.release(number, left);
            fresh
        };
        let all_used = [Left::Used; 7].map(&mut fresh);
        assert_eq!(all_used, [true, false, false, true, false, false, true]);
        assert_eq!([Left::Unused, Left::Used, Left::Used].map(&mut fresh), [false, true, false]);
    }

    #[test]
    fn a_lowered_limit_holds_for_attempts_on_their_way_too() {
        let mut connections = Connections::default();
        while connections.take(&limits(3, 9), NOW).is_some() {}
        connections.release(0, Left::Used);
        assert_eq!(connections.take(&limits(1, 9), NOW), None, "two are busy");
        connections.release(1, Left::Used);
        connections.release(2, Left::Used);
        assert_eq!(connections.take(&limits(1, 9), NOW), Some((0, false)));
        assert_eq!(connections.take(&limits(1, 9), NOW), None);
        assert_eq!(connections.release(9, Left::Used), None, "no such slot");
    }
}
