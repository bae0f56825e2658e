//! The one clock of policy time.
//!
//! It runs *real*, *scaled*, *frozen* (moves only when told) or *auto* (jumps to the next due instant when nothing is
//! under way). Whatever is under way holds a [`Token`]; frozen and auto clocks move only when none is held, stop at
//! every instant for which a [`Source`] has asked, and go on when all that the instant set off has let go of its tokens.
//! A clock that cannot move says who holds it.

mod mode;
pub mod wall;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use emta_mail::Timestamp;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

pub use mode::{ClockMode, ClockModeError};
use wall::Stopwatch;

/// Real time without any token taken or given back after which a clock that should move counts as stuck.
const STUCK_AFTER: Duration = Duration::from_secs(30);

/// A handle on the clock; cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    /// Something changed that the driver may act on.
    changed: Notify,
}

struct State {
    mode: ClockMode,
    /// Virtual time: exact for frozen and auto, as of `anchor` for real and scaled.
    now: Timestamp,
    /// When `now` was set; real and scaled clocks run from there.
    anchor: Stopwatch,
    /// Real time that must pass with nothing under way before the clock moves on.
    quiet: Duration,
    tokens: u64,
    holders: BTreeMap<&'static str, u64>,
    /// Counts tokens taken and given back, to tell slow from stuck.
    activity: u64,
    sources: Vec<SourceState>,
    errand: Option<Errand>,
    jumps: u64,
}

struct SourceState {
    name: &'static str,
    deadline: Option<Timestamp>,
    /// Due and not yet taken by its owner; holds a token until then.
    woken: bool,
    wake: Arc<Notify>,
}

/// A request to a frozen clock.
struct Errand {
    goal: Goal,
    steps: u64,
    from: Timestamp,
    done: oneshot::Sender<Result<Advanced, ClockError>>,
}

#[derive(Clone, Copy)]
enum Goal {
    /// Up to this instant.
    Until(Timestamp),
    /// This many due instants further.
    Steps(u64),
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
    #[error("a `{0}` clock moves by itself; only a frozen clock is advanced")]
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
        let state = State {
            mode,
            now: start,
            anchor: Stopwatch::start(),
            quiet,
            tokens: 0,
            holders: BTreeMap::new(),
            activity: 0,
            sources: Vec::new(),
            errand: None,
            jumps: 0,
        };
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
        let mut state = self.lock();
        let wake = Arc::new(Notify::new());
        state.sources.push(SourceState { name, deadline: None, woken: false, wake: wake.clone() });
        Source { clock: self.clone(), index: state.sources.len() - 1, name, wake }
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
        let mut state = self.lock();
        state.now = state.current();
        state.anchor = Stopwatch::start();
        state.mode = mode;
        drop(state);
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

    /// Runs the clock until `stop`; `moved` is called with each new instant to which a clock jumps, before anyone is
    /// woken for it. It must not ask the clock.
    pub async fn drive(self, stop: CancellationToken, moved: impl Fn(Timestamp) + Send) {
        let mut patience = Patience::default();
        loop {
            let plan = self.plan(&mut patience, &moved);
            let wait = async {
                match plan {
                    Plan::Again => {}
                    Plan::Wait => self.0.changed.notified().await,
                    Plan::WaitAtMost(span) => {
                        // A change or the time, whichever is first; both lead back to a new plan.
                        let _ = wall::timeout(span, self.0.changed.notified()).await;
                    }
                    Plan::Quiet { span, activity } => {
                        wall::sleep(span).await;
                        self.lock().quiet_since(activity, &mut patience);
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
    fn plan(&self, patience: &mut Patience, moved: &impl Fn(Timestamp)) -> Plan {
        let mut state = self.lock();
        match state.mode {
            ClockMode::Real | ClockMode::Scaled(_) => {
                if let Some(errand) = state.errand.take() {
                    let _ = errand.done.send(Err(ClockError::NotFrozen(state.mode)));
                }
                let now = state.current();
                state.wake_due(now);
                if state.mode != ClockMode::Real {
                    moved(now);
                }
                match state.next_due() {
                    // A minute at most, so that a correction of the machine's date is noticed.
                    Some((due, _)) => {
                        let virtual_wait = due.since(now);
                        let wait = state.mode.real_span(virtual_wait).max(Duration::from_millis(1));
                        Plan::WaitAtMost(wait.min(Duration::from_secs(60)))
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
                let arrived = match (&state.errand, target) {
                    (_, None) => true,
                    (Some(Errand { goal: Goal::Until(goal), .. }), Some(_)) => state.now >= *goal,
                    _ => false,
                };
                if arrived {
                    state.finish_errand();
                    return Plan::Wait;
                }
                if let Some(instant) = target {
                    state.now = state.now.max(instant);
                    let now = state.now;
                    moved(now);
                    if next.is_some_and(|due| due <= now) {
                        state.jumps += 1;
                        if let Some(errand) = &mut state.errand {
                            errand.steps += 1;
                        }
                    }
                    state.wake_due(now);
                }
                Plan::Again
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between statements; a panic elsewhere does not make it wrong.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Plan {
    Again,
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
    fn current(&self) -> Timestamp {
        match self.mode {
            ClockMode::Frozen | ClockMode::Auto => self.now,
            ClockMode::Real | ClockMode::Scaled(_) => self.now + self.mode.virtual_span(self.anchor.elapsed()),
        }
    }

    fn next_due(&self) -> Option<(Timestamp, &'static str)> {
        self.sources.iter().filter(|s| !s.woken).filter_map(|s| Some((s.deadline?, s.name))).min()
    }

    fn take(&mut self, holder: &'static str) {
        self.tokens += 1;
        self.activity += 1;
        *self.holders.entry(holder).or_default() += 1;
    }

    fn give_back(&mut self, holder: &'static str) -> bool {
        self.tokens -= 1;
        self.activity += 1;
        if let Some(count) = self.holders.get_mut(holder) {
            *count -= 1;
            if *count == 0 {
                self.holders.remove(holder);
            }
        }
        self.tokens == 0
    }

    fn wake_due(&mut self, now: Timestamp) {
        for index in 0..self.sources.len() {
            let source = &mut self.sources[index];
            if !source.woken && source.deadline.is_some_and(|due| due <= now) {
                source.woken = true;
                source.wake.notify_one();
                let name = source.name;
                self.take(name);
            }
        }
    }

    fn quiet_since(&mut self, activity: u64, patience: &mut Patience) {
        patience.quiet_at = (self.activity == activity).then_some(activity);
    }

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
        if waited < STUCK_AFTER {
            return Plan::WaitAtMost(STUCK_AFTER - waited);
        }
        patience.watched = None;
        let holders = self.describe_holders();
        tracing::warn!(now = %self.now, %holders, "the clock is stuck");
        if let Some(errand) = self.errand.take() {
            let _ = errand.done.send(Err(ClockError::Stuck { now: self.now, holders }));
        }
        Plan::WaitAtMost(STUCK_AFTER)
    }

    fn describe_holders(&self) -> String {
        let one = |(name, count): (&&str, &u64)| format!("{count} × {name}");
        self.holders.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    fn finish_errand(&mut self) {
        if let Some(errand) = self.errand.take() {
            let next_due = self.next_due().map(|(due, _)| due);
            let advanced = Advanced { from: errand.from, to: self.now, instants: errand.steps, next_due };
            let _ = errand.done.send(Ok(advanced));
        }
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
