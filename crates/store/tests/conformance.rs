//! What every back-end does: the one suite, run over all of them.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use common::*;
use emta_mail::event::Correlation;
use emta_mail::message::{Notify, Return};
use emta_mail::{EventKind, FailureReason, FailureType, Origin, ReversePath};
use emta_store::{
    Change, Committed, InboundCounts, InboundId, InboundResult, JournalEntry, MAX_BODY, MAX_NAME, MAX_PAGE,
    MAX_VALUE, MessageFilter, MessageStatus, NewInbound, NewMessage, QueueChange, QueueState, QueuedRow,
    Record, Store, StoreError, copy_id,
};

fn queue(store: &Store) -> Vec<QueuedRow> {
    let mut rows = Vec::new();
    store.for_each_queued(|row| rows.push(row)).unwrap();
    rows
}

/// A message that uses every field.
fn full_message() -> NewMessage {
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

#[test]
fn a_message_comes_back_as_it_was_handed_in() {
    each_backend(|store| {
        let new = full_message();
        let ids = accept(store, vec![new.clone(), new_message(2, "bob@bigmail.example")], "Hello");
        assert_eq!(ids, [new.candidate, id(2)]);
        let stored = store.body(ids[0]).unwrap().unwrap();
        assert_eq!(stored.body, "Hello");
        let row = stored.message;
        assert_eq!(row.message_id, "feed000000000001@mta.example");
        assert_eq!((row.message_id_added, row.add_date), (true, true));
        assert_eq!((&row.envelope, &row.origin), (&new.envelope, &new.origin));
        assert_eq!((row.accepted_at, row.expires_at, row.size), (new.accepted_at, new.expires_at, new.size));
        assert_eq!(row.received_from, new.received_from);
        assert_eq!((row.status, row.attempts, &row.last_attempt), (MessageStatus::Queued, 0, &None));
        assert_eq!(row.state, QueueState::Waiting { due: new.accepted_at });
        assert_eq!(store.message(ids[0]).unwrap(), Some(row));

        let other = store.body(ids[1]).unwrap().unwrap();
        assert_eq!(
            (other.body.as_ref(), other.message.message_id.as_str()),
            (&b"Hello"[..], "2@sender.example")
        );
        assert!(!other.message.message_id_added);
        assert_eq!(store.body(id(3)).unwrap(), None);
        assert_eq!(store.message(id(3)).unwrap(), None);
    });
}

#[test]
fn every_notify_comes_back() {
    each_backend(|store| {
        for bits in 0..8u64 {
            let mut new = new_message(bits, "ann@bigmail.example");
            new.envelope.notify =
                Notify { success: bits & 1 != 0, failure: bits & 2 != 0, delay: bits & 4 != 0 };
            accept(store, vec![new.clone()], "");
            assert_eq!(store.message(id(bits)).unwrap().unwrap().envelope, new.envelope);
        }
    });
}

#[test]
fn the_same_mail_again_is_another_message() {
    each_backend(|store| {
        let mut new = new_message(7, "ann@bigmail.example");
        new.header_message_id = add_message_id();
        let twice = accept(store, vec![new.clone(), new.clone()], "a");
        let third = accept(store, vec![new.clone()], "b");
        assert_eq!(twice, [id(7), copy_id(id(7), 1)]);
        assert_eq!(third, [copy_id(id(7), 2)]);
        assert_eq!(store.body(third[0]).unwrap().unwrap().body, "b");
        assert_eq!(store.message(third[0]).unwrap().unwrap().message_id, format!("{}@mta.example", third[0]));
        // An id that a copy took is taken for others too.
        let taken = NewMessage { candidate: third[0], ..new };
        assert_eq!(accept(store, vec![taken], "c"), [copy_id(third[0], 1)]);
        assert_eq!(queue(store).len(), 4);
    });
}

#[test]
fn no_messages_are_no_write() {
    each_backend(|store| {
        assert_eq!(accept(store, vec![], "x"), []);
        assert_eq!(store.commit_wait(vec![]).unwrap(), Committed::default());
        assert_eq!(store.last_sequence().unwrap(), 0);
    });
}

#[test]
fn the_queue_follows_the_events() {
    each_backend(|store| {
        let mut late = new_message(1, "ann@bigmail.example");
        late.accepted_at = at(5);
        accept(store, vec![late], "x");
        accept(store, vec![new_message(3, "cid@other.example"), new_message(2, "bob@bigmail.example")], "x");
        store.record_wait(vec![deferred(id(2), 10, 1), delivered(id(3), 11, 1)]).unwrap();
        let rows: Vec<_> = queue(store).iter().map(|r| (r.id, r.due, r.attempts)).collect();
        assert_eq!(rows, [(id(2), at(1210), 1), (id(1), at(5), 0)]);
        assert_eq!(queue(store)[0].domain.as_str(), "bigmail.example");
        assert_eq!(queue(store)[0].expires_at, at(302_400));

        let two = store.message(id(2)).unwrap().unwrap();
        assert_eq!((two.status, two.attempts), (MessageStatus::Deferred, 1));
        assert_eq!(two.last_attempt, Some(attempt(1, "452 4.2.2 mailbox full")));
        let three = store.message(id(3)).unwrap().unwrap();
        assert_eq!(
            (three.status, three.state),
            (MessageStatus::Delivered, QueueState::Finished { at: at(11) })
        );
    });
}

#[test]
fn a_finished_message_stays_finished() {
    each_backend(|store| {
        accept(store, vec![new_message(1, "ann@bigmail.example")], "x");
        store.record_wait(vec![delivered(id(1), 1, 1)]).unwrap();
        let before = store.message(id(1)).unwrap();
        let late = vec![deferred(id(1), 2, 2), delivered(id(1), 3, 3), opened(id(1), 4)];
        assert_eq!(store.record_wait(late).unwrap().events, 3);
        assert_eq!(store.message(id(1)).unwrap(), before);
        assert_eq!(store.last_sequence().unwrap(), 5);
        assert!(queue(store).is_empty());
    });
}

#[test]
fn an_event_is_recorded_once() {
    each_backend(|store| {
        accept(store, vec![new_message(1, "ann@bigmail.example")], "x");
        let first = store.record_wait(vec![deferred(id(1), 1, 1), deferred(id(1), 1, 1)]).unwrap();
        assert_eq!(first.events, 1);
        store.record_wait(vec![deferred(id(1), 1201, 2)]).unwrap();
        // The repetition does not wind the queue back.
        assert_eq!(store.record_wait(vec![deferred(id(1), 1, 1)]).unwrap().events, 0);
        assert_eq!((queue(store)[0].attempts, queue(store)[0].due), (2, at(2401)));
        assert_eq!(store.last_sequence().unwrap(), 3);
    });
}

#[test]
fn every_kind_of_event_comes_back() {
    each_backend(|store| {
        let ids = accept(store, vec![full_message()], "x");
        let no_rule = emta_mail::event::Verdict { class: None, rule: None, ..verdict() };
        let mut empty = *report("");
        (empty.recipient, empty.status) = (None, None);
        let long_ago = emta_mail::event::Attempt { after_crash: true, ..attempt(0, "554 no enhanced\nbye") };
        let kinds = [
            EventKind::Deferred {
                attempt: attempt(1, "421 4.7.0 later"),
                verdict: verdict(),
                next_attempt: at(9),
            },
            EventKind::Delivered { attempt: attempt(2, "250 ok") },
            EventKind::Bounced { attempt: attempt(3, "550 5.1.1 no"), verdict: no_rule },
            EventKind::Expired { attempt: long_ago, verdict: verdict() },
            EventKind::Opened,
            EventKind::Clicked { url: "https://www.example.com/?a=b".to_owned() },
            EventKind::AutoReply(report("a")),
            EventKind::AsynchronousBounce(report("b")),
            EventKind::Complaint(Box::new(empty)),
        ];
        let records: Vec<_> = (kinds.iter().cloned())
            .map(|kind| Record { event: event(ids[0], 3, kind), queue: QueueChange::None })
            .collect();
        assert_eq!(store.record_wait(records).unwrap().events, kinds.len());
        let rows = store.events_after(0, 100).unwrap();
        assert_eq!(rows.iter().map(|r| r.sequence).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
        let found: Vec<_> = rows[1..].iter().map(|row| row.event.kind.clone()).collect();
        assert_eq!(found, kinds);
        let EventKind::Accepted(accepted) = &rows[0].event.kind else { panic!("{:?}", rows[0]) };
        let new = full_message();
        assert_eq!((&accepted.sender, &accepted.recipient), (&new.envelope.sender, &new.envelope.recipient));
        assert_eq!((accepted.size, accepted.expires_at, &accepted.origin), (5, new.expires_at, &new.origin));
        for row in &rows {
            assert_eq!(row.message.message_id, "feed000000000001@mta.example");
            assert_eq!((&row.message.recipient, &row.message.origin), (&new.envelope.recipient, &new.origin));
        }
    });
}

#[test]
fn events_are_told_by_commit_and_by_instant() {
    each_backend(|store| {
        // Ids on both sides of the sign of a 64-bit number.
        let high = u64::MAX - 1;
        accept(
            store,
            vec![new_message(high, "ann@bigmail.example"), new_message(1, "bob@bigmail.example")],
            "x",
        );
        store.record_wait(vec![opened(id(1), 20), delivered(id(high), 10, 1)]).unwrap();
        store.record_wait(vec![delivered(id(1), 10, 1)]).unwrap();
        let told = |n: u64, kind: &str| (n, kind.to_owned());
        let committed = [
            told(high, "accepted"),
            told(1, "accepted"),
            told(1, "opened"),
            told(high, "delivered"),
            told(1, "delivered"),
        ];
        assert_eq!(order_of(&store.events_after(0, 9).unwrap()), committed);
        assert_eq!(order_of(&store.events_after(3, 1).unwrap()), committed[3..4]);
        assert_eq!(store.events_after(5, 9).unwrap(), []);
        assert_eq!(store.events_after(u64::MAX, 9).unwrap(), []);

        let ordered = [
            told(1, "accepted"),
            told(high, "accepted"),
            told(1, "delivered"),
            told(high, "delivered"),
            told(1, "opened"),
        ];
        assert_eq!(order_of(&store.events_ordered(None, 9).unwrap()), ordered);
        let mut paged = Vec::new();
        let mut after = None;
        while let [row] = &store.events_ordered(after, 1).unwrap()[..] {
            after = Some(row.event.order());
            paged.push(row.clone());
        }
        assert_eq!(order_of(&paged), ordered);
        let one = [told(1, "accepted"), told(1, "delivered"), told(1, "opened")];
        assert_eq!(order_of(&store.events_of(id(1), 9).unwrap()), one);
        assert_eq!(order_of(&store.events_of(id(1), 2).unwrap()), one[..2]);
        assert_eq!(store.events_of(id(5), 9).unwrap(), []);
    });
}

#[test]
fn a_change_that_cannot_be_made_leaves_nothing_behind() {
    each_backend(|store| {
        accept(store, vec![new_message(1, "ann@bigmail.example")], "x");
        let cursor = Change::Cursor { name: "feedback".to_owned(), sequence: 1 };
        let changes = vec![cursor, change(opened(id(1), 1)), change(opened(id(9), 1))];
        assert_eq!(store.commit_wait(changes), Err(StoreError::UnknownMessage(id(9))));
        assert_eq!((store.cursor("feedback").unwrap(), store.last_sequence().unwrap()), (0, 1));
        let accepted = store.events_after(0, 1).unwrap().remove(0).event;
        let again = vec![Record { event: accepted, queue: QueueChange::None }];
        assert_eq!(store.record_wait(again), Err(StoreError::AcceptedTwice(id(1))));
    });
}

#[test]
fn messages_are_found_newest_first() {
    each_backend(|store| {
        for (n, recipient) in
            [(1, "Ann@bigmail.example"), (2, "bob@bigmail.example"), (3, "ann@bigmail.example")]
        {
            let mut new = new_message(n, recipient);
            new.accepted_at = at(n as i64);
            new.origin.delivery = Some("d".to_owned());
            new.origin.log = Some(format!("log{n}"));
            accept(store, vec![new], "x");
        }
        let mut copy = new_message(4, "dee@bigmail.example");
        copy.header_message_id = emta_store::MessageIdHeader::Present("2@sender.example".to_owned());
        copy.accepted_at = at(3);
        accept(store, vec![copy], "x");
        store.record_wait(vec![delivered(id(3), 9, 1)]).unwrap();

        let check = |filter: MessageFilter, expected: &[u64]| {
            let found = store.messages(&filter, None, 10).unwrap();
            assert_eq!(found.iter().map(|r| r.id.as_u64()).collect::<Vec<_>>(), expected, "{filter:?}");
            let mut paged = Vec::new();
            let mut after = None;
            while let [row] = &store.messages(&filter, after, 1).unwrap()[..] {
                after = Some(row.cursor());
                paged.push(row.clone());
            }
            assert_eq!(paged, found, "{filter:?}");
        };
        let text = |text: &str| Some(text.to_owned());
        let all = MessageFilter::default;
        check(all(), &[4, 3, 2, 1]);
        check(MessageFilter { recipient: text("ann@BIGMAIL.example"), ..all() }, &[3, 1]);
        check(MessageFilter { message_id: text("2@sender.example"), ..all() }, &[4, 2]);
        check(MessageFilter { message_id: text("2@SENDER.example"), ..all() }, &[]);
        check(MessageFilter { delivery: text("d"), ..all() }, &[3, 2, 1]);
        check(MessageFilter { delivery: text("d"), status: Some(MessageStatus::Queued), ..all() }, &[2, 1]);
        check(MessageFilter { log: text("log2"), ..all() }, &[2]);
        check(MessageFilter { log: text("log2"), recipient: text("ann@bigmail.example"), ..all() }, &[]);
        check(MessageFilter { status: Some(MessageStatus::Delivered), ..all() }, &[3]);
    });
}

fn inbound(number: u64, received: i64, raw: &'static str) -> NewInbound {
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

#[test]
fn the_bounce_mailbox_keeps_what_pop3_deletes() {
    each_backend(|store| {
        accept(store, vec![new_message(1, "ann@bigmail.example")], "x");
        let bounce = Record {
            event: event(id(1), 7, EventKind::AsynchronousBounce(report("r"))),
            queue: QueueChange::None,
        };
        let mails = [inbound(u64::MAX, 7, "later"), inbound(5, 6, "early"), inbound(4, 7, "first of two")];
        let changes: Vec<_> = (mails.iter().cloned().map(|mail| Change::Inbound(Box::new(mail))))
            .chain([change(bounce.clone())])
            .collect();
        let done = store.commit_wait(changes.clone()).unwrap();
        assert_eq!((done.inbound, done.events), (3, 1));
        // The same mails again are the same mails.
        let done = store.commit_wait(changes).unwrap();
        assert_eq!((done.inbound, done.events), (0, 0));

        let listed = store.mailbox(None, 10).unwrap();
        let ids: Vec<_> = listed.iter().map(|row| row.id.as_u64()).collect();
        assert_eq!(ids, [5, 4, u64::MAX]);
        let row = &listed[0];
        assert_eq!((row.size, row.received_at, row.deleted), (5, at(6), false));
        assert_eq!(
            (&row.kind, &row.subject, &row.results),
            (&mails[1].kind, &mails[1].subject, &mails[1].results)
        );
        assert_eq!(store.mailbox(Some(listed[0].cursor()), 1).unwrap(), listed[1..2]);
        assert_eq!(
            store.inbound_counts().unwrap(),
            InboundCounts { kept: 3, mailbox: 3, mailbox_octets: 5 + 5 + 12 }
        );

        store.commit_wait(vec![Change::Delete(row.id), Change::Delete(InboundId::from_u64(99))]).unwrap();
        assert_eq!(store.mailbox(None, 10).unwrap(), listed[1..]);
        assert!(store.inbound(row.id).unwrap().unwrap().deleted);
        assert_eq!(store.inbound_raw(row.id).unwrap().unwrap(), "early");
        assert_eq!(
            store.inbound_counts().unwrap(),
            InboundCounts { kept: 3, mailbox: 2, mailbox_octets: 5 + 12 }
        );
        assert_eq!(store.inbound_raw(InboundId::from_u64(99)).unwrap(), None);
        assert_eq!(store.inbound(InboundId::from_u64(99)).unwrap(), None);
    });
}

#[test]
fn small_state_is_kept() {
    let put = |key: &str, value: &'static [u8]| Change::Put {
        namespace: "n".to_owned(),
        key: key.to_owned(),
        value: Bytes::from_static(value),
    };
    let append = |journal: &str, entry: &'static [u8]| Change::Append {
        journal: journal.to_owned(),
        entry: Bytes::from_static(entry),
    };
    each_backend(|store| {
        let cursor = |sequence| Change::Cursor { name: "hook".to_owned(), sequence };
        store
            .commit_wait(vec![cursor(7), put("b", b"1"), put("a", b""), put("é", b"2"), put("b", b"3")])
            .unwrap();
        assert_eq!((store.cursor("hook").unwrap(), store.cursor("other").unwrap()), (7, 0));
        store.commit_wait(vec![cursor(3)]).unwrap();
        assert_eq!(store.cursor("hook").unwrap(), 3);

        let keys = |after: Option<&str>, limit| {
            store.values("n", after, limit).unwrap().into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        assert_eq!(store.value("n", "b").unwrap().unwrap(), "3");
        assert_eq!(store.value("n", "a").unwrap().unwrap(), "");
        assert_eq!((store.value("n", "c").unwrap(), store.value("m", "b").unwrap()), (None, None));
        assert_eq!(keys(None, 9), ["a", "b", "é"]);
        assert_eq!(keys(Some("a"), 1), ["b"]);
        let remove = |key: &str| Change::Remove { namespace: "n".to_owned(), key: key.to_owned() };
        store.commit_wait(vec![remove("b"), remove("nothing")]).unwrap();
        assert_eq!(keys(None, 9), ["a", "é"]);
        assert_eq!(store.values("m", None, 9).unwrap(), []);

        let done = store.commit_wait(vec![append("x", b"1"), append("y", b"2"), append("x", b"")]).unwrap();
        assert_eq!(done.journal, [1, 1, 2]);
        assert_eq!(store.commit_wait(vec![append("x", b"3")]).unwrap().journal, [3]);
        let entry = |sequence, entry: &'static str| JournalEntry { sequence, entry: Bytes::from(entry) };
        assert_eq!(store.journal_after("x", 0, 9).unwrap(), [entry(1, "1"), entry(2, ""), entry(3, "3")]);
        assert_eq!(store.journal_after("x", 1, 1).unwrap(), [entry(2, "")]);
        assert_eq!(store.journal_after("z", 0, 9).unwrap(), []);
    });
}

#[test]
fn limits_hold_at_their_bounds() {
    each_backend(|store| {
        let named = |length: usize| "n".repeat(length);
        let put = |namespace, key, value| Change::Put {
            namespace: named(namespace),
            key: named(key),
            value: Bytes::from(vec![0; value]),
        };
        let append =
            |journal, entry| Change::Append { journal: named(journal), entry: Bytes::from(vec![0; entry]) };
        let fits = vec![
            put(MAX_NAME, MAX_NAME, MAX_VALUE),
            append(MAX_NAME, MAX_VALUE),
            Change::Cursor { name: named(MAX_NAME), sequence: 1 },
            Change::Remove { namespace: named(MAX_NAME), key: named(MAX_NAME) },
        ];
        store.commit_wait(fits).unwrap();
        let mut large = inbound(1, 1, "");
        large.raw = Bytes::from(vec![0; MAX_BODY + 1]);
        for change in [
            put(MAX_NAME + 1, 1, 1),
            put(1, MAX_NAME + 1, 1),
            put(1, 1, MAX_VALUE + 1),
            append(MAX_NAME + 1, 1),
            append(1, MAX_VALUE + 1),
            Change::Cursor { name: named(MAX_NAME + 1), sequence: 1 },
            Change::Remove { namespace: named(MAX_NAME + 1), key: named(1) },
            Change::Remove { namespace: named(1), key: named(MAX_NAME + 1) },
            Change::Inbound(Box::new(large)),
        ] {
            let outcome = store.commit_wait(vec![change]);
            assert!(matches!(outcome, Err(StoreError::TooLong { .. })), "{outcome:?}");
        }
        let body = Bytes::from(vec![0; MAX_BODY + 1]);
        let outcome = store.accept_wait(vec![new_message(1, "ann@bigmail.example")], body);
        assert!(matches!(outcome, Err(StoreError::TooLong { .. })), "{outcome:?}");
        assert_eq!(store.message(id(1)).unwrap(), None);
    });
}

#[test]
fn a_body_may_have_the_greatest_length() {
    let store = Store::memory();
    let body = Bytes::from(vec![0; MAX_BODY]);
    store.accept_wait(vec![new_message(1, "ann@bigmail.example")], body).unwrap();
    assert_eq!(store.body(id(1)).unwrap().unwrap().body.len(), MAX_BODY);
}

#[test]
fn a_page_has_at_most_so_many_rows() {
    each_backend(|store| {
        let append = |n: usize| Change::Append { journal: "j".to_owned(), entry: Bytes::from(n.to_string()) };
        store.commit_wait((0..=MAX_PAGE).map(append).collect()).unwrap();
        assert_eq!(store.journal_after("j", 0, usize::MAX).unwrap().len(), MAX_PAGE);
        assert_eq!(store.journal_after("j", MAX_PAGE as u64, usize::MAX).unwrap().len(), 1);
        assert_eq!(store.journal_after("j", 0, 0).unwrap(), []);
    });
}

#[test]
fn a_failing_disk_refuses_and_recovers() {
    each_backend(|store| {
        let write = || store.accept_wait(vec![new_message(1, "ann@bigmail.example")], Bytes::from("x"));
        store.faults().set_full(true);
        assert!(matches!(write(), Err(StoreError::Full { .. })));
        assert!(matches!(store.commit_wait(vec![]), Err(StoreError::Full { .. })));
        store.faults().set_full(false);
        store.faults().fail_next(2);
        assert!(matches!(write(), Err(StoreError::Io { .. })));
        assert!(matches!(write(), Err(StoreError::Io { .. })));
        assert_eq!(store.message(id(1)).unwrap(), None);
        assert_eq!(write().unwrap(), [id(1)]);
        assert_eq!(store.last_sequence().unwrap(), 1);
    });
}

#[test]
fn bodies_are_kept_for_reports_that_come_late() {
    each_backend(|store| {
        let ids = accept(store, vec![new_message(1, "ann@bigmail.example")], "Hello");
        accept(store, vec![new_message(2, "bob@bigmail.example")], "x");
        store.record_wait(vec![delivered(ids[0], 10, 1)]).unwrap();
        store.record_wait(vec![opened(id(2), 10 + 7 * 86_400)]).unwrap();
        assert_eq!(store.body(ids[0]).unwrap().unwrap().body, "Hello");
    });
}

#[test]
fn callbacks_come_in_order_and_may_use_the_store() {
    each_backend(|store| {
        let (sender, receiver) = mpsc::channel();
        for n in 0..50u64 {
            let (sender, store) = (sender.clone(), store.clone());
            let handle = store.clone();
            let done = move |outcome: Result<Vec<_>, StoreError>| {
                let ids = outcome.unwrap();
                let is_there = handle.body(ids[0]).unwrap().is_some();
                // Writing from a callback is allowed, waiting for it is not.
                handle.record(
                    vec![opened(ids[0], 5)],
                    Box::new(|outcome| assert_eq!(outcome.unwrap().events, 1)),
                );
                sender.send((ids[0].as_u64(), is_there)).unwrap();
            };
            store.accept(vec![new_message(n, "ann@bigmail.example")], Bytes::from("x"), Box::new(done));
        }
        drop(sender);
        let found: Vec<_> = receiver.iter().collect();
        assert_eq!(found, (0..50).map(|n| (n, true)).collect::<Vec<_>>());
        store.commit_wait(vec![]).unwrap();
        assert_eq!(store.last_sequence().unwrap(), 100);
    });
}
