//! KPI and log status, per step: the tables of ACS with and without the feedback service and of Campaign v8 (facts
//! 5.2), row by row.

use crate::support::*;
use emta_campaign::{AddressStatus, Campaign, FeedbackKind, FeedbackType, LogStatus, Mode};
use emta_mail::FailureType;

/// Which way a KPI went in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Down,
    Same,
}

use Way::{Down, Same, Up};

/// What a mode shows after the last step: Delivered, Bounces + errors, status.
type Shown = (Way, Way, LogStatus);

fn complaint() -> FeedbackKind {
    FeedbackKind::Complaint { failure: hard(), feedback_type: FeedbackType::Complaint }
}

/// Tells a message's story and compares what its last step does, in each mode.
fn check(story: &[FeedbackKind], without_efs: Shown, efs: Shown, efs_v8: Shown) {
    for (mode, expected) in Mode::ALL.into_iter().zip([without_efs, efs, efs_v8]) {
        // The second message stays where it is, so that the percentages are not all or nothing.
        let mut campaign = relayed(config(mode), &["ann@example.com", "bob@example.com"]);
        let (last, first) = story.split_last().unwrap();
        for (step, kind) in (1..).zip(first) {
            tell(&mut campaign, 1, at(step), kind.clone());
        }
        let before = numbers(&campaign, mode);
        tell(&mut campaign, 1, hours(1), last.clone());
        let after = numbers(&campaign, mode);
        let way = |before: f64, after: f64| match after.total_cmp(&before) {
            std::cmp::Ordering::Greater => Up,
            std::cmp::Ordering::Less => Down,
            std::cmp::Ordering::Equal => Same,
        };
        let status = campaign.log(key(1), mode).unwrap().status;
        let shown = (way(before.0, after.0), way(before.1, after.1), status);
        assert_eq!(shown, expected, "{mode} after {story:?}");
    }
}

fn numbers(campaign: &Campaign, mode: Mode) -> (f64, f64) {
    let kpis = campaign.kpis(FIRST, mode).unwrap();
    (kpis.delivered_percent(), kpis.bounces_percent())
}

const SENT: LogStatus = LogStatus::Sent;
const FAILED: LogStatus = LogStatus::Failed;

#[test]
fn relayed_to_the_mta() {
    for (mode, percent, status) in [
        (Mode::WithoutEfs, 100.0, SENT),
        (Mode::Efs, 0.0, LogStatus::Pending),
        (Mode::EfsV8, 0.0, LogStatus::TakenIntoAccount),
    ] {
        let campaign = relayed(config(mode), &["ann@example.com", "bob@example.com"]);
        assert_eq!(numbers(&campaign, mode), (percent, 0.0), "{mode}");
        assert_eq!(campaign.log(key(1), mode).unwrap().status, status, "{mode}");
    }
}

#[test]
fn delivered() {
    check(&[FeedbackKind::Delivered], (Same, Same, SENT), (Up, Same, SENT), (Up, Same, SENT));
}

#[test]
fn hard_bounce() {
    check(&[FeedbackKind::Bounced(hard())], (Down, Up, FAILED), (Same, Up, FAILED), (Same, Up, FAILED));
    // Without feedback service, the news come by mail.
    check(&[dsn(hard())], (Down, Up, FAILED), (Same, Up, FAILED), (Same, Up, FAILED));
    // A 5yz is final, whatever its type.
    for failure in [soft(), ignored()] {
        let story = [FeedbackKind::Bounced(failure)];
        check(&story, (Down, Up, FAILED), (Same, Up, FAILED), (Same, Up, FAILED));
    }
}

#[test]
fn soft_bounce() {
    for failure in [soft(), hard(), ignored()] {
        check(
            &[FeedbackKind::Deferred(failure)],
            (Same, Same, SENT),
            (Same, Up, FAILED),
            (Same, Same, LogStatus::TakenIntoAccount),
        );
    }
    let mut campaign = relayed(config(Mode::EfsV8), &["ann@example.com"]);
    tell(&mut campaign, 1, at(1), FeedbackKind::Deferred(soft()));
    let reason = |mode| campaign.log(key(1), mode).unwrap().reason;
    assert_eq!(reason(Mode::EfsV8), soft().reason(), "only the reason is updated");
    assert_eq!(reason(Mode::WithoutEfs), emta_mail::FailureReason::NotDefined);
}

#[test]
fn soft_then_retry_delivered() {
    check(
        &[FeedbackKind::Deferred(soft()), FeedbackKind::Deferred(soft()), FeedbackKind::Delivered],
        (Same, Same, SENT),
        (Up, Down, SENT),
        (Up, Same, SENT),
    );
}

#[test]
fn soft_and_retries_fail_until_the_end() {
    for failure in [soft(), ignored()] {
        check(
            &[FeedbackKind::Deferred(soft()), FeedbackKind::Expired(failure)],
            (Down, Up, FAILED),
            (Same, Same, FAILED),
            (Same, Up, FAILED),
        );
    }
    // The MTA's own mail about it repeats what the feedback service said.
    let story = [FeedbackKind::Deferred(soft()), FeedbackKind::Expired(soft()), dsn(soft())];
    check(&story, (Same, Same, FAILED), (Same, Same, FAILED), (Same, Same, FAILED));
}

