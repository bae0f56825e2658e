//! Figures are a sum: order and division change nothing, and limits hold at the bound.

use emta_mail::event::{Accepted, Attempt, MailReport, Verdict};
use emta_mail::{EmailAddress, EventKind, Origin, Phase, QueueId, Reply, ReversePath};
use proptest::prelude::*;

use super::*;

const START: i64 = 1_767_603_600;

fn setting() -> Setting {
    Setting {
        scenario: "test".to_owned(),
        seed: 1,
        recipients: 10,
        start: Timestamp::from_seconds(START),
        end: Timestamp::from_seconds(START + 84 * 3600),
        command: "emta simulate test.yaml".to_owned(),
    }
}

fn attempt(number: u32) -> Attempt {
    Attempt {
        number,
        provider: "alpha".to_owned(),
        mx: "mx.alpha.test".to_owned(),
        phase: Phase::Rcpt,
        reply: Reply::new(250, None, "ok"),
        after_crash: false,
    }
}

fn verdict(failure_type: FailureType, reason: FailureReason) -> Verdict {
    Verdict { class: Some(BounceClass::MailboxFull), failure_type, reason, rule: None }
}

fn report(from_this_mta: bool) -> Box<MailReport> {
    Box::new(MailReport {
        report_id: "r@example.net".to_owned(),
        recipient: None,
        status: None,
        text: String::new(),
        verdict: Verdict { class: None, ..verdict(FailureType::Hard, FailureReason::UserUnknown) },
        matched_by: emta_mail::event::Correlation::MessageId,
        from_this_mta,
        feedback_type: String::new(),
    })
}

fn event(at: i64, kind: EventKind) -> DeliveryEvent {
    DeliveryEvent { message: QueueId::from_u64(1), at: Timestamp::from_seconds(START + at), kind }
}

fn accepted(at: i64) -> DeliveryEvent {
    let recipient = EmailAddress::parse("user@example.com").unwrap();
    let accepted = Accepted {
        sender: ReversePath::Null,
        recipient,
        message_id: "m@example.com".to_owned(),
        size: 100,
        expires_at: Timestamp::from_seconds(START + at) + LONGEST_VALIDITY,
        origin: Origin::default(),
    };
    event(at, EventKind::Accepted(Box::new(accepted)))
}

fn mail(accepted_at: i64) -> Mail<'static> {
    Mail { provider: "alpha", accepted_at: Timestamp::from_seconds(START + accepted_at) }
}

#[test]
fn events_are_counted_where_they_belong() {
    let mut figures = Figures::new(setting());
    let full = verdict(FailureType::Soft, FailureReason::MailboxFull);
    let next_attempt = Timestamp::from_seconds(START + 1200);
    for (at, event) in [
        (0, accepted(0)),
        (0, accepted(10)),
        (0, event(5, EventKind::Deferred { attempt: attempt(1), verdict: full.clone(), next_attempt })),
        (0, event(3 * 3600, EventKind::Delivered { attempt: attempt(2) })),
        (10, event(10 + 84 * 3600, EventKind::Expired { attempt: attempt(12), verdict: full })),
        (0, event(4 * 3600, EventKind::AsynchronousBounce(report(false)))),
        (0, event(4 * 3600, EventKind::AsynchronousBounce(report(true)))),
    ] {
        figures.record(&event, mail(at));
    }
    let queued: Vec<u64> = figures.until().iter().map(Counts::queued).collect();
    assert_eq!((queued[0], queued[2], queued[3], queued[83], queued[84]), (2, 2, 1, 1, 0));
    assert_eq!(figures.hours(), 85);
    assert_eq!(figures.total().of(Outcome::AsynchronousBounce), 1);
    assert_eq!(figures.total().of(Outcome::OwnReport), 1);
    let survival = figures.survival();
    assert_eq!(
        (survival[0], survival[3], survival[4], survival[84], survival[85]),
        (1.0, 1.0, 0.5, 0.5, 0.0)
    );
    assert_eq!((figures.age_at_share(0.5), figures.age_at_share(1.0)), (Some(180), Some(84 * 60)));
    let attempts: Vec<usize> = figures.attempts().map(|(number, _)| number).collect();
    assert_eq!(attempts, [1, 2, 12]);
    let verdicts: Vec<_> =
        figures.verdicts().map(|(_, reason, counts)| (reason, counts.finished())).collect();
    assert_eq!(verdicts, [(FailureReason::MailboxFull, 1), (FailureReason::UserUnknown, 0)]);
    assert_eq!(figures.classes().count(), 1, "mail has no class");
}

