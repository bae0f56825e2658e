//! The digest that a normalised text is known by ("Message MD5", facts 2.4).

use std::fmt;
use std::str::FromStr;

use md5::{Digest, Md5};

/// The MD5 digest of a normalised text; written as 32 hexadecimal digits. A name, not a protection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageDigest([u8; 16]);

/// What was wrong with a written digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a message digest; expected 32 hexadecimal digits")]
pub struct MessageDigestError(String);

impl MessageDigest {
    /// The digest of a text that is already normalised.
    pub fn of_normalised(text: &str) -> Self {
        Self(Md5::digest(text.as_bytes()).into())
    }
}

impl fmt::Display for MessageDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for MessageDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for MessageDigest {
    type Err = MessageDigestError;
    fn from_str(text: &str) -> Result<Self, MessageDigestError> {
        let hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let number = hex.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        number
            .map(|number| Self(number.to_be_bytes()))
            .ok_or_else(|| MessageDigestError(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_md5_and_leads_back() {
        let digest = MessageDigest::of_normalised("abc");
        assert_eq!(digest.to_string(), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for text in ["", "900150983cd24fb0d6963f7d28e17f7", "+00150983cd24fb0d6963f7d28e17f72"] {
            assert!(text.parse::<MessageDigest>().is_err(), "{text}");
        }
    }
}
