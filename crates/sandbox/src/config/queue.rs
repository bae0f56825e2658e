//! The queue: validity, retry schedules, limits of each destination.

use std::collections::BTreeMap;
use std::time::Duration;

use emta_mail::BounceClass;
use emta_providers::ProviderSpec;
use emta_queue::{Limits, MAX_VALIDITY, Policy, ProviderPolicy, RetrySchedule};
use serde::{Deserialize, Serialize};

use super::error::{ConfigError, did_you_mean, one_of};
use super::retry::{Percent, Retry};
use super::scalar::Written;
use super::source::Source;

/// Settings of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The longest that a message is tried, at most [`MAX_VALIDITY`].
    pub validity: Duration,
    /// Schedules and limits, with what the providers' own files say of limits.
    pub policy: Policy,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Shape {
    validity: Written<Duration>,
    retry: Retry,
    jitter: Written<Percent>,
    limits: LimitsShape,
    classes: BTreeMap<String, ClassShape>,
    providers: BTreeMap<String, ProviderShape>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LimitsShape {
    connections: u32,
    messages_per_connection: u32,
    messages_per_hour: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassShape {
    retry: Retry,
}

/// What differs for a provider; what is not there comes from the provider's file, then from `queue.limits`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ProviderShape {
    retry: Option<Retry>,
    limits: PartialLimits,
    classes: BTreeMap<String, ClassShape>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PartialLimits {
    connections: Option<u32>,
    messages_per_connection: Option<u32>,
    messages_per_hour: Option<u32>,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            validity: Written(MAX_VALIDITY),
            retry: Retry::default(),
            jitter: Written(Percent(0)),
            limits: LimitsShape::default(),
            classes: BTreeMap::new(),
            providers: BTreeMap::new(),
        }
    }
}

impl Default for LimitsShape {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            connections: limits.connections(),
            messages_per_connection: limits.messages_per_connection(),
            messages_per_hour: limits.messages_per_hour(),
        }
    }
}

impl Shape {
    /// The settings; `specs` are the providers that there are.
    pub(super) fn check(&self, specs: &[ProviderSpec], source: &Source) -> Result<Queue, ConfigError> {
        let validity =
            source.within(&["queue", "validity"], self.validity.0, Duration::from_secs(1)..=MAX_VALIDITY)?;
        let jitter = source.within(
            &["queue", "jitter"],
            self.jitter.0,
            Percent(0)..=Percent(RetrySchedule::MAX_JITTER_PERCENT),
        )?;
        let classes = self.classes.iter();
        let mut policy = Policy {
            schedule: self.retry.schedule(jitter, &["queue", "retry"], source)?,
            limits: self.limits.check(source)?,
            classes: classes
                .map(|(name, class)| class.check(name, jitter, &["queue", "classes", name], source))
                .collect::<Result<_, _>>()?,
            providers: BTreeMap::new(),
        };
        for name in self.providers.keys() {
            if !specs.iter().any(|spec| spec.name == *name) {
                let names = || specs.iter().map(|spec| spec.name.as_str());
                let message = format!("unknown provider `{name}`, expected {}", one_of(names()));
                let error = source.error_at_key(&["queue", "providers", name], message);
                return Err(error.hinted(did_you_mean(name, names())));
            }
        }
        for spec in specs {
            let own = self.providers.get(&spec.name).cloned().unwrap_or_default();
            policy.providers.insert(spec.name.clone(), own.check(spec, policy.limits, jitter, source)?);
        }
        Ok(Queue { validity, policy })
    }
}

impl LimitsShape {
    fn check(&self, source: &Source) -> Result<Limits, ConfigError> {
        Limits::try_new(self.connections, self.messages_per_connection, self.messages_per_hour)
            .map_err(|error| source.error(&["queue", "limits", error.setting], error.to_string()))
    }
}

impl ClassShape {
    fn check(
        &self,
        name: &str,
        jitter: Percent,
        path: &[&str],
        source: &Source,
    ) -> Result<(BounceClass, RetrySchedule), ConfigError> {
        let Some(class) = BounceClass::from_name(name) else {
            let names = || BounceClass::ALL.iter().map(|class| class.name());
            let message = format!("unknown bounce class `{name}`, expected {}", one_of(names()));
            return Err(source.error_at_key(path, message).hinted(did_you_mean(name, names())));
        };
        let schedule = self.retry.schedule(jitter, &[path, &["retry"]].concat(), source)?;
        Ok((class, schedule))
    }
}

impl ProviderShape {
    fn check(
        &self,
        spec: &ProviderSpec,
        defaults: Limits,
        jitter: Percent,
        source: &Source,
    ) -> Result<ProviderPolicy, ConfigError> {
        let path = ["queue", "providers", &spec.name];
        let schedule = match &self.retry {
            None => None,
            Some(retry) => Some(retry.schedule(jitter, &[&path[..], &["retry"]].concat(), source)?),
        };
        let own = &spec.limits;
        let pick = |here: Option<u32>, there: Option<std::num::NonZeroU32>| here.or(there.map(u32::from));
        let limits = Limits::try_new(
            pick(self.limits.connections, own.connections).unwrap_or(defaults.connections()),
            pick(self.limits.messages_per_connection, own.messages_per_connection)
                .unwrap_or(defaults.messages_per_connection()),
            pick(self.limits.messages_per_hour, own.messages_per_hour).or(defaults.messages_per_hour()),
        )
        .map_err(|error| {
            let place = [&path[..], &["limits", error.setting]].concat();
            source.error(&place, format!("limits of `{}`: {error}", spec.name))
        })?;
        let class = |(name, class): (&String, &ClassShape)| {
            class.check(name, jitter, &[&path[..], &["classes", name]].concat(), source)
        };
        let classes = self.classes.iter().map(class).collect::<Result<_, _>>()?;
        Ok(ProviderPolicy { schedule, limits: Some(limits), classes })
    }
}
