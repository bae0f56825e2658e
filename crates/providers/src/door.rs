//! Doors: the listeners of a provider.
//!
//! At the greeting and at EHLO a server cannot know which message a client brings. A message whose fate is to meet a certain
//! greeting is therefore sent, by the simulated DNS, to an MX host of the provider that greets everybody so. Each
//! distinct answer before MAIL has a door of its own, all other mail comes through the main door.

use emta_mail::{Domain, Reply};
use emta_smtp::server::{AuthPolicy, Extensions, Limits, ServerConfig};

use crate::outcome::{AttemptStep, Step};
use crate::spec::ProviderSpec;

/// A door's number among all doors of all providers; see [`crate::Providers::doors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DoorId(pub(crate) usize);

impl DoorId {
    /// Its place in [`crate::Providers::doors`].
    pub const fn index(self) -> usize {
        self.0
    }
}

/// One listener of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// Its number.
    pub id: DoorId,
    /// The number of its provider.
    pub(crate) provider: usize,
    /// The MX host whose door it is.
    pub host: String,
    /// What happens at it.
    pub behaviour: DoorBehaviour,
    /// What the server behind it offers.
    pub server: ServerConfig,
}

/// What happens to whoever comes to a door.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DoorBehaviour {
    /// A session like any other.
    Open,
    /// The port is bound, so that nobody else has it, but nothing listens: connections are refused.
    NotListening,
    /// The greeting is this refusal.
    RefuseGreeting {
        /// The greeting.
        reply: Reply,
    },
    /// EHLO and HELO get this refusal.
    RefuseEhlo {
        /// The answer.
        reply: Reply,
        /// Whether the server hangs up after it.
        then_disconnect: bool,
    },
    /// The connection is closed instead of a greeting.
    HangUpAtGreeting,
    /// The connection is closed instead of an answer to EHLO.
    HangUpAtEhlo,
    /// STARTTLS is offered and answered, then the connection is closed instead of a handshake.
    FailTls,
}

impl DoorBehaviour {
    /// The door that this end of an attempt needs.
    pub fn for_step(step: &AttemptStep) -> Self {
        match step {
            AttemptStep::Refuse { step: Step::Greeting, reply, .. } => {
                Self::RefuseGreeting { reply: reply.clone() }
            }
            AttemptStep::Refuse { step: Step::Ehlo, reply, then_disconnect } => {
                Self::RefuseEhlo { reply: reply.clone(), then_disconnect: *then_disconnect }
            }
            AttemptStep::Disconnect { step: Step::Greeting } => Self::HangUpAtGreeting,
            AttemptStep::Disconnect { step: Step::Ehlo } => Self::HangUpAtEhlo,
            AttemptStep::ConnectRefused => Self::NotListening,
            AttemptStep::TlsFailure => Self::FailTls,
            AttemptStep::Accept { .. }
            | AttemptStep::DnsFailure { .. }
            | AttemptStep::ConnectTimeout
            | AttemptStep::Refuse { step: Step::Mail | Step::Rcpt | Step::Data | Step::Message, .. }
            | AttemptStep::Disconnect { step: Step::Mail | Step::Rcpt | Step::Data | Step::Message } => {
                Self::Open
            }
        }
    }
}

/// The name of the provider's first MX host.
pub(crate) fn main_host(spec: &ProviderSpec) -> String {
    spec.mx.first().map_or_else(|| format!("mx.{}.test", host_label(&spec.name)), Domain::to_string)
}

/// The name of the provider's n-th special host.
pub(crate) fn special_host(spec: &ProviderSpec, number: usize) -> String {
    format!("edge{number}.{}", main_host(spec))
}

/// A name as a label of a host name.
fn host_label(name: &str) -> String {
    let label: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let label = label.trim_matches('-');
    if label.is_empty() { "provider".to_owned() } else { label.to_owned() }
}

/// The server behind a door.
pub(crate) fn server(spec: &ProviderSpec, host: &str, behaviour: &DoorBehaviour) -> ServerConfig {
    let offers = spec.offers;
    ServerConfig {
        hostname: host.to_owned(),
        extensions: Extensions {
            starttls: offers.starttls || *behaviour == DoorBehaviour::FailTls,
            require_tls_for_auth: true,
            auth: AuthPolicy::Off,
            pipelining: offers.pipelining,
            eight_bit_mime: offers.eight_bit_mime,
            smtputf8: offers.smtputf8,
            size: true,
            enhanced_status_codes: offers.enhanced_status_codes,
            dsn: true,
            chunking: offers.chunking,
        },
        limits: Limits { message_size: offers.size, ..Limits::default() },
    }
}
