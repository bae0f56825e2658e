//! The files of a folder, and what is in them.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Largest file, in octets.
const MAX_FILE: u64 = 2 << 30;
/// How deep folders may be nested.
const MAX_DEPTH: usize = 64;

/// Adds all files below a folder in the order of their names. Links to folders are not followed: they may lead in
/// a circle. `problem` hears of what cannot be looked into.
pub(super) fn find(root: &Path, found: &mut Vec<PathBuf>, problem: &mut impl FnMut(&Path, &str)) {
    folder(root, MAX_DEPTH, found, problem);
}

fn folder(path: &Path, depth: usize, found: &mut Vec<PathBuf>, problem: &mut impl FnMut(&Path, &str)) {
    if depth == 0 {
        return problem(path, &format!("it is nested deeper than {MAX_DEPTH} folders"));
    }
    let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => return problem(path, &error.to_string()),
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => folder(&path, depth - 1, found, problem),
            // Pipes and sockets in a folder would be waited for without end.
            Ok(kind) if kind.is_file() || kind.is_symlink() && path.is_file() => found.push(path),
            Ok(_) => {}
            Err(error) => problem(&path, &error.to_string()),
        }
    }
}

/// All of a file, or of standard input where the path is `-`.
///
/// # Errors
/// Where it cannot be read, or has more than 2 GiB.
pub(in crate::rules) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes)?
    } else {
        File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?
    };
    if read as u64 > MAX_FILE {
        return Err(io::Error::other(format!("it is larger than the {MAX_FILE} octets that are allowed")));
    }
    Ok(bytes)
}
