//! What the suites have in common: back-ends to run over, and messages and events to write.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use emta_mail::event::{Attempt, Correlation, MailReport, Verdict};
use emta_mail::message::{Notify, Return};
use emta_mail::{
    BounceClass, DeliveryEvent, Domain, EmailAddress, Envelope, EventKind, FailureReason, FailureType,
    Origin, Phase, QueueId, Reply, ReversePath, Timestamp,
};
use emta_store::{
    Change, EventRow, InboundId, InboundResult, MessageIdHeader, NewInbound, NewMessage, Options,
    QueueChange, QueuedRow, Record, Store,
};
use tempfile::TempDir;

/// 2026-01-05T09:00:00Z, and so many seconds.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_767_603_600 + seconds)
}

pub(crate) fn id(number: u64) -> QueueId {
    QueueId::from_u64(number)
}

pub(crate) fn new_message(candidate: u64, recipient: &str) -> NewMessage {
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

pub(crate) fn add_message_id() -> MessageIdHeader {
    MessageIdHeader::Add { domain: Domain::parse("mta.example").unwrap() }
}

pub(crate) fn attempt(number: u32, reply: &str) -> Attempt {
    Attempt {
        number,
        provider: "bigmail".to_owned(),
        mx: "mx1.bigmail.example".to_owned(),
        phase: Phase::Rcpt,
        reply: Reply::parse(reply).unwrap(),
        after_crash: false,
    }
}

pub(crate) fn verdict() -> Verdict {
    Verdict {
        class: Some(BounceClass::MailboxFull),
        failure_type: FailureType::Soft,
        reason: FailureReason::MailboxFull,
        rule: Some("over-quota".to_owned()),
    }
}

pub(crate) fn report(report_id: &str) -> Box<MailReport> {
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

pub(crate) fn event(message: QueueId, seconds: i64, kind: EventKind) -> DeliveryEvent {
    DeliveryEvent { message, at: at(seconds), kind }
}

pub(crate) fn opened(message: QueueId, seconds: i64) -> Record {
    Record { event: event(message, seconds, EventKind::Opened), queue: QueueChange::None }
}

pub(crate) fn deferred(message: QueueId, seconds: i64, number: u32) -> Record {
    let attempt = attempt(number, "452 4.2.2 mailbox full");
    let next_attempt = at(seconds + 1200);
    let kind = EventKind::Deferred { attempt, verdict: verdict(), next_attempt };
    let queue = QueueChange::Rescheduled { due: next_attempt, attempts: number };
    Record { event: event(message, seconds, kind), queue }
}

pub(crate) fn delivered(message: QueueId, seconds: i64, number: u32) -> Record {
    let kind = EventKind::Delivered { attempt: attempt(number, "250 2.0.0 ok") };
    Record { event: event(message, seconds, kind), queue: QueueChange::Finished }
}

pub(crate) fn change(record: Record) -> Change {
    Change::Record(Box::new(record))
}

/// Accepts messages with this body.
pub(crate) fn accept(store: &Store, messages: Vec<NewMessage>, body: &'static str) -> Vec<QueueId> {
    store.accept_wait(messages, Bytes::from_static(body.as_bytes())).unwrap()
}

pub(crate) fn order_of(events: &[EventRow]) -> Vec<(u64, String)> {
    let kind = |kind: &EventKind| kind.name().trim_start_matches("message.").to_owned();
    events.iter().map(|row| (row.event.message.as_u64(), kind(&row.event.kind))).collect()
}

/// Small segments, so that a test meets their ends.
pub(crate) fn small_segments() -> Options {
    Options { segment_size: 256, body_cache: 0, group_wait: Duration::ZERO, ..Options::default() }
}

pub(crate) fn on_disk(options: Options) -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options).unwrap();
    (dir, store)
}

/// Runs a test over every back-end.
pub(crate) fn each_backend(test: impl Fn(&Store)) {
    test(&Store::memory());
    let (_dir, store) = on_disk(Options::default());
    test(&store);
    let (_dir, store) = on_disk(small_segments());
    test(&store);
}

pub(crate) fn queue(store: &Store) -> Vec<QueuedRow> {
    let mut rows = Vec::new();
    store.for_each_queued(|row| rows.push(row)).unwrap();
    rows
}

/// A message that uses every field.
pub(crate) fn full_message() -> NewMessage {
    let mut new = new_message(0xfeed_0000_0000_0001, r#""ann lee"@bigmail.example"#);
    new.envelope.sender = ReversePath::Null;
    new.envelope.ret = Some(Return::Headers);
    new.envelope.envid = Some("env id".to_owned());
    new.envelope.notify = Notify { success: true, failure: true, delay: true };
    new.envelope.original_recipient = Some("Ann.Lee@old.example".to_owned());
    new.envelope.eight_bit = true;
    new.envelope.smtputf8 = true;
    new.origin = Origin {
        campaign: Some("spring".to_owned()),
        delivery: Some("2345".to_owned()),
        log: Some("123456".to_owned()),
        validity: Some(Duration::from_millis(86_400_001)),
        metadata: BTreeMap::from([
            ("k\"ey".to_owned(), "välue\n".to_owned()),
            (String::new(), String::new()),
        ]),
    };
    new.header_message_id = add_message_id();
    new.add_date = true;
    new
}

pub(crate) fn inbound(number: u64, received: i64, raw: &'static str) -> NewInbound {
    NewInbound {
        id: InboundId::from_u64(number),
        received_at: at(received),
        raw: Bytes::from_static(raw.as_bytes()),
        kind: "dsn".to_owned(),
        message_id: "report@bigmail.example".to_owned(),
        subject: "Undelivered".to_owned(),
        results: vec![
            InboundResult {
                matched: Some((id(1), Correlation::Header)),
                recipient: Some("ann@bigmail.example".to_owned()),
                status: "5.1.1".parse().ok(),
                text: "no such user".to_owned(),
                failure_type: FailureType::Hard,
                reason: FailureReason::UserUnknown,
                rule: Some("static".to_owned()),
            },
            InboundResult {
                matched: None,
                recipient: None,
                status: None,
                text: String::new(),
                failure_type: FailureType::NotDefined,
                reason: FailureReason::NotDefined,
                rule: None,
            },
        ],
    }
}
