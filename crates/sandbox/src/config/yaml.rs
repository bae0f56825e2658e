//! YAML text to typed values, with errors that point into the text.
//!
//! The only module that names `serde_yaml` (archived upstream), so that replacing it is one file's work.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::error::{ConfigError, did_you_mean};

/// Longest configuration file, in octets.
pub(crate) const MAX_FILE: usize = 4 * 1024 * 1024;

/// Deepest nesting of lists and mappings.
pub(crate) const MAX_DEPTH: usize = 32;

/// Most brackets open at once, in the whole text.
pub(crate) const MAX_OPEN: usize = 2_000;

/// Most values in one file, counted with every use of an alias, so that a few lines cannot unfold to gigabytes.
pub(crate) const MAX_NODES: usize = 1_000_000;

/// Reads one YAML document; `file` is the name that errors carry.
///
/// # Errors
/// When the text is empty or too large, is not YAML, has several documents or the same key twice in one mapping, is
/// nested too deeply, or is not of the shape that `T` expects.
pub(crate) fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, ConfigError> {
    check(file, text)?;
    serde_yaml::from_str(text).map_err(|error| translate(file, text, &error))
}

/// Everything that can be wrong with a text whatever its shape.
fn check(file: &str, text: &str) -> Result<(), ConfigError> {
    if text.len() > MAX_FILE {
        return Err(ConfigError::of(
            file,
            format!("the file has {} octets, expected at most {MAX_FILE}", text.len()),
        ));
    }
    if let Some((line, column)) = tab_indentation(text) {
        return Err(ConfigError::at_line(file, text, line, column, "a tab in the indentation, expected spaces"));
    }
    if let Some((line, column)) = open_brackets(text) {
        let message = format!("more than {MAX_OPEN} brackets are open, expected them to be closed");
        return Err(ConfigError::at_line(file, text, line, column, message));
    }
    let blank = |line: &str| matches!(line.trim().bytes().next(), None | Some(b'#'));
    if text.lines().all(|line| blank(line) || line.trim_end() == "---") {
        return Err(
            ConfigError::of(file, "the file is empty, expected a mapping of options")
                .hinted("write `{}` to take every default".to_owned()),
        );
    }
    let mut state = Walk { depth: 0, nodes: 0 };
    Check(&mut state)
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .map_err(|error| translate(file, text, &error))
}

/// The first tab that indents; libyaml has no clear words for it.
fn tab_indentation(text: &str) -> Option<(usize, usize)> {
    text.lines().enumerate().find_map(|(number, line)| {
        let content = line.trim_start_matches([' ', '\t']);
        let blank = content.is_empty() || content.starts_with('#');
        let indentation = line.get(..line.len() - content.len()).filter(|_| !blank)?;
        indentation.find('\t').map(|tab| (number + 1, tab + 1))
    })
}

/// Where too many brackets are open at once; libyaml's time grows with their square. Brackets inside of texts count
/// too (nothing here knows YAML's quoting), which is why the limit is far above what a file of rules has.
fn open_brackets(text: &str) -> Option<(usize, usize)> {
    let mut open = 0_usize;
    for (number, line) in text.lines().enumerate() {
        for (column, c) in line.chars().enumerate() {
            match c {
                '[' | '{' => open += 1,
                ']' | '}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open > MAX_OPEN {
                return Some((number + 1, column + 1));
            }
        }
    }
    None
}

/// Counts of a walk through a whole document.
struct Walk {
    depth: usize,
    nodes: usize,
}

/// Visits every value of a document: depth, number, and keys that come twice.
struct Check<'a>(&'a mut Walk);

impl<'de> DeserializeSeed<'de> for Check<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.nodes += 1;
        if self.0.nodes > MAX_NODES {
            return Err(de::Error::custom(format!("more than {MAX_NODES} values, counted with every alias")));
        }
        deserializer.deserialize_any(self)
    }
}

/// Scalars of every kind lead to the same end.
macro_rules! scalars {
    ($($name:ident: $kind:ty),*; $self:ident, $value:ident => $end:expr) => {
        $(fn $name<E: de::Error>($self, $value: $kind) -> Result<Self::Value, E> { $end })*
        fn visit_unit<E: de::Error>($self) -> Result<Self::Value, E> { let $value = "null"; $end }
    };
}

