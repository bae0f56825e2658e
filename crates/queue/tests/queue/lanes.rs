//! What a lane lets go, and in which order.

use std::sync::Arc;
use std::time::Duration;

use emta_mail::Timestamp;
use emta_queue::{AttemptResult, Input, Policy, RetrySchedule};

use crate::shell::{FULL, HOUR, Shell, at, limits};

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
