//! Where the program listens.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::error::ConfigError;
use super::scalar::Written;
use super::source::Source;

/// The addresses that the program listens on; port 0 takes any free port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The SMTP relay.
    pub smtp: SocketAddr,
    /// HTTP: API and dashboard.
    pub http: SocketAddr,
    /// POP3, for the bounce mailbox.
    pub pop3: SocketAddr,
    /// SMTP, for mail to the bounce mailbox.
    pub bounce_smtp: SocketAddr,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Shape {
    smtp: Written<SocketAddr>,
    http: Written<SocketAddr>,
    pop3: Written<SocketAddr>,
    bounce_smtp: Written<SocketAddr>,
}

impl Default for Shape {
    fn default() -> Self {
        let loopback = |port| Written(SocketAddr::from(([127, 0, 0, 1], port)));
        Self { smtp: loopback(1025), http: loopback(8025), pop3: loopback(1110), bounce_smtp: loopback(1026) }
    }
}

impl Shape {
    /// The addresses, if they are on loopback or a token keeps strangers out.
    pub(super) fn check(&self, token: Option<&str>, source: &Source) -> Result<Listen, ConfigError> {
        let check = |key: &str, address: &Written<SocketAddr>| {
            let address = address.0;
            if address.ip().is_loopback() || token.is_some() {
                return Ok(address);
            }
            let message = format!(
                "`{address}` can be reached from other machines, expected a loopback address such as \
                 `127.0.0.1` or a `token`"
            );
            let hint = "set `token` to a secret, and give it to the clients of the HTTP API".to_owned();
            Err(source.error(&["listen", key], message).hinted(hint))
        };
        Ok(Listen {
            smtp: check("smtp", &self.smtp)?,
            http: check("http", &self.http)?,
            pop3: check("pop3", &self.pop3)?,
            bounce_smtp: check("bounce_smtp", &self.bounce_smtp)?,
        })
    }
}
