//! A simulated mailbox provider as it is written: one file of `config/providers/` each.
//!
//! ```yaml
//! name: acme
//! domains: [acme.test, "*.acme.test"]
//! latency: 200ms..2s # of virtual time for every answer, where an attempt names no delay
//! after: [open after 1m..2d with 25%, ooo=fr after 2s with 1%] # after every acceptance, where an outcome says nothing
//! outcomes:
//!     - { weight: 97, name: accepted, script: "250 2.0.0 Ok {id}" }
//!     - { weight: 2, name: unknown, script: "550 5.1.1 <{recipient}>: no such user" }
//!     - weight: 1
//!       name: late
//!       attempts: [{ reply: "450 4.7.1 greylisted, wait", times: 2, delay: 30s }, "250 in 5s"]
//!       after: [{ dsn: { reply: "550 5.1.1 gone, sorry", format: exim, after: 1h..8h, with: 10% } }]
//! ```

mod outcome;

use std::net::SocketAddr;
use std::num::NonZeroU32;

use emta_mail::{Chance, Domain, EmailAddress};
use emta_providers::{
    DeliveryLimits, DomainPattern, Glob, Latency, LaterAction, Offers, ProviderSpec, Providers,
    ProvidersError, RecipientOutcome, RecipientPattern, SandboxAddresses, WeightedOutcome,
};
use serde::Deserialize;

use self::outcome::{FateShape, OutcomeShape};
use super::ConfigError;
use super::scalar::{Scalar, Size, Written};
use super::yaml;

/// Reads the file of one provider; `file` is the name that errors carry.
///
/// # Errors
/// When the text is not YAML, has unknown or missing keys, a value is not what its key expects, or the provider cannot
/// work as described.
pub fn parse(file: &str, text: &str) -> Result<ProviderSpec, ConfigError> {
    let shape: ProviderShape = yaml::parse(file, text)?;
    let spec = shape.into_spec();
    // What a provider alone can have wrong is told with its file, before all are put together.
    match Providers::try_new(Chance::new(0), vec![spec.clone()]) {
        Ok(_) => Ok(spec),
        Err(error) => Err(ConfigError::at(file, text, place(&error), error.to_string(), None)),
    }
}

