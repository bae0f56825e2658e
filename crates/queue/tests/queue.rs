//! The queue's rules, one by one, through its three verbs.

use std::sync::Arc;
use std::time::Duration;

use emta_mail::{BounceClass, Chance, QueueId, Timestamp};
use emta_queue::{
    AttemptResult, Ignored, Input, Limits, MAX_VALIDITY, Message, Output, Policy, ProviderPolicy, Queue,
    RetrySchedule, Stage,
};

const FULL: AttemptResult = AttemptResult::Deferred { class: BounceClass::MailboxFull };
const HOUR: i64 = 3_600;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn id(number: u64) -> QueueId {
    QueueId::from_u64(number)
}

fn message(number: u64, domain: &str, accepted_at: Timestamp) -> Message {
    let expires_at = accepted_at + MAX_VALIDITY;
    Message {
        id: id(number),
        domain: domain.parse().expect("a domain"),
        provider: "any".into(),
        accepted_at,
        expires_at,
    }
}

fn limits(connections: u32, per_connection: u32, per_hour: Option<u32>) -> Policy {
    let limits = Limits::try_new(connections, per_connection, per_hour).expect("limits within bounds");
    Policy { limits, ..Policy::default() }
}

/// A queue and its shell: a point in time, and what the queue has said.
struct Shell {
    queue: Queue,
    now: Timestamp,
}

impl Shell {
    fn new(policy: Policy) -> Self {
        Self { queue: Queue::new(Arc::new(policy), Chance::new(1)), now: at(0) }
    }

    fn handle(&mut self, input: Input) {
        self.queue.handle(input, self.now);
    }

    fn accept(&mut self, number: u64, domain: &str) {
        self.handle(Input::Accept(message(number, domain, self.now)));
    }

    fn finish(&mut self, number: u64, result: AttemptResult) {
        self.handle(Input::Finished { id: id(number), result });
    }

    /// What the queue says now, in short: `1#2@0+` is message 1, attempt 2 on slot 0 over a fresh connection; `1>60`
    /// is rescheduled to second 60; `1x3` is expired after three attempts.
    fn said(&mut self) -> String {
        let mut said = Vec::new();
        while let Some(output) = self.queue.poll(self.now) {
            said.push(match output {
                Output::Attempt { id, number, slot, fresh_connection, .. } => {
                    format!("{}#{number}@{slot}{}", id.as_u64(), if fresh_connection { "+" } else { "" })
                }
                Output::Rescheduled { id, next_attempt, .. } => {
                    format!("{}>{}", id.as_u64(), next_attempt.as_millis() as f64 / 1e3)
                }
                Output::Expired { id, attempts } => format!("{}x{attempts}", id.as_u64()),
            });
        }
        said.join(" ")
    }

    fn check(&mut self, seconds: i64, expected: &str) {
        self.check_millis(seconds * 1_000, expected);
    }

    fn check_millis(&mut self, millis: i64, expected: &str) {
        self.now = Timestamp::from_millis(millis);
        assert_eq!(self.said(), expected, "at {millis} ms");
    }

    fn due_next(&self) -> Option<i64> {
        self.queue.deadline().map(Timestamp::as_millis)
    }

    /// Goes from deadline to deadline, defers every attempt, and tells at which second each was, and the expiry.
    fn defer_until_expired(&mut self) -> (Vec<i64>, Option<(Timestamp, u32)>) {
        let mut attempts = Vec::new();
        loop {
            while let Some(output) = self.queue.poll(self.now) {
                match output {
                    Output::Attempt { id, .. } => {
                        attempts.push(self.now.as_seconds());
                        self.handle(Input::Finished { id, result: FULL });
                    }
                    Output::Rescheduled { .. } => {}
                    Output::Expired { attempts: made, .. } => return (attempts, Some((self.now, made))),
                }
            }
            let Some(next) = self.queue.deadline() else { return (attempts, None) };
            assert!(next > self.now);
            self.now = next;
        }
    }
}

