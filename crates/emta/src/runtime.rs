//! The threads on which the system runs.

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};

/// A runtime with one thread for two processors.
///
/// Tasks that hand a message to each other on one thread cost a queue; on two they cost a wake-up of the other processor.
/// On two processors, with mail as the load, one thread needed half of the processor time of two and relayed twice as
/// much; the store's thread and the programs at both ends of the mail want processors too.
/// `TOKIO_WORKER_THREADS` says otherwise.
pub(crate) fn start() -> anyhow::Result<Runtime> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut builder = Builder::new_multi_thread();
    if std::env::var_os("TOKIO_WORKER_THREADS").is_none() {
        builder.worker_threads(processors.div_ceil(2));
    }
    builder.enable_all().build().context("the runtime could not be started")
}
