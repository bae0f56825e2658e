//! Progress on standard error: a bar on a terminal, a line now and then otherwise.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

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
                    eprintln!("{}", message());
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
