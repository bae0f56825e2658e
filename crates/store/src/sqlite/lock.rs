//! One process a directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use crate::error::StoreError;

/// Held while the store is open; the operating system frees it however the process ends.
pub(super) struct DirLock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl DirLock {
    /// Takes the lock of a directory, and writes down who has it.
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        let fail = |e: &std::io::Error| StoreError::io("locking the directory of the store", e);
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(dir.join("lock"));
        let mut file = file.map_err(|e| fail(&e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Only for the message; the name is short.
                let _ = file.take(100).read_to_string(&mut holder);
                let holder = holder.trim();
                let holder = if holder.is_empty() { "another process" } else { holder }.to_owned();
                return Err(StoreError::Locked { dir: dir.to_owned(), holder });
            }
            Err(TryLockError::Error(e)) => return Err(fail(&e)),
        }
        file.set_len(0).map_err(|e| fail(&e))?;
        writeln!(file, "process {}", std::process::id()).map_err(|e| fail(&e))?;
        Ok(Self(file))
    }
}
