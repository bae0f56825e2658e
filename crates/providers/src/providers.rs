//! All simulated providers together: simulated DNS, the fate of each attempt, and what is due later.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use emta_mail::chance::Hasher;
use emta_mail::{Chance, Domain, EmailAddress, Phase, QueueId, Reply, ReversePath, Timestamp};

use crate::door::{self, Door, DoorBehaviour, DoorId};
use crate::fate::{ChosenBy, Fates};
use crate::internal;
use crate::latency::Latency;
use crate::outcome::{AttemptStep, Outcome};
use crate::routing::Routing;
use crate::schedule::{Later, Schedule};
use crate::spec::{DomainPattern, ProviderSpec};
use crate::template::{self, Values};
use crate::validate::{self, ProvidersError};

/// Where the simulated DNS sends an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// To an MX host of the provider.
    Mx {
        /// Its name.
        host: String,
        /// The listener to connect to.
        door: DoorId,
    },
    /// Nowhere: the attempt ends without a connection.
    Failed {
        /// At which step.
        phase: Phase,
        /// What the MTA says about it.
        reply: Reply,
    },
    /// To a server that is not part of the simulation, on a loopback address.
    Foreign(SocketAddr),
}

/// A message that a provider accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The message.
    pub message: QueueId,
    /// Its envelope sender.
    pub sender: ReversePath,
    /// Its envelope recipient.
    pub recipient: EmailAddress,
    /// When it was accepted.
    pub at: Timestamp,
}

#[derive(Debug)]
struct Provider {
    spec: ProviderSpec,
    name: Arc<str>,
    host: Arc<str>,
    fates: Fates,
    doors: HashMap<DoorBehaviour, DoorId>,
    main: DoorId,
}

/// An attempt that the MTA announced by resolving it.
#[derive(Debug)]
struct Announced {
    attempt: u32,
    recipient: EmailAddress,
}

/// What the providers are: nothing changes it.
#[derive(Debug)]
struct Catalogue {
    all: Vec<Provider>,
    routing: Routing,
    doors: Vec<Door>,
}

/// The simulated mailbox providers.
#[derive(Debug)]
pub struct Providers {
    chance: Chance,
    catalogue: Arc<Catalogue>,
    /// By message; at most one for each message in the MTA's queue.
    announced: HashMap<QueueId, Announced>,
    /// Attempts seen of messages that nobody announced; at most [`Self::MAX_COUNTED`].
    counted: BTreeMap<QueueId, u32>,
    schedule: Schedule,
}

impl Providers {
    /// Most listeners of one provider.
    pub const MAX_DOORS: usize = 64;
    /// Most messages of foreign clients whose attempts are counted; over it, one of them starts again at 1.
    pub const MAX_COUNTED: usize = 100_000;
    /// Most actions that wait for their time; over it, further ones are dropped and counted.
    pub const MAX_WAITING: usize = 8_000_000;
    /// The name of the provider for domains that no other has; added where no provider has the domain `*`.
    pub const DEFAULT: &'static str = "default";

    /// The providers of a run. Where none has the domain `*`, one that accepts everything is added for it.
    ///
    /// # Errors
    /// See [`ProvidersError`].
    pub fn try_new(chance: Chance, mut specs: Vec<ProviderSpec>) -> Result<Self, ProvidersError> {
        let mut routing = validate::routing(&specs)?;
        if !routing.is_complete() {
            let mut name = Self::DEFAULT.to_owned();
            while specs.iter().any(|spec| spec.name == name) {
                name.push('-');
            }
            let _ = routing.add(&DomainPattern::Any, specs.len());
            specs.push(ProviderSpec::new(name, vec![DomainPattern::Any]));
        }
        validate::recipients(&specs, &routing)?;

        let mut doors = Vec::new();
        let mut all = Vec::with_capacity(specs.len());
        for spec in specs {
            all.push(Provider::new(all.len(), spec, &mut doors)?);
        }
        Ok(Self::with(chance, Arc::new(Catalogue { all, routing, doors })))
    }

    /// The same providers for other messages: as new ones, but without a copy of what they are.
    pub fn for_others(&self) -> Self {
        Self::with(self.chance, Arc::clone(&self.catalogue))
    }

    fn with(chance: Chance, catalogue: Arc<Catalogue>) -> Self {
        Self {
            chance,
            catalogue,
            announced: HashMap::new(),
            counted: BTreeMap::new(),
            schedule: Schedule::with_limit(Self::MAX_WAITING),
        }
    }

    /// All listeners, by [`DoorId`]. The shell opens one for each.
    pub fn doors(&self) -> &[Door] {
        &self.catalogue.doors
    }

    /// The provider that serves the domain.
    pub fn provider_for(&self, domain: &Domain) -> Option<&ProviderSpec> {
        self.provider(domain).map(|provider| &provider.spec)
    }

    /// All providers, in the order in which they were given.
    pub fn specs(&self) -> impl Iterator<Item = &ProviderSpec> {
        self.catalogue.all.iter().map(|provider| &provider.spec)
    }

