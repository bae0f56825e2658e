//! Limits, failures and callbacks, over every back-end.

use std::sync::mpsc;

use bytes::Bytes;
use emta_store::{Change, MAX_BODY, MAX_NAME, MAX_PAGE, MAX_VALUE, Store, StoreError};

use crate::common::*;

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