impl<'de> Visitor<'de> for Check<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    scalars! {
        visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_i128: i128, visit_u128: u128, visit_f64: f64,
        visit_str: &str; self, value => { let _ = value; Ok(()) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.0.descend()?;
        while items.next_element_seed(Check(self.0))?.is_some() {}
        self.0.depth -= 1;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.0.descend()?;
        let mut keys = HashSet::new();
        while entries.next_key_seed(Unique(&mut keys))?.is_some() {
            entries.next_value_seed(Check(self.0))?;
        }
        self.0.depth -= 1;
        Ok(())
    }

    fn visit_enum<A: de::EnumAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(de::Error::custom("a YAML tag, expected a plain value"))
    }
}

impl Walk {
    fn descend<E: de::Error>(&mut self) -> Result<(), E> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(E::custom(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(())
    }
}

/// A key, which must be new to the mapping. The error arises while the key is read, so that it points to the key.
struct Unique<'a>(&'a mut HashSet<String>);

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    scalars! {
        visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_i128: i128, visit_u128: u128, visit_f64: f64,
        visit_str: &str; self, value => {
            let key = value.to_string();
            if self.0.contains(&key) {
                return Err(E::custom(format!("the key `{key}` is here for the second time")));
            }
            self.0.insert(key);
            Ok(())
        }
    }
}

/// Which end of a path an error points to.
#[derive(Clone, Copy)]
pub(crate) enum Spot {
    /// The last key.
    Key,
    /// The value behind it.
    Value,
}

/// Line and column (from 1) of a path in a text, or of the longest beginning of the path that is there; `None` where
/// not even the first key is.
///
/// It reads the text again and fails on purpose when the place is reached: the reader knows where it is, and
/// quoting, flow style and aliases are its business.
pub(crate) fn locate(text: &str, path: &[&str], spot: Spot) -> Option<(usize, usize)> {
    for length in (1..=path.len()).rev() {
        let spot = if length == path.len() { spot } else { Spot::Key };
        let seek = Seek { path: path.get(..length)?, spot };
        let found = seek.deserialize(serde_yaml::Deserializer::from_str(text));
        if let Err(error) = found
            && error.to_string().contains(HERE)
        {
            return error.location().map(|place| (place.line(), place.column()));
        }
    }
    None
}

/// Marks the error that means success.
const HERE: &str = "the place that was looked for";

#[derive(Clone, Copy)]
struct Seek<'a> {
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

impl<'de> Visitor<'de> for Key<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    scalars! {
        visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_i128: i128, visit_u128: u128, visit_f64: f64,
        visit_str: &str; self, value => {
            let matches = value.to_string() == self.wanted;
            if matches && self.stop { Err(E::custom(HERE)) } else { Ok(matches) }
        }
    }
}

/// The reader's error in our words.
fn translate(file: &str, text: &str, error: &serde_yaml::Error) -> ConfigError {
    let message = wording(&error.to_string());
    let hint = spelling(&message);
    match error.location() {
        Some(place) => {
            ConfigError::at_line(file, text, place.line(), place.column(), message).hinted(hint)
        }
        None => ConfigError::of(file, message).hinted(hint),
    }
}

/// Drops the positions (we show them ourselves) and the path in front of the message, and says things as YAML's
/// users know them.
fn wording(raw: &str) -> String {
    let mut message = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once(" at line ") {
        message.push_str(before);
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let tail = after.get(digits(after)..).unwrap_or_default();
        let tail = tail.strip_prefix(" column ").unwrap_or(tail);
        rest = tail.get(digits(tail)..).unwrap_or_default();
    }
    message.push_str(rest);
    if let Some((path, after)) = message.split_once(": ")
        && !path.contains([' ', '`'])
    {
        message = after.to_owned();
    }
    if message.starts_with("deserializing from YAML containing more than one document") {
        return "a second document begins (`---`), expected one document in a file".to_owned();
    }
    let mut message = message.replace("unit value", "null");
    if let Some((before, _)) = message.split_once(", expected struct ") {
        message = format!("{before}, expected a mapping");
    }
    message
}

/// The nearest of the expected names, where the message is about a name that is not one of them.
fn spelling(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field `").or_else(|| message.strip_prefix("unknown variant `"))?;
    let (word, expected) = rest.split_once("`, expected ")?;
    did_you_mean(word, expected.split('`').skip(1).step_by(2))
}

#[cfg(test)]
mod tests;
