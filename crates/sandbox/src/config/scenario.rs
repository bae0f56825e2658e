//! Scenarios: what `emta simulate` is to play. Options that a running system has too have the same names as in the main
//! file.
//!
//! ```yaml
//! name: spring
//! seed: 1
//! start: 2026-01-05T09:00:00Z # when the first delivery is confirmed
//! tail: 7d # how long what comes back is waited for after the last validity
//! recipients: { count: 1000000, mix: { gmail: 40, yahoo: 20, shop.test: 1 } } # or { file: list.csv }
//! delivery: { subject: Spring is here, text: Hello, validity: 24h, waves: { count: 4, every: 6h } }
//! weights: { gmail: { unknown: 8 } } # of outcomes, in place of those in the provider's file
//! outages: [{ provider: yahoo, after: 1h, for: 6h, script: timeout }]
//! queue: { retry: [20m, 1h, 4h] }
//! ```

mod made_up;
mod weights;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use emta_campaign::{Content, Recipient};
use emta_mail::{EmailAddress, ReversePath, Timestamp};
use emta_providers::{AttemptStep, Outcome, ProviderSpec};
use serde::Deserialize;

use super::error::{did_you_mean, one_of};
use super::scalar::{Scalar, Written};
use super::shape::{Main, Rules};
use super::source::{Source, TextFile};
use super::yaml::{self, Tree};
use super::{Config, ConfigError, Override, campaign, default_hostname, overrides, queue, shipped};
use crate::campaign::read_csv;
use crate::simulation::{Audience, Outage, Plan, Scenario, Waves};

/// Longest list of recipients in a file, in octets.
pub const MAX_LIST: u64 = 2 << 30;
/// Most outages.
pub const MAX_OUTAGES: usize = 100;
/// Longest tail.
const MAX_TAIL: Duration = Duration::from_hours(60 * 24);
/// When a scenario may begin: from 1970 to the year 9000, so that whatever it lasts, its end can be written.
const STARTS: RangeInclusive<Timestamp> =
    Timestamp::from_seconds(0)..=Timestamp::from_seconds(221_845_392_000);
/// Longest time between two deliveries.
const MAX_EVERY: Duration = Duration::from_hours(30 * 24);

/// What the command line says of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Another number of made-up recipients.
    pub recipients: Option<u32>,
    /// Other values of options that the main file has too, such as `seed` and `queue.validity`.
    pub set: Vec<Override>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    name: Option<String>,
    #[serde(default = "one")]
    seed: u64,
    start: Option<Written<Timestamp>>,
    tail: Option<Written<Duration>>,
    #[serde(default)]
    recipients: RecipientsShape,
    #[serde(default)]
    delivery: DeliveryShape,
    #[serde(default)]
    weights: BTreeMap<String, BTreeMap<String, f64>>,
    #[serde(default)]
    outages: Vec<OutageShape>,
    hostname: Option<Written<emta_mail::Domain>>,
    #[serde(default)]
    queue: queue::Shape,
    providers: Option<Vec<String>>,
    #[serde(default)]
    rules: Rules,
    #[serde(default)]
    campaign: campaign::Shape,
}

