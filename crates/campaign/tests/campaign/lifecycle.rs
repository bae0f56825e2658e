//! From edition to the end: states, exclusions, relaying, validity, limits.

use std::time::Duration;

use emta_campaign::AddressStatus;
use emta_campaign::{
    Campaign, CampaignConfig, CampaignError, DeliveryId, DeliveryState, FeedbackKind, Input, Limits, LogKey,
    LogStatus, Mode, NewDelivery, Output, Recipient, RelayFailure,
};
use emta_mail::{FailureReason, FailureType, Reply, Timestamp};

use crate::support::*;

fn state(campaign: &Campaign) -> DeliveryState {
    campaign.delivery(FIRST).unwrap().state()
}

fn status(campaign: &Campaign, log: u64) -> LogStatus {
    campaign.log(key(log), campaign.config().mode).unwrap().status
}

fn refused(reply: &str) -> RelayFailure {
    RelayFailure::Refused(Reply::parse(reply).unwrap())
}

#[test]
fn left_out_with_reasons() {
    let mut campaign = Campaign::new(config(Mode::Efs));
    for (address, status) in [
        ("denied@example.com", AddressStatus::Denylisted),
        ("bad@example.com", AddressStatus::Quarantine),
        ("shaky@example.com", AddressStatus::WithErrors),
        ("friend@example.com", AddressStatus::Allowlisted),
    ] {
        campaign
            .handle(Input::SetAddressStatus { address: address.parse().unwrap(), status }, at(0))
            .unwrap();
    }
    let expected = [
        ("ann@example.com", None, ""),
        ("  ", Some(FailureReason::AddressNotSpecified), "Address not specified."),
        (
            "no address",
            Some(FailureReason::AddressNotSpecified),
            "Address not specified. `no address` is not an address; expected `local-part@domain`",
        ),
        (
            "denied@example.com",
            Some(FailureReason::Denylisted),
            "The recipient no longer wants to be contacted.",
        ),
        (
            "denied@example.com",
            Some(FailureReason::Denylisted),
            "The recipient no longer wants to be contacted.",
        ),
        ("bad@EXAMPLE.com", Some(FailureReason::Quarantined), "Address in quarantine."),
        // The case of the local part counts.
        ("Bad@example.com", None, ""),
        ("ann@EXAMPLE.com", Some(FailureReason::Double), "Recipient already targeted."),
        ("Ann@example.com", None, ""),
        ("shaky@example.com", None, ""),
        ("friend@example.com", None, ""),
    ];
    let addresses = expected.map(|(address, _, _)| address);
    campaign.handle(create(FIRST, &addresses), at(0)).unwrap();
    assert_eq!(
        campaign.delivery(FIRST).unwrap().logs(Mode::Efs, 0).count(),
        0,
        "no log before it is prepared"
    );
    campaign.handle(Input::Prepare(FIRST), at(1)).unwrap();
    assert_eq!(campaign.poll(), None, "nothing is sent before it is confirmed");

    for (row, (address, reason, text)) in campaign.delivery(FIRST).unwrap().logs(Mode::Efs, 0).zip(expected) {
        let shown = (row.status, row.failure_type, row.reason, row.text.as_ref(), row.date);
        let right = match reason {
            Some(reason) => (LogStatus::Ignored, FailureType::Ignored, reason, text, at(1)),
            None => (LogStatus::Pending, FailureType::NotDefined, FailureReason::NotDefined, text, at(1)),
        };
        assert_eq!(shown, right, "{address}");
    }
    let kpis = campaign.kpis(FIRST, Mode::Efs).unwrap();
    assert_eq!((kpis.targeted, kpis.to_deliver, kpis.pending), (11, 5, 5));
    let excluded: Vec<_> = kpis.excluded.into_iter().collect();
    assert_eq!(
        excluded,
        [
            (FailureReason::AddressNotSpecified, 2),
            (FailureReason::Denylisted, 2),
            (FailureReason::Quarantined, 1),
            (FailureReason::Double, 1),
        ]
    );

    campaign.handle(Input::Confirm(FIRST), at(2)).unwrap();
    assert_eq!(poll(&mut campaign), [1, 7, 9, 10, 11].map(key));
    let report = Input::Feedback(feedback(key(2), at(3), FeedbackKind::Delivered));
    assert_eq!(campaign.handle(report, at(3)), Err(CampaignError::Excluded(key(2))));
}

