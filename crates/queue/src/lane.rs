//! One recipient domain: what waits for it, and what it has in use.

use std::collections::BTreeSet;
use std::sync::Arc;

use emta_mail::{Domain, QueueId, Timestamp};

use crate::connections::Connections;
use crate::limits::Limits;
use crate::throttle::{Slice, Spent};

/// A lane. Its `gate` is not `Idle` exactly while something is ready; `Lanes` keeps it so.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) domain: Arc<Domain>,
    pub(crate) provider: Arc<str>,
    pub(crate) limits: Limits,
    /// Messages in whatever stage.
    pub(crate) queued: usize,
    /// Messages that are due, in the order in which they go.
    pub(crate) ready: BTreeSet<(Timestamp, QueueId)>,
    pub(crate) connections: Connections,
    pub(crate) spent: Spent,
    pub(crate) gate: Gate,
}

/// Whether a lane's ready messages may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Nothing is ready.
    Idle,
    /// Something is ready and, as far as is known, may go.
    Open,
    /// All connections are busy; opens when one becomes free.
    Full,
    /// The slice is used up; opens at this instant.
    Throttled(Timestamp),
}

/// What a lane answers to "may one go now?".
pub(crate) enum Admission {
    /// This one goes.
    Start { id: QueueId, slot: u32, fresh_connection: bool },
    /// None goes, for this reason.
    Closed(Gate),
}

impl Lane {
    pub(crate) fn new(domain: Arc<Domain>, provider: Arc<str>, limits: Limits, now: Timestamp) -> Self {
        Self {
            domain,
            provider,
            limits,
            queued: 0,
            ready: BTreeSet::new(),
            connections: Connections::default(),
            spent: Spent::nothing(now),
            gate: Gate::Idle,
        }
    }

    /// Starts the first ready message, if the limits allow it now.
    pub(crate) fn admit(&mut self, now: Timestamp) -> Admission {
        let Some(first) = self.ready.first().copied() else { return Admission::Closed(Gate::Idle) };
        let wait = self.limits.messages_per_hour().and_then(|per_hour| self.spent.waits_until(per_hour, now));
        if let Some(until) = wait {
            return Admission::Closed(Gate::Throttled(until));
        }
        let Some((slot, fresh_connection)) = self.connections.take(&self.limits, Slice::at(now)) else {
            return Admission::Closed(Gate::Full);
        };
        self.ready.remove(&first);
        self.spent.add(1, now);
        Admission::Start { id: first.1, slot, fresh_connection }
    }

    /// Whether nothing would be lost if the lane were forgotten.
    pub(crate) fn is_forgettable(&self, now: Timestamp) -> bool {
        self.queued == 0 && !(self.limits.messages_per_hour().is_some() && self.spent.counts_at(now))
    }
}
