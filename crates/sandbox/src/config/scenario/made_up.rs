//! Domains of made-up recipients.

use std::collections::BTreeMap;

use emta_mail::Domain;
use emta_providers::{DomainPattern, ProviderSpec};

use super::find;
use crate::config::ConfigError;
use crate::config::source::Source;
use crate::simulation::Share;

/// Share of each shipped provider, in percent, in the style of a consumer brand's list; others get [`OTHER`].
const SHIPPED: [(&str, f64); 9] = [
    ("gmail", 38.0),
    ("outlook", 18.0),
    ("yahoo", 11.0),
    ("orange", 9.0),
    ("smallbiz", 8.0),
    ("exchange", 5.0),
    ("gmx", 5.0),
    ("icloud", 4.0),
    ("mailru", 2.0),
];
const OTHER: f64 = 3.0;

/// Domains made up for a pattern such as `*.corp.test`.
const BELOW: u32 = 50;
/// Domains made up for `*`.
const ANY: u32 = 400;
/// Kinds of small companies that have a domain of their own.
const TRADES: [&str; 8] = ["bakery", "joinery", "lawyer", "school", "studio", "clinic", "garage", "florist"];

/// The domains of a mix, with their shares. A key of the mix is a provider, whose share its domains divide, or a
/// domain.
pub(super) fn shares(
    mix: Option<&BTreeMap<String, f64>>,
    specs: &[ProviderSpec],
    source: &Source,
) -> Result<Vec<Share>, ConfigError> {
    let Some(mix) = mix else {
        let weight = |spec: &ProviderSpec| {
            SHIPPED.iter().find(|(name, _)| *name == spec.name).map_or(OTHER, |(_, weight)| *weight)
        };
        return Ok(specs.iter().flat_map(|spec| divided(spec, weight(spec))).collect());
    };
    let mut shares = Vec::new();
    for (key, weight) in mix {
        let path = ["recipients", "mix", key];
        if !(weight.is_finite() && *weight >= 0.0) {
            let message = format!("a share of `{weight}`, expected a number from 0");
            return Err(source.error(&path, message));
        }
        if key.contains('.') {
            let domain = Domain::parse(key).map_err(|error| source.error_at_key(&path, error.to_string()))?;
            shares.push(Share { domain: domain.to_string(), weight: *weight });
        } else {
            let spec = find(specs, key, |message| source.error_at_key(&path, message))?;
            shares.extend(divided(spec, *weight));
        }
    }
    shares.retain(|share| share.weight > 0.0);
    let sum = shares.iter().fold(0.0, |sum, share| sum + share.weight);
    if !(sum.is_finite() && sum > 0.0) {
        let message = format!("the shares of the mix sum to `{sum}`, expected a number above 0");
        return Err(source.error(&["recipients", "mix"], message));
    }
    Ok(shares)
}

/// A provider's domains: the first has half of its recipients, the others have the rest in equal parts. Those made up
/// for a pattern have equal parts of its share.
fn divided(spec: &ProviderSpec, weight: f64) -> Vec<Share> {
    let patterns = spec.domains.len() as f64;
    let mut shares = Vec::new();
    for (index, pattern) in spec.domains.iter().enumerate() {
        let weight = match (index, spec.domains.len()) {
            (_, 1) => weight,
            (0, _) => weight / 2.0,
            _ => weight / 2.0 / (patterns - 1.0),
        };
        let made_up = |count: u32, name: &dyn Fn(u32) -> String| {
            let share = |number| Share { domain: name(number), weight: weight / f64::from(count) };
            (0..count).map(share).collect::<Vec<_>>()
        };
        shares.extend(match pattern {
            DomainPattern::Exact(domain) => vec![Share { domain: domain.to_string(), weight }],
            DomainPattern::Below(domain) => made_up(BELOW, &|number| format!("site{number}.{domain}")),
            DomainPattern::Any => made_up(ANY, &|number| {
                let trade = TRADES.get(number as usize % TRADES.len()).copied().unwrap_or_default();
                format!("{trade}{number}.test")
            }),
        });
    }
    shares
}
