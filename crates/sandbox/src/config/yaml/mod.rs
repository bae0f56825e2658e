//! YAML text to typed values, with errors that point into the text.
//!
//! The only module that names `serde_yaml` (archived upstream), so that replacing it is one folder's work.

/// Scalars of every kind lead to the same end.
macro_rules! scalars {
    ($($name:ident: $kind:ty),*; $self:ident, $value:ident => $end:expr) => {
        $(fn $name<E: de::Error>($self, $value: $kind) -> Result<Self::Value, E> { $end })*
        fn visit_unit<E: de::Error>($self) -> Result<Self::Value, E> { let $value = "null"; $end }
    };
}

mod check;
mod locate;
mod part;
mod tree;

use serde::de::DeserializeOwned;

pub(crate) use self::check::MAX_FILE;
pub(crate) use self::locate::{Spot, contains, locate};
pub(crate) use self::part::part;
pub(crate) use self::tree::Tree;
use super::error::{ConfigError, did_you_mean};

/// Reads one YAML document; `file` is the name that errors carry.
///
/// # Errors When the text is empty or too large, is not YAML, has several documents or the same key twice in
/// one mapping, is nested too deeply, or is not of the shape that `T` expects.
pub(crate) fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, ConfigError> {
    check::check(file, text)?;
    serde_yaml::from_str(text).map_err(|error| translate(file, text, &error))
}

/// The reader's error in our words.
fn translate(file: &str, text: &str, error: &serde_yaml::Error) -> ConfigError {
    let message = wording(&error.to_string());
    let hint = spelling(&message);
    match error.location() {
        Some(place) => ConfigError::at_line(file, text, place.line(), place.column(), message).hinted(hint),
        None => ConfigError::of(file, message).hinted(hint),
    }
}

/// Drops the positions (we show them ourselves) and the path in front of the message, and says things as
/// YAML's users know them.
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
    if let Some((before, kind)) = message.rsplit_once(", expected ") {
        let plain = match kind {
            "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
            "f64" => "a number",
            kind if kind.starts_with("struct ") => "a mapping",
            kind => kind,
        };
        message = format!("{before}, expected {plain}");
    }
    message
}

/// The nearest of the expected names, where the message is about a name that is not one of them.
fn spelling(message: &str) -> Option<String> {
    let rest =
        message.strip_prefix("unknown field `").or_else(|| message.strip_prefix("unknown variant `"))?;
    let (word, expected) = rest.split_once("`, expected ")?;
    did_you_mean(word, expected.split('`').skip(1).step_by(2))
}

#[cfg(test)]
mod tests;
