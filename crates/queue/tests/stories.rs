//! Random stories, played instant by instant against a model of the rules: limits, slices, validity, conservation; the
//! same story in another order; the same story with a restart in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use emta_mail::{BounceClass, Chance, QueueId, Timestamp};
use emta_queue::{
    AttemptResult, Input, Limits, MAX_VALIDITY, Message, Output, Policy, ProviderPolicy, Queue, RetrySchedule,
};
use proptest::prelude::*;

/// Lanes, and the providers that serve them.
const LANES: [(&str, &str); 4] =
    [("a.example", "plain"), ("b.example", "narrow"), ("c.example", "throttled"), ("d.example", "trickle")];

/// Messages by instant of arrival, and the seed of all fates.
#[derive(Clone, Debug)]
struct Story {
    arrivals: BTreeMap<Timestamp, Vec<Message>>,
    seed: u64,
}

/// What came of it, without the order within an instant.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    attempts: BTreeSet<(Timestamp, QueueId, u32)>,
    delivered: BTreeSet<QueueId>,
    bounced: BTreeSet<QueueId>,
    expired: BTreeMap<QueueId, Timestamp>,
}

fn policy() -> Arc<Policy> {
    let limits = |connections, each, hour| Limits::try_new(connections, each, hour).ok();
    let own = |limits, schedule| ProviderPolicy { limits, schedule, ..ProviderPolicy::default() };
    let jittered = RetrySchedule::default().with_jitter(30).ok();
    let providers = [
        ("plain", own(None, None)),
        ("narrow", own(limits(2, 3, None), jittered)),
        ("throttled", own(limits(3, 2, Some(30)), None)),
        ("trickle", own(limits(1, 1, Some(5)), None)),
    ];
    let spam = RetrySchedule::list([1, 90, 5].map(Duration::from_mins).to_vec()).ok();
    Arc::new(Policy {
        classes: spam.map(|schedule| (BounceClass::SpamBlock, schedule)).into_iter().collect(),
        providers: providers.map(|(name, own)| (name.to_owned(), own)).into(),
        ..Policy::default()
    })
}

fn stories() -> impl Strategy<Value = Story> {
    let minute = 60_000_i64;
    let arrival = prop_oneof![4 => Just(0), 2 => Just(7 * minute), 1 => 0..3 * 60 * minute];
    let validity = prop_oneof![
        3 => Just(MAX_VALIDITY),
        2 => Just(Duration::from_hours(24)),
        2 => (1_u64..90_000).prop_map(Duration::from_secs),
        1 => (1_u64..5_000_000).prop_map(Duration::from_millis),
    ];
    let message = (any::<u8>(), 0..LANES.len(), arrival, validity);
    (proptest::collection::vec(message, 1..40), any::<u64>()).prop_map(|(messages, seed)| {
        // Ids are made up of little numbers, so that their order is not that of arrival; a number is used once.
        let mut arrivals = BTreeMap::<_, Vec<_>>::new();
        let mut seen = BTreeSet::new();
        for (number, lane, arrival, validity) in messages {
            let accepted_at = Timestamp::from_seconds(1_767_600_000) + Duration::from_millis(arrival as u64);
            let (domain, provider) = LANES[lane];
            if seen.insert(number) {
                arrivals.entry(accepted_at).or_default().push(Message {
                    id: QueueId::from_u64(u64::from(number)),
                    domain: domain.parse().expect("a domain"),
                    provider: provider.into(),
                    accepted_at,
                    expires_at: accepted_at + validity,
                });
            }
        }
        Story { arrivals, seed }
    })
}

/// One attempt on its way.
struct Flight {
    id: QueueId,
    number: u32,
    domain: String,
    slot: u32,
    provider: Arc<str>,
}

/// A queue, its shell, and the model that checks it.
struct Play<'a> {
    story: &'a Story,
    /// Shuffles what happens within an instant.
    order: u64,
    steps: u32,
    queue: Queue,
    policy: Arc<Policy>,
    outcome: Outcome,
    flights: Vec<Flight>,
    /// Messages given to the connection on each lane's slot.
    used: BTreeMap<(String, u32), u32>,
    /// Attempts made by lane and slice of five minutes.
    slices: BTreeMap<(String, i64), u32>,
    /// Attempts that were postponed once already.
    postponed: BTreeSet<(QueueId, u32)>,
    accepted: BTreeMap<QueueId, Timestamp>,
}