#[test]
fn a_message_is_tried_by_the_schedule_and_expires_exactly_at_the_end() {
    let check = |accepted_ms: i64, asked: Duration, attempts: &[i64], expired_after_ms: i64| {
        let mut shell = Shell::new(Policy::default());
        shell.now = Timestamp::from_millis(accepted_ms);
        let expires_at = shell.now + asked;
        shell.handle(Input::Accept(Message { expires_at, ..message(1, "a.example", shell.now) }));
        let (made, expired) = shell.defer_until_expired();
        let minutes: Vec<i64> = made.iter().map(|second| second / 60).collect();
        assert_eq!(minutes, attempts);
        let expected = Timestamp::from_millis(accepted_ms + expired_after_ms);
        assert_eq!(expired, Some((expected, attempts.len() as u32)));
        assert!(shell.queue.is_empty() && shell.queue.deadline().is_none());
    };
    let all = [0, 20, 60, 140, 300, 620, 1260, 1980, 2700, 3420, 4140, 4860];
    let hours = Duration::from_hours;
    check(0, hours(84), &all, 84 * 3_600_000);
    check(0, hours(120), &all, 84 * 3_600_000);
    check(0, hours(24), &all[..7], 24 * 3_600_000);
    check(0, hours(1), &all[..2], 3_600_000);
    check(0, hours(1) + Duration::from_millis(1), &all[..3], 3_600_001);
    check(0, Duration::from_millis(1), &all[..1], 1);
    check(0, Duration::ZERO, &[], 0);
    check(400, hours(84), &all, 84 * 3_600_000);
}

#[test]
fn due_times_are_whole_seconds() {
    let mut shell = Shell::new(Policy::default());
    shell.now = Timestamp::from_millis(1_001);
    shell.accept(1, "a.example");
    shell.check_millis(1_001, "1#1@0+");
    shell.finish(1, FULL);
    shell.check_millis(1_001, "1>1202");
    shell.check_millis(1_201_999, "");
    shell.check_millis(1_202_000, "1#2@0");
}

#[test]
fn an_attempt_on_its_way_may_end_after_the_validity() {
    for (result, expected) in [(AttemptResult::Delivered, ""), (AttemptResult::Bounced, ""), (FULL, "1x1")] {
        let mut shell = Shell::new(Policy::default());
        shell.accept(1, "a.example");
        shell.check(0, "1#1@0+");
        assert_eq!(shell.due_next(), None);
        shell.check(84 * HOUR, "");
        shell.finish(1, result);
        shell.check(84 * HOUR, expected);
        assert!(shell.queue.is_empty());
    }
}

#[test]
fn within_an_instant_lanes_go_by_name_and_messages_by_due_time_and_id() {
    let mut shell = Shell::new(limits(2, 9, None));
    for (number, domain) in [(9, "b.example"), (3, "c.example"), (7, "b.example"), (8, "b.example")] {
        shell.accept(number, domain);
    }
    shell.accept(5, "a.example");
    shell.check(0, "5#1@0+ 7#1@0+ 8#1@1+ 3#1@0+");
    shell.accept(1, "b.example");
    shell.finish(7, FULL);
    shell.check(0, "7>1200 1#1@0");
    shell.now = at(1);
    shell.accept(2, "b.example");
    shell.finish(1, AttemptResult::Delivered);
    shell.check(1, "9#1@0");
}

#[test]
fn connections_are_limited_and_replaced() {
    let mut shell = Shell::new(limits(1, 2, None));
    for number in 1..=4 {
        shell.accept(number, "a.example");
    }
    shell.check(0, "1#1@0+");
    for (number, next) in [(1, "2#1@0"), (2, "3#1@0+"), (3, "4#1@0"), (4, "")] {
        shell.finish(number, AttemptResult::Delivered);
        shell.check(0, next);
    }
}

#[test]
fn an_hourly_limit_is_spent_in_slices_by_id_not_by_arrival() {
    let mut shell = Shell::new(limits(9, 9, Some(24)));
    for number in [5, 2, 4, 1, 3] {
        shell.accept(number, "a.example");
    }
    shell.check(0, "");
    assert_eq!(shell.due_next(), Some(1_000), "not in the instant of arrival");
    shell.check(1, "1#1@0+ 2#1@1+");
    assert_eq!(shell.due_next(), Some(300_000));
    shell.finish(1, AttemptResult::Delivered);
    shell.check(299, "");
    shell.check(300, "3#1@0 4#1@2+");
    shell.check(600, "5#1@3+");
    assert_eq!(shell.due_next(), None);
    shell.now = Timestamp::from_millis(600_001);
    shell.accept(6, "b.example");
    assert_eq!(shell.due_next(), Some(601_000), "a lane of its own");
}

