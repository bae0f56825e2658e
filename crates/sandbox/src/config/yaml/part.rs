//! One part of a document, read as if nothing else were in it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    self, Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};

use super::translate;
use crate::config::error::ConfigError;

/// The value at a path, keys as they are written and items of lists by their number from 0; `None` where there is none.
/// What is wrong elsewhere does not matter, as long as it is YAML; `file` is the name that errors carry.
pub(crate) fn part<T: DeserializeOwned>(
    file: &str,
    text: &str,
    path: &[&str],
) -> Result<Option<T>, ConfigError> {
    let seek = Seek { path, found: PhantomData };
    seek.deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| translate(file, text, &error))
}

struct Seek<'a, T> {
    /// What is left of the path.
    path: &'a [&'a str],
    found: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Seek<'_, T> {
    type Value = Option<T>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        if self.path.is_empty() {
            T::deserialize(deserializer).map(Some)
        } else {
            deserializer.deserialize_any(self)
        }
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Seek<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    scalars! {
        visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_i128: i128, visit_u128: u128, visit_f64: f64,
        visit_str: &str; self, value => { let _ = value; Ok(None) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Option<T>, A::Error> {
        let Some((first, rest)) = self.path.split_first() else { return Ok(None) };
        let wanted: Option<usize> = first.parse().ok();
        let mut found = None;
        for index in 0.. {
            let more = if wanted == Some(index) {
                let item = items.next_element_seed(Self { path: rest, ..self })?;
                item.map(|item| found = item)
            } else {
                items.next_element::<IgnoredAny>()?.map(drop)
            };
            if more.is_none() {
                break;
            }
        }
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Option<T>, A::Error> {
        let Some((first, rest)) = self.path.split_first() else { return Ok(None) };
        let mut found = None;
        while let Some(key) = entries.next_key::<Key>()? {
            if key.0 == *first {
                found = entries.next_value_seed(Self { path: rest, ..self })?;
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// A key as it is written.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    scalars! {
        visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_i128: i128, visit_u128: u128, visit_f64: f64,
        visit_str: &str; self, value => Ok(Key(value.to_string()))
    }
}