#[test]
fn pages_of_the_log() {
    let campaign = relayed(config(Mode::Efs), &["a@example.com", "b@example.com", "c@example.com"]);
    let page = |after| -> Vec<u64> {
        campaign.delivery(FIRST).unwrap().logs(Mode::Efs, after).map(|row| row.key.log).collect()
    };
    assert_eq!(page(0), [1, 2, 3]);
    assert_eq!(page(2), [3]);
    assert!(page(3).is_empty() && page(u64::MAX).is_empty());
}

#[test]
fn commands_that_do_not_fit_the_state() {
    let commands = [Input::Prepare(FIRST), Input::Confirm(FIRST), Input::Cancel(FIRST)];
    // In each state: which of the commands are possible.
    for (steps, reached, possible) in [
        (&[][..], DeliveryState::Edition, [true, false, true]),
        (&commands[..1], DeliveryState::Ready, [true, true, true]),
        (&commands[..2], DeliveryState::Started, [false, false, true]),
        (&commands[..], DeliveryState::Canceled, [false, false, false]),
    ] {
        for (command, possible) in commands.iter().zip(possible) {
            let mut campaign = Campaign::new(config(Mode::Efs));
            campaign.handle(create(FIRST, &["ann@example.com"]), at(0)).unwrap();
            for step in steps {
                campaign.handle(step.clone(), at(0)).unwrap();
            }
            assert_eq!(state(&campaign), reached);
            let outcome = campaign.handle(command.clone(), at(0));
            assert_eq!(outcome.is_ok(), possible, "{command:?} in {reached:?}");
            if let Err(error) = outcome {
                assert!(matches!(error, CampaignError::State { state, .. } if state == reached), "{error}");
            }
        }
    }
    let mut campaign = Campaign::new(config(Mode::Efs));
    assert_eq!(campaign.handle(Input::Prepare(FIRST), at(0)), Err(CampaignError::UnknownDelivery(FIRST)));
    campaign.handle(create(FIRST, &["ann@example.com"]), at(0)).unwrap();
    let error = campaign.handle(Input::Confirm(FIRST), at(0)).unwrap_err();
    assert_eq!(error.to_string(), "delivery `1` is in state `edition`; expected `ready`: prepare it first");
    assert_eq!(campaign.handle(create(FIRST, &[]), at(0)), Err(CampaignError::DeliveryExists(FIRST)));
    assert_eq!(campaign.next_delivery_id(), DeliveryId::from_u64(2));
}

#[test]
fn news_of_messages_that_were_never_sent() {
    let mut campaign = Campaign::new(config(Mode::Efs));
    campaign.handle(create(FIRST, &["ann@example.com"]), at(0)).unwrap();
    campaign.handle(Input::Prepare(FIRST), at(0)).unwrap();
    let elsewhere = LogKey { delivery: DeliveryId::from_u64(9), log: 1 };
    // Of a delivery that is not started, with numbers out of range, of another delivery.
    for log in [key(1), key(0), key(2), key(u64::MAX), elsewhere] {
        let report = Input::Feedback(feedback(log, at(1), FeedbackKind::Delivered));
        assert_eq!(campaign.handle(report, at(1)), Err(CampaignError::UnknownLog(log)));
    }
}

