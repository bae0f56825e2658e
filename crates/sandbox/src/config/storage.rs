//! Where and how safely things are kept.

use std::path::PathBuf;
use std::time::Duration;

use emta_store::{Durability, Options};
use serde::{Deserialize, Serialize};

use super::error::ConfigError;
use super::scalar::{Scalar, Written};
use super::source::Source;

/// Where things are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Nowhere: all is gone at the end (`:memory:`).
    Memory,
    /// In this folder.
    Folder(PathBuf),
}

impl Data {
    pub(super) fn check(written: &str, source: &Source) -> Result<Self, ConfigError> {
        match written {
            ":memory:" => Ok(Self::Memory),
            "" => Err(source.error(&["data"], "an empty name, expected a folder or `:memory:`")),
            // Not relative to the main file, which may well lie in `/etc`.
            folder => Ok(Self::Folder(PathBuf::from(folder))),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Shape {
    durability: Written<Durability>,
    keep_bodies: Written<Duration>,
}

impl Default for Shape {
    fn default() -> Self {
        let options = Options::default();
        Self { durability: Written(options.durability), keep_bodies: Written(options.keep_bodies) }
    }
}

impl Shape {
    pub(super) fn check(&self, source: &Source) -> Result<Options, ConfigError> {
        let year = Duration::from_hours(365 * 24);
        Ok(Options {
            durability: self.durability.0,
            keep_bodies: source.within(
                &["storage", "keep_bodies"],
                self.keep_bodies.0,
                Duration::ZERO..=year,
            )?,
            ..Options::default()
        })
    }
}

impl Scalar for Durability {
    fn read(word: &str) -> Result<Self, String> {
        match word {
            "group" => Ok(Self::Group),
            "none" => Ok(Self::None),
            _ => Err(format!("`{word}` is not a durability, expected `group` or `none`")),
        }
    }
    fn write(&self) -> String {
        match self {
            Self::Group => "group".to_owned(),
            Self::None => "none".to_owned(),
        }
    }
}
