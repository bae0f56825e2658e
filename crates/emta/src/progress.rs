//! Progress on standard error: a bar on a terminal, a line now and then otherwise.

use std::io::IsTerminal as _;
use std::time::Duration;

use emta_sandbox::clock::wall::Stopwatch;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// Real time that work may take before it shows progress.
const PATIENCE: Duration = Duration::from_secs(1);
/// Real seconds between two lines of progress where there is no terminal.
const LINE_EVERY: u64 = 10;
/// Items between two looks at the time.
const STRIDE: usize = 256;

/// Progress towards a number that is known.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    /// The last milestone for which a line was written.
    milestone: Option<u64>,
}

impl Progress {
    /// Starts at 0 of `total`.
    pub(crate) fn new(total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            // The template is a constant that is right; without it the bar looks different.
            if let Ok(style) = ProgressStyle::with_template("{wide_bar} {percent:>3} %  {msg}") {
                bar.set_style(style.progress_chars("━╸─"));
            }
            bar
        });
        Self { bar, milestone: None }
    }

    /// Where things are. Without a terminal, the message is a line whenever `milestone` is another than
    /// before.
    pub(crate) fn at(&mut self, position: u64, milestone: u64, message: impl FnOnce() -> String) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(position);
                bar.set_message(message());
            }
            None => {
                if self.milestone.replace(milestone) != Some(milestone) {
                    output::tell(message());
                }
            }
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Progress of work that is usually done at once: nothing is shown within the first second.
pub(crate) struct Patient {
    watch: Stopwatch,
    shown: Option<Progress>,
}

impl Patient {
    /// Starts to wait.
    pub(crate) fn new() -> Self {
        Self { watch: Stopwatch::start(), shown: None }
    }

    /// Where things are.
    pub(crate) fn at(&mut self, position: u64, total: u64, message: impl FnOnce() -> String) {
        let passed = self.watch.elapsed();
        if passed >= PATIENCE {
            let progress = self.shown.get_or_insert_with(|| Progress::new(total));
            progress.at(position, passed.as_secs() / LINE_EVERY, message);
        }
    }
}

impl Drop for Patient {
    fn drop(&mut self) {
        if let Some(progress) = self.shown.take() {
            progress.end();
        }
    }
}

/// The items, with progress while they are gone through; `done` is what happens to them, such as `compared`.
pub(crate) fn watched<'a, T>(items: &'a [T], done: &'static str) -> impl Iterator<Item = &'a T> {
    let mut progress = Patient::new();
    let all = items.len();
    items.iter().enumerate().map(move |(at, item)| {
        if at % STRIDE == 0 {
            progress.at(at as u64, all as u64, || format!("{at} of {all} texts {done}"));
        }
        item
    })
}
