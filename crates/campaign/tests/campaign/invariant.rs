//! Random stories: at the end all modes agree, whatever the order in which the news arrive and how often.

use crate::support::*;
use emta_campaign::{
    Campaign, DeliveryState, Failure, Feedback, FeedbackKind, FeedbackType, Input, Kpis, LogRow, LogState,
    LogStatus, Mode,
};
use emta_mail::{FailureReason, FailureType, Timestamp};
use proptest::prelude::*;

const RECIPIENTS: u64 = 6;

/// What happens to one message, in order; the first report of each kind is `at` some seconds after the relay.
#[derive(Clone, Debug)]
struct Story {
    deferrals: Vec<Failure>,
    end: End,
    /// After a delivery only.
    later: Vec<FeedbackKind>,
}

#[derive(Clone, Debug)]
enum End {
    Delivered,
    Bounced(Failure),
    Expired(Failure),
}

fn any_failure() -> impl Strategy<Value = Failure> {
    let kinds = prop::sample::select(FailureType::ALL);
    let reasons = prop::sample::select(FailureReason::ALL);
    (kinds, reasons, 0..3)
        .prop_map(|(kind, reason, text)| Failure::new(kind, reason, Some("rule"), &format!("text {text}")))
}

fn any_later() -> impl Strategy<Value = FeedbackKind> {
    const TYPES: [FeedbackType; 3] =
        [FeedbackType::Complaint, FeedbackType::OptOut, FeedbackType::NoComplaint];
    prop_oneof![
        any_failure().prop_map(asynchronous),
        (any_failure(), prop::sample::select(&TYPES))
            .prop_map(|(failure, feedback_type)| FeedbackKind::Complaint { failure, feedback_type }),
        any_failure().prop_map(FeedbackKind::AutoReply),
        Just(FeedbackKind::Opened),
        Just(FeedbackKind::Clicked),
    ]
}

fn any_story() -> impl Strategy<Value = Story> {
    let end = prop_oneof![
        2 => Just(End::Delivered),
        1 => any_failure().prop_map(End::Bounced),
        1 => any_failure().prop_map(End::Expired),
    ];
    (prop::collection::vec(any_failure(), 0..4), end, prop::collection::vec(any_later(), 0..4))
        .prop_map(|(deferrals, end, later)| Story { deferrals, end, later })
}

/// Everything that the feedback service and inMail report about a message, in order.
fn full(log: u64, story: &Story) -> Vec<Feedback> {
    let mut kinds = vec![FeedbackKind::Accepted];
    kinds.extend(story.deferrals.iter().cloned().map(FeedbackKind::Deferred));
    match &story.end {
        End::Delivered => {
            kinds.push(FeedbackKind::Delivered);
            kinds.extend(story.later.iter().cloned());
        }
        End::Bounced(failure) => kinds.extend([FeedbackKind::Bounced(failure.clone()), dsn(failure.clone())]),
        End::Expired(failure) => kinds.extend([FeedbackKind::Expired(failure.clone()), dsn(failure.clone())]),
    }
    (1..).zip(kinds).map(|(step, kind)| feedback(key(log), at(step * 3_600), kind)).collect()
}

/// What is left of it without the feedback service: what came back by mail, and what tracking saw.
fn by_mail(report: &Feedback) -> bool {
    match report.kind {
        FeedbackKind::AsynchronousBounce { .. }
        | FeedbackKind::Complaint { .. }
        | FeedbackKind::AutoReply(_)
        | FeedbackKind::Opened
        | FeedbackKind::Clicked => true,
        FeedbackKind::Accepted
        | FeedbackKind::Deferred(_)
        | FeedbackKind::Delivered
        | FeedbackKind::Bounced(_)
        | FeedbackKind::Expired(_) => false,
    }
}

fn play(mode: Mode, complaint_fails: bool, reports: &[Feedback]) -> Campaign {
    let addresses: Vec<String> = (1..=RECIPIENTS).map(|n| format!("r{n}@example.com")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let settings = emta_campaign::CampaignConfig { complaint_fails, ..config(mode) };
    let mut campaign = relayed(settings, &addresses);
    for report in reports {
        campaign.handle(Input::Feedback(report.clone()), report.at).unwrap();
    }
    campaign.handle(Input::Tick, hours(84)).unwrap();
    campaign
}

fn rows(campaign: &Campaign, mode: Mode) -> Vec<LogRow<'_>> {
    campaign.delivery(FIRST).unwrap().logs(mode, 0).collect()
}

fn statuses(campaign: &Campaign, mode: Mode) -> Vec<LogStatus> {
    rows(campaign, mode).iter().map(|row| row.status).collect()
}

/// A story for each recipient, and its reports in an order of arrival with repetitions.
fn any_arrival() -> impl Strategy<Value = (Vec<Feedback>, Vec<Feedback>)> {
    prop::collection::vec(any_story(), RECIPIENTS as usize)
        .prop_map(|stories| (1..).zip(&stories).flat_map(|(log, story)| full(log, story)).collect::<Vec<_>>())
        .prop_flat_map(|reports| {
            let repeated = prop::sample::subsequence(reports.clone(), 0..=reports.len());
            let arrivals = repeated.prop_flat_map({
                let reports = reports.clone();
                move |repeated| Just([reports.clone(), repeated].concat()).prop_shuffle()
            });
            (Just(reports), arrivals)
        })
}

