//! From bound to bound: into which steps a run is cut. It changes nothing in the story.
//!
//! What a step tells waits in memory until the next one is under way, and a step costs some waking and waiting of
//! threads. So steps are made to have about as many events as fit into a processor's cache.

use std::time::Duration;

use emta_mail::Timestamp;

use super::told::Bound;

/// Events that a step should have; from half to double of it is as good.
const EVENTS: usize = 2_048;
/// Recipients of a delivery that are relayed in a step: most have two events at once.
const SLICE: u32 = EVENTS as u32 / 2;
/// Longest step, so that one who waits hears of it.
const LONGEST: Duration = Duration::from_hours(2);

/// Deliveries are cut by ids, all else by virtual time.
pub(super) struct Steps {
    /// When deliveries start, soonest first.
    starts: Vec<Timestamp>,
    slices: u32,
    /// Slices that are done of the delivery that starts now.
    done: u32,
    /// Length of the steps between deliveries: whole seconds.
    stride: Duration,
}

impl Steps {
    /// Deliveries of at most `size` recipients start at these instants, soonest first.
    pub(super) fn new(starts: Vec<Timestamp>, size: u32) -> Self {
        Self { starts, slices: size.div_ceil(SLICE).max(1), done: 0, stride: Duration::from_mins(5) }
    }

    /// Up to where to go when the next thing happens at `now`.
    pub(super) fn next(&mut self, now: Timestamp) -> Bound {
        if self.starts.contains(&now) {
            self.done += 1;
            if self.done < self.slices {
                let share = (u128::from(self.done) << 64) / u128::from(self.slices);
                return Bound { at: now, id: u64::try_from(share).unwrap_or(u64::MAX) };
            }
        }
        self.done = 0;
        let full = Timestamp::from_seconds(now.as_seconds()) + self.stride;
        let at = self.starts.iter().copied().filter(|start| *start > now).fold(full, Timestamp::min);
        Bound { at, id: 0 }
    }

    /// Hears how many events the last step had.
    pub(super) fn told(&mut self, events: usize) {
        if self.done > 0 {
            return;
        }
        if events < EVENTS / 2 {
            self.stride = (self.stride * 2).min(LONGEST);
        } else if events > EVENTS * 2 {
            let seconds = self.stride.as_secs() * EVENTS as u64 / events as u64;
            self.stride = Duration::from_secs(seconds.max(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_767_603_600);

    #[test]
    fn a_delivery_is_cut_by_ids() {
        let later = START + Duration::from_secs(90);
        let mut steps = Steps::new(vec![START, later], 3 * SLICE + 1);
        let quarter = 1 << 62;
        for id in [quarter, 2 * quarter, 3 * quarter] {
            assert_eq!(steps.next(START), Bound { at: START, id });
            steps.told(EVENTS * 100);
        }
        assert_eq!(steps.next(START), Bound { at: later, id: 0 }, "up to the next delivery");
        assert_eq!(steps.next(later), Bound { at: later, id: quarter });
    }

    #[test]
    fn steps_become_longer_where_little_happens_and_shorter_where_much_does() {
        let mut steps = Steps::new(Vec::new(), 1);
        let mut length = |events| {
            steps.told(events);
            steps.next(START).at.since(START)
        };
        assert_eq!(length(EVENTS), Duration::from_mins(5));
        assert_eq!(length(0), Duration::from_mins(10));
        assert_eq!(length(EVENTS * 10), Duration::from_mins(1));
        assert_eq!(length(EVENTS * 1000), Duration::from_secs(1));
        assert_eq!((0..20).map(|_| length(0)).last(), Some(LONGEST));
    }
}
