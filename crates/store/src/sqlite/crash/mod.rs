//! The writer on a disk that fails, tears, forgets and is full, ended at any of its boundaries.
//!
//! A seed is a story: groups of random writes, some of which meet a fault, until the power goes. What then lies on the
//! disk is opened and held against a store in memory that was given what was acknowledged. They must tell the same,
//! word for word: nothing that was acknowledged is lost, nothing is invented, and the group that was under way is
//! there as a whole or not at all. The story goes on from there to a second crash, and after that to a good end.
//!
//! The segments lie on a [`FaultyDisk`]. SQLite writes to real files; what a crash leaves of them is made from the
//! sectors that were durable and a random choice of those that were not.

mod faulty_disk;
mod program;

use std::fs;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use tempfile::TempDir;

use super::*;
use crate::backend::{Backend, Write};
use crate::fault::Step;
use crate::memory::Memory;
use faulty_disk::{DiskFault, FaultyDisk, mix};
use program::{Dice, Plan, told};

/// Seeds of each of the tests below, which run side by side.
const SEEDS: u64 = 256;

#[test]
fn first_seeds() {
    stories(0);
}

#[test]
fn second_seeds() {
    stories(1);
}

#[test]
fn third_seeds() {
    stories(2);
}

#[test]
fn fourth_seeds() {
    stories(3);
}

fn stories(part: u64) {
    for seed in part * SEEDS..(part + 1) * SEEDS {
        let told = std::panic::catch_unwind(|| story(seed));
        assert!(told.is_ok(), "seed {seed}: see above; `story({seed})` tells it again");
    }
}

fn story(seed: u64) {
    let mut dice = Dice::new(seed);
    let mut history = Vec::new();
    let mut ground = Ground { dir: template(), disk: Arc::new(FaultyDisk::default()) };
    for _ in 0..2 {
        ground = life(&mut dice, ground, &mut history);
    }
    let mut life = Life::begin(ground);
    assert_eq!(told(&life.store), told(&replayed(&history)));
    for _ in 0..2 {
        let group = dice.group(history.len());
        let outcomes = life.write(&group);
        assert!(outcomes.iter().zip(&group).all(|(outcome, plan)| plan.may_come_to(outcome)), "{outcomes:?}");
        history.extend(group);
    }
    assert_eq!(told(&life.store), told(&replayed(&history)));
}

/// What is on the disk.
struct Ground {
    dir: TempDir,
    disk: Arc<FaultyDisk>,
}

/// Writes until the power goes. Returns what is on the disk then, when it was held against the history, which gets
/// what was kept.
fn life(dice: &mut Dice, ground: Ground, history: &mut Vec<Plan>) -> Ground {
    let mut life = Life::begin(ground);
    for _ in 0..dice.below(5) {
        let group = dice.group(history.len());
        let fault = Fault::draw(dice);
        let outcomes = life.write_with(&group, fault, dice);
        for (plan, outcome) in group.into_iter().zip(outcomes) {
            assert!(plan.may_come_to(&outcome) || fault.explains(&outcome), "{fault:?}: {outcome}");
            if plan.may_come_to(&outcome) {
                history.push(plan);
            }
        }
        if dice.one_in(4) {
            life.checkpoint();
        }
    }
    if dice.one_in(4) {
        assert_eq!(told(&life.store), told(&replayed(history)), "before the crash");
    }
    let group = dice.group(history.len());
    let (ground, may_be_there) = life.crash(&group, dice);

    let with: Vec<Plan> = history.iter().cloned().chain(group).collect();
    let (without, with_it) = (told(&replayed(history)), told(&replayed(&with)));
    let (store, writer) = Life::open(&ground);
    let found = told(&store);
    // The writer last: closing the last connection writes the log into the database, and this one does not sync.
    drop(store);
    drop(writer);
    match may_be_there {
        Kept::No => assert_eq!(found, without),
        Kept::Yes => assert_eq!(found, with_it),
        Kept::Perhaps if found == with_it => {}
        Kept::Perhaps => assert_eq!(found, without),
    }
    if found == with_it {
        *history = with;
    }
    ground
}

/// Whether the group under way is there after the crash.
#[derive(Clone, Copy, Debug)]
enum Kept {
    No,
    Perhaps,
    Yes,
}

/// What a group meets.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    Segment(DiskFault),
    At(Step),
    FullDatabase,
}

impl Fault {
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(12) {
            0 => Self::Segment(DiskFault::Full),
            1 => Self::Segment(DiskFault::Torn),
            2 => Self::Segment(DiskFault::SyncFails),
            3 => Self::At(Step::Begun),
            4 => Self::At(Step::BodiesWritten),
            5 => Self::At(Step::BodiesSynced),
            6 => Self::At(Step::RowsWritten),
            7 => Self::FullDatabase,
            _ => Self::None,
        }
    }

    /// Whether this is how the fault shows.
    fn explains(self, outcome: &str) -> bool {
        match self {
            Self::None => false,
            Self::Segment(DiskFault::Full) | Self::FullDatabase => outcome.starts_with("Err(Full"),
            Self::Segment(DiskFault::Torn | DiskFault::SyncFails) | Self::At(_) => {
                outcome.starts_with("Err(Io")
            }
        }
    }
}

/// From opening to the crash.
struct Life {
    store: Sqlite,
    writer: GroupWriter,
    ground: Ground,
}

