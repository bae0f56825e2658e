//! Listens to a simulation: events go where they belong, and the terminal hears how far it is.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use emta_sandbox::simulation::report::{EventLog, EventSink};
use emta_sandbox::simulation::{Listener, Progress, Scenario, Told};

use crate::progress;

/// Virtual hours between two lines of progress where there is no terminal.
const LINE_EVERY: u64 = 24;

/// Somebody who watches a run.
pub(super) struct Watch {
    sink: EventSink,
    bar: Option<progress::Progress>,
    stop: Arc<AtomicBool>,
}

impl Watch {
    pub(super) fn new(scenario: &Scenario, sink: EventSink, stop: Arc<AtomicBool>) -> Self {
        let planned = scenario.plan.end().since(scenario.plan.start).as_secs();
        Self { sink, bar: Some(progress::Progress::new(planned)), stop }
    }

    /// Takes the bar away and ends the log.
    pub(super) fn finish(mut self) -> io::Result<EventLog> {
        if let Some(bar) = self.bar.take() {
            bar.end();
        }
        self.sink.finish()
    }
}

impl Listener for Watch {
    fn event(&mut self, event: Told<'_>) -> io::Result<()> {
        self.sink.take(event)
    }

    fn progress(&mut self, progress: &Progress) -> ControlFlow<()> {
        let seconds = progress.passed.as_secs();
        let hours = seconds / 3600;
        if let Some(bar) = &mut self.bar {
            bar.at(seconds, hours / LINE_EVERY, || {
                let Progress { accepted, finished, events, .. } = progress;
                format!(
                    "+{hours:>3} h  accepted {accepted}  done {finished}  queued {}  events {events}",
                    accepted.saturating_sub(*finished)
                )
            });
        }
        if self.stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
