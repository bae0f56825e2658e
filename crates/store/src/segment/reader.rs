//! Reading bodies back.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::{HEADER, Placement, header, path};
use crate::error::StoreError;
use crate::store::MAX_BODY;

/// How many segments are kept open for reading.
pub(super) const OPEN_SEGMENTS: usize = 32;

/// Reads bodies, and removes segments that nobody needs.
pub(crate) struct Reader {
    dir: PathBuf,
    open: Mutex<HashMap<u32, Arc<File>>>,
}

impl Reader {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), open: Mutex::new(HashMap::new()) }
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
        let _ = fs::remove_file(path(&self.dir, segment));
    }

    /// Removes files of segments for which `keep` says no: released ones, and those of groups that were never committed.
    pub(crate) fn sweep(&self, keep: impl Fn(u32) -> bool) -> Result<(), StoreError> {
        let fail = |e: &std::io::Error| StoreError::io("listing body segments", e);
        for entry in fs::read_dir(&self.dir).map_err(|e| fail(&e))? {
            let name = entry.map_err(|e| fail(&e))?.file_name();
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

    fn file(&self, segment: u32) -> Result<Option<Arc<File>>, StoreError> {
        if let Some(file) = self.files().get(&segment) {
            return Ok(Some(Arc::clone(file)));
        }
        match File::open(path(&self.dir, segment)) {
            Ok(file) => {
                let file = Arc::new(file);
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

    fn files(&self) -> std::sync::MutexGuard<'_, HashMap<u32, Arc<File>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
