//! The files that the main file names: providers and rules.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::shipped;
use super::source::{Source, TextFile, reason};

/// Most provider files.
pub(super) const MAX_PROVIDER_FILES: usize = 1_000;

/// The provider files, in the order written, those of a folder in the order of their names; the shipped ones
/// where nothing is written.
pub(super) fn providers(written: Option<&[String]>, source: &Source) -> Result<Vec<TextFile>, ConfigError> {
    let Some(written) = written else { return Ok(shipped::providers()) };
    let mut files = Vec::new();
    for (index, name) in written.iter().enumerate() {
        let path = ["providers", &index.to_string()];
        let place = source.resolve(&path, name);
        if place.is_dir() {
            let inside = yaml_files(&place).map_err(|message| source.error(&path, message))?;
            files.extend(inside);
        } else if place.is_file() {
            files.push(place);
        } else {
            let message =
                format!("there is no file or folder `{}`, expected YAML files of providers", place.display());
            return Err(source.error(&path, message));
        }
        if files.len() > MAX_PROVIDER_FILES {
            let message = format!("{} provider files, expected at most {MAX_PROVIDER_FILES}", files.len());
            return Err(source.error(&path, message));
        }
    }
    files.iter().map(|file| TextFile::read(file)).collect()
}

/// A rule file; the shipped one where nothing is written.
pub(super) fn rules(
    written: Option<&str>,
    key: &str,
    shipped: fn() -> TextFile,
    source: &Source,
) -> Result<TextFile, ConfigError> {
    let Some(written) = written else { return Ok(shipped()) };
    let path = ["rules", key];
    let place = source.resolve(&path, written);
    if !place.is_file() {
        let message = format!("there is no file `{}`, expected a YAML file of rules", place.display());
        return Err(source.error(&path, message));
    }
    TextFile::read(&place)
}

fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable =
        |error: &std::io::Error| format!("`{}` cannot be read: {}", folder.display(), reason(error));
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| unreadable(&error))? {
        let path = entry.map_err(|error| unreadable(&error))?.path();
        let yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if yaml && path.is_file() {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(format!("no `*.yaml` file in `{}`, expected at least one", folder.display()));
    }
    files.sort();
    Ok(files)
}