#[test]
fn finishes_when_all_is_settled() {
    for mode in Mode::ALL {
        let mut campaign = relayed(config(mode), &["a@example.com", "b@example.com", "c@example.com", ""]);
        assert_eq!(campaign.deadline(), Some(hours(84)), "the validity, counted from the relay");
        tell(&mut campaign, 1, at(1), FeedbackKind::Delivered);
        tell(&mut campaign, 2, at(2), FeedbackKind::Bounced(hard()));
        tell(&mut campaign, 3, at(3), FeedbackKind::Deferred(soft()));
        assert_eq!(state(&campaign), DeliveryState::Started, "{mode}");
        tell(&mut campaign, 3, at(4), FeedbackKind::Expired(soft()));
        assert_eq!((state(&campaign), campaign.deadline()), (DeliveryState::Finished, None), "{mode}");
        // Late news still count.
        tell(&mut campaign, 1, hours(200), asynchronous(hard()));
        assert_eq!(status(&campaign, 1), LogStatus::Failed, "{mode}");
        assert_eq!(state(&campaign), DeliveryState::Finished, "{mode}");
    }
}

#[test]
fn finishes_when_the_validity_ends() {
    let h = Duration::from_hours(1);
    for (asked, ends) in [(None, 84), (Some(120 * h), 84), (Some(84 * h), 84), (Some(24 * h), 24)] {
        let mut campaign = Campaign::new(config(Mode::WithoutEfs));
        let content = emta_campaign::Content { validity: asked, ..content() };
        let recipients = vec![Recipient { address: "ann@example.com".to_owned(), values: Vec::new() }];
        let new = NewDelivery { delivery: FIRST, content, recipients };
        for input in [Input::Create(Box::new(new)), Input::Prepare(FIRST), Input::Confirm(FIRST)] {
            campaign.handle(input, at(0)).unwrap();
        }
        campaign.handle(Input::Relayed(key(1)), hours(2)).unwrap();
        let end = hours(2 + ends);
        assert_eq!(campaign.deadline(), Some(end), "{asked:?}");
        campaign.handle(Input::Tick, Timestamp::from_millis(end.as_millis() - 1)).unwrap();
        assert_eq!(state(&campaign), DeliveryState::Started, "{asked:?}");
        campaign.handle(Input::Tick, end).unwrap();
        assert_eq!((state(&campaign), status(&campaign, 1)), (DeliveryState::Finished, LogStatus::Sent));
    }
}

#[test]
fn nothing_to_deliver_is_finished_at_once() {
    for addresses in [&[""][..], &[]] {
        assert_eq!(state(&relayed(config(Mode::Efs), addresses)), DeliveryState::Finished);
    }
}

#[test]
fn a_relay_that_refuses() {
    let mut campaign = Campaign::new(config(Mode::Efs));
    let addresses = ["a@example.com", "b@example.com", "c@example.com"];
    for input in [create(FIRST, &addresses), Input::Prepare(FIRST), Input::Confirm(FIRST)] {
        campaign.handle(input, at(0)).unwrap();
    }
    assert_eq!(poll(&mut campaign), [1, 2, 3].map(key));
    for (log, failure) in [
        (1, refused("452 4.3.1 no space")),
        (2, refused("552 5.3.4 too big")),
        (3, RelayFailure::Unreachable("connection refused".to_owned())),
    ] {
        campaign.handle(Input::RelayFailed { log: key(log), failure }, at(1)).unwrap();
    }
    let row = campaign.log(key(2), Mode::Efs).unwrap();
    assert_eq!(
        (row.status, row.failure_type, row.reason, row.text.as_ref()),
        (LogStatus::Failed, FailureType::Ignored, FailureReason::Unreachable, "552 5.3.4 too big")
    );
    assert_eq!([1, 3].map(|log| status(&campaign, log)), [LogStatus::Pending; 2]);

    // Refused for now is tried again after the pause, and handed out once.
    let due = at(3_601);
    assert_eq!((campaign.poll(), campaign.deadline()), (None, Some(due)));
    campaign.handle(Input::Tick, due).unwrap();
    assert_eq!(poll(&mut campaign), [1, 3].map(key));
    assert_eq!(campaign.deadline(), Some(hours(84)));
    campaign.handle(Input::Relayed(key(1)), due).unwrap();
    campaign.handle(Input::RelayFailed { log: key(3), failure: refused("421 busy") }, due).unwrap();

    // What was never relayed within the validity is given up, and the delivery waits for the rest.
    for step in 2..84 {
        campaign.handle(Input::Tick, hours(step) + Duration::from_mins(30)).unwrap();
        for log in poll(&mut campaign) {
            campaign.handle(Input::RelayFailed { log, failure: refused("421 busy") }, hours(step)).unwrap();
        }
    }
    campaign.handle(Input::Tick, hours(84)).unwrap();
    let row = campaign.log(key(3), Mode::Efs).unwrap();
    assert_eq!(
        (row.status, row.text.as_ref(), row.reason),
        (
            LogStatus::Canceled,
            "Message could not be processed before the delivery limit date.",
            FailureReason::Unreachable
        )
    );
    assert_eq!(state(&campaign), DeliveryState::Started);
    assert_eq!(campaign.deadline(), Some(due + Duration::from_hours(84)));
    let kpis = campaign.kpis(FIRST, Mode::Efs).unwrap();
    assert_eq!((kpis.canceled, kpis.relayed, kpis.pending, kpis.bounces), (1, 1, 1, 1));
}

