//! What a provider is: its domains, its hosts, what it offers, and what happens to the mail that it gets.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::str::FromStr;

use emta_mail::{AddressError, Domain, EmailAddress};

use crate::latency::Latency;
use crate::outcome::Outcome;

/// A simulated mailbox provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderSpec {
    /// Its name in events, configuration and the API.
    pub name: String,
    /// Which recipients' domains it serves.
    pub domains: Vec<DomainPattern>,
    /// The names of its MX hosts; where empty, `mx.<name>.test`.
    pub mx: Vec<Domain>,
    /// The SMTP extensions that it offers.
    pub offers: Offers,
    /// What its greeting says after the code; `None` for the standard greeting.
    pub greeting: Option<String>,
    /// What the MTA is to keep to when it delivers here.
    pub limits: DeliveryLimits,
    /// How long it takes to answer an attempt that names no delay itself.
    pub latency: Latency,
    /// What happens to a message, one drawn for each by weight; where empty, all mail is accepted.
    pub outcomes: Vec<WeightedOutcome>,
    /// What happens to particular recipients' mail; the first exact address wins, then the first pattern.
    pub recipients: Vec<RecipientOutcome>,
    /// Whether recipients such as `bounced@` or `ann+softbounce@` choose their own fate (see
    /// [`crate::sandbox_address`]).
    pub sandbox_addresses: SandboxAddresses,
    /// Where its mail goes instead of to a simulated host: an SMTP server on a loopback address.
    pub route: Option<SocketAddr>,
}

impl ProviderSpec {
    /// A provider of this name that serves these domains and accepts everything.
    pub fn new(name: impl Into<String>, domains: Vec<DomainPattern>) -> Self {
        Self {
            name: name.into(),
            domains,
            mx: Vec::new(),
            offers: Offers::default(),
            greeting: None,
            limits: DeliveryLimits::default(),
            latency: Latency::NONE,
            outcomes: Vec::new(),
            recipients: Vec::new(),
            sandbox_addresses: SandboxAddresses::On,
            route: None,
        }
    }
}

/// Whether addresses can choose their fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SandboxAddresses {
    /// They can.
    On,
    /// `bounced@` is an address like any other.
    Off,
}

/// The SMTP extensions of a provider. DSN is always offered: `ENVID` is how a provider knows a message again, and so
/// how its fate is the same at every step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offers {
    /// STARTTLS.
    pub starttls: bool,
    /// PIPELINING.
    pub pipelining: bool,
    /// 8BITMIME.
    pub eight_bit_mime: bool,
    /// SMTPUTF8.
    pub smtputf8: bool,
    /// CHUNKING.
    pub chunking: bool,
    /// ENHANCEDSTATUSCODES.
    pub enhanced_status_codes: bool,
    /// The largest message that it takes, in octets.
    pub size: u64,
}

impl Default for Offers {
    /// Everything but STARTTLS; 35 MB, as several big providers have it.
    fn default() -> Self {
        Self {
            starttls: false,
            pipelining: true,
            eight_bit_mime: true,
            smtputf8: true,
            chunking: true,
            enhanced_status_codes: true,
            size: 35_882_577,
        }
    }
}

/// What the MTA is to keep to; `None` where its own defaults apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeliveryLimits {
    /// Connections at one time.
    pub connections: Option<NonZeroU32>,
    /// Messages on one connection.
    pub messages_per_connection: Option<NonZeroU32>,
    /// Messages in an hour.
    pub messages_per_hour: Option<NonZeroU32>,
}

/// An outcome and how often it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedOutcome {
    /// Its share among the provider's outcomes, in any unit; 0 for one that only addresses choose.
    pub weight: f64,
    /// Its name; with sandbox addresses on, `<name>@` and `+<name>` choose it.
    pub name: String,
    /// What happens.
    pub outcome: Outcome,
}

/// What happens to the mail of some recipients.
#[derive(Clone, Debug, PartialEq)]
pub struct RecipientOutcome {
    /// Which.
    pub recipient: RecipientPattern,
    /// What.
    pub outcome: Outcome,
}

/// Which recipients' domains are meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DomainPattern {
    /// One domain.
    Exact(Domain),
    /// `*.example.test`: every domain below this one, but not itself.
    Below(Domain),
    /// `*`: every domain that no other pattern has.
    Any,
}

