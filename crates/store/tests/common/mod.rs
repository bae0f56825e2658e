//! What the suites have in common: back-ends to run over, and messages and events to write.
#![expect(clippy::unwrap_used, unreachable_pub, reason = "fixtures of tests")]

use std::time::Duration;

use bytes::Bytes;
use emta_mail::event::{Attempt, Correlation, MailReport, Verdict};
use emta_mail::{
    BounceClass, DeliveryEvent, Domain, EmailAddress, Envelope, EventKind, FailureReason, FailureType,
    Origin, Phase, QueueId, Reply, ReversePath, Timestamp,
};
use emta_store::{Change, MessageIdHeader, NewMessage, Options, QueueChange, Record, Store};
use tempfile::TempDir;

/// 2026-01-05T09:00:00Z, and so many seconds.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_767_603_600 + seconds)
}

pub fn id(number: u64) -> QueueId {
    QueueId::from_u64(number)
}

pub fn new_message(candidate: u64, recipient: &str) -> NewMessage {
    let sender = ReversePath::Address(EmailAddress::parse("news@sender.example").unwrap());
    NewMessage {
        candidate: id(candidate),
        envelope: Envelope::new(sender, EmailAddress::parse(recipient).unwrap()),
        origin: Origin::default(),
        header_message_id: MessageIdHeader::Present(format!("{candidate}@sender.example")),
        add_date: false,
        received_from: "from client.example ([192.0.2.7])".to_owned(),
        accepted_at: at(0),
        expires_at: at(302_400),
        size: 5,
    }
}

pub fn add_message_id() -> MessageIdHeader {
    MessageIdHeader::Add { domain: Domain::parse("mta.example").unwrap() }
}

pub fn attempt(number: u32, reply: &str) -> Attempt {
    Attempt {
        number,
        provider: "bigmail".to_owned(),
        mx: "mx1.bigmail.example".to_owned(),
        phase: Phase::Rcpt,
        reply: Reply::parse(reply).unwrap(),
        after_crash: false,
    }
}

pub fn verdict() -> Verdict {
    Verdict {
        class: Some(BounceClass::MailboxFull),
        failure_type: FailureType::Soft,
        reason: FailureReason::MailboxFull,
        rule: Some("over-quota".to_owned()),
    }
}

pub fn report(report_id: &str) -> Box<MailReport> {
    Box::new(MailReport {
        report_id: report_id.to_owned(),
        recipient: Some("ann@bigmail.example".to_owned()),
        status: "5.1.1".parse().ok(),
        text: "550 5.1.1 no such user\nbye".to_owned(),
        verdict: Verdict { class: None, rule: None, ..verdict() },
        matched_by: Correlation::Verp,
        from_this_mta: true,
        feedback_type: "abuse".to_owned(),
    })
}

pub fn event(message: QueueId, seconds: i64, kind: EventKind) -> DeliveryEvent {
    DeliveryEvent { message, at: at(seconds), kind }
}

pub fn opened(message: QueueId, seconds: i64) -> Record {
    Record { event: event(message, seconds, EventKind::Opened), queue: QueueChange::None }
}

pub fn deferred(message: QueueId, seconds: i64, number: u32) -> Record {
    let attempt = attempt(number, "452 4.2.2 mailbox full");
    let next_attempt = at(seconds + 1200);
    let kind = EventKind::Deferred { attempt: attempt.clone(), verdict: verdict(), next_attempt };
    let queue = QueueChange::Rescheduled { due: next_attempt, attempts: number, last: attempt };
    Record { event: event(message, seconds, kind), queue }
}

pub fn delivered(message: QueueId, seconds: i64, number: u32) -> Record {
    let kind = EventKind::Delivered { attempt: attempt(number, "250 2.0.0 ok") };
    Record { event: event(message, seconds, kind), queue: QueueChange::Finished }
}

pub fn change(record: Record) -> Change {
    Change::Record(Box::new(record))
}

/// Accepts messages with this body.
pub fn accept(store: &Store, messages: Vec<NewMessage>, body: &'static str) -> Vec<QueueId> {
    store.accept_wait(messages, Bytes::from_static(body.as_bytes())).unwrap()
}

pub fn order_of(events: &[emta_store::EventRow]) -> Vec<(u64, String)> {
    let kind = |kind: &EventKind| kind.name().trim_start_matches("message.").to_owned();
    events.iter().map(|row| (row.event.message.as_u64(), kind(&row.event.kind))).collect()
}

/// Small segments, so that a test meets their ends.
pub fn small_segments() -> Options {
    Options { segment_size: 256, body_cache: 0, group_wait: Duration::ZERO, ..Options::default() }
}

pub fn on_disk(options: Options) -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options).unwrap();
    (dir, store)
}

/// Runs a test over every back-end.
pub fn each_backend(test: impl Fn(&Store)) {
    test(&Store::memory());
    let (_dir, store) = on_disk(Options::default());
    test(&store);
    let (_dir, store) = on_disk(small_segments());
    test(&store);
}
