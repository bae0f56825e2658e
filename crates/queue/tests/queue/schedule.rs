//! When a message is tried, and when it is no longer.

use std::time::Duration;

use emta_mail::{BounceClass, Timestamp};
use emta_queue::{AttemptResult, Input, Message, Policy, ProviderPolicy, RetrySchedule};

use crate::shell::{FULL, HOUR, Shell, at, limits, message};

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