impl FromStr for DomainPattern {
    type Err = AddressError;

    /// Reads `gmail.test`, `*.corp.test` or `*`.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        match text.strip_prefix("*.") {
            Some(parent) => Domain::parse(parent).map(Self::Below),
            None => Domain::parse(text).map(Self::Exact),
        }
    }
}

impl fmt::Display for DomainPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(domain) => write!(f, "{domain}"),
            Self::Below(domain) => write!(f, "*.{domain}"),
            Self::Any => f.write_str("*"),
        }
    }
}

/// Which recipients are meant; case does not count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RecipientPattern {
    /// One address.
    Exact(EmailAddress),
    /// A pattern for the whole address.
    Glob(Glob),
}

/// A pattern in which `*` stands for any characters, none too, and `?` for one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Glob(Box<[char]>);

/// Why a text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pattern of {0} characters; expected 1 to {max}", max = Glob::MAX_LEN)]
pub struct GlobError(usize);

impl Glob {
    /// Longest pattern, in characters.
    pub const MAX_LEN: usize = 320;

    /// Reads a pattern; upper and lower case are the same.
    ///
    /// # Errors
    /// When it is empty or longer than [`Self::MAX_LEN`].
    pub fn parse(text: &str) -> Result<Self, GlobError> {
        let pattern: Box<[char]> = text.to_lowercase().chars().collect();
        if pattern.is_empty() || pattern.len() > Self::MAX_LEN {
            return Err(GlobError(pattern.len()));
        }
        Ok(Self(pattern))
    }

    /// Whether the whole of `text`, already in lower case, fits. Takes at most pattern times text steps.
    pub fn matches(&self, text: &str) -> bool {
        let pattern = &self.0;
        let text: Vec<char> = text.chars().collect();
        let (mut p, mut t) = (0, 0);
        // Where to go on when the characters after the last `*` do not fit: one more character goes to the `*`.
        let mut retry: Option<(usize, usize)> = None;
        while let Some(c) = text.get(t) {
            match pattern.get(p) {
                Some('*') => {
                    retry = Some((p + 1, t));
                    p += 1;
                }
                Some(want) if *want == '?' || want == c => {
                    p += 1;
                    t += 1;
                }
                Some(_) | None => match &mut retry {
                    Some((after_star, taken)) => {
                        *taken += 1;
                        (p, t) = (*after_star, *taken);
                    }
                    None => return false,
                },
            }
        }
        pattern.iter().skip(p).all(|c| *c == '*')
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|c| write!(f, "{c}"))
    }
}

impl FromStr for Glob {
    type Err = GlobError;
    fn from_str(text: &str) -> Result<Self, GlobError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_addresses() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "a@b.test", true),
            ("full-*@gmail.test", "full-1@gmail.test", true),
            ("FULL-*@gmail.test", "full-@gmail.test", true),
            ("full-*@gmail.test", "xfull-1@gmail.test", false),
            ("*+full@*", "ann+b+full@x.test", true),
            ("*+full@*", "ann+fuller@x.test", false),
            ("a?c@x.test", "abc@x.test", true),
            ("a?c@x.test", "ac@x.test", false),
            ("*a*b*", "xxaxxb", true),
            ("*a*b*", "xxbxxa", false),
            ("é?", "éà", true),
        ] {
            assert_eq!(Glob::parse(pattern).unwrap().matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn globs_have_a_length() {
        assert!(Glob::parse(&"a".repeat(320)).is_ok());
        assert_eq!(Glob::parse(&"a".repeat(321)), Err(GlobError(321)));
        assert_eq!(Glob::parse(""), Err(GlobError(0)));
        assert_eq!(Glob::parse("*+A?@x.test").unwrap().to_string(), "*+a?@x.test");
        // The worst case stays quadratic.
        assert!(!Glob::parse(&"*a".repeat(160)).unwrap().matches(&"a".repeat(159)));
    }

    #[test]
    fn domain_patterns_lead_back() {
        for text in ["gmail.test", "*.corp.test", "*"] {
            assert_eq!(text.parse::<DomainPattern>().unwrap().to_string(), text);
        }
        for text in ["", "*.", "a.*.test", "*gmail.test"] {
            assert!(text.parse::<DomainPattern>().is_err(), "{text}");
        }
    }
}
