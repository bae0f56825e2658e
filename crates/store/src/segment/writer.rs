//! Appending to segments.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Disk, DiskFile, HEADER, Placement, header, path};
use crate::error::StoreError;

/// How far ahead of the records a segment is filled with zeros, in octets. The group that fills it waits until that is on
/// disk too: some milliseconds, where a whole segment at once would be a tenth of a second.
const AHEAD: u64 = 1 << 20;
/// How much of a group is collected before it is written, in octets.
const BUFFER: usize = 4 << 20;
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// The end of the records of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// The segment.
    pub(crate) segment: u32,
    /// Offset behind its last record, in octets.
    pub(crate) offset: u64,
}

/// Appends bodies. What was appended counts once [`Writer::sync`] returned; after an error, [`Writer::rewind`] forgets
/// what was not committed and the writer goes on.
pub(crate) struct Writer {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// Size at which a segment is full.
    size: u64,
    /// Whether [`Writer::sync`] waits for the disk.
    durable: bool,
    end: End,
    file: Option<Arc<dyn DiskFile>>,
    /// Length of the file: records, then zeros.
    filled: u64,
    /// Records that are not yet written; they belong at `end.offset - buffer.len()`.
    buffer: Vec<u8>,
}

impl Writer {
    /// Goes on where the committed rows say that the records end.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        size: u64,
        durable: bool,
        end: End,
    ) -> Result<Self, StoreError> {
        disk.create_dir(dir).map_err(|e| StoreError::io("creating the folder of bodies", &e))?;
        Ok(Self { disk, dir: dir.to_owned(), size, durable, end, file: None, filled: 0, buffer: Vec::new() })
    }

    /// Where the records end now.
    pub(crate) const fn end(&self) -> End {
        self.end
    }

    /// Appends a body whose first message has this id. The caller limits its length to less than 4 GiB.
    pub(crate) fn append(&mut self, id: u64, body: &[u8]) -> Result<Placement, StoreError> {
        let length = (HEADER + body.len()) as u64;
        if self.end.offset > 0 && self.end.offset + length > self.size {
            self.sync()?;
            self.file = None;
            self.end = End { segment: self.end.segment.saturating_add(1), offset: 0 };
        }
        let End { segment, offset } = self.end;
        self.buffer.extend_from_slice(&header(id, body));
        self.buffer.extend_from_slice(body);
        self.end.offset += length;
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        Ok(Placement { segment, offset, length: body.len() as u32 })
    }

    /// Makes all that was appended durable.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        self.flush()?;
        if let Some(file) = self.file.as_ref().filter(|_| self.durable) {
            file.sync().map_err(|e| StoreError::io("syncing bodies", &e))?;
        }
        Ok(())
    }

    /// Forgets what was appended behind `end`: its rows were not committed, so its bytes may be overwritten. The pages
    /// of a failed sync are written anew that way, and not taken for durable.
    pub(crate) fn rewind(&mut self, end: End) {
        self.end = end;
        self.buffer.clear();
        self.file = None;
    }

    /// Writes what was collected, which does not make it durable.
    pub(crate) fn flush(&mut self) -> Result<(), StoreError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let start = self.end.offset - self.buffer.len() as u64;
        if self.file.is_none() {
            let (file, filled) = self.open_file()?;
            self.file = Some(file);
            self.filled = filled;
        }
        let Some(file) = &self.file else { return Ok(()) };
        if self.end.offset > self.filled {
            let ahead = self.size.min(self.end.offset.saturating_add(AHEAD)).max(self.end.offset);
            fill(&**file, self.filled, ahead).map_err(|e| StoreError::io("extending a body segment", &e))?;
            self.filled = ahead;
        }
        file.write_all_at(&self.buffer, start).map_err(|e| StoreError::io("writing bodies", &e))?;
        self.buffer.clear();
        Ok(())
    }

    fn open_file(&self) -> Result<(Arc<dyn DiskFile>, u64), StoreError> {
        let fail = |e: &std::io::Error| StoreError::io("opening a body segment", e);
        let (file, is_new) = self.disk.create(&path(&self.dir, self.end.segment)).map_err(|e| fail(&e))?;
        if is_new && self.durable {
            // The name must survive too.
            self.disk.sync_dir(&self.dir).map_err(|e| fail(&e))?;
        }
        let filled = file.length().map_err(|e| fail(&e))?;
        Ok((file, filled))
    }
}

/// Writes zeros from one offset to another.
fn fill(file: &dyn DiskFile, mut from: u64, to: u64) -> std::io::Result<()> {
    while from < to {
        let part = usize::try_from(to - from).unwrap_or(usize::MAX).min(ZEROS.len());
        file.write_all_at(&ZEROS[..part], from)?;
        from += part as u64;
    }
    Ok(())
}
