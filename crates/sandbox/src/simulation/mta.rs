//! The MTA and the providers it delivers to: the queue decides, an attempt is SMTP from core to core.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use emta_mail::event::{Attempt, Verdict};
use emta_mail::{BounceClass, Chance, Domain, Envelope, EventKind, Phase, QueueId, Reply, Timestamp};
use emta_providers::{
    DoorBehaviour, DoorId, ProviderSession, ProviderSpec, Providers, ProvidersError, Resolution,
    SandboxAddresses, WeightedOutcome,
};
use emta_queue::{AttemptResult, Input, Message, Output, Queue};
use emta_smtp::{Job, Outcome, ServerConfig};
use emta_store::MessageStatus;

use super::link::{Handshake, Link, Lost, refused};
use super::scenario::Outage;
use super::spool::{Place, Spool};
use super::world::World;
use crate::classify;
use crate::mta::{REPLY, expiry, internal};

/// The MTA's half of a shard.
pub(super) struct Mta {
    world: Arc<World>,
    pub(super) queue: Queue,
    net: Net,
    /// What is there instead of a provider during an outage.
    outages: Vec<Dark>,
    /// Open connections by lane and slot.
    connections: HashMap<(Arc<Domain>, u32), Open>,
    /// Attempts at providers that take their time, by when these answer.
    slow: BTreeMap<(Timestamp, QueueId), Waiting>,
    /// The last failure of each message that is still tried.
    failed: HashMap<QueueId, (Attempt, Verdict)>,
}

/// Providers and their listeners.
struct Net {
    providers: Providers,
    /// By [`DoorId`].
    doors: Arc<[Door]>,
}

/// A provider's outage.
struct Dark {
    provider: String,
    from: Timestamp,
    until: Timestamp,
    net: Net,
}

/// What the MTA needs of a listener.
struct Door {
    server: Arc<ServerConfig>,
    is_listening: bool,
    handshake: Handshake,
}

/// A connection to a provider.
struct Open {
    door: (Sky, DoorId),
    link: Link,
    session: ProviderSession,
}

/// Where attempts go: to the providers, or during an outage to what is there instead, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sky {
    Clear,
    Dark(usize),
}

/// An attempt that the queue asked for.
struct Start {
    id: QueueId,
    place: Place,
    number: u32,
    domain: Arc<Domain>,
    provider: Arc<str>,
    slot: u32,
    fresh: bool,
}

/// An attempt whose provider has not answered yet.
struct Waiting {
    start: Start,
    in_time: bool,
}

/// Where an attempt ended, and with what.
struct End {
    mx: String,
    phase: Phase,
    reply: Reply,
}

impl Mta {
    /// What is the same for all shards is made here; the others are made [from it](Self::for_others).
    pub(super) fn new(world: &Arc<World>) -> Result<Self, ProvidersError> {
        let chance = Chance::new(world.config.seed);
        let dark = |outage: &Outage| {
            let Outage { provider, after, lasts, outcome } = outage;
            let always = WeightedOutcome { weight: 1.0, name: "outage".to_owned(), outcome: outcome.clone() };
            let spec = ProviderSpec {
                outcomes: vec![always],
                recipients: Vec::new(),
                sandbox_addresses: SandboxAddresses::Off,
                ..provider.clone()
            };
            let from = world.start + *after;
            let net = Net::new(chance, vec![spec])?;
            Ok(Dark { provider: provider.name.clone(), from, until: from + *lasts, net })
        };
        Ok(Self {
            queue: Queue::new(Arc::clone(&world.policy), chance),
            net: Net::new(chance, world.config.providers.clone())?,
            outages: world.outages.iter().map(dark).collect::<Result<_, ProvidersError>>()?,
            connections: HashMap::new(),
            slow: BTreeMap::new(),
            failed: HashMap::new(),
            world: Arc::clone(world),
        })
    }

    /// The same for other messages.
    pub(super) fn for_others(&self) -> Self {
        let dark = |Dark { provider, from, until, net }: &Dark| {
            let (from, until) = (*from, *until);
            Dark { provider: provider.clone(), from, until, net: net.for_others() }
        };
        Self {
            world: Arc::clone(&self.world),
            queue: Queue::new(Arc::clone(&self.world.policy), Chance::new(self.world.config.seed)),
            net: self.net.for_others(),
            outages: self.outages.iter().map(dark).collect(),
            connections: HashMap::new(),
            slow: BTreeMap::new(),
            failed: HashMap::new(),
        }
    }

    /// The providers.
    pub(super) const fn providers(&mut self) -> &mut Providers {
        &mut self.net.providers
    }