impl<'a> Play<'a> {
    fn new(story: &'a Story, order: u64) -> Self {
        let policy = policy();
        Self {
            story,
            order,
            steps: 0,
            queue: Queue::new(Arc::clone(&policy), Chance::new(story.seed)),
            policy,
            outcome: Outcome::default(),
            flights: Vec::new(),
            used: BTreeMap::new(),
            slices: BTreeMap::new(),
            postponed: BTreeSet::new(),
            accepted: BTreeMap::new(),
        }
    }

    /// Plays all instants before `end` to their ends, and says which was the last.
    fn until(&mut self, end: Timestamp) -> Option<Timestamp> {
        let mut last = None;
        loop {
            let after = last.unwrap_or(Timestamp::MIN);
            let arrival = self.story.arrivals.keys().find(|at| {
                **at > after && self.story.arrivals[at].iter().any(|new| !self.accepted.contains_key(&new.id))
            });
            let now = arrival.copied().into_iter().chain(self.queue.deadline()).min();
            let Some(now) = now.filter(|now| *now < end) else { return last };
            assert!(now > after, "time stands still at {now}");
            self.instant(now);
            last = Some(now);
        }
    }

    fn instant(&mut self, now: Timestamp) {
        let mut arrivals = self.story.arrivals.get(&now).cloned().unwrap_or_default();
        arrivals.sort_by_key(|message| self.shuffled(message.id));
        for message in arrivals {
            let (id, expires_at) = (message.id, message.expires_at);
            self.accepted.insert(id, expires_at);
            self.queue.handle(Input::Accept(message), now);
            if self.shuffled(id).is_multiple_of(3) {
                self.settle(now);
            }
        }
        self.settle(now);
    }

    fn settle(&mut self, now: Timestamp) {
        loop {
            while let Some(output) = self.queue.poll(now) {
                self.take(output, now);
            }
            self.check_conservation();
            self.steps += 1;
            let mut flights = std::mem::take(&mut self.flights);
            if flights.is_empty() {
                return;
            }
            flights.sort_by_key(|flight| self.shuffled(flight.id));
            // Some end before the queue is asked again, the rest after.
            let ending = 1 + (self.order as usize + self.steps as usize) % flights.len();
            self.flights = flights.split_off(ending);
            for flight in flights {
                self.finish(&flight, now);
            }
        }
    }

    fn shuffled(&self, id: QueueId) -> u64 {
        Chance::new(self.order).bits(id, self.steps, "order")
    }

    fn take(&mut self, output: Output, now: Timestamp) {
        match output {
            Output::Attempt { id, number, domain, provider, slot, fresh_connection } => {
                assert!(now < self.accepted[&id], "{id} is attempted after its validity");
                let domain = domain.as_str().to_owned();
                let limits = self.policy.limits(&provider);
                assert!(slot < limits.connections());
                assert!(!self.flights.iter().any(|other| other.domain == domain && other.slot == slot));
                let used = self.used.entry((domain.clone(), slot)).or_insert(0);
                assert!(fresh_connection || *used > 0, "there is no connection to go on with");
                *used = if fresh_connection { 1 } else { *used + 1 };
                assert!(*used <= limits.messages_per_connection());
                self.flights.push(Flight { id, number, domain, slot, provider });
            }
            Output::Rescheduled { id, next_attempt, .. } => {
                assert!(now < next_attempt && next_attempt <= self.accepted[&id]);
                assert!(next_attempt == self.accepted[&id] || next_attempt.as_millis() % 1_000 == 0);
            }
            Output::Expired { id, .. } => {
                assert_eq!(now, self.accepted[&id], "{id} expires at another instant");
                assert_eq!(self.outcome.expired.insert(id, now), None);
            }
        }
    }

    fn finish(&mut self, flight: &Flight, now: Timestamp) {
        let Flight { id, number, .. } = *flight;
        let result = self.fate(id, number);
        match result {
            AttemptResult::Postponed => {
                self.used.insert((flight.domain.clone(), flight.slot), 0);
            }
            AttemptResult::Delivered => drop(self.outcome.delivered.insert(id)),
            AttemptResult::Bounced => drop(self.outcome.bounced.insert(id)),
            AttemptResult::Deferred { .. } => {}
        }
        if result != AttemptResult::Postponed {
            assert!(self.outcome.attempts.insert((now, id, number)), "{id} is attempted twice");
            self.check_slice(flight, now);
        }
        self.queue.handle(Input::Finished { id, result }, now);
    }

