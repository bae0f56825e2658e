//! What must hold of providers before they can exist together.

use std::collections::HashSet;
use std::net::SocketAddr;

use crate::providers::Providers;
use crate::routing::Routing;
use crate::sandbox_address::plain;
use crate::spec::{ProviderSpec, RecipientPattern};

/// Why these providers cannot exist together.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProvidersError {
    /// Two have one name.
    #[error("two providers are named `{0}`; expected a name of its own for each")]
    DuplicateName(String),
    /// Two have the same domain.
    #[error(
        "the domain `{domain}` belongs to provider `{first}` and to provider `{second}`; expected one of them"
    )]
    DuplicateDomain {
        /// The domain or pattern.
        domain: String,
        /// The provider that has it already.
        first: String,
        /// The provider that wants it too.
        second: String,
    },
    /// No domain at all.
    #[error(
        "provider `{0}` has no domain; expected at least one, such as `gmail.test`, `*.corp.test` or `*`"
    )]
    NoDomain(String),
    /// A weight below zero or without end, or all are zero.
    #[error(
        "the weights of provider `{provider}` sum to `{sum}`; expected weights of 0 or more that sum to more than 0"
    )]
    Weights {
        /// The provider.
        provider: String,
        /// Their sum.
        sum: f64,
    },
    /// Two outcomes of a provider have one name.
    #[error("provider `{provider}` has two outcomes named `{name}`; expected a name of its own for each")]
    DuplicateOutcome {
        /// The provider.
        provider: String,
        /// The name.
        name: String,
    },
    /// An entry for a recipient that another provider serves could never take effect.
    #[error(
        "provider `{provider}` has an entry for `{recipient}`, whose domain belongs to provider `{owner}`"
    )]
    RecipientElsewhere {
        /// The provider with the entry.
        provider: String,
        /// The address.
        recipient: String,
        /// The provider that serves it.
        owner: String,
    },
    /// A route that leaves this machine.
    #[error(
        "provider `{provider}` has the route `{route}`; expected a loopback address such as `127.0.0.1:2626`"
    )]
    RouteNotLoopback {
        /// The provider.
        provider: String,
        /// The address.
        route: SocketAddr,
    },
    /// More distinct answers before MAIL than there may be listeners.
    #[error(
        "provider `{provider}` needs {doors} listeners for its answers before MAIL; expected at most {max}",
        max = Providers::MAX_DOORS
    )]
    TooManyDoors {
        /// The provider.
        provider: String,
        /// How many it needs.
        doors: usize,
    },
}

/// Who serves which domain, where every provider is sound and names and domains are unique.
pub(crate) fn routing(specs: &[ProviderSpec]) -> Result<Routing, ProvidersError> {
    let mut routing = Routing::default();
    let mut names = HashSet::new();
    for (number, spec) in specs.iter().enumerate() {
        check(spec)?;
        if !names.insert(spec.name.as_str()) {
            return Err(ProvidersError::DuplicateName(spec.name.clone()));
        }
        for pattern in &spec.domains {
            routing.add(pattern, number).map_err(|first| ProvidersError::DuplicateDomain {
                domain: pattern.to_string(),
                first: specs.get(first).map_or_else(String::new, |spec| spec.name.clone()),
                second: spec.name.clone(),
            })?;
        }
    }
    Ok(routing)
}

/// What must hold of a provider by itself.
fn check(spec: &ProviderSpec) -> Result<(), ProvidersError> {
    if spec.domains.is_empty() {
        return Err(ProvidersError::NoDomain(spec.name.clone()));
    }
    if let Some(route) = spec.route.filter(|route| !route.ip().is_loopback()) {
        return Err(ProvidersError::RouteNotLoopback { provider: spec.name.clone(), route });
    }
    let sum: f64 = spec.outcomes.iter().map(|outcome| outcome.weight).sum();
    let sound = spec.outcomes.iter().all(|outcome| outcome.weight >= 0.0) && sum.is_finite() && sum > 0.0;
    if !spec.outcomes.is_empty() && !sound {
        return Err(ProvidersError::Weights { provider: spec.name.clone(), sum });
    }
    let mut names = HashSet::new();
    for outcome in &spec.outcomes {
        if !names.insert(plain(&outcome.name)) {
            let (provider, name) = (spec.name.clone(), outcome.name.clone());
            return Err(ProvidersError::DuplicateOutcome { provider, name });
        }
    }
    Ok(())
}

/// An entry for somebody else's recipient would silently never take effect.
pub(crate) fn recipients(specs: &[ProviderSpec], routing: &Routing) -> Result<(), ProvidersError> {
    for (number, spec) in specs.iter().enumerate() {
        for entry in &spec.recipients {
            let RecipientPattern::Exact(address) = &entry.recipient else { continue };
            let owner = routing.provider_of(&address.domain());
            if owner != number {
                return Err(ProvidersError::RecipientElsewhere {
                    provider: spec.name.clone(),
                    recipient: address.to_string(),
                    owner: specs.get(owner).map_or_else(String::new, |spec| spec.name.clone()),
                });
            }
        }
    }
    Ok(())
}