    /// What is at a provider's place now.
    fn sky(&self, provider: &str, now: Timestamp) -> Sky {
        let is_dark = |dark: &Dark| dark.provider == provider && (dark.from..dark.until).contains(&now);
        self.outages.iter().position(is_dark).map_or(Sky::Clear, Sky::Dark)
    }

    fn net(&mut self, sky: Sky) -> &mut Net {
        match sky {
            Sky::Clear => &mut self.net,
            Sky::Dark(number) => self.outages.get_mut(number).map_or(&mut self.net, |dark| &mut dark.net),
        }
    }

    /// Queues a message.
    pub(super) fn accept(&mut self, message: Message, now: Timestamp) {
        self.queue.handle(Input::Accept(message), now);
    }

    /// When there is something to do.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let slow = self.slow.first_key_value().map(|((at, _), _)| *at);
        [self.queue.deadline(), self.net.providers.deadline(), slow].into_iter().flatten().min()
    }

    /// Makes the attempts that are due, and tells what came of them. False if nothing was.
    pub(super) fn run(
        &mut self,
        spool: &mut Spool,
        now: Timestamp,
        tell: &mut impl FnMut(&mut Spool, Place, QueueId, EventKind),
    ) -> bool {
        let mut any = false;
        while let Some(entry) = self.slow.first_entry().filter(|entry| entry.key().0 <= now) {
            let Waiting { start, in_time } = entry.remove();
            any = true;
            if in_time {
                self.deliver(start, spool, now, tell);
            } else {
                let reply = internal(421, "4.4.1", "timed out while waiting for the server");
                let end = End { mx: String::new(), phase: Phase::Connect, reply };
                self.finish(start, end, spool, now, tell);
            }
        }
        while let Some(output) = self.queue.poll(now) {
            any = true;
            match output {
                Output::Attempt { id, number, domain, provider, slot, fresh_connection } => {
                    let Some(place) = spool.find(id) else { continue };
                    let fresh = fresh_connection;
                    self.attempt(
                        Start { id, place, number, domain, provider, slot, fresh },
                        spool,
                        now,
                        tell,
                    );
                }
                Output::Rescheduled { id, next_attempt, attempts: _ } => {
                    if let (Some((attempt, verdict)), Some(place)) = (self.failed.get(&id), spool.find(id)) {
                        let (attempt, verdict) = (attempt.clone(), verdict.clone());
                        tell(spool, place, id, EventKind::Deferred { attempt, verdict, next_attempt });
                    }
                }
                Output::Expired { id, attempts: _ } => {
                    self.forget(id);
                    let last = self.failed.remove(&id);
                    if let Some(place) = spool.find(id) {
                        spool.set_status(place, MessageStatus::Expired);
                        tell(spool, place, id, expiry(last));
                    }
                }
            }
        }
        any
    }

    fn attempt(
        &mut self,
        start: Start,
        spool: &mut Spool,
        now: Timestamp,
        tell: &mut impl FnMut(&mut Spool, Place, QueueId, EventKind),
    ) {
        let Some(recipient) = spool.recipient(start.place) else { return };
        let sky = self.sky(&start.provider, now);
        let delay = self.net(sky).providers.delay(start.id, recipient, start.number);
        if delay.is_zero() {
            return self.deliver(start, spool, now, tell);
        }
        let answer = (now + delay.min(REPLY)).ceil_to_second();
        self.slow.insert((answer, start.id), Waiting { start, in_time: delay <= REPLY });
    }

    fn deliver(
        &mut self,
        start: Start,
        spool: &mut Spool,
        now: Timestamp,
        tell: &mut impl FnMut(&mut Spool, Place, QueueId, EventKind),
    ) {
        let end = self.over_smtp(&start, spool, now);
        self.finish(start, end, spool, now, tell);
    }

    /// As a connection of the running MTA does it: where to, whether what is open serves, and what came of it.
    fn over_smtp(&mut self, start: &Start, spool: &Spool, now: Timestamp) -> End {
        let Some(recipient) = spool.recipient(start.place) else {
            let reply = internal(451, "4.3.0", "the queued message cannot be read");
            return End { mx: String::new(), phase: Phase::Connect, reply };
        };
        let sky = self.sky(&start.provider, now);
        let (mx, door) = match self.net(sky).providers.resolve(start.id, recipient, start.number) {
            Resolution::Failed { phase, reply } => return End { mx: String::new(), phase, reply },
            Resolution::Mx { host, door } => (host, (sky, door)),
            Resolution::Foreign(address) => {
                let reply = internal(421, "4.4.1", "a simulation has no way to other servers");
                return End { mx: address.to_string(), phase: Phase::Connect, reply };
            }
        };
        let key = (Arc::clone(&start.domain), start.slot);
        let open = self.connections.remove(&key);
        let mut open = open.filter(|open| !start.fresh && open.door == door && !open.link.is_closed());
        let mut envelope = Envelope::new(self.world.sender().clone(), recipient.clone());
        envelope.envid = Some(start.id.to_string());
        let content = || {
            let trace = Bytes::from(spool.trace(start.place, start.id));
            vec![trace, Bytes::from(spool.content(start.place).unwrap_or_default())]
        };
        loop {
            let reused = open.is_some();
            let outcome = match open.take().map_or_else(|| self.connect(door), Ok) {
                Ok(mut connection) => {
                    let job = Job { key: start.id.as_u64(), envelope: envelope.clone(), content: content() };
                    let Open { link, session, .. } = &mut connection;
                    let Net { providers, doors } = self.net(sky);
                    let handshake =
                        doors.get(door.1.index()).map_or(Handshake::Succeeds, |door| door.handshake);
                    let outcome =
                        link.deliver(job, handshake, |request| session.answer(providers, &request, now));
                    if !connection.link.is_closed() {
                        self.connections.insert(key.clone(), connection);
                    }
                    outcome
                }
                Err(reply) => {
                    let outcome = Outcome { key: start.id.as_u64(), phase: Phase::Connect, reply };
                    Err(Lost { outcome, stale: false })
                }
            };
            match outcome {
                // A kept-alive connection that the server had closed meanwhile says nothing about this message.
                Err(lost) if reused && lost.stale => {}
                Ok(Outcome { phase, reply, .. })
                | Err(Lost { outcome: Outcome { phase, reply, .. }, .. }) => {
                    return End { mx, phase, reply };
                }
            }
        }
    }

    fn connect(&mut self, door: (Sky, DoorId)) -> Result<Open, Reply> {
        let client = Arc::clone(&self.world.mta_client);
        match self.net(door.0).doors.get(door.1.index()) {
            Some(to) if to.is_listening => {
                let link = Link::new(&client, &to.server);
                Ok(Open { door, link, session: ProviderSession::new(door.1) })
            }
            Some(_) | None => Err(refused()),
        }
    }

    fn forget(&mut self, id: QueueId) {
        self.net.providers.forget(id);
        self.outages.iter_mut().for_each(|dark| dark.net.providers.forget(id));
    }

    fn finish(
        &mut self,
        start: Start,
        end: End,
        spool: &mut Spool,
        now: Timestamp,
        tell: &mut impl FnMut(&mut Spool, Place, QueueId, EventKind),
    ) {
        let Start { id, place, number, provider, .. } = start;
        let End { mx, phase, reply } = end;
        let attempt =
            Attempt { number, provider: provider.to_string(), mx, phase, reply, after_crash: false };
        let result = if attempt.reply.is_transient() {
            let verdict = self.classify(&attempt);
            let class = verdict.class.unwrap_or(BounceClass::Undetermined);
            self.failed.insert(id, (attempt, verdict));
            spool.set_status(place, MessageStatus::Deferred);
            AttemptResult::Deferred { class }
        } else {
            self.forget(id);
            self.failed.remove(&id);
            if attempt.reply.is_positive() {
                spool.set_status(place, MessageStatus::Delivered);
                tell(spool, place, id, EventKind::Delivered { attempt });
                AttemptResult::Delivered
            } else {
                let verdict = self.classify(&attempt);
                spool.set_status(place, MessageStatus::Bounced);
                tell(spool, place, id, EventKind::Bounced { attempt, verdict });
                AttemptResult::Bounced
            }
        };
        self.queue.handle(Input::Finished { id, result }, now);
    }

    fn classify(&self, attempt: &Attempt) -> Verdict {
        classify::synchronous(&self.world.config.rules.mta, attempt)
    }
}

impl Net {
    fn new(chance: Chance, specs: Vec<ProviderSpec>) -> Result<Self, ProvidersError> {
        let providers = Providers::try_new(chance, specs)?;
        let door = |door: &emta_providers::Door| Door {
            server: Arc::new(door.server.clone()),
            is_listening: door.behaviour != DoorBehaviour::NotListening,
            handshake: match door.behaviour {
                DoorBehaviour::FailTls => Handshake::Fails,
                DoorBehaviour::Open
                | DoorBehaviour::NotListening
                | DoorBehaviour::RefuseGreeting { .. }
                | DoorBehaviour::RefuseEhlo { .. }
                | DoorBehaviour::HangUpAtGreeting
                | DoorBehaviour::HangUpAtEhlo => Handshake::Succeeds,
            },
        };
        Ok(Self { doors: providers.doors().iter().map(door).collect(), providers })
    }

    fn for_others(&self) -> Self {
        Self { providers: self.providers.for_others(), doors: Arc::clone(&self.doors) }
    }
}
