//! Which files there are, and what is in them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Largest file, in octets.
const MAX_FILE: u64 = 2 << 30;
/// How deep folders may be nested.
const MAX_DEPTH: usize = 64;

/// Adds the input, or all that is in it, in the order of the names. Links to folders are not followed: they
/// may lead in a circle. `problem` hears of what cannot be looked into.
pub(crate) fn find(input: &Path, found: &mut Vec<PathBuf>, problem: &mut impl FnMut(&Path, &str)) {
    if input.as_os_str() != "-" && input.is_dir() {
        folder(input, MAX_DEPTH, found, problem);
    } else {
        found.push(input.to_owned());
    }
}

fn folder(path: &Path, depth: usize, found: &mut Vec<PathBuf>, problem: &mut impl FnMut(&Path, &str)) {
    if depth == 0 {
        problem(path, &format!("it is nested deeper than {MAX_DEPTH} folders"));
        return;
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

/// Octets of a file, as far as is known before it is read: for progress only.
pub(super) fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// All of a file, or of standard input.
///
/// # Errors
/// Why not, in words.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    read_within(path, MAX_FILE)
}

/// As [`read`], of at most this many octets.
///
/// # Errors
/// Why not, in words.
pub(crate) fn read_within(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    /// Whether somebody has read standard input; there is nothing left for the next one.
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let bytes = if path.as_os_str() == "-" {
        if TAKEN.swap(true, Ordering::Relaxed) {
            return Err("standard input is taken; expected `-` in one place only".to_owned());
        }
        bounded(io::stdin().lock(), limit)
    } else {
        File::open(path).and_then(|file| bounded(file, limit))
    };
    bytes.map_err(|error| error.to_string())
}

fn bounded(mut source: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = source.by_ref().take(limit + 1).read_to_end(&mut bytes)?;
    if read as u64 > limit {
        return Err(io::Error::other(format!("it is larger than the {limit} octets that are allowed")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_up_to_the_bound() {
        assert_eq!(bounded(&b"12345"[..], 5).unwrap(), b"12345");
        assert!(bounded(&b"123456"[..], 5).is_err());
    }

    #[test]
    fn folders_are_searched_in_name_order_up_to_the_bound() {
        let root = tempfile::tempdir().unwrap();
        let add = |name: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        };
        for name in ["b", "a/2", "a/1", "c/d/3"] {
            add(name);
        }
        std::os::unix::fs::symlink(root.path(), root.path().join("c/circle")).unwrap();
        let mut found = Vec::new();
        let mut problems = Vec::new();
        folder(root.path(), 3, &mut found, &mut |path, _| problems.push(path.to_owned()));
        let relative: Vec<_> = found.iter().map(|path| path.strip_prefix(root.path()).unwrap()).collect();
        assert_eq!(relative, ["a/1", "a/2", "b", "c/d/3"].map(Path::new));
        assert!(problems.is_empty());
        folder(root.path(), 2, &mut Vec::new(), &mut |path, _| problems.push(path.to_owned()));
        assert_eq!(problems, [root.path().join("c/d")]);
    }
}
