//! The one clock of policy time.
//!
//! It runs *real*, *scaled*, *frozen* (moves only when told) or *auto* (jumps to the next due instant when nothing is
//! under way). Whatever is under way holds a [`Token`]; frozen and auto clocks move only when none is held, stop at
//! every instant for which a [`Source`] has asked, and go on when all that the instant set off has let go of its tokens.
//! A clock that cannot move says who holds it.

mod driver;
mod mode;
mod state;
mod timers;
pub mod wall;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use emta_mail::Timestamp;
use tokio::sync::{Notify, oneshot};

pub use mode::{ClockMode, ClockModeError};
use state::{Errand, Goal, State};
pub(crate) use timers::Timers;

/// A handle on the clock; cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    /// Something changed that the driver may act on.
    changed: Notify,
}

/// What an advance did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advanced {
    /// Virtual time before.
    pub from: Timestamp,
    /// Virtual time now.
    pub to: Timestamp,
    /// Due instants at which it stopped on the way.
    pub instants: u64,
    /// What is due next.
    pub next_due: Option<Timestamp>,
}

/// What the clock shows.
#[derive(Clone, Debug)]
pub struct ClockStatus {
    /// Virtual time.
    pub now: Timestamp,
    /// How it runs.
    pub mode: ClockMode,
    /// What is due next, and who asked for it.
    pub next_due: Option<(Timestamp, &'static str)>,
    /// What is under way, by kind.
    pub holders: Vec<(&'static str, u64)>,
    /// Whether an advance is under way.
    pub advancing: bool,
}

/// Why the clock did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// It cannot be advanced by hand in this mode.
    #[error("the clock runs in mode `{0}` and moves by itself; only a frozen clock is advanced")]
    NotFrozen(ClockMode),
    /// Another advance is under way.
    #[error("the clock is being advanced already")]
    Busy,
    /// It only goes forward.
    #[error("`{asked}` is before the clock's `{now}`; the clock only goes forward")]
    Backwards {
        /// What was asked for.
        asked: Timestamp,
        /// What it shows.
        now: Timestamp,
    },
    /// Something is under way and does not end.
    #[error("the clock is stuck at `{now}`: held by {holders}, without any progress for 30 seconds")]
    Stuck {
        /// What it shows.
        now: Timestamp,
        /// Who holds it, and how often.
        holders: String,
    },
    /// The program is ending.
    #[error("the clock was stopped")]
    Stopped,
}

impl Clock {
    /// A clock that shows `start`. It does not move before [`Clock::drive`] is running.
    pub fn new(mode: ClockMode, start: Timestamp, quiet: Duration) -> Self {
        let state = State::new(mode, start, quiet);
        Self(Arc::new(Inner { state: Mutex::new(state), changed: Notify::new() }))
    }

    /// How it runs.
    pub fn mode(&self) -> ClockMode {
        self.lock().mode
    }

    /// Virtual time. Every decision about mail is made with this.
    pub fn now(&self) -> Timestamp {
        self.lock().current()
    }

    /// Notes that something is under way; a frozen or auto clock stands still until the token is dropped.
    pub fn hold(&self, holder: &'static str) -> Token {
        self.lock().take(holder);
        Token { clock: self.clone(), holder }
    }

    /// Registers something that must be woken at instants of virtual time.
    pub fn source(&self, name: &'static str) -> Source {
        let (index, wake) = self.lock().add_source(name);
        Source { clock: self.clone(), index, name, wake }
    }

    /// What it shows, for people.
    pub fn status(&self) -> ClockStatus {
        let state = self.lock();
        ClockStatus {
            now: state.current(),
            mode: state.mode,
            next_due: state.next_due(),
            holders: state.holders.iter().map(|(name, count)| (*name, *count)).collect(),
            advancing: state.errand.is_some(),
        }
    }

    /// Changes how it runs, from what it shows now.
    pub fn set_mode(&self, mode: ClockMode) {
        self.lock().set_mode(mode);
        self.0.changed.notify_one();
    }

    /// Moves a frozen clock by `span`, stopping at every due instant; returns when all is settled.
    ///
    /// # Errors
    /// See [`ClockError`].
    pub async fn advance(&self, span: Duration) -> Result<Advanced, ClockError> {
        let goal = self.now() + span;
        self.run(Goal::Until(goal)).await
    }

    /// Moves a frozen clock to an instant, stopping at every due one; returns when all is settled.
    ///
    /// # Errors
    /// See [`ClockError`].
    pub async fn advance_to(&self, goal: Timestamp) -> Result<Advanced, ClockError> {
        self.run(Goal::Until(goal)).await
    }

    /// Moves a frozen clock to the next due instants, `count` times; fewer if nothing is due any more.
    ///
    /// # Errors
    /// See [`ClockError`].
    pub async fn step(&self, count: u64) -> Result<Advanced, ClockError> {
        self.run(Goal::Steps(count)).await
    }

    /// Waits until nothing is under way at the instant that a frozen clock shows, without moving it.
    ///
    /// # Errors
    /// See [`ClockError`].
    pub async fn settle(&self) -> Result<Advanced, ClockError> {
        self.run(Goal::Steps(0)).await
    }

    async fn run(&self, goal: Goal) -> Result<Advanced, ClockError> {
        let (done, answer) = oneshot::channel();
        {
            let mut state = self.lock();
            if state.mode != ClockMode::Frozen {
                return Err(ClockError::NotFrozen(state.mode));
            }
            if state.errand.is_some() {
                return Err(ClockError::Busy);
            }
            if let Goal::Until(asked) = goal
                && asked < state.now
            {
                return Err(ClockError::Backwards { asked, now: state.now });
            }
            let from = state.now;
            state.errand = Some(Errand { goal, steps: 0, from, done });
        }
        self.0.changed.notify_one();
        answer.await.unwrap_or(Err(ClockError::Stopped))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between statements; a panic elsewhere does not make it wrong.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Proof that something is under way.
#[must_use = "the clock moves on as soon as the token is dropped"]
pub struct Token {
    clock: Clock,
    holder: &'static str,
}

impl Drop for Token {
    fn drop(&mut self) {
        let idle = self.clock.lock().give_back(self.holder);
        if idle {
            self.clock.0.changed.notify_one();
        }
    }
}

impl Clone for Token {
    fn clone(&self) -> Self {
        self.clock.hold(self.holder)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({})", self.holder)
    }
}

/// Something that must be woken at instants of virtual time: a queue, a provider's mail to come, a webhook's retry.
pub struct Source {
    clock: Clock,
    index: usize,
    name: &'static str,
    wake: Arc<Notify>,
}

impl Source {
    /// Asks to be woken at this instant, instead of at any asked for before; `None`: not at all.
    pub fn set_deadline(&self, deadline: Option<Timestamp>) {
        let mut state = self.clock.lock();
        if state.sources[self.index].deadline == deadline {
            return;
        }
        state.sources[self.index].deadline = deadline;
        let now = state.current();
        if deadline.is_some_and(|due| due <= now) {
            state.wake_due(now);
        }
        drop(state);
        self.clock.0.changed.notify_one();
    }

    /// Waits for the instant; the clock stands still until the returned token is dropped. The deadline is forgotten.
    pub async fn due(&self) -> Token {
        loop {
            {
                let mut state = self.clock.lock();
                let source = &mut state.sources[self.index];
                if source.woken {
                    source.woken = false;
                    source.deadline = None;
                    // The token was taken when the source was woken.
                    return Token { clock: self.clock.clone(), holder: self.name };
                }
            }
            self.wake.notified().await;
        }
    }
}

#[cfg(test)]
mod tests;
