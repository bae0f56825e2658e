//! Failures on demand.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::error::StoreError;

/// Switches that make a store fail as a bad disk would, for tests and for the "disk full" scenario. They fail writes
/// only; what was committed stays readable.
#[derive(Debug, Default)]
pub struct Faults {
    full: AtomicBool,
    failing: AtomicU32,
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
}
