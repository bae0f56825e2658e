//! Which errors quarantine an address, and what is forgotten (facts 4.3, 4.4).

use emta_campaign::{
    AddressRecord, AddressStatus, Campaign, CampaignConfig, DeliveryId, Exclusion, Failure, FeedbackKind,
    FeedbackType, Input, LogKey, Mode, QuarantinePolicy,
};
use emta_mail::{EmailAddress, FailureReason, FailureType};

use crate::support::*;

const ANN: &str = "ann@example.com";

fn ann() -> EmailAddress {
    ANN.parse().unwrap()
}

fn record(campaign: &Campaign) -> Option<&AddressRecord> {
    campaign.addresses().get(&ann())
}

fn told(mode: Mode, reports: &[(i64, FeedbackKind)]) -> Campaign {
    let mut campaign = relayed(config(mode), &[ANN]);
    for (hour, kind) in reports {
        tell(&mut campaign, 1, hours(*hour), kind.clone());
    }
    campaign
}

/// Status and number of errors after these reports, each at its hour.
fn check(mode: Mode, reports: &[(i64, FeedbackKind)], status: AddressStatus, errors: u32) {
    let campaign = told(mode, reports);
    let shown = record(&campaign).map_or((AddressStatus::Unknown, 0), |r| (r.status, r.errors));
    assert_eq!(shown, (status, errors), "{mode}: {reports:?}");
}

fn deferrals(hours: impl IntoIterator<Item = i64>) -> Vec<(i64, FeedbackKind)> {
    hours.into_iter().map(|hour| (hour, FeedbackKind::Deferred(soft()))).collect()
}

#[test]
fn hard_quarantines_at_once() {
    for mode in [Mode::Efs, Mode::EfsV8] {
        for kind in [FeedbackKind::Bounced(hard()), FeedbackKind::Expired(hard()), asynchronous(hard())] {
            check(mode, &[(1, kind.clone())], AddressStatus::Quarantine, 1);
            check(mode, &[(1, kind.clone()), (60, kind)], AddressStatus::Quarantine, 1);
        }
    }
    let campaign = told(Mode::Efs, &[(1, FeedbackKind::Bounced(hard()))]);
    assert_eq!(record(&campaign).unwrap().text.as_ref(), "550 5.1.1 no");
    assert_eq!(record(&campaign).unwrap().reason, FailureReason::UserUnknown);
    assert_eq!(campaign.kpis(FIRST, Mode::Efs).unwrap().new_quarantine, Some(1));
    assert_eq!(campaign.kpis(FIRST, Mode::EfsV8).unwrap().new_quarantine, None, "kept in one mode only");
}

#[test]
fn soft_counts_once_a_day() {
    let with_errors = AddressStatus::WithErrors;
    check(Mode::Efs, &deferrals([1]), with_errors, 1);
    check(Mode::Efs, &deferrals([1, 2, 24]), with_errors, 1);
    check(Mode::Efs, &deferrals([1, 25]), with_errors, 2);
    check(Mode::Efs, &deferrals([1, 25, 49, 73]), with_errors, 4);
    check(Mode::Efs, &deferrals([1, 25, 49, 73, 97]), AddressStatus::Quarantine, 5);
    check(Mode::Efs, &deferrals([1, 25, 49, 73, 97, 121]), AddressStatus::Quarantine, 5);
    // A deferral does not prove that the address is bad for good.
    check(Mode::Efs, &[(1, FeedbackKind::Deferred(hard()))], with_errors, 1);
    check(Mode::Efs, &[(1, FeedbackKind::Bounced(soft()))], with_errors, 1);
}

#[test]
fn harmless_reports_do_not_count() {
    let unqualified = failure(FailureType::NotDefined, FailureReason::NotDefined);
    for failure in [ignored(), unqualified] {
        for kind in [
            FeedbackKind::Deferred(failure.clone()),
            FeedbackKind::Bounced(failure.clone()),
            FeedbackKind::Expired(failure.clone()),
            asynchronous(failure.clone()),
            FeedbackKind::AutoReply(hard()),
            FeedbackKind::Opened,
            FeedbackKind::Delivered,
        ] {
            check(Mode::Efs, &[(1, kind)], AddressStatus::Unknown, 0);
        }
    }
}

#[test]
fn each_mode_counts_what_it_hears() {
    let quarantine = AddressStatus::Quarantine;
    check(Mode::WithoutEfs, &[(1, FeedbackKind::Bounced(hard()))], AddressStatus::Unknown, 0);
    check(Mode::WithoutEfs, &[(1, FeedbackKind::Deferred(soft()))], AddressStatus::Unknown, 0);
    check(Mode::WithoutEfs, &[(1, dsn(hard()))], quarantine, 1);
    check(Mode::WithoutEfs, &[(1, asynchronous(hard()))], quarantine, 1);
    check(Mode::Efs, &[(1, dsn(hard()))], AddressStatus::Unknown, 0);
}

#[test]
fn repetitions_do_not_count() {
    let mut campaign = told(Mode::Efs, &deferrals([1, 25, 49]));
    for hour in [1, 25, 49, 1] {
        tell(&mut campaign, 1, hours(hour), FeedbackKind::Deferred(soft()));
    }
    assert_eq!(record(&campaign).unwrap().errors, 3);
}

#[test]
fn complaints_go_on_the_denylist() {
    let complaint = |feedback_type| FeedbackKind::Complaint { failure: ignored(), feedback_type };
    for mode in Mode::ALL {
        for (kind, status) in [
            (FeedbackType::Complaint, AddressStatus::Denylisted),
            (FeedbackType::OptOut, AddressStatus::Denylisted),
            (FeedbackType::NoComplaint, AddressStatus::Unknown),
        ] {
            check(mode, &[(1, complaint(kind))], status, 0);
        }
        let story = [(1, complaint(FeedbackType::Complaint)), (2, asynchronous(hard()))];
        check(mode, &story, AddressStatus::Denylisted, 0);
    }
}