/// The key that an error is about.
const fn place(error: &ProvidersError) -> &'static [&'static str] {
    match error {
        ProvidersError::DuplicateName(_) => &["name"],
        ProvidersError::DuplicateDomain { .. } | ProvidersError::NoDomain(_) => &["domains"],
        ProvidersError::Weights { .. }
        | ProvidersError::DuplicateOutcome { .. }
        | ProvidersError::TooManyDoors { .. } => &["outcomes"],
        ProvidersError::RecipientElsewhere { .. } => &["recipients"],
        ProvidersError::RouteNotLoopback { .. } => &["route"],
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderShape {
    name: String,
    domains: Vec<Written<DomainPattern>>,
    #[serde(default)]
    mx: Vec<Written<Domain>>,
    greeting: Option<String>,
    #[serde(default)]
    extensions: ExtensionsShape,
    #[serde(default)]
    limits: LimitsShape,
    /// Of every attempt that names no delay.
    latency: Option<Written<Latency>>,
    #[serde(default)]
    sandbox_addresses: Switch,
    route: Option<Written<SocketAddr>>,
    /// What follows the acceptance, for outcomes that do not say it themselves.
    #[serde(default)]
    after: Vec<outcome::ActionShape>,
    #[serde(default)]
    outcomes: Vec<WeightedShape>,
    #[serde(default)]
    recipients: Vec<RecipientShape>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Switch(bool);

impl Default for Switch {
    fn default() -> Self {
        Self(true)
    }
}

/// The extensions of [`Offers`]; DSN is always offered.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ExtensionsShape {
    starttls: bool,
    pipelining: bool,
    eight_bit_mime: bool,
    smtputf8: bool,
    chunking: bool,
    enhanced_status_codes: bool,
    size: Written<Size>,
}

impl Default for ExtensionsShape {
    fn default() -> Self {
        let offers = Offers::default();
        Self {
            starttls: offers.starttls,
            pipelining: offers.pipelining,
            eight_bit_mime: offers.eight_bit_mime,
            smtputf8: offers.smtputf8,
            chunking: offers.chunking,
            enhanced_status_codes: offers.enhanced_status_codes,
            size: Written(Size(offers.size)),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LimitsShape {
    connections: Option<NonZeroU32>,
    messages_per_connection: Option<NonZeroU32>,
    messages_per_hour: Option<NonZeroU32>,
}

#[derive(Deserialize)]
#[serde(try_from = "WeightedFields")]
struct WeightedShape {
    outcome: WeightedOutcome,
    /// It says itself what follows, be it nothing.
    says_what_follows: bool,
}

impl WeightedShape {
    fn with_default(self, after: &[LaterAction]) -> WeightedOutcome {
        let WeightedOutcome { weight, name, outcome } = self.outcome;
        let outcome = if self.says_what_follows { outcome } else { outcome.followed_by(after) };
        WeightedOutcome { weight, name, outcome }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WeightedFields {
    weight: f64,
    name: String,
    script: Option<Written<OutcomeShape>>,
    attempts: Option<Vec<outcome::AttemptShape>>,
    after: Option<Vec<outcome::ActionShape>>,
}

impl TryFrom<WeightedFields> for WeightedShape {
    type Error = String;

    fn try_from(fields: WeightedFields) -> Result<Self, String> {
        let fate = FateShape { script: fields.script, attempts: fields.attempts, after: fields.after };
        let says_what_follows = fate.after.is_some();
        let outcome = fate.outcome()?;
        let says_what_follows = says_what_follows || !outcome.after().is_empty();
        let outcome = WeightedOutcome { weight: fields.weight, name: fields.name, outcome };
        Ok(Self { outcome, says_what_follows })
    }
}

#[derive(Deserialize)]
#[serde(try_from = "RecipientFields")]
struct RecipientShape(RecipientOutcome);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecipientFields {
    address: Option<Written<EmailAddress>>,
    pattern: Option<Written<Glob>>,
    script: Option<Written<OutcomeShape>>,
    attempts: Option<Vec<outcome::AttemptShape>>,
    after: Option<Vec<outcome::ActionShape>>,
}

impl TryFrom<RecipientFields> for RecipientShape {
    type Error = String;

    fn try_from(fields: RecipientFields) -> Result<Self, String> {
        let recipient = match (fields.address, fields.pattern) {
            (Some(address), None) => RecipientPattern::Exact(address.0),
            (None, Some(pattern)) => RecipientPattern::Glob(pattern.0),
            (None, None) | (Some(_), Some(_)) => {
                return Err("a recipient needs `address` or `pattern`, and not both".to_owned());
            }
        };
        let fate = FateShape { script: fields.script, attempts: fields.attempts, after: fields.after };
        Ok(Self(RecipientOutcome { recipient, outcome: fate.outcome()? }))
    }
}

impl ProviderShape {
    fn into_spec(self) -> ProviderSpec {
        let ExtensionsShape { starttls, pipelining, eight_bit_mime, smtputf8, chunking, .. } =
            self.extensions;
        let enhanced_status_codes = self.extensions.enhanced_status_codes;
        let size = self.extensions.size.0.0;
        let after: Vec<LaterAction> = self.after.into_iter().flat_map(|action| action.0).collect();
        ProviderSpec {
            name: self.name,
            domains: self.domains.into_iter().map(|pattern| pattern.0).collect(),
            mx: self.mx.into_iter().map(|host| host.0).collect(),
            offers: Offers {
                starttls,
                pipelining,
                eight_bit_mime,
                smtputf8,
                chunking,
                enhanced_status_codes,
                size,
            },
            greeting: self.greeting,
            limits: DeliveryLimits {
                connections: self.limits.connections,
                messages_per_connection: self.limits.messages_per_connection,
                messages_per_hour: self.limits.messages_per_hour,
            },
            latency: self.latency.map_or(Latency::NONE, |latency| latency.0),
            outcomes: self.outcomes.into_iter().map(|outcome| outcome.with_default(&after)).collect(),
            recipients: self.recipients.into_iter().map(|recipient| recipient.0).collect(),
            sandbox_addresses: if self.sandbox_addresses.0 {
                SandboxAddresses::On
            } else {
                SandboxAddresses::Off
            },
            route: self.route.map(|route| route.0),
        }
    }
}

impl Scalar for DomainPattern {
    fn read(word: &str) -> Result<Self, String> {
        word.parse().map_err(|_| {
            format!(
                "`{word}` is not a domain; expected `gmail.test`, `*.corp.test` or `*` for all that is left"
            )
        })
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

impl Scalar for Glob {
    fn read(word: &str) -> Result<Self, String> {
        word.parse().map_err(|error: emta_providers::spec::GlobError| error.to_string())
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

#[cfg(test)]
mod tests;