#[test]
fn stopping_does_not_call_back_what_was_relayed() {
    let mut campaign = Campaign::new(config(Mode::Efs));
    let addresses = ["a@example.com", "b@example.com", "c@example.com"];
    for input in [create(FIRST, &addresses), Input::Prepare(FIRST), Input::Confirm(FIRST)] {
        campaign.handle(input, at(0)).unwrap();
    }
    let handed_out = campaign.poll();
    assert!(matches!(handed_out, Some(Output::Relay { log, .. }) if log == key(1)));
    assert!(matches!(campaign.poll(), Some(Output::Relay { log, .. }) if log == key(2)));
    campaign.handle(Input::Relayed(key(1)), at(1)).unwrap();
    campaign.handle(Input::Cancel(FIRST), at(2)).unwrap();
    assert_eq!((campaign.poll(), campaign.deadline()), (None, None));
    assert_eq!(
        [1, 2, 3].map(|log| status(&campaign, log)),
        [LogStatus::Pending, LogStatus::Canceled, LogStatus::Canceled]
    );
    // The second was under way when the delivery was stopped.
    campaign.handle(Input::Relayed(key(2)), at(3)).unwrap();
    tell(&mut campaign, 1, at(4), FeedbackKind::Delivered);
    assert_eq!([1, 2].map(|log| status(&campaign, log)), [LogStatus::Sent, LogStatus::Pending]);
    assert_eq!(state(&campaign), DeliveryState::Canceled);
}

#[test]
fn news_may_overtake_the_relay() {
    let mut campaign = Campaign::new(config(Mode::Efs));
    for input in [create(FIRST, &["a@example.com"]), Input::Prepare(FIRST), Input::Confirm(FIRST)] {
        campaign.handle(input, at(0)).unwrap();
    }
    assert_eq!(poll(&mut campaign), [key(1)]);
    tell(&mut campaign, 1, at(1), FeedbackKind::Accepted);
    // The relay took it, but its answer was lost.
    let failure = RelayFailure::Unreachable("connection lost".to_owned());
    campaign.handle(Input::RelayFailed { log: key(1), failure }, at(2)).unwrap();
    campaign.handle(Input::Tick, hours(2)).unwrap();
    assert_eq!(campaign.poll(), None);
    assert_eq!(campaign.kpis(FIRST, Mode::Efs).unwrap().relayed, 1);
}

