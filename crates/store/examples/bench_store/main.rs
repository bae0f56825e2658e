//! How fast the store on disk is: `cargo run --release -p emta-store --example bench_store -- [MESSAGES] [QUEUED]`;
//! `-- fill FOLDER QUEUED` only makes a store with so many queued messages (`scripts/bench/run.py queued`).
//!
//! Callers take turns as SMTP sessions do: each hands in its next write when the last one is durable, so groups are
//! as large as there are callers. `MESSAGES` (default 200000) are accepted with 4 KiB each, and finished; `QUEUED`
//! (default 1000000) are queued, after which the files are opened as a crash leaves them. CPU is that of the whole
//! process, user and system, callers and callbacks included; `writer` is the thread that writes alone.
#![expect(clippy::unwrap_used, reason = "a bench that cannot write has nothing to say")]

mod crash;
mod machine;
mod mail;

use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Instant;

use bytes::Bytes;
use emta_mail::QueueId;
use emta_store::{Durability, Options, Store, StoreError};

use machine::Meter;

/// Octets of a body.
const BODY: usize = 4_096;

type Answer = Result<QueueId, StoreError>;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [fill, folder, queued] = words.as_slice()
        && fill == "fill"
    {
        let store = Store::open(Path::new(folder), Options::default()).unwrap();
        return crash::fill(&store, queued.parse().unwrap());
    }
    let mut numbers = words.iter().map(|word| word.parse::<u64>().unwrap());
    let messages = numbers.next().unwrap_or(200_000);
    let queued = numbers.next().unwrap_or(1_000_000);
    machine::headings();
    for durability in [Durability::Group, Durability::None] {
        for callers in [20, 50] {
            let folder = tempfile::tempdir_in(".").unwrap();
            relay(folder.path(), durability, callers, messages);
        }
    }
    if queued > 0 {
        let folder = tempfile::tempdir_in(".").unwrap();
        crash::reopen(folder.path(), queued);
    }
}

/// Accepts, finishes, and does both at once.
fn relay(folder: &Path, durability: Durability, callers: u64, messages: u64) {
    let store = Store::open(folder, Options { durability, ..Options::default() }).unwrap();
    let body = mail::body(BODY);
    let name = |what| format!("{what}, {callers} callers, {durability:?}");
    let accepted = |store: &Store, number, to: &Sender<Answer>| mail::accept(store, number, &body, to);

    let meter = Meter::start(&store);
    let waits = turns(&store, callers, 0..messages, accepted);
    meter.stop(&name("accept"), messages, waits);
    let meter = Meter::start(&store);
    let waits = turns(&store, callers, 0..messages, mail::finish);
    meter.stop(&name("finish"), messages, waits);
    let meter = Meter::start(&store);
    both(&store, callers, messages..2 * messages, &body);
    meter.stop(&name("accept and finish"), messages, Vec::new());
    drop(store);
    let rows = machine::size(&folder.join("emta.sqlite3"));
    println!("{:<44} {:>9}", "octets of rows a message", rows / (2 * messages));
}

/// Hands in a write for each number, so many at a time; returns the seconds that each took.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn turns(
    store: &Store,
    callers: u64,
    numbers: std::ops::Range<u64>,
    mut write: impl FnMut(&Store, u64, &Sender<Answer>),
) -> Vec<f64> {
    let (to, answers) = mpsc::channel();
    let mut open = 0;
    let first = numbers.start;
    let mut since = Vec::new();
    let mut waits = Vec::new();
    for number in numbers {
        if open == callers {
            let done = answer(&answers).as_u64() - first;
            waits.push(Instant::elapsed(&since[done as usize]).as_secs_f64());
            open -= 1;
        }
        since.push(Instant::now());
        write(store, number, &to);
        open += 1;
    }
    for _ in 0..open {
        answer(&answers);
    }
    waits
}

/// Accepts, and finishes each message as soon as it is accepted, as a relay does whose next hop is quick.
fn both(store: &Store, callers: u64, numbers: std::ops::Range<u64>, body: &Bytes) {
    let (accepted_to, accepted) = mpsc::channel();
    let (finished_to, finished) = mpsc::channel();
    let (mut open, mut finishing) = (0, 0);
    for number in numbers {
        if open == callers {
            let id = answer(&accepted);
            mail::finish(store, id.as_u64(), &finished_to);
            finishing += 1;
            open -= 1;
        }
        mail::accept(store, number, body, &accepted_to);
        open += 1;
    }
    for _ in 0..open {
        mail::finish(store, answer(&accepted).as_u64(), &finished_to);
        finishing += 1;
    }
    for _ in 0..finishing {
        answer(&finished);
    }
}

fn answer(answers: &Receiver<Answer>) -> QueueId {
    answers.recv().unwrap().unwrap()
}
