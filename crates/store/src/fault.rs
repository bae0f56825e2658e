//! Failures on demand.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::error::StoreError;

/// Switches that make a store fail as a bad disk would, for tests and for the "disk full" scenario. They fail writes
/// only; what was committed stays readable.
#[derive(Debug, Default)]
pub struct Faults {
    full: AtomicBool,
    failing: AtomicU32,
    #[cfg(test)]
    hook: Hook,
}

/// A boundary of the writer: what lies before it happened, and what lies behind it did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A group was collected.
    Begun,
    /// The bodies were written, and may be on disk or not.
    BodiesWritten,
    /// The bodies are on disk.
    BodiesSynced,
    /// The transaction has all rows.
    RowsWritten,
    /// The transaction is committed; nobody was told.
    Committed,
}

/// What a test does at the boundaries.
#[cfg(test)]
#[derive(Default)]
struct Hook(std::sync::Mutex<Option<AtStep>>);

/// Called at each boundary; its error is that of the disk.
#[cfg(test)]
pub(crate) type AtStep = Box<dyn FnMut(Step) -> Result<(), StoreError> + Send>;

#[cfg(test)]
impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hook")
    }
}

impl Faults {
    /// While `full`, every write fails with [`StoreError::Full`].
    pub fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    /// The next `count` groups of writes fail with [`StoreError::Io`]. In memory each write is a group of its own.
    pub fn fail_next(&self, count: u32) {
        self.failing.store(count, Ordering::SeqCst);
    }

    /// Asked once a group.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(StoreError::Full { what: "writing (simulated)".to_owned() });
        }
        let take = |left: u32| left.checked_sub(1);
        match self.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take) {
            Ok(_) => {
                Err(StoreError::Io { what: "writing".to_owned(), detail: "simulated failure".to_owned() })
            }
            Err(_) => Ok(()),
        }
    }

    /// Asked at each boundary. Only the crate's own tests ever answer with an error; what [`Step::Committed`] is told is
    /// ignored, for what is committed cannot fail.
    #[cfg_attr(
        not(test),
        expect(
            clippy::unused_self,
            clippy::unnecessary_wraps,
            reason = "only tests have something to say here"
        )
    )]
    pub(crate) fn at(&self, step: Step) -> Result<(), StoreError> {
        #[cfg(test)]
        if let Some(hook) = self.hook.0.lock().unwrap().as_mut() {
            return hook(step);
        }
        let _ = step;
        Ok(())
    }

    /// Has this called at each boundary.
    #[cfg(test)]
    pub(crate) fn set_hook(&self, hook: Option<AtStep>) {
        *self.hook.0.lock().unwrap() = hook;
    }
}