    fn provider(&self, domain: &Domain) -> Option<&Provider> {
        self.catalogue.provider(domain)
    }

    /// Number of the provider that serves the domain; the same number as [`Door::provider`].
    pub(crate) fn provider_number(&self, domain: &Domain) -> usize {
        self.catalogue.routing.provider_of(domain)
    }

    pub(crate) fn spec(&self, provider: usize) -> Option<&ProviderSpec> {
        self.catalogue.all.get(provider).map(|provider| &provider.spec)
    }

    /// The outcome that this message meets, and why.
    pub fn outcome(&self, message: QueueId, recipient: &EmailAddress) -> (Cow<'_, Outcome>, ChosenBy) {
        match self.provider(&recipient.domain()) {
            Some(provider) => provider.fates.choose(self.chance, message, recipient),
            None => (Cow::Owned(Outcome::accept()), ChosenBy::Default),
        }
    }

    /// How this attempt of this message ends, its texts filled in for the host that answers.
    pub fn step(&self, message: QueueId, recipient: &EmailAddress, attempt: u32, host: &str) -> AttemptStep {
        let (outcome, _) = self.outcome(message, recipient);
        let fill = |reply: &Reply| template::fill(reply, Values { message, recipient, host });
        match outcome.step(attempt) {
            AttemptStep::Accept { reply } => AttemptStep::Accept { reply: reply.as_ref().map(fill) },
            AttemptStep::Refuse { step, reply, then_disconnect } => {
                AttemptStep::Refuse { step: *step, reply: fill(reply), then_disconnect: *then_disconnect }
            }
            AttemptStep::DnsFailure { reply } => AttemptStep::DnsFailure { reply: fill(reply) },
            other @ (AttemptStep::Disconnect { .. }
            | AttemptStep::ConnectRefused
            | AttemptStep::ConnectTimeout
            | AttemptStep::TlsFailure) => other.clone(),
        }
    }

    /// How long the provider takes for this attempt (from 1): what the shell waits for before the attempt ends, in
    /// virtual time, at most [`Latency::MAX`]. As the outcome says, else as the provider does; zero where neither
    /// does.
    pub fn delay(&self, message: QueueId, recipient: &EmailAddress, attempt: u32) -> Duration {
        let Some(provider) = self.provider(&recipient.domain()) else { return Duration::ZERO };
        let named: Option<Latency> = match provider.spec.route {
            // The outcomes are not played: a foreign server answers instead.
            Some(_) => None,
            None => provider.fates.choose(self.chance, message, recipient).0.latency(attempt),
        };
        named.unwrap_or(provider.spec.latency).at(self.chance.unit(message, attempt, "latency"))
    }

    /// Simulated DNS: where this attempt (from 1) of this message goes. Also announces the attempt, so that the provider
    /// knows its number when the message comes.
    pub fn resolve(&mut self, message: QueueId, recipient: &EmailAddress, attempt: u32) -> Resolution {
        let Some(provider) = self.provider(&recipient.domain()) else {
            return Resolution::Failed { phase: Phase::Dns, reply: internal::no_host() };
        };
        if let Some(address) = provider.spec.route {
            return Resolution::Foreign(address);
        }
        let (outcome, _) = provider.fates.choose(self.chance, message, recipient);
        let step = outcome.step(attempt);
        let fill = |reply| template::fill(reply, Values { message, recipient, host: &provider.host });
        let failed = match step {
            AttemptStep::DnsFailure { reply } => Some((Phase::Dns, fill(reply))),
            AttemptStep::ConnectTimeout => Some((Phase::Connect, internal::connect_timeout())),
            AttemptStep::Accept { .. }
            | AttemptStep::Refuse { .. }
            | AttemptStep::Disconnect { .. }
            | AttemptStep::ConnectRefused
            | AttemptStep::TlsFailure => None,
        };
        if let Some((phase, reply)) = failed {
            return Resolution::Failed { phase, reply };
        }
        let behaviour = DoorBehaviour::for_step(step);
        let door = provider.doors.get(&behaviour).copied().unwrap_or(provider.main);
        let host = if door == provider.main {
            let draw = self.chance.bits(message, attempt, "mx");
            let hosts = &provider.spec.mx;
            let index = usize::try_from(draw % hosts.len().max(1) as u64).unwrap_or(0);
            hosts.get(index).map_or_else(|| provider.host.to_string(), Domain::to_string)
        } else {
            self.catalogue.doors.get(door.0).map_or_else(String::new, |door| door.host.clone())
        };
        self.announced.insert(message, Announced { attempt, recipient: recipient.clone() });
        Resolution::Mx { host, door }
    }

    /// Forgets what was announced or counted of a message: it was delivered, refused for good, or given up.
    pub fn forget(&mut self, message: QueueId) {
        self.announced.remove(&message);
        self.counted.remove(&message);
    }

