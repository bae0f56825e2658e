//! Other weights for the outcomes of providers.

use std::collections::BTreeMap;

use emta_providers::ProviderSpec;

use super::find;
use crate::config::ConfigError;
use crate::config::error::{did_you_mean, one_of};
use crate::config::source::Source;

/// Gives outcomes of a provider other weights.
pub(super) fn reweigh(
    specs: &mut [ProviderSpec],
    provider: &str,
    weights: &BTreeMap<String, f64>,
    source: &Source,
) -> Result<(), ConfigError> {
    find(specs, provider, |message| source.error_at_key(&["weights", provider], message))?;
    let Some(spec) = specs.iter_mut().find(|spec| spec.name == provider) else { return Ok(()) };
    for (name, weight) in weights {
        let path = ["weights", provider, name];
        if !(weight.is_finite() && *weight >= 0.0) {
            let message = format!("a weight of `{weight}`, expected a number from 0");
            return Err(source.error(&path, message));
        }
        let Some(at) = spec.outcomes.iter().position(|outcome| outcome.name == *name) else {
            let names = || spec.outcomes.iter().map(|outcome| outcome.name.as_str());
            let message = format!("`{provider}` has no outcome `{name}`, expected {}", one_of(names()));
            return Err(source.error_at_key(&path, message).hinted(did_you_mean(name, names())));
        };
        if let Some(outcome) = spec.outcomes.get_mut(at) {
            outcome.weight = *weight;
        }
    }
    let sum = spec.outcomes.iter().fold(0.0, |sum, outcome| sum + outcome.weight);
    if !(sum.is_finite() && sum > 0.0) {
        let message = format!("the weights of `{provider}` sum to `{sum}`, expected a number above 0");
        return Err(source.error(&["weights", provider], message));
    }
    Ok(())
}
