//! What can be wrong with a text whatever its shape: size, nesting, aliases, keys that come twice.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::translate;
use crate::config::error::ConfigError;

/// Longest configuration file, in octets.
pub(crate) const MAX_FILE: usize = 4 * 1024 * 1024;

/// Deepest nesting of lists and mappings.
pub(super) const MAX_DEPTH: usize = 32;

/// Most brackets open at once, in the whole text.
pub(super) const MAX_OPEN: usize = 2_000;

/// Most values in one file, counted with every use of an alias, so that a few lines cannot unfold to
/// gigabytes.
pub(super) const MAX_NODES: usize = 1_000_000;

/// Everything that can be wrong with a text whatever its shape.
pub(super) fn check(file: &str, text: &str) -> Result<(), ConfigError> {
    if text.len() > MAX_FILE {
        return Err(ConfigError::of(
            file,
            format!("the file has {} octets, expected at most {MAX_FILE}", text.len()),
        ));
    }
    if let Some((line, column)) = tab_indentation(text) {
        return Err(ConfigError::at_line(
            file,
            text,
            line,
            column,
            "a tab in the indentation, expected spaces",
        ));
    }
    if let Some((line, column)) = open_brackets(text) {
        let message = format!("more than {MAX_OPEN} brackets are open, expected them to be closed");
        return Err(ConfigError::at_line(file, text, line, column, message));
    }
    let blank = |line: &str| matches!(line.trim().bytes().next(), None | Some(b'#'));
    if text.lines().all(|line| blank(line) || line.trim_end() == "---") {
        return Err(ConfigError::of(file, "the file is empty, expected a mapping of options")
            .hinted("write `{}` to take every default".to_owned()));
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

/// Where too many brackets are open at once; libyaml's time grows with their square. Brackets inside of texts
/// count too (nothing here knows YAML's quoting), which is why the limit is far above what a file of rules
/// has.
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

/// A key, which must be new to the mapping. The error arises while the key is read, so that it points to the
/// key.
struct Unique<'a>(&'a mut HashSet<String>);

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Unique<'_> {
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
