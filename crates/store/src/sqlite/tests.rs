//! The writer's thread from inside: one write of a group that fails, and a disk that is really full.

use std::path::Path;
use std::sync::mpsc::{self, Receiver};

use bytes::Bytes;
use emta_mail::{DeliveryEvent, EventKind, QueueId, Timestamp};

use super::*;
use crate::backend::Write;
use crate::change::{Change, Committed, QueueChange, Record};
use crate::message::{MessageCursor, MessageFilter, MessageStatus, NewMessage};

fn group_writer(dir: &Path) -> GroupWriter {
    Sqlite::recover(dir, Options { body_cache: 0, ..Options::default() }, Arc::new(Machine)).unwrap().1
}

type Answer<T> = Receiver<Result<T, StoreError>>;

fn accept(number: u64) -> (Write, Answer<Vec<QueueId>>) {
    let (sender, receiver) = mpsc::channel();
    let done = Box::new(move |outcome| drop(sender.send(outcome)));
    (Write::Accept { messages: vec![NewMessage::sample(number)], body: Bytes::from("body"), done }, receiver)
}

fn commit(changes: Vec<Change>) -> (Write, Answer<Committed>) {
    let (sender, receiver) = mpsc::channel();
    let done = Box::new(move |outcome| drop(sender.send(outcome)));
    (Write::Commit { changes, done }, receiver)
}

fn opened(number: u64) -> Change {
    let message = QueueId::from_u64(number);
    let event = DeliveryEvent { message, at: Timestamp::default(), kind: EventKind::Opened };
    Change::Record(Box::new(Record { event, queue: QueueChange::None }))
}

#[test]
fn a_write_that_cannot_be_made_stops_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = group_writer(dir.path());
    let (first, first_answer) = accept(1);
    let (bad, bad_answer) = commit(vec![opened(1), opened(9)]);
    let (worse, worse_answer) = commit(vec![opened(8)]);
    let (good, good_answer) = commit(vec![opened(1)]);
    let (last, last_answer) = accept(2);
    writer.write(vec![first, bad, worse, good, last]);
    let unknown = |number| Err(StoreError::UnknownMessage(QueueId::from_u64(number)));
    assert_eq!(first_answer.recv().unwrap().unwrap().len(), 1);
    assert_eq!(bad_answer.recv().unwrap(), unknown(9));
    assert_eq!(worse_answer.recv().unwrap(), unknown(8));
    assert_eq!(good_answer.recv().unwrap().unwrap().events, 1);
    assert_eq!(last_answer.recv().unwrap().unwrap().len(), 1);
}

#[test]
fn without_room_for_bodies_mail_is_refused_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = group_writer(dir.path());
    let in_the_way = dir.path().join("bodies/00000001.seg");
    std::fs::create_dir(&in_the_way).unwrap();
    let (mail, mail_answer) = accept(1);
    let (cursor, cursor_answer) = commit(vec![Change::Cursor { name: "hook".to_owned(), sequence: 1 }]);
    writer.write(vec![mail, cursor]);
    let refused = mail_answer.recv().unwrap();
    assert!(matches!(refused, Err(StoreError::Io { .. })), "{refused:?}");
    cursor_answer.recv().unwrap().unwrap();

    std::fs::remove_dir(in_the_way).unwrap();
    let (mail, mail_answer) = accept(1);
    writer.write(vec![mail]);
    mail_answer.recv().unwrap().unwrap();
}

#[test]
fn a_full_database_refuses_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = group_writer(dir.path());
    let pages = |writer: &GroupWriter, name: &str| -> i64 {
        writer.connection().pragma_query_value(None, name, |row| row.get(0)).unwrap()
    };
    let limit = pages(&writer, "page_count") + 2;
    let set_limit = |writer: &GroupWriter, pages: i64| {
        let set = writer
            .connection()
            .pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, i64>(0));
        assert_eq!(set.unwrap(), pages);
    };
    set_limit(&writer, limit);
    let mut kept = 0;
    let error = loop {
        let (mail, answer) = accept(kept);
        writer.write(vec![mail]);
        match answer.recv().unwrap() {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 10_000, "two pages hold no end of mail");
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    let end = writer.bodies_end();
    let (mail, answer) = accept(kept);
    writer.write(vec![mail]);
    assert!(matches!(answer.recv().unwrap(), Err(StoreError::Full { .. })));
    assert_eq!(writer.bodies_end(), end, "what is refused takes no room");

    set_limit(&writer, limit + 1_000);
    let (mail, answer) = accept(kept);
    writer.write(vec![mail]);
    answer.recv().unwrap().unwrap();
    let count = "SELECT count(*) FROM messages AS m JOIN queue AS q ON q.message = m.sequence";
    let count: u64 = writer.connection().query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(count, kept + 1);
}

#[test]
fn so_many_writes_may_wait() {
    let dir = tempfile::tempdir().unwrap();
    let store = Sqlite::open(dir.path(), Options::default()).unwrap();
    let (started, is_started) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    let done = Box::new(move |_| {
        started.send(()).unwrap();
        wait.recv().unwrap();
    });
    store.inbox.send(Write::Commit { changes: vec![], done });
    is_started.recv().unwrap();
    let mut answers: Vec<_> = (0..=QUEUE)
        .map(|_| {
            let (write, answer) = commit(vec![]);
            store.inbox.send(write);
            answer
        })
        .collect();
    let last = answers.pop().unwrap();
    assert_eq!(last.recv().unwrap(), Err(StoreError::Busy { limit: QUEUE }));
    go.send(()).unwrap();
    assert!(answers.iter().all(|answer| answer.recv().unwrap().is_ok()));
}

#[test]
fn lists_use_an_index_that_gives_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let writer = group_writer(dir.path());
    let plan = |sql: &str, values: Vec<rusqlite::types::Value>| {
        let mut explain = writer.connection().prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let values = rusqlite::params_from_iter(values);
        let steps = explain.query_map(values, |row| row.get::<_, String>(3)).unwrap();
        steps.collect::<rusqlite::Result<Vec<_>>>().unwrap().join("; ")
    };
    let all = MessageFilter::default;
    for (filter, index) in [
        (MessageFilter { delivery: Some("x".to_owned()), ..all() }, "messages_by_delivery"),
        (MessageFilter { status: Some(MessageStatus::Queued), ..all() }, "messages_by_age"),
        (all(), "messages_by_age"),
    ] {
        let after = MessageCursor { accepted_at: Timestamp::default(), id: QueueId::from_u64(1) };
        for after in [None, Some(after)] {
            let (sql, values) = search::by_age(&filter, after, 10);
            let plan = plan(&sql, values);
            assert!(plan.contains(index) && !plan.contains("B-TREE"), "{filter:?}: {plan}");
        }
    }
    for (sql, values) in [read::after_query(), read::ordered_query(), read::all_ordered_query()] {
        let plan = plan(&sql, vec![rusqlite::types::Value::Null; values]);
        // Sorting what has instant and message in common is sorting one row.
        assert!(!plan.contains("B-TREE FOR ORDER BY"), "{plan}");
    }
}