#[test]
fn a_replay_hands_out_again_what_was_not_reported() {
    let mut campaign = Campaign::new(config(Mode::Efs));
    let journal = [
        (create(FIRST, &["a@example.com", "b@example.com", "c@example.com"]), at(0)),
        (Input::Prepare(FIRST), at(0)),
        (Input::Confirm(FIRST), at(0)),
        (Input::Relayed(key(1)), at(1)),
        (Input::RelayFailed { log: key(2), failure: refused("421 busy") }, at(1)),
    ];
    for (input, now) in journal {
        campaign.handle(input, now).unwrap();
    }
    assert_eq!(poll(&mut campaign), [key(3)]);
    campaign.handle(Input::Tick, hours(2)).unwrap();
    assert_eq!(poll(&mut campaign), [key(2)]);
}

#[test]
fn values_go_with_the_message() {
    let mut campaign = Campaign::new(config(Mode::Efs));
    let mut content = content();
    content.fields = vec!["name".to_owned()];
    let new = |values: &[&str]| {
        Input::Create(Box::new(NewDelivery {
            delivery: FIRST,
            content: content.clone(),
            recipients: vec![Recipient {
                address: "ann@example.com".to_owned(),
                values: values.iter().map(|value| (*value).to_owned()).collect(),
            }],
        }))
    };
    let odd = CampaignError::Values { recipient: 1, found: 2, expected: 1 };
    assert_eq!(campaign.handle(new(&["Ann", "Lee"]), at(0)), Err(odd));
    for input in [new(&["Ann"]), Input::Prepare(FIRST), Input::Confirm(FIRST)] {
        campaign.handle(input, at(0)).unwrap();
    }
    let Some(Output::Relay { recipient, values, content, .. }) = campaign.poll() else {
        panic!("nothing to relay");
    };
    assert_eq!((recipient.as_str(), values[0].as_str()), ("ann@example.com", "Ann"));
    assert_eq!(content.fields, ["name"]);
}

#[test]
fn limits_at_the_bound() {
    let limits = Limits { deliveries: 2, recipients: 2, fields: 1, heading_octets: 6, body_octets: 5 };
    let check = |change: &dyn Fn(&mut NewDelivery), fits: bool| {
        let mut campaign = Campaign::new(CampaignConfig { limits: limits.clone(), ..config(Mode::Efs) });
        let mut new = NewDelivery { delivery: FIRST, content: content(), recipients: Vec::new() };
        change(&mut new);
        let outcome = campaign.handle(Input::Create(Box::new(new)), at(0));
        match outcome {
            Ok(()) => assert!(fits),
            Err(CampaignError::TooMuch { found, limit, .. }) => assert!(!fits && found == limit + 1),
            Err(error) => panic!("{error}"),
        }
    };
    let recipient = Recipient { address: "a@example.com".to_owned(), values: Vec::new() };
    for (over, fits) in [(0, true), (1, false)] {
        check(&|new| new.recipients = vec![recipient.clone(); 2 + over], fits);
        check(&|new| new.content.fields = vec!["f".to_owned(); 1 + over], fits);
        check(&|new| new.content.label = "x".repeat(6 + over), fits);
        check(&|new| new.content.subject = "x".repeat(6 + over), fits);
        check(&|new| new.content.campaign = Some("x".repeat(6 + over)), fits);
        check(&|new| new.content.text = "x".repeat(5 + over), fits);
        check(&|new| new.content.html = Some("x".repeat(5 + over)), fits);
    }
    let mut campaign = Campaign::new(CampaignConfig { limits: limits.clone(), ..config(Mode::Efs) });
    for (id, outcome) in [(1, Ok(())), (2, Ok(())), (3, Err(CampaignError::TooManyDeliveries(2)))] {
        assert_eq!(campaign.handle(create(DeliveryId::from_u64(id), &[]), at(0)), outcome);
    }
}

#[test]
fn time_does_not_go_back() {
    let mut campaign = relayed(config(Mode::Efs), &["a@example.com"]);
    campaign.handle(Input::Tick, hours(84)).unwrap();
    campaign.handle(Input::Tick, at(0)).unwrap();
    assert_eq!(state(&campaign), DeliveryState::Finished);
    start(&mut campaign, DeliveryId::from_u64(2), &["b@example.com"], at(0));
    assert_eq!(campaign.deadline(), Some(hours(168)));
}
