//! Mail addresses and domains as the SMTP envelope carries them (RFC 5321 section 4.1.2).

use std::fmt;
use std::str::FromStr;

/// What was wrong with a written address or domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not `local-part@domain`.
    #[error("`{0}` is not an address; expected `local-part@domain`")]
    Address(String),
    /// Not a domain name or an address literal.
    #[error(
        "`{0}` is not a domain; expected a name such as `news.example` or a literal such as `[192.0.2.1]`"
    )]
    Domain(String),
    /// Longer than the limit.
    #[error("an address of {length} octets is longer than the {limit} that are allowed", limit = EmailAddress::MAX_LEN)]
    TooLong {
        /// Its length in octets.
        length: usize,
    },
}

/// A domain name in lower case, or an address literal in brackets; at most 255 octets.
///
/// Names may hold letters, digits, `-`, `_` and, for internationalised mail (RFC 6531), any character beyond ASCII
/// that is not white space or a control character.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(Box<str>);

impl Domain {
    /// Longest domain, in octets (RFC 5321 section 4.5.3.1.2).
    pub const MAX_LEN: usize = 255;

    /// Reads a domain name (one final dot is dropped) or an address literal.
    ///
    /// # Errors
    /// When it is empty, too long, has an empty label, or has a character that no domain can have.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let fail = || AddressError::Domain(excerpt(text));
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() || name.len() > Self::MAX_LEN {
            return Err(fail());
        }
        if let Some(literal) = name.strip_prefix('[') {
            let inner = literal.strip_suffix(']').ok_or_else(fail)?;
            let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'-');
            if inner.is_empty() || !inner.bytes().all(allowed) {
                return Err(fail());
            }
            return Ok(Self(name.to_ascii_lowercase().into()));
        }
        let label_ok = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(domain_char)
        };
        if !name.split('.').all(label_ok) {
            return Err(fail());
        }
        Ok(Self(name.to_lowercase().into()))
    }

    /// The name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `parent` or lies below it: `mail.example.com` is within `example.com`.
    pub fn is_within(&self, parent: &Self) -> bool {
        self.0.strip_suffix(&*parent.0).is_some_and(|head| head.is_empty() || head.ends_with('.'))
    }
}

fn domain_char(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '-' | '_')
        || (!c.is_ascii() && !c.is_whitespace() && !c.is_control())
}

/// An address of the envelope: a local part, of which the case counts, and a domain.
///
/// Kept as one string in canonical form: quotes around the local part only where it needs them, domain in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress {
    text: Box<str>,
    /// Offset of the `@` that separates local part and domain.
    at: u16,
}

impl EmailAddress {
    /// Longest address, in octets: RFC 5321 asks for 64 + 1 + 255; local parts of tracking addresses are longer than
    /// 64 in practice, so only the sum is limited.
    pub const MAX_LEN: usize = 320;

    /// Reads `local-part@domain`, without angle brackets or display name; the local part may be quoted.
    ///
    /// # Errors
    /// When a part is missing, has characters that it cannot have, or the whole is too long.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.len() > Self::MAX_LEN {
            return Err(AddressError::TooLong { length: text.len() });
        }
        if let Some(at) = plain_at(text.as_bytes()) {
            return Ok(Self { text: text.into(), at });
        }
        let fail = || AddressError::Address(excerpt(text));
        let (local, domain) = text.rsplit_once('@').ok_or_else(fail)?;
        let domain = Domain::parse(domain)?;
        let local = match local.strip_prefix('"') {
            Some(quoted) => unquote(quoted.strip_suffix('"').ok_or_else(fail)?).ok_or_else(fail)?,
            None if is_dot_string(local) => local.to_owned(),
            None => return Err(fail()),
        };
        Ok(Self::from_parts(&local, &domain))
    }

    fn from_parts(local: &str, domain: &Domain) -> Self {
        let mut text = String::with_capacity(local.len() + 1 + domain.0.len());
        if is_dot_string(local) {
            text.push_str(local);
        } else {
            text.push('"');
            for c in local.chars() {
                if matches!(c, '"' | '\\') {
                    text.push('\\');
                }
                text.push(c);
            }
            text.push('"');
        }
        let at = text.len() as u16;
        text.push('@');
        text.push_str(&domain.0);
        Self { text: text.into(), at }
    }

    /// The whole address in canonical form.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The local part as it is written, with quotes where it needs them.
    pub fn local_part(&self) -> &str {
        &self.text[..usize::from(self.at)]
    }

    /// The domain, in lower case.
    pub fn domain_str(&self) -> &str {
        &self.text[usize::from(self.at) + 1..]
    }

    /// The domain as a value of its own.
    pub fn domain(&self) -> Domain {
        Domain(self.domain_str().into())
    }
}

