//! The messages of the bench.

use std::sync::mpsc::Sender;

use bytes::Bytes;
use emta_mail::chance::Hasher;
use emta_mail::event::Attempt;
use emta_mail::{
    DeliveryEvent, EmailAddress, Envelope, EventKind, Origin, Phase, QueueId, Reply, ReversePath, Timestamp,
};
use emta_store::{MessageIdHeader, NewMessage, QueueChange, Record, Store};

use crate::Answer;

/// How many messages are accepted in a second of the story.
const A_SECOND: u64 = 10_000;

/// A body of this size that is like text.
pub(crate) fn body(size: usize) -> Bytes {
    b"Subject: news\r\n\r\n".iter().copied().chain((b'a'..=b'z').cycle()).take(size).collect()
}

/// Ids look random, as those of the relay do.
fn id(number: u64) -> QueueId {
    QueueId::from_u64(Hasher::new().u64(number).finish())
}

fn at(number: u64) -> Timestamp {
    Timestamp::from_millis(1_767_603_600_000 + (number * 1_000 / A_SECOND) as i64)
}

/// The message of this number.
pub(crate) fn message(number: u64) -> NewMessage {
    let sender = ReversePath::Address(EmailAddress::parse("news@sender.example").unwrap());
    let recipient = EmailAddress::parse(&format!("r{number}@bigmail.example")).unwrap();
    NewMessage {
        candidate: id(number),
        envelope: Envelope::new(sender, recipient),
        origin: Origin::default(),
        header_message_id: MessageIdHeader::Present(format!("{:016x}@sender.example", id(!number).as_u64())),
        add_date: false,
        received_from: "from client.example (client.example [192.0.2.7]) by mta.example with ESMTP"
            .to_owned(),
        accepted_at: at(number),
        expires_at: at(number + 302_400 * A_SECOND),
        size: 4_096,
    }
}

/// Hands in the message of this number.
pub(crate) fn accept(store: &Store, number: u64, body: &Bytes, to: &Sender<Answer>) {
    let to = to.clone();
    let done = move |ids: Result<Vec<QueueId>, _>| {
        let _ = to.send(ids.map(|_| QueueId::from_u64(number)));
    };
    store.accept(vec![message(number)], body.clone(), Box::new(done));
}

/// Records that the message of this number was delivered.
pub(crate) fn finish(store: &Store, number: u64, to: &Sender<Answer>) {
    let attempt = Attempt {
        number: 1,
        provider: "bigmail".to_owned(),
        mx: "mx1.bigmail.example".to_owned(),
        phase: Phase::Message,
        reply: Reply::parse("250 2.0.0 Ok: queued as 4bXy7k2Qz1").unwrap(),
        after_crash: false,
    };
    let event =
        DeliveryEvent { message: id(number), at: at(number + 300), kind: EventKind::Delivered { attempt } };
    let to = to.clone();
    let done = move |outcome: Result<_, _>| {
        let _ = to.send(outcome.map(|_| QueueId::from_u64(number)));
    };
    store.record(vec![Record { event, queue: QueueChange::Finished }], Box::new(done));
}
