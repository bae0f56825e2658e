//! What the queue holds, for those who watch it.

use std::collections::BTreeMap;
use std::sync::Arc;

use emta_mail::{Domain, QueueId, Timestamp};

use crate::lane::Gate;
use crate::message::{Record, Stage};
use crate::queue::Queue;

/// How many messages stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Messages that are due and wait for their lane.
    pub ready: usize,
    /// Messages that wait until they are due.
    pub scheduled: usize,
    /// Attempts on their way.
    pub in_flight: usize,
    /// When the oldest message arrived; `None` if there is none.
    pub oldest_accepted_at: Option<Timestamp>,
    /// When the next attempt is due, in the past for ready messages; `None` if all are in flight or there is none.
    pub next_due: Option<Timestamp>,
}

/// What one lane holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneSummary {
    /// The provider that serves it.
    pub provider: Arc<str>,
    /// Its messages.
    pub load: Load,
    /// Until when ready messages wait for the next slice of the hourly limit.
    pub throttled_until: Option<Timestamp>,
}

/// What the queue holds, by lane and by provider; lanes without messages are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Everything.
    pub total: Load,
    /// By recipient domain.
    pub lanes: BTreeMap<Arc<Domain>, LaneSummary>,
    /// By provider.
    pub providers: BTreeMap<Arc<str>, Load>,
}

/// One message as the queue holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Its name.
    pub id: QueueId,
    /// Its lane.
    pub domain: Arc<Domain>,
    /// The provider that serves the lane.
    pub provider: Arc<str>,
    /// When it arrived.
    pub accepted_at: Timestamp,
    /// When its validity ends.
    pub expires_at: Timestamp,
    /// When the next attempt is due; while one is in flight, when that one was.
    pub due: Timestamp,
    /// Attempts made, without the one in flight.
    pub attempts: u32,
    /// Where it stands.
    pub stage: Stage,
}

impl Load {
    fn add(&mut self, record: &Record) {
        let due = match record.stage {
            Stage::Scheduled => {
                self.scheduled += 1;
                Some(record.due)
            }
            Stage::Ready => {
                self.ready += 1;
                Some(record.due)
            }
            Stage::InFlight { .. } => {
                self.in_flight += 1;
                None
            }
        };
        self.next_due = earlier(self.next_due, due);
        self.oldest_accepted_at = earlier(self.oldest_accepted_at, Some(record.accepted_at));
    }

    fn merge(&mut self, other: &Self) {
        self.ready += other.ready;
        self.scheduled += other.scheduled;
        self.in_flight += other.in_flight;
        self.next_due = earlier(self.next_due, other.next_due);
        self.oldest_accepted_at = earlier(self.oldest_accepted_at, other.oldest_accepted_at);
    }

    /// All messages.
    pub const fn len(&self) -> usize {
        self.ready + self.scheduled + self.in_flight
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Queue {
    /// How many messages are queued, those in flight included.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether no message is queued.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many attempts are on their way: those that are not in the timeline.
    pub fn in_flight(&self) -> usize {
        self.records.len() - self.timeline.len()
    }

    /// The message of this id, if it is queued.
    pub fn get(&self, id: QueueId) -> Option<Queued> {
        self.records.get(&id).map(|record| self.queued(id, record))
    }

    /// When the next attempt of this message is due; `None` if it is in flight or not queued.
    pub fn next_due(&self, id: QueueId) -> Option<Timestamp> {
        self.records.get(&id).and_then(|record| match record.stage {
            Stage::Scheduled | Stage::Ready => Some(record.due),
            Stage::InFlight { .. } => None,
        })
    }

    /// All messages, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = Queued> {
        self.records.iter().map(|(id, record)| self.queued(*id, record))
    }

    /// The first `count` messages by due time and id, without those in flight. Costs as much as there are lanes.
    pub fn upcoming(&self, count: usize) -> Vec<Queued> {
        let ready = self.lanes.iter().flat_map(|lane| lane.ready.iter().take(count).map(|(_, id)| *id));
        let mut first: Vec<Queued> = ready.filter_map(|id| self.get(id)).collect();
        let scheduled = self.timeline.iter().filter_map(|(_, id)| self.get(*id));
        first.extend(scheduled.filter(|queued| queued.stage == Stage::Scheduled).take(count));
        first.sort_unstable_by_key(|queued| (queued.due, queued.id));
        first.truncate(count);
        first
    }

    /// Counts all messages, by lane and by provider. Goes over every message.
    pub fn summary(&self) -> Summary {
        let mut loads = BTreeMap::new();
        for record in self.records.values() {
            loads.entry(record.lane).or_insert_with(Load::default).add(record);
        }
        let mut summary = Summary::default();
        for (id, load) in loads {
            let lane = self.lanes.at(id);
            summary.total.merge(&load);
            summary.providers.entry(Arc::clone(&lane.provider)).or_default().merge(&load);
            let throttled_until = match lane.gate {
                Gate::Throttled(until) => Some(until),
                Gate::Idle | Gate::Open | Gate::Full => None,
            };
            let provider = Arc::clone(&lane.provider);
            summary.lanes.insert(Arc::clone(&lane.domain), LaneSummary { provider, load, throttled_until });
        }
        summary
    }

    fn queued(&self, id: QueueId, record: &Record) -> Queued {
        let Record { accepted_at, expires_at, due, lane, attempts, stage } = *record;
        let lane = self.lanes.at(lane);
        let (domain, provider) = (Arc::clone(&lane.domain), Arc::clone(&lane.provider));
        Queued { id, domain, provider, accepted_at, expires_at, due, attempts, stage }
    }
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    [a, b].into_iter().flatten().min()
}
