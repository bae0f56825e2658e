//! A disk in memory that knows what is durable.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::program::Dice;
use crate::segment::{Disk, DiskFile};

/// What a disk writes as a whole, in octets.
const SECTOR: usize = 512;

/// Files with two contents: what is read back, and what is left when the power goes.
#[derive(Default)]
pub(super) struct FaultyDisk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    files: BTreeMap<PathBuf, Content>,
    fault: Option<(DiskFault, Dice)>,
}

#[derive(Clone, Default)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors that were written since the last sync.
    dirty: BTreeSet<usize>,
    /// Its name is durable.
    is_named: bool,
}

/// How it fails until it is healed.
#[derive(Clone, Copy, Debug)]
pub(super) enum DiskFault {
    /// Writes stop somewhere: there is no more room.
    Full,
    /// Writes stop somewhere.
    Torn,
    /// Syncs fail after some sectors, and the system forgets that the others are not durable.
    SyncFails,
}

impl FaultyDisk {
    pub(super) fn fail(&self, fault: DiskFault, seed: u64) {
        self.state().fault = Some((fault, Dice::new(seed)));
    }

    pub(super) fn heal(&self) {
        self.state().fault = None;
    }

    /// The disk after the power went.
    pub(super) fn crashed(&self, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let mut files = BTreeMap::new();
        for (name, content) in &self.state().files {
            if content.is_named || dice.one_in(2) {
                let now = content.with_some(&mut dice);
                let left = Content { durable: now.clone(), now, dirty: BTreeSet::new(), is_named: true };
                files.insert(name.clone(), left);
            }
        }
        Self(Arc::new(Mutex::new(State { files, fault: None })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Content {
    /// What is durable, with some of the sectors that are not.
    fn with_some(&self, dice: &mut Dice) -> Vec<u8> {
        let mut durable = self.durable.clone();
        let all = dice.one_in(4);
        for sector in &self.dirty {
            if all || dice.one_in(2) {
                take_sector(&mut durable, &self.now, *sector);
            }
        }
        durable
    }

    fn write(&mut self, data: &[u8], offset: usize) {
        let end = offset + data.len();
        if self.now.len() < end {
            self.now.resize(end, 0);
        }
        self.now[offset..end].copy_from_slice(data);
        self.dirty.extend(offset / SECTOR..end.div_ceil(SECTOR));
    }
}

/// Copies one sector, as far as it has one.
fn take_sector(to: &mut Vec<u8>, from: &[u8], sector: usize) {
    let start = (sector * SECTOR).min(from.len());
    let end = (start + SECTOR).min(from.len());
    if to.len() < end {
        to.resize(end, 0);
    }
    to[start..end].copy_from_slice(&from[start..end]);
}

/// A file on its way from one content to another: each sector is of the one or of the other.
pub(super) fn mix(before: &[u8], after: &[u8], seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let mut mixed = before.to_vec();
    // Either all of them, or up to somewhere, or any.
    let sectors = after.len().div_ceil(SECTOR);
    let (all, up_to) = (dice.one_in(3), dice.one_in(2).then(|| dice.below(sectors + 1)));
    for sector in 0..sectors {
        if all || up_to.map_or_else(|| dice.one_in(2), |up_to| sector < up_to) {
            take_sector(&mut mixed, after, sector);
        }
    }
    mixed
}

impl Disk for FaultyDisk {
    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, _dir: &Path) -> io::Result<Vec<OsString>> {
        let state = self.state();
        Ok(state.files.keys().filter_map(|name| name.file_name()).map(Into::into).collect())
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let name = PathBuf::from(path.file_name().unwrap());
        if !self.state().files.contains_key(&name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Arc::new(OpenFile { name, state: Arc::clone(&self.0) }))
    }

    fn create(&self, path: &Path) -> io::Result<(Arc<dyn DiskFile>, bool)> {
        let name = PathBuf::from(path.file_name().unwrap());
        let is_new = !self.state().files.contains_key(&name);
        self.state().files.entry(name).or_default();
        Ok((self.open(path)?, is_new))
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        self.state().files.values_mut().for_each(|content| content.is_named = true);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state().files.remove(Path::new(path.file_name().unwrap()));
        Ok(())
    }
}

struct OpenFile {
    name: PathBuf,
    state: Arc<Mutex<State>>,
}

impl OpenFile {
    /// Does something with the content and the fault.
    fn with<T>(
        &self,
        act: impl FnOnce(&mut Content, &mut Option<(DiskFault, Dice)>) -> io::Result<T>,
    ) -> io::Result<T> {
        let State { files, fault } = &mut *self.state.lock().unwrap();
        act(files.get_mut(&self.name).ok_or(io::ErrorKind::NotFound)?, fault)
    }
}

impl DiskFile for OpenFile {
    fn length(&self) -> io::Result<u64> {
        self.with(|content, _| Ok(content.now.len() as u64))
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.with(|content, _| {
            let start = offset as usize;
            let found = content.now.get(start..start + buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            buffer.copy_from_slice(found);
            Ok(())
        })
    }

    fn write_all_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        self.with(|content, fault| {
            let error = match fault {
                Some((DiskFault::Full, _)) => Some(io::ErrorKind::StorageFull),
                Some((DiskFault::Torn, _)) => Some(io::ErrorKind::Other),
                Some((DiskFault::SyncFails, _)) | None => None,
            };
            let length = match fault {
                Some((_, dice)) if error.is_some() => dice.below(data.len()),
                _ => data.len(),
            };
            content.write(&data[..length], offset as usize);
            error.map_or(Ok(()), |error| Err(error.into()))
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|content, fault| {
            if let Some((DiskFault::SyncFails, dice)) = fault {
                content.durable = content.with_some(dice);
                content.dirty.clear();
                return Err(io::Error::other("simulated failure of a sync"));
            }
            for sector in std::mem::take(&mut content.dirty) {
                take_sector(&mut content.durable, &content.now, sector);
            }
            Ok(())
        })
    }
}