    /// One attempt in five is postponed once; most of the others are deferred.
    fn fate(&mut self, id: QueueId, number: u32) -> AttemptResult {
        let chance = Chance::new(self.story.seed);
        if chance.happens(0.2, id, number, "postpone") && self.postponed.insert((id, number)) {
            return AttemptResult::Postponed;
        }
        match chance.bits(id, number, "fate") % 10 {
            0 => AttemptResult::Delivered,
            1 => AttemptResult::Bounced,
            2..5 => AttemptResult::Deferred { class: BounceClass::SpamBlock },
            _ => AttemptResult::Deferred { class: BounceClass::MailboxFull },
        }
    }

    /// Neither a slice nor any twelve slices in a row may hold more than their part.
    fn check_slice(&mut self, flight: &Flight, now: Timestamp) {
        let Some(per_hour) = self.policy.limits(&flight.provider).messages_per_hour() else { return };
        let slice = now.as_seconds() / 300;
        *self.slices.entry((flight.domain.clone(), slice)).or_insert(0) += 1;
        let sum = |from: i64| -> u32 {
            let from = (flight.domain.clone(), from);
            self.slices.range(from..=(flight.domain.clone(), slice)).map(|(_, count)| count).sum()
        };
        assert!(sum(slice) <= per_hour.div_ceil(12), "too many in a slice");
        assert!(sum(slice - 11) <= per_hour, "too many in an hour");
    }

    fn check_conservation(&self) {
        let Outcome { delivered, bounced, expired, .. } = &self.outcome;
        let gone = delivered.len() + bounced.len() + expired.len();
        assert_eq!(self.accepted.len(), gone + self.queue.len(), "accepted = gone + queued");
        assert_eq!(self.queue.in_flight(), self.flights.len());
        let total = self.queue.summary().total;
        assert_eq!((total.len(), total.in_flight), (self.queue.len(), self.flights.len()));
    }

    /// A new process: everything that was in memory is gone, what was on disk is read back, in another order.
    fn restart(&mut self, now: Timestamp) {
        let mut kept: Vec<_> = self.queue.iter().collect();
        kept.sort_by_key(|queued| self.shuffled(queued.id));
        self.queue = Queue::new(Arc::clone(&self.policy), Chance::new(self.story.seed));
        self.used.clear();
        for queued in kept {
            let message = Message {
                id: queued.id,
                domain: (*queued.domain).clone(),
                provider: queued.provider,
                accepted_at: queued.accepted_at,
                expires_at: queued.expires_at,
            };
            let (due, attempts) = (queued.due, queued.attempts);
            self.queue.handle(Input::Restore { message, due, attempts }, now);
        }
        for (domain, provider) in LANES {
            let spent = self.slices.get(&(domain.to_owned(), now.as_seconds() / 300));
            let (domain, provider) = (domain.parse().expect("a domain"), provider.into());
            let attempts = spent.copied().unwrap_or(0);
            self.queue.handle(Input::RestoreSpent { domain, provider, attempts, at: now }, now);
        }
        self.settle(now);
    }
}

fn play(story: &Story, order: u64) -> Outcome {
    let mut play = Play::new(story, order);
    play.until(Timestamp::MAX);
    assert!(play.queue.is_empty() && play.queue.deadline().is_none());
    assert_eq!(play.queue.ignored(), emta_queue::Ignored::default());
    play.outcome
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_order_within_an_instant_does_not_matter(story in stories(), order in any::<u64>()) {
        prop_assert_eq!(play(&story, 0), play(&story, order));
    }

    #[test]
    fn a_restart_does_not_matter(story in stories(), order in any::<u64>(), seconds in 0_i64..310_000) {
        let uninterrupted = play(&story, 0);
        let mut interrupted = Play::new(&story, order);
        let begin = story.arrivals.keys().next().copied().unwrap_or_default();
        let stop = begin + Duration::from_secs(seconds as u64);
        if let Some(last) = interrupted.until(stop) {
            interrupted.restart(last);
        }
        interrupted.until(Timestamp::MAX);
        prop_assert_eq!(uninterrupted, interrupted.outcome);
    }
}
