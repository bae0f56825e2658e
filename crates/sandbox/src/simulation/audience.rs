//! The recipients: made up or from a list, divided into shards and deliveries.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::thread;

use emta_campaign::Recipient;
use emta_mail::{Chance, EmailAddress, QueueId, Timestamp};

use super::scenario::{Audience, Plan, Share};
use super::spool::{Member, message_id};
use super::world::World;
use crate::relay::{candidate, identity};

/// Into how many parts the recipients are divided. Enough to keep some threads busy, few enough that a part has much
/// to do at a time. It changes nothing in the story.
pub(super) const SHARDS: usize = 32;

const FIRST: [&str; 16] = [
    "ada", "ben", "carla", "david", "elif", "farid", "greta", "hugo", "ines", "jonas", "kim", "lea", "marco",
    "nora", "olga", "paul",
];
const LAST: [&str; 16] = [
    "adler", "blanc", "costa", "dubois", "fischer", "garcia", "haddad", "jensen", "kaya", "lopez", "moreau",
    "nowak", "okafor", "petit", "rossi", "weber",
];

/// Addresses of made-up recipients, each a function of its number.
pub(super) struct MadeUp {
    chance: Chance,
    domains: Vec<String>,
    /// Sums of the shares up to each domain, from 0 to 2^32.
    bounds: Vec<u64>,
}

impl MadeUp {
    pub(super) fn new(seed: u64, shares: &[Share]) -> Self {
        let total: f64 = shares.iter().map(|share| share.weight).sum();
        let mut sum = 0.0;
        let bound = |share: &Share| {
            sum += share.weight;
            (sum / total * (1_u64 << 32) as f64) as u64
        };
        Self {
            chance: Chance::new(seed),
            bounds: shares.iter().map(bound).collect(),
            domains: shares.iter().map(|share| share.domain.clone()).collect(),
        }
    }

    /// Number of a recipient's domain, from its random bits.
    fn domain(&self, bits: u64) -> usize {
        let point = bits >> 32;
        self.bounds.partition_point(|bound| *bound <= point).min(self.domains.len().saturating_sub(1))
    }

    /// Writes the address of this recipient, and tells the number of its domain.
    fn write(&self, number: u32, out: &mut String) -> usize {
        let bits = self.chance.bits(QueueId::from_u64(u64::from(number)), 0, "recipient");
        let domain = self.domain(bits);
        let name = |names: &[&'static str; 16], bits: u64| names[(bits & 15) as usize];
        out.clear();
        let domain_name = self.domains.get(domain).map_or("", String::as_str);
        // Writing to a String does not fail.
        let _ = write!(out, "{}.{}{number}@{domain_name}", name(&FIRST, bits), name(&LAST, bits >> 4));
        domain
    }
}

/// Who is where: recipients by shard, before there is anything of them but a number and an id.
pub(super) struct Division<'a> {
    plan: &'a Plan,
    list: List<'a>,
    wave_size: u32,
    /// Never relayed to.
    doubles: HashSet<u32>,
    /// Of each shard: id of the message, number of the recipient.
    shards: Vec<Vec<(u64, u32)>>,
}

impl<'a> Division<'a> {
    /// Divides the recipients, on so many threads.
    pub(super) fn new(plan: &'a Plan, world: &World, threads: usize) -> Self {
        let list = match &plan.audience {
            Audience::MadeUp { count, domains } => {
                List::MadeUp(MadeUp::new(world.config.seed, domains), *count)
            }
            Audience::List(recipients) => List::Given(recipients),
        };
        let total = list.len();
        let wave_size = total.div_ceil(plan.waves.count.max(1)).max(1);
        let homes = list.homes();
        let chunk = total.div_ceil(threads.max(1) as u32).max(1);
        let divide = |start: u32| {
            let mut shards = vec![Vec::new(); SHARDS];
            let mut address = String::new();
            for number in start..start.saturating_add(chunk).min(total) {
                let domain = list.write(number, &mut address);
                let id = id_of(&address, number, wave_size, world);
                if let Some(shard) = homes.get(domain).and_then(|home| shards.get_mut(*home)) {
                    shard.push((id, number));
                }
            }
            shards
        };
        let mut shards = vec![Vec::new(); SHARDS];
        thread::scope(|scope| {
            let starts = (0..total).step_by(chunk as usize);
            let running: Vec<_> = starts.map(|start| scope.spawn(move || divide(start))).collect();
            for thread in running {
                let parts = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                for (shard, part) in shards.iter_mut().zip(parts) {
                    shard.extend(part);
                }
            }
        });
        Self { doubles: list.doubles(wave_size), plan, list, wave_size, shards }
    }

