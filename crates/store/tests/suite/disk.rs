//! What only the store on disk does: survive crashes, refuse strangers, release bodies.

use std::fs;
use std::path::Path;
use std::sync::mpsc;

use crate::common::*;
use bytes::Bytes;
use emta_mail::EventKind;
use emta_mail::event::Attempt;
use emta_store::{Change, Durability, MessageFilter, Options, Store, StoreError};
use rusqlite::Connection;

/// What a crash leaves: the files as they are at this moment, without the lock's owner.
fn crash(dir: &Path) -> tempfile::TempDir {
    let image = tempfile::tempdir().unwrap();
    fs::create_dir(image.path().join("bodies")).unwrap();
    for name in ["emta.sqlite3", "emta.sqlite3-wal"] {
        fs::copy(dir.join(name), image.path().join(name)).unwrap();
    }
    for entry in fs::read_dir(dir.join("bodies")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), image.path().join("bodies").join(entry.file_name())).unwrap();
    }
    image
}

fn segments(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir.join("bodies")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn database(dir: &Path) -> Connection {
    Connection::open(dir.join("emta.sqlite3")).unwrap()
}

/// Reads everything that the store says it has.
fn check_whole(store: &Store) -> usize {
    let messages = store.messages(&MessageFilter::default(), None, usize::MAX).unwrap();
    for row in &messages {
        let stored = store.body(row.id).unwrap().unwrap();
        assert_eq!(stored.body, format!("body of {}", row.id));
        assert!(!store.events_of(row.id, 9).unwrap().is_empty());
    }
    messages.len()
}

fn fill(store: &Store, messages: std::ops::Range<u64>) {
    for n in messages {
        let body = Bytes::from(format!("body of {}", id(n)));
        store.accept_wait(vec![new_message(n, "ann@bigmail.example")], body).unwrap();
    }
}

#[test]
fn what_was_acknowledged_is_there_after_a_crash() {
    let (dir, store) = on_disk(small_segments());
    fill(&store, 0..20);
    store.record_wait(vec![deferred(id(3), 1, 1), delivered(id(4), 2, 1)]).unwrap();
    store.commit_wait(vec![Change::Cursor { name: "hook".to_owned(), sequence: 9 }]).unwrap();
    let image = crash(dir.path());

    let again = Store::open(image.path(), small_segments()).unwrap();
    assert_eq!(check_whole(&again), 20);
    assert_eq!(again.last_sequence().unwrap(), 22);
    assert_eq!(again.cursor("hook").unwrap(), 9);
    let mut queued = Vec::new();
    again.for_each_queued(|row| queued.push((row.id.as_u64(), row.attempts))).unwrap();
    assert_eq!(queued.len(), 19);
    assert!(queued.contains(&(3, 1)));
    fill(&again, 20..40);
    assert_eq!(check_whole(&again), 40);
    // The one that did not crash goes on as well.
    fill(&store, 20..30);
    assert_eq!(check_whole(&store), 30);
}

#[test]
fn torn_files_never_show_a_message_without_its_body() {
    let (dir, store) = on_disk(Options { body_cache: 0, ..Options::default() });
    fill(&store, 0..12);
    let wal = fs::metadata(dir.path().join("emta.sqlite3-wal")).unwrap().len();
    let mut found = Vec::new();
    for part in 0..=12 {
        // The log of the database ends anywhere, and the segment has rubbish behind its end.
        let image = crash(dir.path());
        let log = fs::OpenOptions::new().write(true).open(image.path().join("emta.sqlite3-wal")).unwrap();
        log.set_len(wal * part / 12).unwrap();
        let segment = image.path().join("bodies/00000001.seg");
        let mut bytes = fs::read(&segment).unwrap();
        let end = bytes.iter().rposition(|b| *b != 0).unwrap();
        bytes.truncate(end + 1);
        bytes.extend_from_slice(&[0xff; 11]);
        fs::write(&segment, bytes).unwrap();

        let again = Store::open(image.path(), Options::default()).unwrap();
        let survivors = check_whole(&again);
        fill(&again, 100..103);
        assert_eq!(check_whole(&again), survivors + 3);
        found.push(survivors);
    }
    assert!(found.is_sorted(), "{found:?}");
    assert_eq!((found.first(), found.last()), (Some(&0), Some(&12)));
}

#[test]
fn closing_waits_for_what_was_handed_in() {
    let (dir, store) = on_disk(Options::default());
    for n in 0..100 {
        let body = Bytes::from(format!("body of {}", id(n)));
        store.accept(
            vec![new_message(n, "ann@bigmail.example")],
            body,
            Box::new(|outcome| drop(outcome.unwrap())),
        );
    }
    drop(store);
    let again = Store::open(dir.path(), Options::default()).unwrap();
    assert_eq!(check_whole(&again), 100);
}

#[test]
fn a_callback_may_hold_the_last_handle() {
    let (dir, store) = on_disk(Options::default());
    let (sender, receiver) = mpsc::channel();
    let handle = store.clone();
    let (go, wait) = mpsc::channel::<()>();
    store.commit(
        vec![],
        Box::new(move |_| {
            wait.recv().unwrap();
            drop(handle);
            sender.send(()).unwrap();
        }),
    );
    drop(store);
    go.send(()).unwrap();
    receiver.recv().unwrap();
    drop(dir);
}

#[test]
fn one_directory_has_one_owner() {
    let (dir, store) = on_disk(Options::default());
    let error = Store::open(dir.path(), Options::default()).unwrap_err();
    let StoreError::Locked { holder, .. } = &error else { panic!("{error}") };
    assert_eq!(*holder, format!("process {}", std::process::id()));
    drop(store);
    Store::open(dir.path(), Options::default()).unwrap();
}

#[test]
fn a_newer_schema_is_refused() {
    let (dir, store) = on_disk(Options::default());
    drop(store);
    database(dir.path()).execute("INSERT INTO migrations VALUES (99, 'from the future')", []).unwrap();
    let error = Store::open(dir.path(), Options::default()).unwrap_err();
    assert_eq!(error, StoreError::NewerSchema { found: 99, supported: 1 });
}

#[test]
fn segments_go_when_nobody_needs_them() {
    let options = Options { keep_bodies: std::time::Duration::from_hours(24), ..small_segments() };
    let (dir, store) = on_disk(options.clone());
    fill(&store, 0..30);
    let before = segments(dir.path());
    assert!(before.len() > 3, "{before:?}");
    let records = (0..30).filter(|n| *n != 10).map(|n| delivered(id(n), 60, 1)).collect();
    store.record_wait(records).unwrap();
    // Exactly a day later all is still there.
    store.record_wait(vec![opened(id(0), 60 + 86_400)]).unwrap();
    store.commit_wait(vec![]).unwrap();
    assert_eq!(segments(dir.path()), before);
    store.record_wait(vec![opened(id(0), 86_400 + 3_600)]).unwrap();
    // Files go after the callbacks were called; the next write comes after that.
    store.commit_wait(vec![]).unwrap();
    // The segment of the message that is still tried stays, and the one that is being written.
    let held = segments(dir.path());
    assert_eq!(held.len(), 2, "{held:?}");
    assert_eq!(store.body(id(0)).unwrap(), None);
    assert_eq!(store.message(id(0)).unwrap().unwrap().id, id(0));
    assert_eq!(store.body(id(10)).unwrap().unwrap().body, format!("body of {}", id(10)));
    drop(store);

    // A file that no row knows is what a crash between two steps leaves.
    fs::write(dir.path().join("bodies/00000001.seg"), "left over").unwrap();
    fs::write(dir.path().join("bodies/00009999.seg"), "left over").unwrap();
    let store = Store::open(dir.path(), options).unwrap();
    assert_eq!(segments(dir.path()), held);
    fill(&store, 30..32);
    assert_eq!(store.body(id(31)).unwrap().unwrap().body, format!("body of {}", id(31)));
    assert_eq!(store.body(id(0)).unwrap(), None);
}

#[test]
fn a_row_that_somebody_spoiled_is_named() {
    for (sql, place) in [
        ("UPDATE events SET kind = 'message.eaten' WHERE sequence = 2", "column `events.kind`"),
        ("UPDATE events SET phase = 'lunch'", "column `events.phase`"),
        ("UPDATE events SET provider = NULL", "column `events.provider`"),
        ("UPDATE events SET attempt = NULL", "the event `message.deferred` of message 0000000000000001"),
        ("UPDATE events SET code = 70000", "column `events.code`"),
        ("UPDATE messages SET recipient = 'nobody'", "column `events.recipient`"),
        ("UPDATE messages SET metadata = '[]'", "column `events.metadata`"),
    ] {
        let (dir, store) = on_disk(Options::default());
        accept(&store, vec![new_message(1, "ann@bigmail.example")], "x");
        store.record_wait(vec![deferred(id(1), 1, 1)]).unwrap();
        database(dir.path()).execute(sql, []).unwrap();
        let outcome = store.events_after(1, 9);
        let Err(StoreError::Corrupt { place: found, .. }) = &outcome else { panic!("{sql}: {outcome:?}") };
        assert_eq!(found, place, "{sql}");
        // What is damaged stops nobody from writing.
        accept(&store, vec![new_message(2, "ann@bigmail.example")], "x");
    }
}

#[test]
fn any_sql_tool_reads_the_log() {
    let (dir, store) = on_disk(Options::default());
    accept(&store, vec![new_message(0xabc, "ann@bigmail.example")], "x");
    store.record_wait(vec![deferred(id(0xabc), 1, 1)]).unwrap();
    let line: String = database(dir.path())
        .query_row(
            "SELECT concat_ws(' ', at, kind, message, recipient, phase, code, enhanced, class, reason, next_attempt) \
             FROM event_log WHERE attempt = 1",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(
        line,
        "2026-01-05T09:00:01.000Z message.deferred 0000000000000abc ann@bigmail.example rcpt 452 4.2.2 mailbox_full \
         mailbox_full 2026-01-05T09:20:01.000Z"
    );
}

#[test]
fn an_attempt_without_words_comes_back() {
    let (_dir, store) = on_disk(Options { durability: Durability::None, ..Options::default() });
    accept(&store, vec![new_message(1, "ann@bigmail.example")], "x");
    let last = Attempt { mx: String::new(), provider: String::new(), ..attempt(u32::MAX, "421") };
    let mut record = deferred(id(1), 1, u32::MAX);
    let kind = EventKind::Deferred { attempt: last.clone(), verdict: verdict(), next_attempt: at(9) };
    record.event = event(id(1), 1, kind);
    record.queue = emta_store::QueueChange::Rescheduled { due: at(9), attempts: u32::MAX };
    store.record_wait(vec![record]).unwrap();
    let row = store.message(id(1)).unwrap().unwrap();
    assert_eq!((row.attempts, row.last_attempt), (u32::MAX, Some(last)));
}

#[test]
fn the_log_is_copied_into_the_database_while_groups_go_on() {
    let (dir, store) = on_disk(Options { durability: Durability::None, ..Options::default() });
    let database = || fs::metadata(dir.path().join("emta.sqlite3")).unwrap().len();
    let before = database();
    // The log is copied after some hundreds of groups.
    let groups = (0..5_000).find(|n| {
        fill(&store, *n..*n + 1);
        n % 50 == 0 && database() > before
    });
    assert!(groups.is_some(), "the database is still {before} octets long");
}
