//! Values that are written as one word: `84h`, `20MiB`, `127.0.0.1:1025`, `frozen`.

use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::time::Duration;

use emta_mail::{Domain, EmailAddress, duration};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// A value that is written as one word, and read back from what it writes.
pub(super) trait Scalar: Sized {
    /// Reads the word; the error says what was found and what was expected.
    fn read(word: &str) -> Result<Self, String>;
    /// Writes it.
    fn write(&self) -> String;
}

/// A [`Scalar`] in a serde shape.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Written<T>(pub(super) T);

impl<T: Scalar> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.write())
    }
}

impl<'de, T: Scalar> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Word(PhantomData)).map(Self)
    }
}

struct Word<T>(PhantomData<T>);

impl<T: Scalar> Visitor<'_> for Word<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one word")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<T, E> {
        T::read(word).map_err(E::custom)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }
}

impl Scalar for Duration {
    fn read(word: &str) -> Result<Self, String> {
        duration::parse(word).map_err(|error| error.to_string())
    }
    fn write(&self) -> String {
        duration::format(*self)
    }
}

impl Scalar for SocketAddr {
    fn read(word: &str) -> Result<Self, String> {
        let fail = |_| {
            format!(
                "`{word}` is not a socket address; expected address and port, such as `127.0.0.1:1025` or \
                 `[::1]:0`"
            )
        };
        word.parse().map_err(fail)
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

impl Scalar for Domain {
    fn read(word: &str) -> Result<Self, String> {
        Self::parse(word).map_err(|error| error.to_string())
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

impl Scalar for EmailAddress {
    fn read(word: &str) -> Result<Self, String> {
        Self::parse(word).map_err(|error| error.to_string())
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

/// A number of octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Size(pub(super) u64);

/// Units of sizes, the largest first, so that the largest that fits is written.
const UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("B", 1),
];

impl Scalar for Size {
    fn read(word: &str) -> Result<Self, String> {
        let fail = || {
            format!(
                "`{word}` is not a size; expected a number of octets, or a number and unit, such as `20MiB` \
                 (units: B, KB, KiB, MB, MiB, GB, GiB)"
            )
        };
        let text = word.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).ok_or_else(fail)?;
        let number: u64 = number.parse().map_err(|_| fail())?;
        let unit = match unit.trim_start() {
            "" => 1,
            name => UNITS.iter().find(|(unit, _)| unit.eq_ignore_ascii_case(name)).ok_or_else(fail)?.1,
        };
        number.checked_mul(unit).map(Self).ok_or_else(fail)
    }

    fn write(&self) -> String {
        let fits = |(_, size): &&(&str, u64)| self.0.is_multiple_of(*size) && self.0 > 0;
        let (unit, size) = UNITS.iter().find(fits).unwrap_or(&("B", 1));
        format!("{}{unit}", self.0 / size)
    }
}

/// Whole numbers: only for messages about ranges; shapes hold them as they are.
macro_rules! numbers {
    ($($kind:ty),*) => {
        $(impl Scalar for $kind {
            fn read(word: &str) -> Result<Self, String> {
                word.parse().map_err(|_| format!("`{word}` is not a whole number"))
            }
            fn write(&self) -> String {
                self.to_string()
            }
        })*
    };
}
numbers!(u16, u32, u64, usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: Scalar + PartialEq + fmt::Debug>(word: &str, value: T, written: &str) {
        assert_eq!(T::read(word).as_ref(), Ok(&value));
        assert_eq!(value.write(), written);
        assert_eq!(T::read(written), Ok(value));
    }

    #[test]
    fn reads_back_what_it_writes() {
        check("84h", Duration::from_hours(84), "3d12h");
        check("127.0.0.1:0", SocketAddr::from(([127, 0, 0, 1], 0)), "127.0.0.1:0");
        check("20MiB", Size(20 << 20), "20MiB");
        check("20 mb", Size(20_000_000), "20MB");
        check("1536", Size(1536), "1536B");
        check("0", Size(0), "0B");
        check("3KiB", Size(3072), "3KiB");
    }

    #[test]
    fn refuses_with_an_example() {
        for word in ["", "MiB", "20 XB", "1.5MiB", "-1", "99999999999GiB", "20é"] {
            let error = Size::read(word).unwrap_err();
            assert!(error.starts_with(&format!("`{word}` is not a size; expected")), "{error}");
        }
        let error = SocketAddr::read("localhost:1025").unwrap_err();
        assert_eq!(
            error,
            "`localhost:1025` is not a socket address; expected address and port, such as `127.0.0.1:1025` or \
             `[::1]:0`"
        );
    }
}