#[test]
fn asynchronous_bounce_after_delivery() {
    for failure in [hard(), soft()] {
        check(
            &[FeedbackKind::Delivered, asynchronous(failure)],
            (Down, Up, FAILED),
            (Down, Up, FAILED),
            (Down, Up, FAILED),
        );
    }
    let ignored_error = failure(FailureType::Soft, emta_mail::FailureReason::ErrorIgnored);
    let undefined = failure(FailureType::NotDefined, emta_mail::FailureReason::NotDefined);
    for failure in [ignored(), ignored_error, undefined] {
        let unchanged = (Same, Same, SENT);
        check(&[FeedbackKind::Delivered, asynchronous(failure)], unchanged, unchanged, unchanged);
    }
}

#[test]
fn complained() {
    let failed = (Down, Up, FAILED);
    check(&[FeedbackKind::Delivered, complaint()], failed, failed, failed);
    for mode in Mode::ALL {
        let mut campaign = relayed(config(mode), &["ann@example.com"]);
        tell(&mut campaign, 1, at(1), FeedbackKind::Delivered);
        tell(&mut campaign, 1, at(2), complaint());
        let ann = "ann@example.com".parse().unwrap();
        assert_eq!(campaign.addresses().status(&ann), AddressStatus::Denylisted);
        assert_eq!(campaign.kpis(FIRST, mode).unwrap().complaints, 1);
    }
}

#[test]
fn complaints_that_fail_nothing() {
    for (complaint_fails, feedback_type, status, address, complaints) in [
        (false, FeedbackType::Complaint, SENT, AddressStatus::Denylisted, 1),
        (true, FeedbackType::OptOut, SENT, AddressStatus::Denylisted, 0),
        (true, FeedbackType::NoComplaint, SENT, AddressStatus::Unknown, 0),
    ] {
        for mode in Mode::ALL {
            let settings = emta_campaign::CampaignConfig { complaint_fails, ..config(mode) };
            let mut campaign = relayed(settings, &["ann@example.com"]);
            tell(&mut campaign, 1, at(1), FeedbackKind::Delivered);
            tell(&mut campaign, 1, at(2), FeedbackKind::Complaint { failure: hard(), feedback_type });
            let row = campaign.log(key(1), mode).unwrap();
            assert_eq!(
                (row.status, row.text.as_ref()),
                (status, "'ann@example.com' sent"),
                "{feedback_type:?}"
            );
            assert_eq!(campaign.addresses().status(&"ann@example.com".parse().unwrap()), address);
            assert_eq!(campaign.kpis(FIRST, mode).unwrap().complaints, complaints);
        }
    }
}

#[test]
fn auto_reply() {
    let unchanged = (Same, Same, SENT);
    check(&[FeedbackKind::Delivered, FeedbackKind::AutoReply(ignored())], unchanged, unchanged, unchanged);
    for mode in Mode::ALL {
        let mut campaign = relayed(config(mode), &["ann@example.com"]);
        tell(&mut campaign, 1, at(1), FeedbackKind::Delivered);
        tell(&mut campaign, 1, at(2), FeedbackKind::AutoReply(ignored()));
        let row = campaign.log(key(1), mode).unwrap();
        assert_eq!((row.failure_type, row.reason), (FailureType::Ignored, ignored().reason()), "noted");
        assert_eq!(campaign.kpis(FIRST, mode).unwrap().auto_replies, 1);
    }
}

#[test]
fn the_last_word_is_not_unsaid() {
    let failed = (Same, Same, FAILED);
    check(&[asynchronous(hard()), FeedbackKind::Delivered], failed, failed, failed);
    check(&[FeedbackKind::Bounced(hard()), FeedbackKind::Deferred(soft())], failed, failed, failed);
    let sent = (Same, Same, SENT);
    check(&[FeedbackKind::Delivered, FeedbackKind::Deferred(soft())], sent, sent, sent);
    check(&[FeedbackKind::Delivered, FeedbackKind::Delivered], sent, sent, sent);
    check(&[FeedbackKind::Delivered, FeedbackKind::Opened], sent, sent, sent);
}

#[test]
fn a_provider_that_refused_outweighs_one_that_accepted() {
    // Both can stand in the log after a crash in the middle of an attempt.
    let failed = (Same, Same, FAILED);
    check(&[FeedbackKind::Bounced(hard()), FeedbackKind::Delivered], failed, failed, failed);
}

#[test]
fn entries_are_dated_by_what_they_show() {
    let check = |story: &[FeedbackKind], expected: [i64; 3]| {
        for (mode, expected) in Mode::ALL.into_iter().zip(expected) {
            let mut campaign = relayed(config(mode), &["ann@example.com", "bob@example.com"]);
            for (step, kind) in (1..).zip(story) {
                tell(&mut campaign, 1, at(step), kind.clone());
            }
            assert_eq!(campaign.log(key(1), mode).unwrap().date, at(expected), "{mode} after {story:?}");
        }
    };
    let deferred = || FeedbackKind::Deferred(soft());
    check(&[], [0, 0, 0]);
    check(&[deferred(), deferred()], [0, 2, 2]);
    check(&[deferred(), FeedbackKind::Delivered, FeedbackKind::Opened], [0, 2, 2]);
    check(&[deferred(), FeedbackKind::Expired(soft()), dsn(soft())], [3, 2, 2]);
    // What settled the matter first is shown.
    check(&[FeedbackKind::Delivered, asynchronous(hard()), asynchronous(soft())], [2, 2, 2]);
    check(&[FeedbackKind::Bounced(hard()), FeedbackKind::Expired(soft())], [1, 1, 1]);
}
