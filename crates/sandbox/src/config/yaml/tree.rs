//! A document as a tree that values can be put into.

use serde::de::DeserializeOwned;
use serde::ser::Serialize;
use serde_yaml::{Mapping, Value};

use super::translate;
use crate::config::error::ConfigError;

/// A document whose shape is known, as a tree that values can be put into.
#[derive(Clone, PartialEq)]
pub(crate) struct Tree(Value);

impl Tree {
    /// The tree of a value.
    pub(crate) fn of(value: &impl Serialize) -> Self {
        // Our shapes have texts as keys and no infinite numbers: they all have a tree.
        Self(serde_yaml::to_value(value).unwrap_or_default())
    }

    /// The tree of a text, which [`super::parse`] has the same errors for.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        super::parse(file, text).map(Self)
    }

    /// The value of a tree; `origin` is the name that errors carry.
    pub(crate) fn shaped<T: DeserializeOwned>(&self, origin: &str) -> Result<T, ConfigError> {
        serde_yaml::from_value(self.0.clone()).map_err(|error| translate(origin, "", &error))
    }

    /// The part at a path.
    pub(crate) fn get(&self, path: &[&str]) -> Option<Self> {
        path.iter().try_fold(&self.0, |node, key| node.get(*key)).cloned().map(Self)
    }

    /// Puts a part at a path, and mappings on the way where there are none.
    pub(crate) fn set(&mut self, path: &[&str], part: Self) {
        let mut node = &mut self.0;
        for key in path {
            if !node.is_mapping() {
                *node = Value::Mapping(Mapping::new());
            }
            let Value::Mapping(mapping) = node else { return };
            node = mapping.entry(Value::from(*key)).or_insert(Value::Null);
        }
        *node = part.0;
    }

    /// Every path to a value or a mapping of values, keys with dots between them.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        for (key, part) in self.entries() {
            paths.extend(part.paths().into_iter().map(|below| format!("{key}.{below}")));
            paths.push(key);
        }
        paths
    }

    /// Keys and parts of a mapping; nothing for all else.
    pub(crate) fn entries(&self) -> Vec<(String, Self)> {
        let entry = |(key, part): (&Value, &Value)| Some((key.as_str()?.to_owned(), Self(part.clone())));
        self.0.as_mapping().into_iter().flatten().filter_map(entry).collect()
    }

    /// Items of a list; nothing for all else.
    pub(crate) fn items(&self) -> Vec<Self> {
        self.0.as_sequence().into_iter().flatten().cloned().map(Self).collect()
    }

    /// Whether there is nothing (`null`).
    pub(crate) fn is_null(&self) -> bool {
        self.0.is_null()
    }

    /// A value that is no mapping and no list, as YAML on one line.
    pub(crate) fn line(&self) -> String {
        let text = serde_yaml::to_string(&self.0).unwrap_or_default();
        match text.trim_end() {
            text if text.contains('\n') => serde_json::Value::from(self.0.as_str()).to_string(),
            text => text.to_owned(),
        }
    }
}