    /// Recipients of each delivery of this shard, and when it starts: with an id first, by rising id.
    pub(super) fn members(&self, shard: usize) -> Vec<(Timestamp, Vec<Member>)> {
        let mut deliveries: Vec<(Timestamp, Vec<Member>)> =
            self.starts().map(|at| (at, Vec::new())).collect();
        let mut own = self.shards.get(shard).cloned().unwrap_or_default();
        own.sort_unstable_by_key(|(id, number)| (self.doubles.contains(number), *id));
        let mut address = String::new();
        for (id, number) in own {
            let Some((_, wave)) = deliveries.get_mut((number / self.wave_size) as usize) else { continue };
            wave.push(Member {
                id: (!self.doubles.contains(&number)).then_some(QueueId::from_u64(id)),
                log: number % self.wave_size + 1,
                recipient: self.list.recipient(number, &mut address),
            });
        }
        deliveries
    }

    /// When each delivery starts.
    pub(super) fn starts(&self) -> impl Iterator<Item = Timestamp> {
        let Plan { start, waves, .. } = self.plan;
        (0..waves.count).map(|wave| *start + waves.every * wave)
    }

    /// Recipients of the largest delivery.
    pub(super) const fn wave_size(&self) -> u32 {
        self.wave_size
    }
}

/// The id under which the relay will queue the message to this recipient.
fn id_of(address: &str, number: u32, wave_size: u32, world: &World) -> u64 {
    let (delivery, log) = (number / wave_size + 1, number % wave_size + 1);
    let message_id = message_id(u64::from(log), delivery, world);
    let identity = identity(Some(&message_id), b"");
    candidate(world.config.seed, identity, world.sender(), address).as_u64()
}

enum List<'a> {
    MadeUp(MadeUp, u32),
    Given(&'a [Recipient]),
}

impl List<'_> {
    fn len(&self) -> u32 {
        match self {
            Self::MadeUp(_, count) => *count,
            Self::Given(recipients) => u32::try_from(recipients.len()).unwrap_or(u32::MAX),
        }
    }

    /// Writes an address in canonical form, if it is one, and tells the number of its domain.
    fn write(&self, number: u32, out: &mut String) -> usize {
        match self {
            Self::MadeUp(made_up, _) => made_up.write(number, out),
            Self::Given(recipients) => {
                out.clear();
                let written = recipients.get(number as usize).map_or("", |recipient| &recipient.address);
                match EmailAddress::parse(written.trim()) {
                    Ok(address) => {
                        out.push_str(address.as_str());
                        hashed(address.domain_str())
                    }
                    Err(_) => 0,
                }
            }
        }
    }

    fn recipient(&self, number: u32, buffer: &mut String) -> Recipient {
        match self {
            Self::MadeUp(made_up, _) => {
                made_up.write(number, buffer);
                Recipient { address: buffer.as_str().to_owned(), values: Vec::new() }
            }
            Self::Given(recipients) => recipients
                .get(number as usize)
                .cloned()
                .unwrap_or_else(|| Recipient { address: String::new(), values: Vec::new() }),
        }
    }

    /// The shard of each domain: the largest ones first, each to where there is least so far.
    fn homes(&self) -> Vec<usize> {
        match self {
            Self::MadeUp(made_up, _) => {
                let mut before = 0;
                let share = |bound: &u64| *bound - std::mem::replace(&mut before, *bound);
                let mut order: Vec<(u64, usize)> = made_up.bounds.iter().map(share).zip(0..).collect();
                order.sort_unstable_by_key(|(share, at)| (std::cmp::Reverse(*share), *at));
                let mut load = [0_u64; SHARDS];
                let mut homes = vec![0; order.len()];
                for (share, domain) in order {
                    let least = (0..SHARDS).min_by_key(|shard| load[*shard]).unwrap_or(0);
                    load[least] += share.max(1);
                    homes[domain] = least;
                }
                homes
            }
            Self::Given(_) => (0..BUCKETS).map(|bucket| bucket % SHARDS).collect(),
        }
    }

    /// Who is never relayed to: without an address, or with one that was there before in the same delivery. The core
    /// finds that out for itself; here it is known beforehand, so that the first one stays the first.
    fn doubles(&self, wave_size: u32) -> HashSet<u32> {
        let Self::Given(recipients) = self else { return HashSet::new() };
        let mut seen = HashSet::new();
        let is_double = |(recipient, number): &(&Recipient, u32)| {
            let address = EmailAddress::parse(recipient.address.trim());
            address.map_or(true, |address| !seen.insert((number / wave_size, address)))
        };
        recipients.iter().zip(0..).filter(is_double).map(|(_, number)| number).collect()
    }
}

/// Domains of a given list are told apart by a hash.
const BUCKETS: usize = 1 << 16;

fn hashed(domain: &str) -> usize {
    let hash = emta_mail::chance::Hasher::new().bytes(domain.as_bytes()).finish();
    (hash % BUCKETS as u64) as usize
}
