//! News of the event log for those who follow it: webhooks, reports by mail.
//!
//! A follower that has not yet read the newest event holds the clock, unless it has said that it waits for a retry.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::clock::{Clock, Token};

/// Tells all followers of the event log that it has grown.
#[derive(Clone, Default)]
pub(crate) struct Pulse {
    followers: Arc<Mutex<Vec<Arc<Follower>>>>,
}

/// One follower's side.
pub(crate) struct Follower {
    name: &'static str,
    clock: Clock,
    slot: Mutex<Slot>,
    news: Notify,
}

enum Slot {
    /// All read.
    Idle,
    /// There is something to read; the clock waits.
    News(Token),
    /// The follower waits for an instant of its own; the clock does not wait for it.
    BackingOff,
}

impl Pulse {
    /// Registers a follower; it starts with news, because the log may have grown before.
    pub(crate) fn follow(&self, name: &'static str, clock: &Clock) -> Arc<Follower> {
        let slot = Mutex::new(Slot::News(clock.hold(name)));
        let follower = Arc::new(Follower { name, clock: clock.clone(), slot, news: Notify::new() });
        follower.news.notify_one();
        self.followers.lock().unwrap_or_else(PoisonError::into_inner).push(follower.clone());
        follower
    }

    /// Called after events were committed, while the token of what caused them is still held.
    pub(crate) fn grown(&self) {
        for follower in self.followers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let mut slot = follower.slot.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(*slot, Slot::Idle) {
                *slot = Slot::News(follower.clock.hold(follower.name));
                follower.news.notify_one();
            }
        }
    }
}

impl Follower {
    /// Waits for news; the clock stands still until the token is dropped. Further news after this call count anew.
    pub(crate) async fn news(&self) -> Token {
        loop {
            {
                let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
                if let Slot::News(_) = *slot
                    && let Slot::News(token) = std::mem::replace(&mut *slot, Slot::Idle)
                {
                    return token;
                }
            }
            self.news.notified().await;
        }
    }

    /// From now on news do not hold the clock.
    pub(crate) fn back_off(&self) {
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Slot::BackingOff;
    }

    /// Ends [`Follower::back_off`]; the follower is about to read everything.
    pub(crate) fn resume(&self) {
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Slot::Idle;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use emta_mail::Timestamp;

    use super::*;
    use crate::clock::ClockMode;

    fn held(clock: &Clock) -> u64 {
        clock.status().holders.iter().map(|(_, count)| count).sum()
    }

    #[tokio::test]
    async fn news_hold_the_clock_until_they_are_read() {
        let clock = Clock::new(ClockMode::Frozen, Timestamp::from_seconds(0), Duration::ZERO);
        let pulse = Pulse::default();
        let follower = pulse.follow("test", &clock);
        // The log may have grown before anybody followed it.
        drop(follower.news().await);
        assert_eq!(held(&clock), 0);

        pulse.grown();
        pulse.grown();
        assert_eq!(held(&clock), 1);
        let token = follower.news().await;
        // What comes while the follower reads is news of its own.
        pulse.grown();
        assert_eq!(held(&clock), 2);
        drop(token);
        drop(follower.news().await);
        assert_eq!(held(&clock), 0);
    }

    #[tokio::test]
    async fn a_follower_that_waits_for_a_retry_does_not_hold_it() {
        let clock = Clock::new(ClockMode::Frozen, Timestamp::from_seconds(0), Duration::ZERO);
        let pulse = Pulse::default();
        let follower = pulse.follow("test", &clock);
        follower.back_off();
        pulse.grown();
        assert_eq!(held(&clock), 0);
        follower.resume();
        pulse.grown();
        assert_eq!(held(&clock), 1);
    }
}
