//! Where a key stands in a text.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Which end of a path an error points to.
#[derive(Clone, Copy)]
pub(crate) enum Spot {
    /// The last key.
    Key,
    /// The value behind it.
    Value,
}

/// Line and column (from 1) of a path in a text, or of the longest beginning of the path that is there;
/// `None` where not even the first key is. Where `x` stands for the list `[x]`, it is its first item.
///
/// It reads the text again and fails on purpose when the place is reached: the reader knows where it is, and
/// quoting, flow style and aliases are its business.
pub(crate) fn locate(text: &str, path: &[&str], spot: Spot) -> Option<(usize, usize)> {
    let alone = || match path {
        [list @ .., "0"] if !list.is_empty() => find(text, list, spot),
        _ => None,
    };
    let shorter = (1..path.len()).rev().filter_map(|length| path.get(..length));
    find(text, path, spot)
        .or_else(alone)
        .or_else(|| shorter.into_iter().find_map(|path| find(text, path, Spot::Key)))
}

/// Whether a path is there.
pub(crate) fn contains(text: &str, path: &[&str]) -> bool {
    find(text, path, Spot::Key).is_some()
}

fn find(text: &str, path: &[&str], spot: Spot) -> Option<(usize, usize)> {
    let seek = Seek { path, spot };
    let error = seek.deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
    let place = error.location().filter(|_| error.to_string().contains(HERE))?;
    Some((place.line(), place.column()))
}

/// Marks the error that means success.
const HERE: &str = "the place that was looked for";

#[derive(Clone, Copy)]
struct Seek<'a> {
    /// What is left of the path.
    path: &'a [&'a str],
    spot: Spot,
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    scalars! {
        visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_i128: i128, visit_u128: u128, visit_f64: f64,
        visit_str: &str; self, value => {
            let _ = value;
            if self.path.is_empty() { Err(E::custom(HERE)) } else { Ok(()) }
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((first, rest)) = self.path.split_first() else { return Err(de::Error::custom(HERE)) };
        let wanted: Option<usize> = first.parse().ok();
        let mut index = 0;
        loop {
            let more = if wanted == Some(index) {
                items.next_element_seed(Self { path: rest, ..self })?
            } else {
                items.next_element::<de::IgnoredAny>()?.map(|_| ())
            };
            if more.is_none() {
                return Ok(());
            }
            index += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Some((first, rest)) = self.path.split_first() else { return Err(de::Error::custom(HERE)) };
        let stop = rest.is_empty() && matches!(self.spot, Spot::Key);
        while let Some(matches) = entries.next_key_seed(Key { wanted: first, stop })? {
            if matches {
                entries.next_value_seed(Self { path: rest, ..self })?;
            } else {
                entries.next_value::<de::IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Whether a key is the wanted one; if it is and the search stops there, the error.
struct Key<'a> {
    wanted: &'a str,
    stop: bool,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    scalars! {
        visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_i128: i128, visit_u128: u128, visit_f64: f64,
        visit_str: &str; self, value => {
            let key: String = value.to_string();
            let matches = key == self.wanted;
            if matches && self.stop { Err(E::custom(HERE)) } else { Ok(matches) }
        }
    }
}