    /// The recipient and number of the attempt that the MTA announced for this message.
    pub(crate) fn announced(&self, message: QueueId) -> Option<(&EmailAddress, u32)> {
        self.announced.get(&message).map(|announced| (&announced.recipient, announced.attempt))
    }

    /// The number of the attempt that begins now: as announced, or one more than was seen.
    pub(crate) fn begin_attempt(&mut self, message: QueueId, recipient: &EmailAddress) -> u32 {
        match self.announced(message) {
            Some((announced, attempt)) if announced == recipient => return attempt,
            Some(_) | None => {}
        }
        if self.counted.len() >= Self::MAX_COUNTED && !self.counted.contains_key(&message) {
            // Ids are hashes: the first one is any one.
            self.counted.pop_first();
        }
        let seen = self.counted.entry(message).or_insert(0);
        *seen = seen.saturating_add(1);
        *seen
    }

    /// The name of a message that came without one: from its envelope, so that a retry is known again.
    pub(crate) fn foreign_id(&self, sender: &ReversePath, recipient: &EmailAddress) -> QueueId {
        let hash = Hasher::new()
            .u64(self.chance.seed())
            .bytes(sender.as_str().as_bytes())
            .bytes(recipient.as_str().as_bytes());
        QueueId::from_u64(hash.finish())
    }

    /// Takes note that a message was accepted: draws what follows and when. [`crate::ProviderSession`] calls this
    /// itself.
    pub fn delivered(&mut self, delivery: &Delivery) {
        self.forget(delivery.message);
        self.schedule_after(delivery, Timestamp::MIN);
    }

    /// After a restart: schedules again what follows a message that was accepted earlier, as far as it is due at `now`
    /// or later.
    pub fn restore_delivered(&mut self, delivery: &Delivery, now: Timestamp) {
        self.schedule_after(delivery, now);
    }

    fn schedule_after(&mut self, delivery: &Delivery, from: Timestamp) {
        let Some(provider) = self.catalogue.provider(&delivery.recipient.domain()) else {
            return;
        };
        let (message, recipient) = (delivery.message, &delivery.recipient);
        let (outcome, _) = provider.fates.choose(self.chance, message, recipient);
        let values = Values { message, recipient, host: &provider.host };
        for (number, action) in (1u32..).zip(outcome.after()) {
            let unwanted = action.kind.is_mail() && delivery.sender == ReversePath::Null;
            if unwanted || !self.chance.happens(action.probability.get(), message, number, "after") {
                continue;
            }
            let delay = action.delay.at(self.chance.unit(message, number, "delay"));
            let due = (delivery.at + delay).ceil_to_second();
            if due < from {
                continue;
            }
            self.schedule.add(Later {
                due,
                message,
                provider: Arc::clone(&provider.name),
                host: Arc::clone(&provider.host),
                sender: delivery.sender.clone(),
                recipient: recipient.clone(),
                accepted: delivery.at,
                number,
                kind: template::fill_action(&action.kind, values),
            });
        }
    }

    /// What is due at `now`, one at a time: by instant, then message, then kind.
    pub fn poll(&mut self, now: Timestamp) -> Option<Later> {
        self.schedule.pop(now)
    }

    /// When the next action is due.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.schedule.deadline()
    }

    /// How many actions wait for their time.
    pub fn waiting(&self) -> usize {
        self.schedule.len()
    }

    /// How many actions were dropped because too many waited.
    pub const fn dropped(&self) -> u64 {
        self.schedule.dropped()
    }
}

impl Catalogue {
    fn provider(&self, domain: &Domain) -> Option<&Provider> {
        self.all.get(self.routing.provider_of(domain))
    }
}

impl Provider {
    fn new(number: usize, spec: ProviderSpec, doors: &mut Vec<Door>) -> Result<Self, ProvidersError> {
        let mut own: HashMap<DoorBehaviour, DoorId> = HashMap::new();
        let main = DoorId(doors.len());
        let steps = Fates::configured(&spec).flat_map(Outcome::attempts);
        let behaviours = std::iter::once(DoorBehaviour::Open).chain(steps.map(DoorBehaviour::for_step));
        for behaviour in behaviours {
            if own.contains_key(&behaviour) {
                continue;
            }
            let id = DoorId(doors.len());
            let host = match own.len() {
                0 => door::main_host(&spec),
                special => door::special_host(&spec, special),
            };
            let server = door::server(&spec, &host, &behaviour);
            own.insert(behaviour.clone(), id);
            doors.push(Door { id, provider: number, host, behaviour, server });
        }
        if own.len() > Providers::MAX_DOORS {
            return Err(ProvidersError::TooManyDoors { provider: spec.name, doors: own.len() });
        }
        Ok(Self {
            name: spec.name.as_str().into(),
            host: door::main_host(&spec).into(),
            fates: Fates::new(&spec),
            doors: own,
            main,
            spec,
        })
    }
}

#[cfg(test)]
mod tests;
