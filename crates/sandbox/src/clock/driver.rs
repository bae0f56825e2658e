//! What moves the clock: waits for the wall clock, or for nothing to be under way, and wakes who is due.

use std::time::Duration;

use emta_mail::Timestamp;
use tokio_util::sync::CancellationToken;

use super::state::{Errand, Goal, State};
use super::wall::{self, Stopwatch};
use super::{Clock, ClockError, ClockMode};

/// Real time without any token taken or given back after which a clock that should move counts as stuck.
const STUCK_AFTER: Duration = Duration::from_secs(30);

impl Clock {
    /// Runs the clock until `stop`. A clock that jumps waits for `keep` of the new instant before it shows it, so that
    /// after a crash it never goes on from before anything that happened.
    pub async fn drive<K: Future<Output = ()> + Send>(
        self,
        stop: CancellationToken,
        keep: impl Fn(Timestamp) -> K + Send,
    ) {
        let mut patience = Patience::default();
        loop {
            let plan = self.plan(&mut patience);
            let wait = async {
                match plan {
                    Plan::Jump(instant) => {
                        keep(instant).await;
                        self.arrive(instant);
                    }
                    Plan::Wait => self.0.changed.notified().await,
                    Plan::WaitAtMost(span) => {
                        // A change or the time, whichever is first; both lead back to a new plan.
                        let _ = wall::timeout(span, self.0.changed.notified()).await;
                    }
                    Plan::Quiet { span, activity } => {
                        wall::sleep(span).await;
                        let still = self.lock().activity == activity;
                        patience.quiet_at = still.then_some(activity);
                    }
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = wait => {}
            }
        }
        if let Some(errand) = self.lock().errand.take() {
            let _ = errand.done.send(Err(ClockError::Stopped));
        }
    }

    /// One decision of the driver.
    fn plan(&self, patience: &mut Patience) -> Plan {
        let mut state = self.lock();
        match state.mode {
            ClockMode::Real | ClockMode::Scaled(_) => {
                if let Some(errand) = state.errand.take() {
                    let _ = errand.done.send(Err(ClockError::NotFrozen(state.mode)));
                }
                let now = state.current();
                state.wake_due(now);
                match state.next_due() {
                    // A minute at most, so that a correction of the machine's date is noticed.
                    Some((due, _)) => {
                        let virtual_wait = due.since(now);
                        let wait = state.mode.real_span(virtual_wait).max(Duration::from_millis(1));
                        Plan::WaitAtMost(wait.min(Duration::from_mins(1)))
                    }
                    None => Plan::Wait,
                }
            }
            ClockMode::Frozen | ClockMode::Auto => {
                if state.tokens > 0 {
                    return state.give_up_if_stuck(patience);
                }
                if !state.quiet.is_zero() && patience.quiet_at != Some(state.activity) {
                    return Plan::Quiet { span: state.quiet, activity: state.activity };
                }
                patience.watched = None;
                let next = state.next_due().map(|(due, _)| due);
                let target = match (&state.errand, state.mode) {
                    (Some(errand), _) => match errand.goal {
                        Goal::Until(goal) => Some(next.map_or(goal, |due| due.min(goal))),
                        Goal::Steps(count) if errand.steps < count => next,
                        Goal::Steps(_) => None,
                    },
                    (None, ClockMode::Auto) => next,
                    (None, _) => return Plan::Wait,
                };
                let there = matches!(&state.errand, Some(Errand { goal: Goal::Until(goal), .. }) if state.now >= *goal);
                match target {
                    Some(instant) if !there => Plan::Jump(instant.max(state.now)),
                    Some(_) | None => {
                        state.finish_errand();
                        Plan::Wait
                    }
                }
            }
        }
    }

    /// Shows the instant and wakes who is due, unless something has begun meanwhile.
    fn arrive(&self, instant: Timestamp) {
        let mut state = self.lock();
        let still_idle = state.tokens == 0 && matches!(state.mode, ClockMode::Frozen | ClockMode::Auto);
        // Somebody may have asked for an earlier instant while this one was being kept.
        let passed_over = state.next_due().is_some_and(|(due, _)| due < instant);
        if !still_idle || passed_over || instant < state.now {
            return;
        }
        state.now = instant;
        if state.next_due().is_some_and(|(due, _)| due <= instant)
            && let Some(errand) = &mut state.errand
        {
            errand.steps += 1;
        }
        state.wake_due(instant);
    }
}

enum Plan {
    Jump(Timestamp),
    Wait,
    WaitAtMost(Duration),
    Quiet { span: Duration, activity: u64 },
}

/// What the driver remembers between two decisions.
#[derive(Default)]
struct Patience {
    watched: Option<(u64, Stopwatch)>,
    quiet_at: Option<u64>,
}

impl State {
    fn give_up_if_stuck(&mut self, patience: &mut Patience) -> Plan {
        let watched = match patience.watched {
            Some((activity, watch)) if activity == self.activity => watch,
            _ => {
                let watch = Stopwatch::start();
                patience.watched = Some((self.activity, watch));
                watch
            }
        };
        let waited = watched.elapsed();
        if let Some(rest) = STUCK_AFTER.checked_sub(waited).filter(|rest| !rest.is_zero()) {
            return Plan::WaitAtMost(rest);
        }
        patience.watched = None;
        let holders = self.describe_holders();
        tracing::warn!(now = %self.now, %holders, "the clock is stuck");
        if let Some(errand) = self.errand.take() {
            let _ = errand.done.send(Err(ClockError::Stuck { now: self.now, holders }));
        }
        Plan::WaitAtMost(STUCK_AFTER)
    }
}
