//! What the tests of the campaign core share: deliveries, reports, and a shell that relays everything.

use emta_campaign::{
    Campaign, CampaignConfig, Content, DeliveryId, Failure, Feedback, FeedbackKind, Input, LogKey, Mode,
    NewDelivery, Output, Recipient,
};
use emta_mail::{EventId, FailureReason, FailureType, ReversePath, Timestamp};

/// A time after the start of the tests' clock.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_767_603_600 + seconds)
}

pub(crate) fn hours(hours: i64) -> Timestamp {
    at(hours * 3_600)
}

pub(crate) const FIRST: DeliveryId = DeliveryId::from_u64(1);

pub(crate) fn key(log: u64) -> LogKey {
    LogKey { delivery: FIRST, log }
}

pub(crate) fn content() -> Content {
    Content {
        label: "Spring".to_owned(),
        campaign: None,
        validity: None,
        sender: "bounce@news.example".parse::<ReversePath>().unwrap(),
        from: "news@news.example".parse().unwrap(),
        subject: "Spring".to_owned(),
        text: "Hello".to_owned(),
        html: None,
        fields: Vec::new(),
    }
}

pub(crate) fn create(delivery: DeliveryId, addresses: &[&str]) -> Input {
    let recipient = |address: &&str| Recipient { address: (*address).to_owned(), values: Vec::new() };
    Input::Create(Box::new(NewDelivery {
        delivery,
        content: content(),
        recipients: addresses.iter().map(recipient).collect(),
    }))
}

/// A core with one started delivery to these addresses, everything relayed at the start.
pub(crate) fn relayed(config: CampaignConfig, addresses: &[&str]) -> Campaign {
    let mut campaign = Campaign::new(config);
    start(&mut campaign, FIRST, addresses, at(0));
    campaign
}

/// Creates, prepares, confirms and relays a delivery, all at one instant.
pub(crate) fn start(campaign: &mut Campaign, id: DeliveryId, addresses: &[&str], now: Timestamp) {
    for input in [create(id, addresses), Input::Prepare(id), Input::Confirm(id)] {
        campaign.handle(input, now).unwrap();
    }
    for log in poll(campaign) {
        campaign.handle(Input::Relayed(log), now).unwrap();
    }
}

/// Everything that is to be relayed now.
pub(crate) fn poll(campaign: &mut Campaign) -> Vec<LogKey> {
    std::iter::from_fn(|| campaign.poll()).map(|Output::Relay { log, .. }| log).collect()
}

pub(crate) fn failure(kind: FailureType, reason: FailureReason) -> Failure {
    Failure::new(kind, reason, None, "550 5.1.1 no")
}

pub(crate) fn hard() -> Failure {
    failure(FailureType::Hard, FailureReason::UserUnknown)
}

pub(crate) fn soft() -> Failure {
    failure(FailureType::Soft, FailureReason::Unreachable)
}

pub(crate) fn ignored() -> Failure {
    failure(FailureType::Ignored, FailureReason::Unreachable)
}

pub(crate) fn asynchronous(failure: Failure) -> FeedbackKind {
    FeedbackKind::AsynchronousBounce { failure, from_this_mta: false }
}

/// The MTA's own bounce, by mail.
pub(crate) fn dsn(failure: Failure) -> FeedbackKind {
    FeedbackKind::AsynchronousBounce { failure, from_this_mta: true }
}

pub(crate) fn feedback(log: LogKey, at: Timestamp, kind: FeedbackKind) -> Feedback {
    // As in the event log, the event makes the id.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in format!("{log}{at}{kind:?}").bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    Feedback { event_id: EventId::from_u64(hash), log, at, kind }
}

/// Reports something about a message of the first delivery at the instant at which it happens.
pub(crate) fn tell(campaign: &mut Campaign, log: u64, now: Timestamp, kind: FeedbackKind) {
    campaign.handle(Input::Feedback(feedback(key(log), now, kind)), now).unwrap();
}

pub(crate) fn config(mode: Mode) -> CampaignConfig {
    CampaignConfig::new(mode)
}