#[test]
fn a_message_that_its_lane_holds_up_expires_exactly_too() {
    // Two attempts an hour: slices 5 and 11.
    let mut shell = Shell::new(limits(9, 9, Some(2)));
    for number in 1..=2 {
        let expires_at = Timestamp::from_millis(1_500_123);
        shell.handle(Input::Accept(Message { expires_at, ..message(number, "a.example", at(0)) }));
    }
    shell.check(1, "");
    assert_eq!(shell.due_next(), Some(1_500_000));
    shell.check(1_500, "1#1@0+");
    assert_eq!(shell.due_next(), Some(1_500_123));
    shell.check_millis(1_500_122, "");
    shell.check_millis(1_500_123, "2x0");
    assert_eq!(shell.due_next(), None, "nothing waits for the slice any more");
}

#[test]
fn a_postponed_attempt_does_not_count() {
    let mut shell = Shell::new(limits(1, 9, Some(12)));
    for number in 1..=2 {
        shell.accept(number, "a.example");
    }
    shell.check(1, "1#1@0+");
    shell.finish(1, AttemptResult::Postponed);
    shell.check(1, "1#1@0+");
    shell.finish(1, FULL);
    shell.check(1, "1>1201");
    shell.check(300, "2#1@0");
    // Nor does it in the slice after the one that it was started in.
    shell.now = at(600);
    shell.finish(2, AttemptResult::Postponed);
    shell.check(600, "2#1@0+");
    shell.finish(2, AttemptResult::Postponed);
    shell.check(84 * HOUR - 1, "2#1@0+");
    shell.finish(2, AttemptResult::Postponed);
    shell.check(84 * HOUR, "1x1 2x0");
    assert!(shell.queue.is_empty());
}

#[test]
fn a_postponed_attempt_expires_when_the_validity_is_over() {
    let mut shell = Shell::new(Policy::default());
    shell.accept(1, "a.example");
    shell.check(0, "1#1@0+");
    shell.now = at(84 * HOUR);
    shell.finish(1, AttemptResult::Postponed);
    shell.check(84 * HOUR, "1x0");
}

#[test]
fn inputs_that_make_no_sense_change_nothing_and_are_counted() {
    let mut shell = Shell::new(Policy::default());
    shell.finish(1, FULL);
    shell.accept(1, "a.example");
    shell.finish(1, FULL);
    shell.accept(1, "b.example");
    shell.handle(Input::Restore { message: message(1, "c.example", at(0)), due: at(9), attempts: 4 });
    assert_eq!(shell.queue.ignored(), Ignored { duplicate: 2, unknown: 2 });
    shell.check(0, "1#1@0+");
    shell.finish(1, AttemptResult::Delivered);
    shell.finish(1, AttemptResult::Delivered);
    shell.check(0, "");
    assert_eq!(shell.queue.ignored(), Ignored { duplicate: 2, unknown: 3 });
    shell.accept(1, "a.example");
    shell.check(0, "1#1@0");
}

#[test]
fn what_is_restored_goes_on_where_it_stood() {
    let mut shell = Shell::new(limits(9, 9, Some(12)));
    for (number, due) in [(1, 0), (2, 100), (3, 100_000_000)] {
        let message = message(number, "a.example", at(0));
        shell.handle(Input::Restore { message, due: at(due), attempts: 3 });
    }
    let (domain, provider) = ("a.example".parse().unwrap(), "any".into());
    shell.handle(Input::RestoreSpent { domain, provider, attempts: 1, at: at(0) });
    shell.check(0, "");
    assert_eq!(shell.due_next(), Some(100_000), "the second becomes ready");
    shell.check(100, "");
    shell.check(300, "1#4@0+");
    shell.check(600, "2#4@1+");
    assert_eq!(shell.due_next(), Some(84 * HOUR * 1_000));
    shell.check(84 * HOUR, "3x3");
}

#[test]
fn a_new_policy_holds_at_once() {
    let mut shell = Shell::new(limits(1, 9, Some(12)));
    for number in 1..=6 {
        shell.accept(number, "a.example");
    }
    let mut check = |policy: Policy, seconds, expected| {
        shell.handle(Input::Policy(Arc::new(policy)));
        shell.check(seconds, expected);
    };
    check(limits(1, 9, Some(12)), 1, "1#1@0+");
    check(limits(1, 9, None), 2, "");
    check(limits(3, 9, None), 3, "2#1@1+ 3#1@2+");
    check(limits(9, 9, Some(12)), 4, "");
    check(limits(9, 9, Some(60)), 5, "4#1@3+ 5#1@4+");
    check(limits(2, 9, None), 6, "");
    for number in 1..=4 {
        shell.finish(number, AttemptResult::Delivered);
        shell.check(7, if number == 4 { "6#1@0" } else { "" });
    }
    let schedule = RetrySchedule::list(vec![Duration::from_mins(1)]).unwrap();
    shell.handle(Input::Policy(Arc::new(Policy { schedule, ..Policy::default() })));
    shell.finish(6, FULL);
    shell.check(8, "6>67");
}

