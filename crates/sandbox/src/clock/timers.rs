//! Waiting for an instant of virtual time, for any number of tasks at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use emta_mail::Timestamp;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{Clock, Source, Token};

/// A source of the clock that many tasks share; cheap to clone.
#[derive(Clone)]
pub(crate) struct Timers(Arc<Inner>);

struct Inner {
    clock: Clock,
    source: Source,
    name: &'static str,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    by_instant: BTreeMap<(Timestamp, u64), oneshot::Sender<Token>>,
}

impl Timers {
    /// Timers under this name among the clock's holders; they go off only while [`Timers::run`] is running.
    pub(crate) fn new(clock: &Clock, name: &'static str) -> Self {
        let waiting = Mutex::new(Waiting::default());
        Self(Arc::new(Inner { clock: clock.clone(), source: clock.source(name), name, waiting }))
    }

    /// Waits for the instant, letting go of `token` meanwhile; the returned token keeps the clock there. `None` if the
    /// timers have ended.
    pub(crate) async fn at(&self, instant: Timestamp, token: Token) -> Option<Token> {
        let (sender, woken) = oneshot::channel();
        {
            let mut waiting = self.lock();
            let number = waiting.next;
            waiting.next += 1;
            waiting.by_instant.insert((instant, number), sender);
            self.0.source.set_deadline(waiting.deadline());
        }
        drop(token);
        woken.await.ok()
    }

    /// Wakes who is due until `stop`; who still waits then is told that the timers have ended.
    pub(crate) async fn run(self, stop: CancellationToken) {
        loop {
            let token = tokio::select! {
                () = stop.cancelled() => break,
                token = self.0.source.due() => token,
            };
            let now = self.0.clock.now();
            let mut waiting = self.lock();
            while let Some(first) = waiting.by_instant.first_entry().filter(|first| first.key().0 <= now) {
                // Who has stopped waiting does not hold the clock: the token comes back at once.
                drop(first.remove().send(self.0.clock.hold(self.0.name)));
            }
            self.0.source.set_deadline(waiting.deadline());
            drop(token);
        }
        self.lock().by_instant.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn deadline(&self) -> Option<Timestamp> {
        self.by_instant.keys().next().map(|(instant, _)| *instant)
    }
}
