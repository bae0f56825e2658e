//! The folder that a simulation writes: events, KPIs by hour, summary and page.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::events::EventSink;
use super::html;
use super::study::Study;
use super::summary::{self, Summary};

const SUMMARY: &str = "summary.json";
const KPIS: &str = "kpis.csv";
const PAGE: &str = "report.html";

/// A folder for the files of one study.
#[derive(Clone, Debug)]
pub struct OutDir {
    path: PathBuf,
}

/// Why files cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OutError {
    /// There is something already.
    #[error(
        "`{}` is not empty; expected an empty folder or one that does not exist\nhint: choose another, or add \
         `--force` to write over what it holds",
        .0.display()
    )]
    NotEmpty(PathBuf),
    /// It is no folder.
    #[error("`{}` is not a folder; expected an empty folder or one that does not exist", .0.display())]
    NotAFolder(PathBuf),
    /// The file system says no.
    #[error("cannot write `{}`: {error}", .path.display())]
    Io {
        /// What was to be written.
        path: PathBuf,
        /// Why it was not.
        error: io::Error,
    },
}

impl OutDir {
    /// Makes the folder. It must be empty or not exist yet; with `force`, what an earlier simulation wrote there is
    /// deleted, so that no old file stands beside new ones, and other files are left.
    ///
    /// # Errors
    /// When there is something else at the path, or the folder cannot be made or read.
    pub fn create(path: &Path, force: bool) -> Result<Self, OutError> {
        let failed = |error| OutError::Io { path: path.to_owned(), error };
        if path.exists() && !path.is_dir() {
            return Err(OutError::NotAFolder(path.to_owned()));
        }
        fs::create_dir_all(path).map_err(failed)?;
        for entry in fs::read_dir(path).map_err(failed)? {
            if !force {
                return Err(OutError::NotEmpty(path.to_owned()));
            }
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_str().is_some_and(is_ours) {
                fs::remove_file(entry.path()).map_err(|error| OutError::Io { path: entry.path(), error })?;
            }
        }
        Ok(Self { path: path.to_owned() })
    }

    /// A sink that writes `events.ndjson`, or `events-LABEL.ndjson` where runs are told apart; with `.gz` where it
    /// compresses.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn events(&self, label: Option<&str>, compress: bool) -> Result<EventSink, OutError> {
        let label = label.map_or_else(String::new, |label| format!("-{label}"));
        let ending = if compress { ".gz" } else { "" };
        let (file, _) = self.file(&format!("events{label}.ndjson{ending}"))?;
        Ok(EventSink::to_writer(Box::new(file), compress))
    }

    /// Writes `summary.json`, `kpis.csv` and `report.html`.
    ///
    /// # Errors
    /// When one of them cannot be written.
    pub fn write(&self, study: &Study<'_>) -> Result<(), OutError> {
        self.with_file(SUMMARY, |out| {
            serde_json::to_writer_pretty(&mut *out, &Summary::new(study))?;
            writeln!(out)
        })?;
        self.with_file(KPIS, |out| summary::write_kpis(study, out))?;
        self.with_file(PAGE, |out| out.write_all(html::page(study).as_bytes()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn file(&self, name: &str) -> Result<(File, PathBuf), OutError> {
        let path = self.path.join(name);
        match File::create(&path) {
            Ok(file) => Ok((file, path)),
            Err(error) => Err(OutError::Io { path, error }),
        }
    }

    fn with_file(
        &self,
        name: &str,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<(), OutError> {
        let (file, path) = self.file(name)?;
        let mut out = BufWriter::new(file);
        write(&mut out).and_then(|()| out.flush()).map_err(|error| OutError::Io { path, error })
    }
}

/// Whether a simulation writes a file of this name.
fn is_ours(name: &str) -> bool {
    let is_events = || {
        let stem = name.strip_suffix(".gz").unwrap_or(name).strip_suffix(".ndjson");
        stem.is_some_and(|stem| stem == "events" || stem.starts_with("events-"))
    };
    [SUMMARY, KPIS, PAGE].contains(&name) || is_events()
}
