//! The queue: one timeline, and lanes.
//!
//! Every message that is not in flight is in the timeline once: at its due time while it is scheduled, at the end of its
//! validity while it is ready. So one ordered set says when to come back, and a message that its lane holds up still
//! expires to the millisecond.
//!
//! With ten million messages in a thousand lanes, an attempt and its deferral (two operations) took 1 us and a message
//! 111 octets of memory; with five million in a hundred thousand lanes, 1.7 us and 124 octets.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use emta_mail::{BounceClass, Chance, Domain, QueueId, Timestamp};

use crate::connections::Left;
use crate::lanes::{LaneId, Lanes, Start};
use crate::message::{Message, Record, Records, Stage};
use crate::policy::Policy;
use crate::validity::MAX_VALIDITY;

/// When each message is due. See the crate's documentation for the verbs and the invariants.
#[derive(Debug)]
pub struct Queue {
    pub(crate) policy: Arc<Policy>,
    chance: Chance,
    pub(crate) records: Records,
    pub(crate) timeline: BTreeSet<(Timestamp, QueueId)>,
    pub(crate) lanes: Lanes,
    /// What `handle` has decided; at most one for each attempt that ended since the last `poll`.
    outbox: VecDeque<Output>,
    ignored: Ignored,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The relay has accepted a message. In a lane without an hourly limit it is due at once; in a lane with one at
    /// the next whole second, so that who goes first depends on the messages of an instant and not on their order.
    Accept(Message),
    /// A message read back from disk after a restart.
    Restore {
        /// The message.
        message: Message,
        /// When its next attempt is due, as [`Output::Rescheduled`] or [`Queue::next_due`] said.
        due: Timestamp,
        /// Attempts made.
        attempts: u32,
    },
    /// Attempts that a process before this one had started in a lane, for the slice's part of the hourly limit.
    RestoreSpent {
        /// The lane.
        domain: Domain,
        /// The provider that serves it.
        provider: Arc<str>,
        /// How many.
        attempts: u32,
        /// When; only those in the slice of the next attempts count.
        at: Timestamp,
    },
    /// An attempt that [`Output::Attempt`] asked for is over.
    Finished {
        /// The message.
        id: QueueId,
        /// How it ended.
        result: AttemptResult,
    },
    /// A new policy. Limits hold at once; schedules from each message's next deferral.
    Policy(Arc<Policy>),
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    /// The provider took the message.
    Delivered,
    /// The provider refused it for good.
    Bounced,
    /// It failed for now.
    Deferred {
        /// The class of the failure, which may have a schedule of its own.
        class: BounceClass,
    },
    /// The attempt was not made, because the connection had closed before it began. It does not count, the message
    /// is due again now and keeps its place, and its next connection is a fresh one. Reporting this for ever is a
    /// way to try for ever: a connection that cannot be *opened* is a deferral.
    Postponed,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Attempt delivery, and report [`Input::Finished`].
    Attempt {
        /// The message.
        id: QueueId,
        /// The attempt's number, from 1.
        number: u32,
        /// Where to.
        domain: Arc<Domain>,
        /// The mailbox provider that serves the domain.
        provider: Arc<str>,
        /// Which of the lane's connections carries it, from 0. One attempt at a time is on each.
        slot: u32,
        /// Open a new connection; if one is open on this slot, it has carried all that it may: close it first.
        /// Otherwise use the one that is there, or open one if it is gone.
        fresh_connection: bool,
    },
    /// The message was deferred.
    Rescheduled {
        /// The message.
        id: QueueId,
        /// When the next attempt is due; the end of its validity if there will be none.
        next_attempt: Timestamp,
        /// Attempts made.
        attempts: u32,
    },
    /// The message's validity has ended; it has left the queue.
    Expired {
        /// The message.
        id: QueueId,
        /// Attempts made.
        attempts: u32,
    },
}

/// Inputs that made no sense and changed nothing: each is a bug of the caller, worth a metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ignored {
    /// Messages accepted or restored under an id that is queued already.
    pub duplicate: u64,
    /// Ends of attempts that are not on their way.
    pub unknown: u64,
}

impl Queue {
    /// An empty queue. `chance` decides about jitter.
    pub fn new(policy: Arc<Policy>, chance: Chance) -> Self {
        Self {
            policy,
            chance,
            records: Records::default(),
            timeline: BTreeSet::new(),
            lanes: Lanes::new(),
            outbox: VecDeque::new(),
            ignored: Ignored::default(),
        }
    }

