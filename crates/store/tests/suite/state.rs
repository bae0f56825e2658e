//! The bounce mailbox and the small state of other parts, over every back-end.

use bytes::Bytes;
use emta_mail::EventKind;
use emta_store::{Change, InboundCounts, InboundId, JournalEntry, QueueChange, Record};

use crate::common::*;

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
fn groups_are_counted_when_they_are_committed() {
    each_backend(|store| {
        assert_eq!(store.groups(), 0);
        store.commit_wait(vec![]).unwrap();
        store.faults().fail_next(1);
        store.commit_wait(vec![]).unwrap_err();
        store.commit_wait(vec![]).unwrap();
        assert_eq!(store.groups(), 2);
    });
}
