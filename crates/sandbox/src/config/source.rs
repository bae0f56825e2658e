//! Where each value came from: a flag, a variable, the file, or nowhere (the default).

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::overrides::Override;
use super::scalar::Scalar;
use super::yaml::{self, MAX_FILE, Spot};

/// The layers that a configuration was put together from, for errors that point to the right one.
pub(super) struct Source {
    /// Name of the main file as errors show it, and its text; `None` where there is no file.
    pub(super) file: Option<TextFile>,
    /// In the order of application: the last one that covers a path has set it.
    pub(super) overrides: Vec<Override>,
}

/// A text file of the configuration, with the name that errors show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFile {
    /// Its path as it was given, or `(shipped) providers/...` for one that is part of the program.
    pub name: String,
    /// Its content.
    pub text: String,
}

impl TextFile {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is larger than [`MAX_FILE`], or is not UTF-8.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let cannot = |error: &io::Error| ConfigError::of(&name, format!("cannot be read: {}", reason(error)));
        let size = fs::metadata(path).map_err(|error| cannot(&error))?.len();
        if size > MAX_FILE as u64 {
            return Err(ConfigError::of(
                &name,
                format!("the file has {size} octets, expected at most {MAX_FILE}"),
            ));
        }
        let bytes = fs::read(path).map_err(|error| cannot(&error))?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { name, text }),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let before = text.get(..valid).unwrap_or_default();
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
                Err(ConfigError::at_line(&name, &text, line, column, "not UTF-8, expected text in UTF-8"))
            }
        }
    }
}

/// A system's error in words without its number.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

impl Source {
    /// The flag or variable that has set this path or a part above it.
    pub(super) fn override_of(&self, path: &[&str]) -> Option<&Override> {
        let covers = |set: &&Override| {
            let mut wanted = path.iter();
            set.path.split('.').all(|part| wanted.next() == Some(&part))
        };
        self.overrides.iter().rev().find(covers)
    }

    /// Of several paths whose values do not fit together, the one to blame: what the last flag or variable
    /// has set, else the first that is in the file, else the first.
    pub(super) fn culprit<'a>(&self, paths: &'a [Vec<&'a str>]) -> &'a [&'a str] {
        let position = |path: &[&str]| {
            let set = self.override_of(path)?;
            self.overrides.iter().rposition(|other| other == set)
        };
        let set = paths.iter().filter_map(|path| Some((position(path)?, path))).max_by_key(|(at, _)| *at);
        let in_file =
            |path: &&Vec<&str>| self.file.as_ref().is_some_and(|file| yaml::contains(&file.text, path));
        let blamed = set.map(|(_, path)| path).or_else(|| paths.iter().find(in_file)).or(paths.first());
        blamed.map_or(&[], Vec::as_slice)
    }

    /// An error about the value at `path`.
    pub(super) fn error(&self, path: &[&str], message: impl Into<String>) -> ConfigError {
        self.error_at(path, Spot::Value, message)
    }

    /// An error about the key at `path`.
    pub(super) fn error_at_key(&self, path: &[&str], message: impl Into<String>) -> ConfigError {
        self.error_at(path, Spot::Key, message)
    }

    fn error_at(&self, path: &[&str], spot: Spot, message: impl Into<String>) -> ConfigError {
        match (self.override_of(path), &self.file) {
            (Some(set), _) => ConfigError::of(&set.origin, message),
            (None, Some(TextFile { name, text })) => match spot {
                Spot::Key => ConfigError::at(name, text, path, message, None),
                Spot::Value => ConfigError::at_value(name, text, path, message, None),
            },
            (None, None) => ConfigError::of(format!("default of `{}`", path.join(".")), message),
        }
    }

    /// The value, if it lies between two others.
    pub(super) fn within<T: Scalar + PartialOrd>(
        &self,
        path: &[&str],
        value: T,
        bounds: RangeInclusive<T>,
    ) -> Result<T, ConfigError> {
        if bounds.contains(&value) {
            return Ok(value);
        }
        let (least, most) = (bounds.start().write(), bounds.end().write());
        let message = format!("`{}` is out of range, expected {least} to {most}", value.write());
        Err(self.error(path, message))
    }

    /// A path written at `path`: relative to the folder of the main file where it stands in the file, to the
    /// working directory where a flag or a variable gave it.
    pub(super) fn resolve(&self, path: &[&str], written: &str) -> PathBuf {
        let folder = match (self.override_of(path), &self.file) {
            (None, Some(file)) => Path::new(&file.name).parent().unwrap_or(Path::new("")),
            (Some(_), _) | (None, None) => Path::new(""),
        };
        folder.join(written)
    }

    /// Where a value that is not the default came from, as `effective` shows it.
    pub(super) fn origin(&self, path: &[&str]) -> Option<String> {
        if let Some(set) = self.override_of(path) {
            return Some(set.origin.clone());
        }
        let file = self.file.as_ref()?;
        let (line, _) = yaml::locate(&file.text, path, Spot::Value)?;
        Some(format!("{}:{line}", file.name))
    }
}
