//! Webhooks: where feedback is pushed to.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::error::{ConfigError, did_you_mean, one_of};
use super::scalar::Written;
use super::source::Source;

/// Most webhooks.
const MAX_WEBHOOKS: usize = 100;

/// Length of a webhook's key, in octets, as Standard Webhooks asks for it.
const KEY_LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// The names of all events, and the pattern for all of them.
const EVENTS: [&str; 11] = [
    "message.*",
    "message.accepted",
    "message.deferred",
    "message.delivered",
    "message.bounced",
    "message.expired",
    "message.asynchronous_bounce",
    "message.complained",
    "message.auto_replied",
    "message.opened",
    "message.clicked",
];

/// A place that events are posted to.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where.
    pub url: Url,
    /// The key that signs, decoded from `whsec_...`; `None` to send unsigned.
    pub key: Option<Vec<u8>>,
    /// Which events: names, or `message.*` for all.
    pub events: Vec<String>,
    /// Most events in one post.
    pub batch_max: usize,
    /// How long a batch that is not full waits for more events, in virtual time.
    pub batch_linger: Duration,
    /// How long the receiver may take to answer, in real time.
    pub timeout: Duration,
}

/// Without the key: this is what logs would show.
impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shape {
    url: String,
    #[serde(default)]
    secret: Option<String>,
    #[serde(default = "all_events")]
    events: Vec<String>,
    #[serde(default)]
    batch: BatchShape,
    #[serde(default = "default_timeout")]
    timeout: Written<Duration>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct BatchShape {
    max: usize,
    linger: Written<Duration>,
}

fn all_events() -> Vec<String> {
    vec!["message.*".to_owned()]
}

/// Between Standard Webhooks' advice (15 to 30 s) and what keeps a clock that waits for the answer moving.
fn default_timeout() -> Written<Duration> {
    Written(Duration::from_secs(6))
}

impl Default for BatchShape {
    fn default() -> Self {
        Self { max: 500, linger: Written(Duration::ZERO) }
    }
}

/// The webhooks; `allowed` names the hosts beyond loopback that may be posted to.
pub(super) fn check(
    shapes: &[Shape],
    allowed: &[String],
    source: &Source,
) -> Result<Vec<Webhook>, ConfigError> {
    if shapes.len() > MAX_WEBHOOKS {
        let message = format!("{} webhooks, expected at most {MAX_WEBHOOKS}", shapes.len());
        return Err(source.error(&["webhooks"], message));
    }
    let numbered = shapes.iter().enumerate();
    numbered.map(|(index, shape)| shape.check(&index.to_string(), allowed, source)).collect()
}

impl Shape {
    fn check(&self, index: &str, allowed: &[String], source: &Source) -> Result<Webhook, ConfigError> {
        let at = |key| ["webhooks", index, key];
        for (number, event) in self.events.iter().enumerate() {
            if !EVENTS.contains(&event.as_str()) {
                let message = format!("unknown event `{event}`, expected {}", one_of(EVENTS));
                let error = source.error(&["webhooks", index, "events", &number.to_string()], message);
                return Err(error.hinted(did_you_mean(event, EVENTS)));
            }
        }
        Ok(Webhook {
            url: self.url(&at("url"), allowed, source)?,
            key: self.key(&at("secret"), source)?,
            events: self.events.clone(),
            batch_max: source.within(&["webhooks", index, "batch", "max"], self.batch.max, 1..=10_000)?,
            batch_linger: source.within(
                &["webhooks", index, "batch", "linger"],
                self.batch.linger.0,
                Duration::ZERO..=Duration::from_hours(1),
            )?,
            timeout: source.within(
                &at("timeout"),
                self.timeout.0,
                Duration::from_millis(10)..=Duration::from_mins(5),
            )?,
        })
    }

    fn url(&self, path: &[&str], allowed: &[String], source: &Source) -> Result<Url, ConfigError> {
        let url = Url::parse(&self.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some((url, host)) = url.and_then(|url| Some((url.clone(), url.host_str()?.to_owned()))) else {
            let expected = "expected a URL such as `http://127.0.0.1:9000/hooks`";
            return Err(
                source.error(path, format!("`{}` is not an address of a webhook, {expected}", self.url))
            );
        };
        if is_loopback(&host) || allowed.iter().any(|name| name.eq_ignore_ascii_case(&host)) {
            return Ok(url);
        }
        let message =
            format!("`{host}` is not on this machine, expected a loopback address such as `127.0.0.1`");
        let hint = format!("to post there nevertheless, write `webhooks_allow: [\"{host}\"]`");
        Err(source.error(path, message).hinted(hint))
    }

    fn key(&self, path: &[&str], source: &Source) -> Result<Option<Vec<u8>>, ConfigError> {
        let Some(secret) = &self.secret else { return Ok(None) };
        let key = secret.strip_prefix("whsec_").and_then(|text| BASE64_STANDARD.decode(text).ok());
        match key.filter(|key| KEY_LENGTHS.contains(&key.len())) {
            Some(key) => Ok(Some(key)),
            // The message does not repeat what was found: logs are read by more people than secrets are for.
            None => Err(source.error(
                path,
                format!(
                    "not a secret, expected `whsec_` and the base64 of {} to {} octets",
                    KEY_LENGTHS.start(),
                    KEY_LENGTHS.end()
                ),
            )),
        }
    }
}

/// Whether a URL's host is this machine, without asking the DNS.
fn is_loopback(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || literal.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
