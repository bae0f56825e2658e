//! What is queued: restored, shown, and guarded against inputs that make no sense.

use emta_queue::{AttemptResult, Ignored, Input, Message, Policy, Stage};

use crate::shell::{FULL, HOUR, Shell, at, id, limits, message};

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