#[test]
fn what_is_beyond_a_limit_counts_at_the_limit() {
    let last_hour = MAX_HOURS as i64 - 1;
    let last_age = MAX_AGE_MINUTES as i64;
    for (hours, minutes, number, hour, age, slot) in [
        (last_hour, last_age, MAX_ATTEMPT as u32, MAX_HOURS, MAX_AGE_MINUTES, MAX_ATTEMPT),
        (last_hour + 1, last_age + 1, MAX_ATTEMPT as u32 + 1, MAX_HOURS, MAX_AGE_MINUTES, MAX_ATTEMPT),
        (9_000_000, 9_000_000, u32::MAX, MAX_HOURS, MAX_AGE_MINUTES, MAX_ATTEMPT),
    ] {
        let mut figures = Figures::new(setting());
        let delivered = event(hours * 3600, EventKind::Delivered { attempt: attempt(number) });
        figures.record(&delivered, mail(hours * 3600 - minutes * 60));
        figures.quarantine(delivered.at, 1);
        assert_eq!(figures.hours(), hour, "{hours} h");
        assert_eq!(figures.left_at_age().len(), age + 1, "{minutes} min");
        assert_eq!(figures.attempts().map(|(number, _)| number).collect::<Vec<_>>(), [slot]);
    }
    let before = &mut Figures::new(setting());
    before.record(&accepted(-3600), mail(0));
    assert_eq!(before.hour(0).of(Outcome::Accepted), 1, "before the start is the first hour");
}

#[test]
fn kpis_hold_until_the_next_word() {
    let at = |hour: i64| Timestamp::from_seconds(START + hour * 3600);
    let kpis = |delivered| Kpis { targeted: 10, delivered, ..Kpis::default() };
    let mut one = Figures::new(setting());
    let mut before = KpiRow::default();
    one.kpis_at(at(0), Mode::Efs, &mut before, &kpis(1));
    one.kpis_at(at(2), Mode::Efs, &mut before, &kpis(5));
    one.kpis_at(at(2), Mode::Efs, &mut before, &kpis(4));
    let mut other = Figures::new(setting());
    other.kpis_at(at(1), Mode::Efs, &mut KpiRow::default(), &kpis(3));
    one.merge(&other);
    let until = one.kpis_until(Mode::Efs);
    let delivered: Vec<i64> = until.iter().take(4).map(|row| row.of(Indicator::Delivered)).collect();
    assert_eq!(delivered, [1, 4, 7, 7]);
    assert_eq!(until.last(), Some(&one.kpis(Mode::Efs, 83)));
    assert_eq!(one.kpis(Mode::EfsV8, 83), KpiRow::default());
}

fn any_event() -> impl Strategy<Value = DeliveryEvent> {
    let verdict = verdict(FailureType::Hard, FailureReason::UserUnknown);
    (0..400_000_i64, 0..14_u32, 0..8_u8).prop_map(move |(at, number, kind)| match kind {
        0 => accepted(at),
        1 => event(
            at,
            EventKind::Deferred {
                attempt: attempt(number),
                verdict: verdict.clone(),
                next_attempt: Timestamp::MAX,
            },
        ),
        2 => event(at, EventKind::Delivered { attempt: attempt(number) }),
        3 => event(at, EventKind::Bounced { attempt: attempt(number), verdict: verdict.clone() }),
        4 => event(at, EventKind::Expired { attempt: attempt(number), verdict: verdict.clone() }),
        5 => event(at, EventKind::AsynchronousBounce(report(number == 0))),
        6 => event(at, EventKind::Opened),
        _ => event(at, EventKind::Complaint(report(false))),
    })
}

proptest! {
    #[test]
    fn neither_order_nor_division_matters(
        events in prop::collection::vec((any_event(), 0..3_usize), 0..60).prop_shuffle(),
        first in 0..3_usize,
    ) {
        let providers = ["alpha", "beta", "gamma"];
        let mut whole = Figures::new(setting());
        let mut shards = [(); 3].map(|()| Figures::new(setting()));
        for (event, shard) in &events {
            let mail = Mail { provider: providers[shard % 2], accepted_at: setting().start };
            whole.record(event, mail);
            whole.quarantine(event.at, 1);
        }
        for (event, shard) in events.iter().rev() {
            let mail = Mail { provider: providers[shard % 2], accepted_at: setting().start };
            shards[*shard].record(event, mail);
            shards[*shard].quarantine(event.at, 1);
        }
        let mut merged = shards[first].clone();
        merged.merge(&shards[(first + 1) % 3]);
        merged.merge(&shards[(first + 2) % 3]);
        prop_assert_eq!(merged, whole);
    }
}