const fn one() -> u64 {
    1
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RecipientsShape {
    count: Option<u32>,
    mix: Option<BTreeMap<String, f64>>,
    file: Option<String>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DeliveryShape {
    label: Option<String>,
    campaign: Option<String>,
    from: Option<Written<EmailAddress>>,
    subject: String,
    text: String,
    html: Option<String>,
    validity: Option<Written<Duration>>,
    waves: WavesShape,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WavesShape {
    count: u32,
    every: Written<Duration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutageShape {
    provider: String,
    after: Written<Duration>,
    #[serde(rename = "for")]
    lasts: Written<Duration>,
    #[serde(default = "timeout")]
    script: String,
}

fn timeout() -> String {
    "timeout".to_owned()
}

impl Default for DeliveryShape {
    fn default() -> Self {
        Self {
            label: None,
            campaign: None,
            from: None,
            subject: "Spring is here".to_owned(),
            text: "Hello,\n\nspring is here, and so is our new collection.\n\nhttps://shop.example/spring\n"
                .to_owned(),
            html: None,
            validity: None,
            waves: WavesShape::default(),
        }
    }
}

impl Default for WavesShape {
    fn default() -> Self {
        let Waves { count, every } = Waves::ONE;
        Self { count, every: Written(every) }
    }
}

impl Scalar for Timestamp {
    fn read(word: &str) -> Result<Self, String> {
        Self::parse_rfc3339(word).map_err(|error| error.to_string())
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

/// Reads a scenario: a file, or the name of one that is part of the program.
///
/// # Errors
/// When there is none, or something is wrong with it; the error leads to line and column.
pub fn load(name: &str, changes: &Changes) -> Result<Scenario, ConfigError> {
    let path = Path::new(name);
    let file = match shipped::scenario(name).filter(|_| !path.exists()) {
        Some(file) => file,
        None if path.exists() || name.contains(['/', '.']) => TextFile::read(path)?,
        None => {
            let names = || shipped::scenarios();
            let message =
                format!("there is no such file, and no scenario of that name among {}", one_of(names()));
            return Err(ConfigError::of(name, message).hinted(did_you_mean(name, names())));
        }
    };
    parse(&file, changes)
}

/// Reads a scenario from the text of a file.
///
/// # Errors
/// When something is wrong with it; the error leads to line and column.
pub fn parse(file: &TextFile, changes: &Changes) -> Result<Scenario, ConfigError> {
    let shape: Shape = yaml::parse(&file.name, &file.text)?;
    let main = Main {
        seed: shape.seed,
        hostname: shape.hostname.clone().unwrap_or_else(|| Written(default_hostname())),
        queue: shape.queue.clone(),
        providers: shape.providers.clone(),
        rules: shape.rules.clone(),
        campaign: shape.campaign.clone(),
        ..Main::default()
    };
    let mut tree = Tree::of(&main);
    for set in &changes.set {
        overrides::apply(&mut tree, set)?;
    }
    let stem = Path::new(&file.name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = shape.name.clone().or(stem).unwrap_or_default();
    let source = |file: &TextFile| Source { file: Some(file.clone()), overrides: changes.set.clone() };
    let mut config = Config::check(tree.shaped("scenario")?, source(file))?;
    let source = source(file);
    for (index, spec) in config.providers.iter().enumerate() {
        if let Some(route) = spec.route {
            let origin = config.provider_files.get(index).map_or("", |file| &file.name);
            let message = format!(
                "`{}` is routed to `{route}`, expected no route: a simulation has no network",
                spec.name
            );
            return Err(ConfigError::of(origin, message));
        }
    }
    for (provider, weights) in &shape.weights {
        weights::reweigh(&mut config.providers, provider, weights, &source)?;
    }
    let (audience, fields) = shape.recipients.check(changes.recipients, &config.providers, &source)?;
    let plan = Plan {
        start: match shape.start {
            Some(start) => source.within(&["start"], start.0.ceil_to_second(), STARTS)?,
            None => DEFAULT_START,
        },
        tail: match shape.tail {
            Some(tail) => source.within(&["tail"], tail.0, Duration::ZERO..=MAX_TAIL)?,
            None => Duration::from_hours(7 * 24),
        },
        audience,
        waves: shape.delivery.waves.check(&source)?,
    };
    let outages = shape.outages.iter().zip(0..);
    let outages = outages.map(|(outage, index)| outage.check(index, &config.providers, &source));
    let outages = outages.collect::<Result<Vec<_>, _>>()?;
    if outages.len() > MAX_OUTAGES {
        let message = format!("{} outages, expected at most {MAX_OUTAGES}", outages.len());
        return Err(source.error(&["outages"], message));
    }
    let content = shape.delivery.content(&name, fields, &config, &source)?;
    Ok(Scenario { name, config, content, plan, outages })
}

/// 2026-01-05T09:00:00Z, a Monday morning: the same on every day, so that stories can be compared.
const DEFAULT_START: Timestamp = Timestamp::from_seconds(1_767_603_600);

impl RecipientsShape {
    /// The recipients, and the fields that they have values for.
    fn check(
        &self,
        count: Option<u32>,
        specs: &[ProviderSpec],
        source: &Source,
    ) -> Result<(Audience, Vec<String>), ConfigError> {
        let Some(file) = &self.file else {
            let count = match count {
                Some(count) => count,
                None => self.count.unwrap_or(100_000),
            };
            let count = source.within(&["recipients", "count"], count, 1..=Plan::MAX_RECIPIENTS)?;
            let domains = made_up::shares(self.mix.as_ref(), specs, source)?;
            return Ok((Audience::MadeUp { count, domains }, Vec::new()));
        };
        for (key, is_there) in [("count", self.count.is_some()), ("mix", self.mix.is_some())] {
            if is_there {
                let message =
                    format!("`{key}` beside `file`, expected one of them: a list is taken as it is");
                return Err(source.error_at_key(&["recipients", key], message));
            }
        }
        if count.is_some() {
            let message = "the recipients are those of a list, expected a scenario that makes them up";
            return Err(ConfigError::of("--recipients", message));
        }
        let (fields, recipients) = read_list(file, source)?;
        Ok((Audience::List(recipients), fields))
    }
}

fn read_list(file: &str, source: &Source) -> Result<(Vec<String>, Vec<Recipient>), ConfigError> {
    let path = ["recipients", "file"];
    let place = source.resolve(&path, file);
    let wrong = |message: String| source.error(&path, format!("`{}`: {message}", place.display()));
    let size = std::fs::metadata(&place).map_err(|error| wrong(super::source::reason(&error)))?.len();
    if size > MAX_LIST {
        return Err(wrong(format!("{size} octets, expected at most {MAX_LIST}")));
    }
    let text = std::fs::read(&place).map_err(|error| wrong(super::source::reason(&error)))?;
    let (fields, recipients) = read_csv(&text).map_err(|error| wrong(error.to_string()))?;
    if recipients.is_empty() || recipients.len() > Plan::MAX_RECIPIENTS as usize {
        let message = format!("{} recipients, expected 1 to {}", recipients.len(), Plan::MAX_RECIPIENTS);
        return Err(wrong(message));
    }
    Ok((fields, recipients))
}

impl WavesShape {
    fn check(&self, source: &Source) -> Result<Waves, ConfigError> {
        let path = |key| ["delivery", "waves", key];
        let every = source.within(&path("every"), self.every.0, Duration::from_secs(1)..=MAX_EVERY)?;
        if every.subsec_nanos() != 0 {
            let message = format!("`{}` between deliveries, expected whole seconds", self.every.0.write());
            return Err(source.error(&path("every"), message));
        }
        Ok(Waves { count: source.within(&path("count"), self.count, 1..=Waves::MAX)?, every })
    }
}

impl DeliveryShape {
    fn content(
        self,
        name: &str,
        fields: Vec<String>,
        config: &Config,
        source: &Source,
    ) -> Result<Content, ConfigError> {
        let limits = &config.campaign.core.limits;
        for (key, text, limit) in [
            ("subject", Some(&self.subject), limits.heading_octets),
            ("label", self.label.as_ref(), limits.heading_octets),
            ("campaign", self.campaign.as_ref(), limits.heading_octets),
        ] {
            if let Some(text) = text.filter(|text| text.len() > limit) {
                let message = format!("{} octets, expected at most {limit}", text.len());
                return Err(source.error(&["delivery", key], message));
            }
        }
        if fields.len() > limits.fields {
            let message = format!("{} columns, expected at most {}", fields.len(), limits.fields);
            return Err(source.error(&["recipients", "file"], message));
        }
        let validity = match self.validity {
            Some(validity) => {
                let bounds = Duration::from_secs(1)..=emta_queue::MAX_VALIDITY;
                Some(source.within(&["delivery", "validity"], validity.0, bounds)?)
            }
            None => None,
        };
        let sender = config.campaign.sender.clone();
        Ok(Content {
            label: self.label.unwrap_or_else(|| name.to_owned()),
            campaign: self.campaign.or_else(|| Some(name.to_owned())),
            validity,
            from: self.from.map_or_else(|| sender.clone(), |from| from.0),
            sender: ReversePath::Address(sender),
            subject: self.subject,
            text: self.text,
            html: self.html,
            fields,
        })
    }
}

impl OutageShape {
    fn check(&self, index: usize, specs: &[ProviderSpec], source: &Source) -> Result<Outage, ConfigError> {
        let index = index.to_string();
        let path = |key| ["outages", &index, key];
        let spec = find(specs, &self.provider, |message| source.error(&path("provider"), message))?;
        let outcome = Outcome::parse_script(&self.script)
            .map_err(|error| source.error(&path("script"), error.to_string()))?;
        if outcome.attempts().iter().any(|step| matches!(step, AttemptStep::Accept { .. })) {
            let message = "an outage in which mail is accepted, expected refusals, such as `timeout`";
            return Err(source.error(&path("script"), message));
        }
        let bounds = Duration::ZERO..=MAX_EVERY;
        let after = source.within(&path("after"), self.after.0, bounds.clone())?;
        let lasts = source.within(&path("for"), self.lasts.0, bounds)?;
        Ok(Outage { provider: ProviderSpec { outcomes: Vec::new(), ..spec.clone() }, after, lasts, outcome })
    }
}

/// The provider of this name.
fn find<'a>(
    specs: &'a [ProviderSpec],
    name: &str,
    error: impl FnOnce(String) -> ConfigError,
) -> Result<&'a ProviderSpec, ConfigError> {
    specs.iter().find(|spec| spec.name == name).ok_or_else(|| {
        let names = || specs.iter().map(|spec| spec.name.as_str());
        let message = format!("unknown provider `{name}`, expected {}", one_of(names()));
        error(message).hinted(did_you_mean(name, names()))
    })
}

#[cfg(test)]
mod tests;
