//! The disk under the segments: that of the machine, or one of a test that fails, tears and forgets.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Files by name. Errors are those of the operating system.
pub(crate) trait Disk: Send + Sync {
    /// Makes a folder and those above it, unless they are there.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Names of the files of a folder.
    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>>;
    /// Opens a file for reading; one that is not there is [`io::ErrorKind::NotFound`].
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file for writing, and makes it if it is not there; says whether it is new. Its name survives the loss of
    /// power once its folder is synced.
    fn create(&self, path: &Path) -> io::Result<(Arc<dyn DiskFile>, bool)>;
    /// Makes the names of a folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// An open file.
pub(crate) trait DiskFile: Send + Sync {
    /// Its length in octets.
    fn length(&self) -> io::Result<u64>;
    /// Fills the buffer from this offset on; [`io::ErrorKind::UnexpectedEof`] where the file ends before.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of this at an offset. After an error any part of it may be written.
    fn write_all_at(&self, data: &[u8], offset: u64) -> io::Result<()>;
    /// Makes what was written durable. After an error any part of it may be.
    fn sync(&self) -> io::Result<()>;
}

/// The disk of the machine.
pub(crate) struct Machine;

impl Disk for Machine {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(File::open(path)?))
    }

    fn create(&self, path: &Path) -> io::Result<(Arc<dyn DiskFile>, bool)> {
        let is_new = !path.exists();
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        Ok((Arc::new(file), is_new))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

impl DiskFile for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, buffer, offset)
    }

    fn write_all_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, data, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
