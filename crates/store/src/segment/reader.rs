//! Reading bodies back.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::{Disk, DiskFile, HEADER, Placement, header, path};
use crate::error::StoreError;
use crate::store::MAX_BODY;

/// How many segments are kept open for reading.
pub(super) const OPEN_SEGMENTS: usize = 32;

/// Reads bodies, and removes segments that nobody needs.
pub(crate) struct Reader {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    open: Mutex<HashMap<u32, Arc<dyn DiskFile>>>,
}

impl Reader {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: &Path) -> Self {
        Self { disk, dir: dir.to_owned(), open: Mutex::new(HashMap::new()) }
    }

    /// The body at this place; `None` if its segment is gone.
    pub(crate) fn read(&self, place: Placement) -> Result<Option<Bytes>, StoreError> {
        let damaged = |found: String| {
            let at = format!("segment {:08}, offset {}", place.segment, place.offset);
            Err(StoreError::corrupt(at, found, "the record that the row points at"))
        };
        if place.length as usize > MAX_BODY {
            return damaged(format!("a length of {} octets", place.length));
        }
        let Some(file) = self.file(place.segment)? else { return Ok(None) };
        let mut record = vec![0; HEADER + place.length as usize];
        match file.read_exact_at(&mut record, place.offset) {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => {
                return damaged("the end of the file".to_owned());
            }
            Err(e) => return Err(StoreError::io("reading a body", &e)),
        }
        let mut body = Bytes::from(record);
        let found = body.split_to(HEADER);
        let id = found.last_chunk().map_or(0, |id| u64::from_le_bytes(*id));
        if found[..] != header(id, &body) {
            return damaged("another length or checksum".to_owned());
        }
        Ok(Some(body))
    }

    /// Removes the file of a segment to which no row points any more. That it may fail is no harm: the next start tries
    /// again.
    pub(crate) fn remove(&self, segment: u32) {
        self.files().remove(&segment);
        let _ = self.disk.remove(&path(&self.dir, segment));
    }

    /// Removes files of segments for which `keep` says no: released ones, and those of groups that were never committed.
    pub(crate) fn sweep(&self, keep: impl Fn(u32) -> bool) -> Result<(), StoreError> {
        let fail = |e: &std::io::Error| StoreError::io("listing body segments", e);
        for name in self.disk.list(&self.dir).map_err(|e| fail(&e))? {
            let number = name.to_str().and_then(|name| name.strip_suffix(".seg")?.parse().ok());
            if let Some(segment) = number.filter(|segment| !keep(*segment)) {
                self.remove(segment);
            }
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn open_segments(&self) -> usize {
        self.files().len()
    }

    fn file(&self, segment: u32) -> Result<Option<Arc<dyn DiskFile>>, StoreError> {
        if let Some(file) = self.files().get(&segment) {
            return Ok(Some(Arc::clone(file)));
        }
        match self.disk.open(&path(&self.dir, segment)) {
            Ok(file) => {
                let mut open = self.files();
                if open.len() >= OPEN_SEGMENTS {
                    open.clear();
                }
                open.insert(segment, Arc::clone(&file));
                Ok(Some(file))
            }
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StoreError::io("opening a body segment", &e)),
        }
    }

    fn files(&self) -> std::sync::MutexGuard<'_, HashMap<u32, Arc<dyn DiskFile>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