/// Anything that can be reported, plausible or not.
fn any_kind() -> impl Strategy<Value = FeedbackKind> {
    prop_oneof![
        Just(FeedbackKind::Accepted),
        Just(FeedbackKind::Delivered),
        any_failure().prop_map(FeedbackKind::Deferred),
        any_failure().prop_map(FeedbackKind::Bounced),
        any_failure().prop_map(FeedbackKind::Expired),
        any_failure().prop_map(dsn),
        any_later(),
    ]
}

proptest! {
    #[test]
    fn order_and_repetition_do_not_matter(
        reports in prop::collection::vec((any_kind(), 0..5_i64), 1..6),
        order in any::<prop::sample::Index>(),
        complaint_fails: bool,
    ) {
        let reports: Vec<Feedback> =
            reports.into_iter().map(|(kind, second)| feedback(key(1), at(second), kind)).collect();
        let fold = |reports: &mut dyn Iterator<Item = &Feedback>| {
            reports.fold(LogState::default(), |state, report| state.apply(report, complaint_fails))
        };
        let told = fold(&mut reports.iter());
        let (head, tail) = reports.split_at(order.index(reports.len()));
        prop_assert_eq!(&told, &fold(&mut reports.iter().rev()), "backwards");
        prop_assert_eq!(&told, &fold(&mut tail.iter().chain(head)), "rotated");
        prop_assert_eq!(&told, &fold(&mut reports.iter().chain(tail).chain(head)), "repeated");
    }

    #[test]
    fn modes_agree_at_the_end((reports, arrivals) in any_arrival(), complaint_fails: bool) {
        let mailed: Vec<Feedback> = arrivals.iter().filter(|report| by_mail(report)).cloned().collect();
        let all = play(Mode::Efs, complaint_fails, &arrivals);
        let mail = play(Mode::WithoutEfs, complaint_fails, &mailed);
        let expected = statuses(&all, Mode::Efs);
        prop_assert!(expected.iter().all(|status| matches!(status, LogStatus::Sent | LogStatus::Failed)));
        prop_assert_eq!(&statuses(&all, Mode::EfsV8), &expected);
        prop_assert_eq!(&statuses(&all, Mode::WithoutEfs), &expected, "full stream");
        prop_assert_eq!(&statuses(&mail, Mode::WithoutEfs), &expected, "mail only");
        for campaign in [&all, &mail] {
            prop_assert_eq!(campaign.delivery(FIRST).unwrap().state(), DeliveryState::Finished);
        }

        let in_order = play(Mode::Efs, complaint_fails, &reports);
        for mode in Mode::ALL {
            prop_assert_eq!(rows(&in_order, mode), rows(&all, mode), "the order of arrival shows in {}", mode);
        }
    }

    #[test]
    fn kpis_are_what_counting_gives((reports, arrivals) in any_arrival(), complaint_fails: bool) {
        let campaign = play(Mode::EfsV8, complaint_fails, &arrivals);
        for mode in Mode::ALL {
            let kpis = campaign.delivery(FIRST).unwrap().kpis(mode).clone();
            let computed = campaign.compute_stats(FIRST, mode, reports.iter().rev().cloned());
            prop_assert_eq!(Some(&kpis), computed.as_ref());
            let Kpis { targeted, to_deliver, pending, taken_into_account, canceled, .. } = kpis;
            prop_assert_eq!(targeted, to_deliver + kpis.excluded.values().sum::<u64>());
            prop_assert_eq!(to_deliver, pending + taken_into_account + canceled + kpis.processed());
            prop_assert_eq!(kpis.bounces, kpis.hard + kpis.soft + kpis.ignored + kpis.not_defined);
            prop_assert_eq!(kpis.bounces, kpis.by_reason.values().sum::<u64>());
        }
    }

    #[test]
    fn a_replayed_journal_gives_the_same((_, arrivals) in any_arrival(), crash in 0..40_usize) {
        let mut journal = Vec::new();
        let mut live = Campaign::new(config(Mode::Efs));
        let mut accept = |campaign: &mut Campaign, input: Input, now: Timestamp| {
            if campaign.handle(input.clone(), now).is_ok() {
                journal.push((input, now));
            }
        };
        let addresses = ["r1@example.com", "r2@example.com", "r1@example.com", "", "r4@example.com", "r6@example.com"];
        for input in [create(FIRST, &addresses), Input::Confirm(FIRST), Input::Prepare(FIRST), Input::Confirm(FIRST)] {
            accept(&mut live, input, at(0));
        }
        for log in poll(&mut live) {
            accept(&mut live, Input::Relayed(log), at(1));
        }
        for report in arrivals.iter().take(crash) {
            accept(&mut live, Input::Feedback(report.clone()), report.at);
        }
        accept(&mut live, Input::Cleanup, hours(30));

        let mut replayed = Campaign::new(config(Mode::Efs));
        for (input, now) in journal {
            prop_assert_eq!(replayed.handle(input, now), Ok(()));
        }
        for mode in Mode::ALL {
            prop_assert_eq!(rows(&live, mode), rows(&replayed, mode));
            prop_assert_eq!(live.kpis(FIRST, mode), replayed.kpis(FIRST, mode));
        }
        prop_assert_eq!(live.addresses(), replayed.addresses());
        prop_assert_eq!(live.deadline(), replayed.deadline());
        prop_assert_eq!(replayed.poll(), None);
    }
}
