//! Messages, bodies and the queue, over every back-end.

use emta_mail::message::Notify;
use emta_store::{Committed, MessageFilter, MessageIdHeader, MessageStatus, NewMessage, QueueState, copy_id};

use crate::common::*;

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
        assert_eq!(rows, [(id(1), at(5), 0), (id(2), at(1210), 1)]);
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
        assert_eq!((three.attempts, three.last_attempt), (1, Some(attempt(1, "250 2.0.0 ok"))));
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
        copy.header_message_id = MessageIdHeader::Present("2@sender.example".to_owned());
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
