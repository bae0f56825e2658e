//! Which outcome a message meets.

use std::borrow::Cow;
use std::collections::HashMap;

use emta_mail::{Chance, EmailAddress, QueueId};

use crate::outcome::Outcome;
use crate::sandbox_address::{self, KnownNames, Wish};
use crate::spec::{Glob, ProviderSpec, RecipientPattern, SandboxAddresses, WeightedOutcome};

/// The outcomes of one provider, ready to be looked up.
#[derive(Debug)]
pub(crate) struct Fates {
    /// By address in lower case.
    exact: HashMap<String, Outcome>,
    globs: Vec<(Glob, Outcome)>,
    sandbox_addresses: SandboxAddresses,
    weighted: Vec<WeightedOutcome>,
    total: f64,
    /// Place in `weighted` by name in plain form.
    by_name: HashMap<String, usize>,
    known: KnownNames,
    accept: Outcome,
}

/// Why an outcome was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChosenBy {
    /// The recipient's own entry.
    Recipient,
    /// A pattern that the recipient fits.
    Pattern,
    /// The address said so.
    SandboxAddress,
    /// Drawn by weight.
    Weight {
        /// The outcome's name.
        name: String,
    },
    /// The provider has no outcomes: it accepts.
    Default,
}

impl Fates {
    pub(crate) fn new(spec: &ProviderSpec) -> Self {
        let mut exact = HashMap::new();
        let mut globs = Vec::new();
        for entry in &spec.recipients {
            match &entry.recipient {
                RecipientPattern::Exact(address) => {
                    exact.entry(address.as_str().to_lowercase()).or_insert_with(|| entry.outcome.clone());
                }
                RecipientPattern::Glob(glob) => globs.push((glob.clone(), entry.outcome.clone())),
            }
        }
        let by_name = spec.outcomes.iter().enumerate().rev();
        let by_name: HashMap<String, usize> =
            by_name.map(|(at, outcome)| (sandbox_address::plain(&outcome.name), at)).collect();
        Self {
            exact,
            globs,
            sandbox_addresses: spec.sandbox_addresses,
            weighted: spec.outcomes.clone(),
            total: spec.outcomes.iter().map(|outcome| outcome.weight).sum(),
            known: KnownNames::new(by_name.keys().map(String::as_str)),
            by_name,
            accept: Outcome::accept(),
        }
    }

    /// The outcome of this message: the recipient's entry, else the first pattern, else what the address asks for, else
    /// one drawn by weight.
    pub(crate) fn choose(
        &self,
        chance: Chance,
        message: QueueId,
        recipient: &EmailAddress,
    ) -> (Cow<'_, Outcome>, ChosenBy) {
        if !self.exact.is_empty() || !self.globs.is_empty() {
            let address = recipient.as_str().to_lowercase();
            if let Some(outcome) = self.exact.get(&address) {
                return (Cow::Borrowed(outcome), ChosenBy::Recipient);
            }
            if let Some((_, outcome)) = self.globs.iter().find(|(glob, _)| glob.matches(&address)) {
                return (Cow::Borrowed(outcome), ChosenBy::Pattern);
            }
        }
        match self.sandbox_addresses {
            SandboxAddresses::On => {
                if let Some(outcome) = self.wished(recipient) {
                    return (outcome, ChosenBy::SandboxAddress);
                }
            }
            SandboxAddresses::Off => {}
        }
        match self.drawn(chance.unit(message, 0, "outcome")) {
            Some(drawn) => (Cow::Borrowed(&drawn.outcome), ChosenBy::Weight { name: drawn.name.clone() }),
            None => (Cow::Borrowed(&self.accept), ChosenBy::Default),
        }
    }

    fn wished(&self, recipient: &EmailAddress) -> Option<Cow<'_, Outcome>> {
        if !self.known.may_be_wished(recipient.local_part()) {
            return None;
        }
        sandbox_address::wishes(recipient.local_part()).into_iter().find_map(|wish| match wish {
            Wish::Exactly(outcome) => Some(Cow::Owned(outcome)),
            Wish::Named(name) => match self.by_name.get(&name).and_then(|at| self.weighted.get(*at)) {
                Some(own) => Some(Cow::Borrowed(&own.outcome)),
                None => sandbox_address::canned(&name).map(Cow::Owned),
            },
        })
    }

    /// The outcome at `unit`, a number in `0.0..1.0`, of the way through all weights.
    fn drawn(&self, unit: f64) -> Option<&WeightedOutcome> {
        let mut left = unit * self.total;
        let drawable = || self.weighted.iter().filter(|outcome| outcome.weight > 0.0);
        for outcome in drawable() {
            left -= outcome.weight;
            if left < 0.0 {
                return Some(outcome);
            }
        }
        // Rounding may leave a crumb: it belongs to the last one.
        drawable().next_back()
    }

    /// All outcomes that a message of this provider can meet, apart from what addresses ask for.
    pub(crate) fn configured(spec: &ProviderSpec) -> impl Iterator<Item = &Outcome> + use<'_> {
        let weighted = spec.outcomes.iter().map(|weighted| &weighted.outcome);
        weighted.chain(spec.recipients.iter().map(|entry| &entry.outcome))
    }
}