    /// Takes what happened. Call [`Self::poll`] after it.
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        match input {
            Input::Accept(message) => self.accept(message, now),
            Input::Restore { message, due, attempts } => self.restore(message, due, attempts, now),
            Input::RestoreSpent { domain, provider, attempts, at } => {
                let lane = self.lanes.named(domain, &provider, &self.policy, now);
                self.lanes.add_spent(lane, attempts, at);
            }
            Input::Finished { id, result } => self.finish(id, result, now),
            Input::Policy(policy) => {
                self.lanes.adopt(&policy);
                self.policy = policy;
            }
        }
    }

    /// What to do now; drain it until `None`. Within an instant: first what came of the inputs, then expiries, then
    /// attempts, by lane in the order of names, within a lane in the order of due time and id.
    pub fn poll(&mut self, now: Timestamp) -> Option<Output> {
        if let Some(output) = self.outbox.pop_front() {
            return Some(output);
        }
        if let Some(expired) = self.wake(now) {
            return Some(expired);
        }
        self.lanes.wake(now);
        self.start(now)
    }

    /// When to poll again, once [`Self::poll`] has returned `None`: the next message is due or expires, or a
    /// throttled lane opens.
    pub fn deadline(&self) -> Option<Timestamp> {
        let message = self.timeline.first().map(|(at, _)| *at);
        [message, self.lanes.deadline()].into_iter().flatten().min()
    }

    /// What was ignored so far.
    pub const fn ignored(&self) -> Ignored {
        self.ignored
    }

    fn accept(&mut self, message: Message, now: Timestamp) {
        let throttled = self.policy.limits(&message.provider).messages_per_hour().is_some();
        let due = if throttled { Timestamp::from_seconds(now.as_seconds().saturating_add(1)) } else { now };
        self.restore(message, due, 0, now);
    }

    fn restore(&mut self, message: Message, due: Timestamp, attempts: u32, now: Timestamp) {
        let Message { id, domain, provider, accepted_at, expires_at } = message;
        if self.records.contains_key(&id) {
            self.ignored.duplicate += 1;
            return;
        }
        let expires_at = expires_at.min(accepted_at + MAX_VALIDITY);
        let lane = self.lanes.named(domain, &provider, &self.policy, now);
        self.lanes.enter(lane);
        let due = due.min(expires_at);
        self.place(id, Record { accepted_at, expires_at, due, lane, attempts, stage: Stage::Scheduled }, now);
    }

    /// Puts a message that is not in flight where it belongs now.
    fn place(&mut self, id: QueueId, mut record: Record, now: Timestamp) {
        record.stage = Stage::Scheduled;
        if record.due <= now && now < record.expires_at {
            record.stage = Stage::Ready;
            self.lanes.make_ready(record.lane, record.due, id);
        }
        if let Some(at) = record.wakes_at() {
            self.timeline.insert((at, id));
        }
        self.records.insert(id, record);
    }

    /// Makes ready what is due by now, until one expires.
    fn wake(&mut self, now: Timestamp) -> Option<Output> {
        while let Some(first) = self.timeline.first().copied().filter(|(at, _)| *at <= now) {
            self.timeline.remove(&first);
            let id = first.1;
            let Some(record) = self.records.get(&id).copied() else { continue };
            if now < record.expires_at {
                self.place(id, record, now);
                continue;
            }
            if record.stage == Stage::Ready {
                self.lanes.withdraw(record.lane, record.due, id);
            }
            return Some(self.expire(id, record, now));
        }
        None
    }

    fn start(&mut self, now: Timestamp) -> Option<Output> {
        let Start { lane, id, slot, fresh_connection } = self.lanes.next(now)?;
        let record = self.records.get_mut(&id)?;
        self.timeline.remove(&(record.expires_at, id));
        record.stage = Stage::InFlight { slot };
        let number = record.attempts.saturating_add(1);
        let lane = self.lanes.at(lane);
        let (domain, provider) = (Arc::clone(&lane.domain), Arc::clone(&lane.provider));
        Some(Output::Attempt { id, number, domain, provider, slot, fresh_connection })
    }

    fn finish(&mut self, id: QueueId, result: AttemptResult, now: Timestamp) {
        let in_flight = self.records.get(&id).copied().and_then(|record| match record.stage {
            Stage::InFlight { slot } => Some((record, slot)),
            Stage::Scheduled | Stage::Ready => None,
        });
        let Some((record, slot)) = in_flight else {
            self.ignored.unknown += 1;
            return;
        };
        let left = match result {
            AttemptResult::Delivered | AttemptResult::Bounced | AttemptResult::Deferred { .. } => Left::Used,
            AttemptResult::Postponed => Left::Unused,
        };
        self.lanes.release(record.lane, slot, left);
        match result {
            AttemptResult::Delivered | AttemptResult::Bounced => self.forget(id, record.lane, now),
            AttemptResult::Deferred { class } => self.defer(id, record, class, now),
            AttemptResult::Postponed if now < record.expires_at => self.place(id, record, now),
            AttemptResult::Postponed => {
                let expired = self.expire(id, record, now);
                self.outbox.push_back(expired);
            }
        }
    }

    fn defer(&mut self, id: QueueId, mut record: Record, class: BounceClass, now: Timestamp) {
        record.attempts = record.attempts.saturating_add(1);
        let attempts = record.attempts;
        if record.expires_at <= now {
            let expired = self.expire(id, record, now);
            self.outbox.push_back(expired);
            return;
        }
        let schedule = self.policy.schedule(&self.lanes.at(record.lane).provider, class);
        let wait = schedule.jittered_wait_after(attempts, id, self.chance);
        record.due = (now + wait).ceil_to_second().min(record.expires_at);
        self.outbox.push_back(Output::Rescheduled { id, next_attempt: record.due, attempts });
        self.place(id, record, now);
    }

    fn expire(&mut self, id: QueueId, record: Record, now: Timestamp) -> Output {
        self.forget(id, record.lane, now);
        Output::Expired { id, attempts: record.attempts }
    }

    fn forget(&mut self, id: QueueId, lane: LaneId, now: Timestamp) {
        self.records.remove(&id);
        self.lanes.leave(lane, now);
    }
}
