//! The SMTP relay: limits, TLS, authentication.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::ConfigError;
use super::scalar::{Size, Written};
use super::source::Source;

/// Settings of the SMTP relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// Largest message, in octets.
    pub size: u64,
    /// Most recipients of a transaction.
    pub recipients: usize,
    /// Longest command line, in octets with CRLF.
    pub command_line: usize,
    /// Longest line of a message, in octets with CRLF.
    pub text_line: usize,
    /// Most sessions at a time.
    pub sessions: usize,
    /// Errors of protocol that a session may have before it is closed.
    pub errors: u32,
    /// How long a session may be silent, in real time.
    pub timeout: Duration,
    /// Whether STARTTLS is offered.
    pub starttls: bool,
    /// The files of certificate and key (PEM); `None` for a certificate made at the start.
    pub certificate: Option<Certificate>,
    /// Who may relay.
    pub auth: Auth,
}

/// The files of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The chain, PEM.
    pub chain: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// Who may relay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    /// Whether clients must authenticate; with users and without this, they may.
    pub required: bool,
    /// Passwords by user name; empty if authentication is not offered.
    pub users: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Shape {
    size: Written<Size>,
    recipients: usize,
    command_line: usize,
    text_line: usize,
    sessions: usize,
    errors: u32,
    timeout: Written<Duration>,
    starttls: bool,
    certificate: Option<String>,
    key: Option<String>,
    auth: AuthShape,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AuthShape {
    required: bool,
    users: BTreeMap<String, String>,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            size: Written(Size(20 << 20)),
            recipients: 1000,
            command_line: 2048,
            text_line: 4096,
            sessions: 200,
            errors: 20,
            timeout: Written(Duration::from_mins(5)),
            starttls: true,
            certificate: None,
            key: None,
            auth: AuthShape::default(),
        }
    }
}

impl Shape {
    pub(super) fn check(&self, source: &Source) -> Result<Relay, ConfigError> {
        let at = |key| ["relay", key];
        if self.auth.required && self.auth.users.is_empty() {
            return Err(source
                .error(&["relay", "auth", "required"], "nobody could relay, expected at least one of `users`")
                .hinted("write `users: { name: password }` beside it".to_owned()));
        }
        Ok(Relay {
            size: source.within(&at("size"), self.size.0, Size(1 << 10)..=Size(1 << 30))?.0,
            recipients: source.within(&at("recipients"), self.recipients, 1..=100_000)?,
            command_line: source.within(&at("command_line"), self.command_line, 512..=65_536)?,
            text_line: source.within(&at("text_line"), self.text_line, 1_000..=1_048_576)?,
            sessions: source.within(&at("sessions"), self.sessions, 1..=10_000)?,
            errors: source.within(&at("errors"), self.errors, 1..=1_000)?,
            timeout: source.within(
                &at("timeout"),
                self.timeout.0,
                Duration::from_millis(100)..=Duration::from_hours(1),
            )?,
            starttls: self.starttls,
            certificate: self.certificate(source)?,
            auth: Auth { required: self.auth.required, users: self.auth.users.clone() },
        })
    }

    fn certificate(&self, source: &Source) -> Result<Option<Certificate>, ConfigError> {
        let file = |key: &str, written: &str| {
            let path = ["relay", key];
            let file = source.resolve(&path, written);
            if file.is_file() {
                return Ok(file);
            }
            Err(source.error(&path, format!("there is no file `{}`, expected a PEM file", file.display())))
        };
        match (&self.certificate, &self.key) {
            (None, None) => Ok(None),
            (Some(chain), Some(key)) => {
                Ok(Some(Certificate { chain: file("certificate", chain)?, key: file("key", key)? }))
            }
            (Some(_), None) => Err(source
                .error(&["relay", "certificate"], "a certificate without its `key`, expected both or none")),
            (None, Some(_)) => {
                Err(source.error(&["relay", "key"], "a key without its `certificate`, expected both or none"))
            }
        }
    }
}