#[test]
fn a_deferral_has_the_schedule_of_its_provider_and_class() {
    let every = |minutes| RetrySchedule::list(vec![Duration::from_mins(minutes)]).unwrap();
    let own = ProviderPolicy {
        schedule: Some(every(1)),
        classes: [(BounceClass::MailboxFull, every(2))].into(),
        ..ProviderPolicy::default()
    };
    let providers = [("any".to_owned(), own)].into();
    let mut shell = Shell::new(Policy { providers, ..Policy::default() });
    shell.accept(1, "a.example");
    shell.check(0, "1#1@0+");
    shell.finish(1, FULL);
    shell.check(0, "1>120");
    shell.check(120, "1#2@0");
    shell.finish(1, AttemptResult::Deferred { class: BounceClass::Timeout });
    shell.check(120, "1>180");
}

#[test]
fn it_shows_what_it_holds() {
    let mut shell = Shell::new(limits(1, 9, None));
    for number in 1..=3 {
        shell.accept(number, "a.example");
    }
    shell.check(0, "1#1@0+");
    shell.finish(1, FULL);
    shell.check(0, "1>1200 2#1@0");
    shell.now = at(5);
    let other = Message { provider: "other".into(), ..message(4, "b.example", at(5)) };
    shell.handle(Input::Restore { message: other, due: at(900), attempts: 1 });

    let summary = shell.queue.summary();
    let counts = |load: &emta_queue::Load| (load.ready, load.scheduled, load.in_flight, load.len());
    assert_eq!(counts(&summary.total), (1, 2, 1, 4));
    assert_eq!(counts(&summary.providers["any"]), (1, 1, 1, 3));
    let lane = &summary.lanes[&"b.example".parse::<emta_mail::Domain>().unwrap()];
    assert_eq!((&*lane.provider, counts(&lane.load)), ("other", (0, 1, 0, 1)));
    assert_eq!((lane.load.oldest_accepted_at, lane.load.next_due), (Some(at(5)), Some(at(900))));
    assert_eq!((summary.total.oldest_accepted_at, summary.total.next_due), (Some(at(0)), Some(at(0))));
    assert_eq!((shell.queue.len(), shell.queue.in_flight()), (4, 1));

    let numbers =
        |count| shell.queue.upcoming(count).iter().map(|queued| queued.id.as_u64()).collect::<Vec<_>>();
    assert_eq!(numbers(9), [3, 4, 1]);
    assert_eq!(numbers(2), [3, 4]);
    assert_eq!(numbers(0), [0_u64; 0]);
    assert_eq!(
        [1, 2, 3, 5].map(|number| shell.queue.next_due(id(number))),
        [Some(at(1_200)), None, Some(at(0)), None]
    );
    let flying = shell.queue.get(id(2)).unwrap();
    assert_eq!((flying.stage, flying.attempts), (Stage::InFlight { slot: 0 }, 0));
    assert_eq!(shell.queue.iter().count(), 4);
}

#[test]
fn a_throttled_lane_says_until_when() {
    let mut shell = Shell::new(limits(9, 9, Some(12)));
    for number in 1..=2 {
        shell.accept(number, "a.example");
    }
    let until = |shell: &Shell| shell.queue.summary().lanes.values().next().unwrap().throttled_until;
    assert_eq!(until(&shell), None);
    shell.check(1, "1#1@0+");
    assert_eq!(until(&shell), Some(at(300)));
    shell.check(300, "2#1@1+");
    assert_eq!(until(&shell), None);
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    for now in [Timestamp::MIN, Timestamp::MAX] {
        let mut shell = Shell::new(limits(1, 1, Some(1)));
        shell.now = now;
        shell.accept(1, "a.example");
        let first = shell.said();
        shell.now = Timestamp::MAX;
        assert_eq!(first + &shell.said(), "1x0");
        assert_eq!(shell.queue.deadline(), None);
    }
}
