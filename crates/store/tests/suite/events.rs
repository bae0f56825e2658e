//! The event log, over every back-end.

use emta_mail::EventKind;
use emta_mail::event::{Attempt, Verdict};
use emta_store::{Change, QueueChange, Record, StoreError};

use crate::common::*;

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
        let no_rule = Verdict { class: None, rule: None, ..verdict() };
        let mut empty = *report("");
        (empty.recipient, empty.status) = (None, None);
        let long_ago = Attempt { after_crash: true, ..attempt(0, "554 no enhanced\nbye") };
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