impl Life {
    fn begin(ground: Ground) -> Self {
        let (store, writer) = Self::open(&ground);
        Self { store, writer, ground }
    }

    fn open(ground: &Ground) -> (Sqlite, GroupWriter) {
        let options = Options { segment_size: 700, body_cache: 6_000, ..Options::default() };
        let disk = Arc::clone(&ground.disk) as Arc<dyn Disk>;
        let (store, writer) = Sqlite::recover(ground.dir.path(), options, disk).unwrap();
        // The crashes are simulated: real syncs would only take time.
        writer.connection().pragma_update(None, "synchronous", "OFF").unwrap();
        writer.connection().pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        (store, writer)
    }

    /// Writes a group and says what its callbacks were told.
    fn write(&mut self, group: &[Plan]) -> Vec<String> {
        let (writes, answers): (Vec<Write>, Vec<Receiver<String>>) = group.iter().map(Plan::write).unzip();
        self.writer.write(writes);
        answers.iter().map(|answer| answer.recv().unwrap()).collect()
    }

    fn write_with(&mut self, group: &[Plan], fault: Fault, dice: &mut Dice) -> Vec<String> {
        match fault {
            Fault::None => {}
            Fault::Segment(fault) => self.ground.disk.fail(fault, dice.next()),
            Fault::At(step) => self.store.shared.faults.set_hook(Some(Box::new(move |reached| {
                let detail = format!("simulated at {reached:?}");
                if reached == step {
                    Err(StoreError::Io { what: "writing".to_owned(), detail })
                } else {
                    Ok(())
                }
            }))),
            Fault::FullDatabase => self.limit_pages(self.pages() + dice.below(2) as i64),
        }
        let outcomes = self.write(group);
        self.ground.disk.heal();
        self.store.shared.faults.set_hook(None);
        self.limit_pages(i64::from(i32::MAX));
        outcomes
    }

    fn pages(&self) -> i64 {
        self.writer.connection().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap()
    }

    fn limit_pages(&self, pages: i64) {
        let connection = self.writer.connection();
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    }

    fn checkpoint(&self) {
        self.writer.connection().query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();
    }

    /// Begins to write a group, and cuts the power somewhere.
    fn crash(mut self, group: &[Plan], dice: &mut Dice) -> (Ground, Kept) {
        let before = Files::of(self.ground.dir.path());
        let choice = dice.below(8);
        if choice == 0 {
            // While what was committed is copied into the database. The log is whole, whatever became of that.
            self.checkpoint();
            let after = Files::of(self.ground.dir.path());
            let database = mix(&before.database, &after.database, dice.next());
            let ground = Files { database, log: before.log }.ground(self.ground.disk.crashed(dice.next()));
            return (ground, Kept::No);
        }
        let (step, kept) = match choice {
            1 => (Step::Begun, Kept::No),
            2 => (Step::BodiesWritten, Kept::No),
            3 => (Step::BodiesSynced, Kept::No),
            4 => (Step::RowsWritten, Kept::No),
            // The log is being synced: any of its new sectors may be there.
            5 | 6 => (Step::Committed, Kept::Perhaps),
            _ => (Step::Committed, Kept::Yes),
        };
        let seed = dice.next();
        let image = Arc::new(Mutex::new(None));
        let (dir, disk, taken) =
            (self.ground.dir.path().to_owned(), Arc::clone(&self.ground.disk), Arc::clone(&image));
        self.store.shared.faults.set_hook(Some(Box::new(move |reached| {
            if reached == step {
                let now = Files::of(&dir);
                let log = if matches!(kept, Kept::Yes) { now.log } else { mix(&before.log, &now.log, seed) };
                let files = Files { database: before.database.clone(), log };
                taken.lock().unwrap().get_or_insert_with(|| files.ground(disk.crashed(seed)));
            }
            Ok(())
        })));
        self.write(group);
        self.store.shared.faults.set_hook(None);
        // Each group has an acceptance, which no store refuses, and so comes to every step.
        let image = image.lock().unwrap().take().unwrap();
        (image, kept)
    }
}

/// The files of SQLite.
struct Files {
    database: Vec<u8>,
    log: Vec<u8>,
}

impl Files {
    fn of(dir: &Path) -> Self {
        let log = fs::read(dir.join("emta.sqlite3-wal")).unwrap_or_default();
        Self { database: fs::read(dir.join("emta.sqlite3")).unwrap(), log }
    }

    fn ground(&self, disk: FaultyDisk) -> Ground {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("emta.sqlite3"), &self.database).unwrap();
        fs::write(dir.path().join("emta.sqlite3-wal"), &self.log).unwrap();
        Ground { dir, disk: Arc::new(disk) }
    }
}

/// A new directory whose database has its tables already; making them takes longer than a story.
fn template() -> TempDir {
    static EMPTY: OnceLock<Vec<u8>> = OnceLock::new();
    let database = EMPTY.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { durability: Durability::None, ..Options::default() };
        drop(Sqlite::open(dir.path(), options).unwrap());
        fs::read(dir.path().join("emta.sqlite3")).unwrap()
    });
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("emta.sqlite3"), database).unwrap();
    dir
}

/// A store in memory to which all this was written.
fn replayed(history: &[Plan]) -> Memory {
    let memory = Memory::new(Options::default().keep_bodies);
    for plan in history {
        memory.write(plan.write().0);
    }
    memory
}
