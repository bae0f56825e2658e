//! Starting after a crash with a long queue.

use std::fs;
use std::path::Path;

use emta_store::{Options, Store};

use crate::machine::{self, Meter};
use crate::{mail, turns};

/// Queues so many messages.
pub(crate) fn fill(store: &Store, queued: u64) {
    let body = mail::body(100);
    let meter = Meter::start(store);
    let waits = turns(store, 512, 0..queued, |store, number, to| mail::accept(store, number, &body, to));
    meter.stop("queue, 512 callers", queued, waits);
}

/// Queues so many messages, and opens the files as they lie there.
pub(crate) fn reopen(folder: &Path, queued: u64) {
    let (first, image) = (folder.join("first"), folder.join("image"));
    let store = Store::open(&first, Options::default()).unwrap();
    let before = machine::resident();
    fill(&store, queued);
    let memory = machine::resident().saturating_sub(before);
    println!("{:<44} {:>9}", "octets of memory a queued message", memory / queued);

    fs::create_dir_all(image.join("bodies")).unwrap();
    for name in ["emta.sqlite3", "emta.sqlite3-wal"] {
        fs::copy(first.join(name), image.join(name)).unwrap();
    }
    for file in fs::read_dir(first.join("bodies")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), image.join("bodies").join(file.file_name())).unwrap();
    }
    drop(store);
    println!(
        "{:<44} {:>9}",
        "octets of rows a queued message",
        machine::size(&first.join("emta.sqlite3")) / queued
    );

    let before = machine::resident();
    let nothing = Store::memory();
    let meter = Meter::start(&nothing);
    let store = Store::open(&image, Options::default()).unwrap();
    println!("{:<44} {:>9.2} s", format!("open with {queued} queued, after a crash"), meter.seconds());
    let mut rows = 0;
    store.for_each_queued(|_| rows += 1).unwrap();
    assert_eq!(rows, queued);
    println!("{:<44} {:>9.2} s", "open, and show every queued message", meter.seconds());
    let memory = machine::resident().saturating_sub(before);
    println!("{:<44} {:>9}", "octets of memory for that, in all", memory);
}