#[test]
fn an_allowlisted_address_has_no_errors() {
    let mut campaign = relayed(config(Mode::Efs), &[ANN]);
    let status = AddressStatus::Allowlisted;
    campaign.handle(Input::SetAddressStatus { address: ann(), status }, at(1)).unwrap();
    tell(&mut campaign, 1, at(2), FeedbackKind::Bounced(hard()));
    assert_eq!((record(&campaign).unwrap().status, record(&campaign).unwrap().errors), (status, 0));
}

/// Status after one cleanup at this hour; `None` if the address was dropped.
fn cleaned(reports: &[(i64, FeedbackKind)], hour: i64) -> Option<AddressStatus> {
    let mut campaign = told(Mode::Efs, reports);
    campaign.handle(Input::Cleanup, hours(hour)).unwrap();
    record(&campaign).map(|record| record.status)
}

#[test]
fn cleanup_forgets() {
    let error = |failure: Failure| vec![(0, FeedbackKind::Deferred(failure))];
    let full = failure(FailureType::Soft, FailureReason::MailboxFull);
    let (valid, with_errors) = (Some(AddressStatus::Valid), Some(AddressStatus::WithErrors));
    // More than 10 days, 30 for a full mailbox.
    assert_eq!(cleaned(&error(soft()), 240), with_errors);
    assert_eq!(cleaned(&error(soft()), 241), valid);
    assert_eq!(cleaned(&error(full.clone()), 720), with_errors);
    assert_eq!(cleaned(&error(full), 721), valid);
    // A success after the last error.
    let delivered = (2, FeedbackKind::Delivered);
    assert_eq!(cleaned(&[error(soft()), vec![delivered.clone()]].concat(), 3), valid);
    // Not a success before it.
    let mut campaign = relayed(config(Mode::Efs), &[ANN]);
    start(&mut campaign, DeliveryId::from_u64(2), &[ANN], at(0));
    let other = LogKey { delivery: DeliveryId::from_u64(2), log: 1 };
    tell(&mut campaign, 1, hours(1), FeedbackKind::Deferred(soft()));
    campaign.handle(Input::Feedback(feedback(other, hours(2), FeedbackKind::Delivered)), hours(2)).unwrap();
    tell(&mut campaign, 1, hours(3), FeedbackKind::Deferred(soft()));
    campaign.handle(Input::Cleanup, hours(4)).unwrap();
    assert_eq!(record(&campaign).unwrap().status, AddressStatus::WithErrors);
    // Quarantine and denylist stay.
    let bounced = [(1, FeedbackKind::Bounced(hard())), delivered];
    assert_eq!(cleaned(&bounced, 10_000), Some(AddressStatus::Quarantine));
}

#[test]
fn cleanup_drops_what_was_valid_at_the_last_one() {
    let mut campaign = told(Mode::Efs, &deferrals([1]));
    for (hour, status) in
        [(10, Some(AddressStatus::WithErrors)), (250, Some(AddressStatus::Valid)), (274, None)]
    {
        campaign.handle(Input::Cleanup, hours(hour)).unwrap();
        assert_eq!(record(&campaign).map(|record| record.status), status, "{hour}");
    }
}

#[test]
fn old_errors_do_not_add_up_without_a_cleanup() {
    let mut campaign = relayed(config(Mode::Efs), &[ANN]);
    for hour in [0, 24, 48, 288, 529] {
        tell(&mut campaign, 1, hours(hour), FeedbackKind::Deferred(soft()));
    }
    // Ten days from 48 to 288 are not more than ten days; from 288 to 529 they are.
    assert_eq!(record(&campaign).unwrap().errors, 1);
}

#[test]
fn thresholds_are_configured() {
    for (error_threshold, errors) in [(1, 1), (3, 3), (6, 6)] {
        let quarantine = QuarantinePolicy { error_threshold, ..QuarantinePolicy::default() };
        let mut campaign = relayed(CampaignConfig { quarantine, ..config(Mode::Efs) }, &[ANN]);
        for day in 1..=i64::from(errors) {
            assert_ne!(campaign.addresses().status(&ann()), AddressStatus::Quarantine);
            tell(&mut campaign, 1, hours(24 * day), FeedbackKind::Deferred(soft()));
        }
        assert_eq!(record(&campaign).unwrap().errors, errors);
        assert_eq!(campaign.addresses().status(&ann()), AddressStatus::Quarantine);
    }
}

#[test]
fn the_next_delivery_leaves_it_out() {
    let mut campaign = told(Mode::Efs, &[(1, FeedbackKind::Bounced(hard()))]);
    let second = DeliveryId::from_u64(2);
    start(&mut campaign, second, &[ANN, "bob@example.com"], hours(2));
    let kpis = campaign.kpis(second, Mode::Efs).unwrap();
    assert_eq!(kpis.excluded.get(&Exclusion::Quarantined.reason()), Some(&1));
    // An operator releases it.
    let status = AddressStatus::Valid;
    campaign.handle(Input::SetAddressStatus { address: ann(), status }, hours(3)).unwrap();
    assert_eq!(record(&campaign).unwrap().errors, 0);
    let third = DeliveryId::from_u64(3);
    start(&mut campaign, third, &[ANN], hours(4));
    assert_eq!(campaign.kpis(third, Mode::Efs).unwrap().to_deliver, 1);
}
