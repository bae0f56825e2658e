//! The files of a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_in_name_order_up_to_the_bound() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        for name in ["c", "a/2", "a/b/1"] {
            fs::write(root.path().join(name), "x").unwrap();
        }
        let check = |depth: usize, expected: &[&str], problems: usize| {
            let (mut found, mut told) = (Vec::new(), 0);
            folder(root.path(), depth, &mut found, &mut |_, _| told += 1);
            let expected: Vec<PathBuf> = expected.iter().map(|name| root.path().join(name)).collect();
            assert_eq!((found, told), (expected, problems), "{depth}");
        };
        check(3, &["a/2", "a/b/1", "c"], 0);
        check(2, &["a/2", "c"], 1);
    }
}
