//! What is to be simulated.

use std::time::Duration;

use emta_campaign::{Content, Recipient};
use emta_mail::Timestamp;
use emta_providers::{Outcome, ProviderSpec};

use crate::config::Config;

/// A scenario, ready to be run; [`crate::config::scenario`] reads one from a file.
#[derive(Debug)]
pub struct Scenario {
    /// Its name in reports.
    pub name: String,
    /// Seed, queue, providers, rules, campaign core: as of a running system.
    pub config: Config,
    /// What is sent.
    pub content: Content,
    /// To whom, and when.
    pub plan: Plan,
    /// When providers are not there.
    pub outages: Vec<Outage>,
}

/// A time during which every attempt at a provider ends in the same way.
#[derive(Clone, Debug, PartialEq)]
pub struct Outage {
    /// The provider, without its own outcomes.
    pub provider: ProviderSpec,
    /// When it begins, after the start.
    pub after: Duration,
    /// How long it lasts.
    pub lasts: Duration,
    /// How attempts end; never in an acceptance.
    pub outcome: Outcome,
}

/// To whom a scenario sends, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// When the first delivery is confirmed: a whole second.
    pub start: Timestamp,
    /// How long what comes back is waited for after the last delivery's validity of 84 hours.
    pub tail: Duration,
    /// To whom.
    pub audience: Audience,
    /// In how many deliveries, and when.
    pub waves: Waves,
}

/// Recipients.
#[derive(Clone, Debug, PartialEq)]
pub enum Audience {
    /// Made up.
    MadeUp {
        /// How many.
        count: u32,
        /// Where they have their mailboxes.
        domains: Vec<Share>,
    },
    /// From a list; each has one value for each of [`Content::fields`].
    List(Vec<Recipient>),
}

/// A domain's share of made-up recipients.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// The domain.
    pub domain: String,
    /// Its share, in any unit; above 0.
    pub weight: f64,
}

/// The recipients are divided, in the order of the list, into deliveries of equal size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waves {
    /// How many, at least 1.
    pub count: u32,
    /// From one to the next: whole seconds.
    pub every: Duration,
}

impl Waves {
    /// Everybody at once.
    pub const ONE: Self = Self { count: 1, every: Duration::from_hours(1) };
    /// Most waves.
    pub const MAX: u32 = 1_000;
}

impl Plan {
    /// Most recipients: one delivery's limit.
    pub const MAX_RECIPIENTS: u32 = 10_000_000;

    /// How many recipients there are.
    pub fn recipients(&self) -> usize {
        match &self.audience {
            Audience::MadeUp { count, .. } => *count as usize,
            Audience::List(recipients) => recipients.len(),
        }
    }

    /// When nothing more is waited for.
    pub fn end(&self) -> Timestamp {
        let last = self.waves.every * self.waves.count.saturating_sub(1);
        self.start + last + emta_queue::MAX_VALIDITY + self.tail
    }
}
