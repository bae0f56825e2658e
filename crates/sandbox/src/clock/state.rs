//! What the clock knows: the time, who holds it, who wants to be woken when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use emta_mail::Timestamp;
use tokio::sync::{Notify, oneshot};

use super::wall::Stopwatch;
use super::{Advanced, ClockError, ClockMode};

pub(super) struct State {
    pub(super) mode: ClockMode,
    /// Virtual time: exact for frozen and auto, as of `anchor` for real and scaled.
    pub(super) now: Timestamp,
    /// When `now` was set; real and scaled clocks run from there.
    pub(super) anchor: Stopwatch,
    /// Real time that must pass with nothing under way before the clock moves on.
    pub(super) quiet: Duration,
    pub(super) tokens: u64,
    pub(super) holders: BTreeMap<&'static str, u64>,
    /// Counts tokens taken and given back, to tell slow from stuck.
    pub(super) activity: u64,
    pub(super) sources: Vec<SourceState>,
    pub(super) errand: Option<Errand>,
}

pub(super) struct SourceState {
    pub(super) name: &'static str,
    pub(super) deadline: Option<Timestamp>,
    /// Due and not yet taken by its owner; holds a token until then.
    pub(super) woken: bool,
    pub(super) wake: Arc<Notify>,
}

/// A request to a frozen clock.
pub(super) struct Errand {
    pub(super) goal: Goal,
    pub(super) steps: u64,
    pub(super) from: Timestamp,
    pub(super) done: oneshot::Sender<Result<Advanced, ClockError>>,
}

#[derive(Clone, Copy)]
pub(super) enum Goal {
    /// Up to this instant.
    Until(Timestamp),
    /// This many due instants further.
    Steps(u64),
}

impl State {
    pub(super) fn new(mode: ClockMode, start: Timestamp, quiet: Duration) -> Self {
        Self {
            mode,
            now: start,
            anchor: Stopwatch::start(),
            quiet,
            tokens: 0,
            holders: BTreeMap::new(),
            activity: 0,
            sources: Vec::new(),
            errand: None,
        }
    }

    pub(super) fn add_source(&mut self, name: &'static str) -> (usize, Arc<Notify>) {
        let wake = Arc::new(Notify::new());
        self.sources.push(SourceState { name, deadline: None, woken: false, wake: wake.clone() });
        (self.sources.len() - 1, wake)
    }

    pub(super) fn set_mode(&mut self, mode: ClockMode) {
        self.now = self.current();
        self.anchor = Stopwatch::start();
        self.mode = mode;
    }

    pub(super) fn current(&self) -> Timestamp {
        match self.mode {
            ClockMode::Frozen | ClockMode::Auto => self.now,
            ClockMode::Real | ClockMode::Scaled(_) => {
                self.now + self.mode.virtual_span(self.anchor.elapsed())
            }
        }
    }

    pub(super) fn next_due(&self) -> Option<(Timestamp, &'static str)> {
        self.sources.iter().filter(|s| !s.woken).filter_map(|s| Some((s.deadline?, s.name))).min()
    }

    pub(super) fn take(&mut self, holder: &'static str) {
        self.tokens += 1;
        self.activity += 1;
        *self.holders.entry(holder).or_default() += 1;
    }

    pub(super) fn give_back(&mut self, holder: &'static str) -> bool {
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

    pub(super) fn wake_due(&mut self, now: Timestamp) {
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

    pub(super) fn describe_holders(&self) -> String {
        let one = |(name, count): (&&str, &u64)| format!("{count} × {name}");
        self.holders.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn finish_errand(&mut self) {
        if let Some(errand) = self.errand.take() {
            let next_due = self.next_due().map(|(due, _)| due);
            let advanced = Advanced { from: errand.from, to: self.now, instants: errand.steps, next_due };
            let _ = errand.done.send(Ok(advanced));
        }
    }
}
