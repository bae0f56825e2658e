//! What the machine says of time and CPU.

use std::fs;
use std::path::Path;
use std::time::Instant;

use emta_store::Store;

/// Ticks of `/proc/self/stat` in a second; Linux says 100 to every program.
const TICKS: f64 = 100.0;

/// What the columns of [`Meter::stop`] are.
pub(crate) fn headings() {
    println!(
        "{:<44} {:>9} {:>8} {:>8} {:>9} {:>8} {:>8}",
        "", "a second", "CPU us", "writer", "a group", "p50 ms", "p99 ms"
    );
}

/// Measures from its start to its stop.
pub(crate) struct Meter<'s> {
    store: &'s Store,
    groups: u64,
    since: Instant,
    cpu: f64,
    writer: f64,
}

impl<'s> Meter<'s> {
    #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
    pub(crate) fn start(store: &'s Store) -> Self {
        Self { store, groups: store.groups(), since: Instant::now(), cpu: cpu(), writer: writer() }
    }

    /// Prints what so many writes cost.
    pub(crate) fn stop(self, what: &str, writes: u64, mut waits: Vec<f64>) {
        let took = self.since.elapsed().as_secs_f64();
        let writes = writes as f64;
        let each = |seconds: f64| seconds * 1e6 / writes;
        let groups = (self.store.groups() - self.groups) as f64;
        waits.sort_by(f64::total_cmp);
        let wait =
            |share: f64| waits.get((waits.len() as f64 * share) as usize).map_or(0.0, |wait| wait * 1e3);
        println!(
            "{what:<44} {:>9.0} {:>8.1} {:>8.1} {:>9.1} {:>8.2} {:>8.2}",
            writes / took,
            each(cpu() - self.cpu),
            each(writer() - self.writer),
            writes / groups,
            wait(0.5),
            wait(0.99),
        );
    }

    /// Seconds so far.
    pub(crate) fn seconds(&self) -> f64 {
        self.since.elapsed().as_secs_f64()
    }
}

/// CPU of this process so far, user and system, in seconds.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace();
    fields.skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / TICKS
}

/// CPU of the store's own threads so far, in seconds.
fn writer() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let of = |task: std::io::Result<fs::DirEntry>| {
        let task = task.ok()?.path();
        fs::read_to_string(task.join("comm")).ok()?.starts_with("emta-store").then_some(())?;
        let nanoseconds = fs::read_to_string(task.join("schedstat")).ok()?;
        nanoseconds.split_whitespace().next()?.parse::<f64>().ok()
    };
    tasks.filter_map(of).sum::<f64>() / 1e9
}

/// Resident memory of this process in octets.
pub(crate) fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() << 10
}

/// Size of a file in octets.
pub(crate) fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |file| file.len())
}
