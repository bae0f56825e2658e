//! What the data of an earlier run says: the seed, how far the clock had come, what was queued.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use emta_mail::{Chance, EventId, QueueId, Timestamp};
use emta_queue::{Input, Message, Queue};
use emta_store::{Change, QueuedRow, Store, StoreError};
use tokio::sync::oneshot;

use crate::clock::{Clock, ClockMode, wall};
use crate::config::{ClockStart, Config};
use crate::network::Network;

/// How long before the machine's date a clock that does not run by itself starts: longer than any message is tried.
const HEAD_START: Duration = Duration::from_hours(4 * 24);
/// Length of a slice of the hourly limit (facts 2.3).
const SLICE: Duration = Duration::from_mins(5);
/// Namespace and keys of the system's own small values.
pub(super) const SYSTEM: &str = "system";
const CLOCK: &str = "clock";
pub(super) const RUNNING: &str = "running";
const SEED: &str = "seed";

/// The seed of this data: chosen once, because ids and fates come from it.
pub(super) fn seed(store: &Store, configured: u64) -> Result<u64, StoreError> {
    let kept = store.value(SYSTEM, SEED)?;
    let kept = kept.and_then(|value| std::str::from_utf8(&value).ok()?.parse().ok());
    if let Some(kept) = kept {
        if kept != configured {
            tracing::warn!(kept, configured, "the data was made with another seed, which stays in force");
        }
        return Ok(kept);
    }
    let value = Bytes::from(configured.to_string());
    store.commit_wait(vec![Change::Put { namespace: SYSTEM.into(), key: SEED.into(), value }])?;
    Ok(configured)
}

/// A clock that goes on where the data ends; without data, where the configuration says.
pub(super) fn clock(config: &Config, store: &Store) -> Result<Clock, StoreError> {
    let settings = &config.clock;
    let kept = store.value(SYSTEM, CLOCK)?;
    let kept = kept.and_then(|value| std::str::from_utf8(&value).ok()?.parse::<Timestamp>().ok());
    let last_event = store.events_after(store.last_sequence()?.saturating_sub(1), 1)?;
    let reached = kept.max(last_event.first().map(|row| row.event.at));
    let wall_now = wall::now();
    let start = match settings.start {
        Some(ClockStart::At(instant)) => instant,
        Some(ClockStart::Before(span)) => wall_now - span,
        None if settings.mode == ClockMode::Real => wall_now,
        None => Timestamp::from_seconds((wall_now - HEAD_START).as_seconds()),
    };
    let start = match (reached, settings.mode) {
        (Some(reached), ClockMode::Real) => reached.max(start),
        (Some(reached), _) => reached,
        (None, _) => start,
    };
    Ok(Clock::new(settings.mode, start, settings.quiet))
}

/// Keeps virtual time on disk before it is shown.
pub(super) async fn keep_clock(store: Store, now: Timestamp) {
    let (done, kept) = oneshot::channel();
    store.commit(vec![clock_change(now)], Box::new(move |outcome| drop(done.send(outcome))));
    if let Ok(Err(error)) = kept.await {
        tracing::warn!(%error, "virtual time could not be kept on disk");
    }
}

pub(super) fn clock_change(now: Timestamp) -> Change {
    Change::Put { namespace: SYSTEM.into(), key: CLOCK.into(), value: Bytes::from(now.to_string()) }
}

/// The queue as the data says, and the messages that may have been on their way when the program ended uncleanly.
pub(super) fn restore_queue(
    config: &Config,
    chance: Chance,
    store: &Store,
    network: &Network,
    now: Timestamp,
    unclean: bool,
) -> Result<(Queue, HashSet<QueueId>), StoreError> {
    let mut queue = Queue::new(Arc::new(config.queue.policy.clone()), chance);
    let mut doubtful = HashSet::new();
    store.for_each_queued(|row| {
        let QueuedRow { id, domain, accepted_at, expires_at, due, attempts } = row;
        if unclean && due <= now {
            doubtful.insert(id);
        }
        let provider = network.provider_of(&domain);
        let message = Message { id, domain, provider, accepted_at, expires_at };
        queue.handle(Input::Restore { message, due, attempts }, now);
    })?;
    // What the slice of the hourly limit has already seen.
    let slice = now.as_seconds().div_euclid(SLICE.as_secs() as i64) * SLICE.as_secs() as i64;
    let from = Timestamp::from_seconds(slice);
    let mut after = Some((from, QueueId::from_u64(0), 0, EventId::from_u64(0)));
    loop {
        let rows = store.events_ordered(after, 1_000)?;
        let Some(last) = rows.last() else { break };
        after = Some(last.event.order());
        for row in rows.iter().filter(|row| row.event.attempt().is_some_and(|attempt| attempt.number > 0)) {
            let domain = row.message.recipient.domain();
            let provider = network.provider_of(&domain);
            queue.handle(Input::RestoreSpent { domain, provider, attempts: 1, at: row.event.at }, now);
        }
    }
    Ok((queue, doubtful))
}
