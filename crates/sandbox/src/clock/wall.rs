//! Wall time: socket time-outs, waiting for the real or scaled clock to come round, time stamps of signatures.
//!
//! The only module that asks the machine for the time or arms its timers.
#![expect(clippy::disallowed_methods, reason = "this is the module that the other code must go through")]

use std::future::Future;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use emta_mail::Timestamp;
use tokio::time::error::Elapsed;

/// A socket time-out: the future's output, or an error once `limit` of real time has passed.
///
/// # Errors
/// When the time is up.
pub async fn timeout<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    tokio::time::timeout(limit, future).await
}

/// Waits for real time to pass.
pub async fn sleep(span: Duration) {
    tokio::time::sleep(span).await;
}

/// The machine's idea of the date, for signatures that receivers check against their own.
pub fn unix_seconds() -> i64 {
    now().as_seconds()
}

/// The machine's date and time.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A running stop watch that no correction of the machine's date can turn back.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Real time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