/// Offset of the `@` of an address that is in canonical form as it stands, and ASCII: most are. `None` for all others.
fn plain_at(text: &[u8]) -> Option<u16> {
    let at = text.iter().rposition(|byte| *byte == b'@')?;
    let (local, domain) = (text.get(..at)?, text.get(at + 1..)?);
    let atom = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(byte);
    let label = |label: &[u8]| {
        !label.is_empty()
            && !label.starts_with(b"-")
            && !label.ends_with(b"-")
            && label.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    let is_plain = !local.is_empty()
        && local.iter().all(atom)
        && domain.len() <= Domain::MAX_LEN
        && domain.split(|byte| *byte == b'.').all(label);
    is_plain.then(|| u16::try_from(at).ok()).flatten()
}

/// Whether it can stand without quotes: atoms separated by single dots. Dots at odd places are let through, because
/// big providers have such addresses and a relay that refuses them loses mail.
fn is_dot_string(local: &str) -> bool {
    let atom = |c: char| {
        c.is_ascii_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~.".contains(c)
            || (!c.is_ascii() && !c.is_whitespace() && !c.is_control())
    };
    !local.is_empty() && local.chars().all(atom)
}

fn unquote(quoted: &str) -> Option<String> {
    let mut out = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => out.push(chars.next().filter(|c| !c.is_control())?),
            c if c.is_control() => return None,
            c => out.push(c),
        }
    }
    (!out.is_empty()).then_some(out)
}

/// The sender of the envelope: an address, or nothing (`<>`) for mail that must not be answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReversePath {
    /// `<>`: the mail is itself a report (RFC 5321 section 4.5.5).
    Null,
    /// Failures are reported to this address.
    Address(EmailAddress),
}

impl ReversePath {
    /// The address, if there is one.
    pub const fn address(&self) -> Option<&EmailAddress> {
        match self {
            Self::Null => None,
            Self::Address(address) => Some(address),
        }
    }

    /// The address without angle brackets; empty for the null path.
    pub fn as_str(&self) -> &str {
        self.address().map_or("", EmailAddress::as_str)
    }
}

impl FromStr for ReversePath {
    type Err = AddressError;
    /// Reads an address, or an empty text for the null path.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() { Ok(Self::Null) } else { EmailAddress::parse(text).map(Self::Address) }
    }
}

impl FromStr for Domain {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

impl FromStr for EmailAddress {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

macro_rules! text_like {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.as_str())
            }
        }
    };
}
text_like!(Domain);
text_like!(EmailAddress);

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The beginning of a text for an error message; input may be megabytes.
fn excerpt(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_form() {
        for (written, canonical) in [
            ("Ann@Example.COM", "Ann@example.com"),
            ("ann@example.com.", "ann@example.com"),
            (r#""ann"@example.com"#, "ann@example.com"),
            (r#""ann lee"@example.com"#, r#""ann lee"@example.com"#),
            (r#""a\"b@c"@example.com"#, r#""a\"b@c"@example.com"#),
            ("a..b.@docomo.example", "a..b.@docomo.example"),
            ("ann@[IPv6:2001:db8::1]", "ann@[ipv6:2001:db8::1]"),
            ("jürgen@bücher.example", "jürgen@bücher.example"),
        ] {
            let address = EmailAddress::parse(written).unwrap();
            assert_eq!(address.as_str(), canonical);
            assert_eq!(EmailAddress::parse(canonical).unwrap(), address);
            assert_eq!(format!("{}@{}", address.local_part(), address.domain_str()), canonical);
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "a b@example.com",
            "ann@exa mple.com",
            "ann@-x.example",
            "ann@a..b",
            r#""ann@example.com"#,
            "ann\r\n@example.com",
            "<ann@example.com>",
            "ann@[1.2.3.4",
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn length_at_the_bound() {
        let domain = "example.com";
        let fits = format!("{}@{domain}", "a".repeat(EmailAddress::MAX_LEN - 1 - domain.len()));
        assert_eq!(EmailAddress::parse(&fits).unwrap().as_str(), fits);
        assert_eq!(
            EmailAddress::parse(&format!("a{fits}")),
            Err(AddressError::TooLong { length: EmailAddress::MAX_LEN + 1 })
        );
        assert!(Domain::parse(&"a".repeat(Domain::MAX_LEN)).is_ok());
        assert!(Domain::parse(&"a".repeat(Domain::MAX_LEN + 1)).is_err());
    }

    #[test]
    fn within_counts_labels() {
        let within = |a: &str, b: &str| Domain::parse(a).unwrap().is_within(&Domain::parse(b).unwrap());
        assert!(within("example.com", "example.com") && within("mail.Example.com", "example.com"));
        assert!(!within("badexample.com", "example.com") && !within("example.com", "mail.example.com"));
    }
}
