//! All lanes, and which of them are worth a look: no operation goes over all of them, but a change of policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use emta_mail::{Domain, QueueId, Timestamp};

use crate::connections::Left;
use crate::lane::{Admission, Gate, Lane};
use crate::limits::Limits;
use crate::policy::Policy;

/// A lane's place; valid while the lane has messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LaneId(u32);

/// How many lanes without messages are kept, for their open connections, before they are swept away: a campaign may
/// meet a million domains once each.
const MAX_IDLE: usize = 10_000;

/// The lanes by name. Those that are open are in `open`, those that are throttled in `throttled`.
#[derive(Debug)]
pub(crate) struct Lanes {
    all: Vec<Lane>,
    names: BTreeMap<Arc<Domain>, LaneId>,
    /// Places in `all` of lanes that were swept away.
    vacant: Vec<LaneId>,
    /// In the order of names: the order in which lanes are served.
    open: BTreeMap<Arc<Domain>, LaneId>,
    throttled: BTreeSet<(Timestamp, LaneId)>,
    /// Named lanes without messages.
    idle: usize,
    /// How many idle lanes set off the next sweep.
    sweep_above: usize,
}

/// An attempt that starts.
pub(crate) struct Start {
    pub(crate) lane: LaneId,
    pub(crate) id: QueueId,
    pub(crate) slot: u32,
    pub(crate) fresh_connection: bool,
}

impl Lanes {
    pub(crate) const fn new() -> Self {
        Self {
            all: Vec::new(),
            names: BTreeMap::new(),
            vacant: Vec::new(),
            open: BTreeMap::new(),
            throttled: BTreeSet::new(),
            idle: 0,
            sweep_above: MAX_IDLE,
        }
    }

    /// The lane at this place.
    pub(crate) fn at(&self, id: LaneId) -> &Lane {
        &self.all[id.0 as usize]
    }

    fn at_mut(&mut self, id: LaneId) -> &mut Lane {
        &mut self.all[id.0 as usize]
    }

    /// All lanes that have a name, in its order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Lane> {
        self.names.values().map(|id| self.at(*id))
    }

    /// The lane of this domain, made if there is none; `provider` serves it from now on.
    pub(crate) fn named(
        &mut self,
        domain: Domain,
        provider: &Arc<str>,
        policy: &Policy,
        now: Timestamp,
    ) -> LaneId {
        if let Some(id) = self.names.get(&domain).copied() {
            if self.at(id).provider != *provider {
                self.at_mut(id).provider = Arc::clone(provider);
                self.set_limits(id, policy.limits(provider));
            }
            return id;
        }
        let domain = Arc::new(domain);
        let lane = Lane::new(Arc::clone(&domain), Arc::clone(provider), policy.limits(provider), now);
        let id = if let Some(id) = self.vacant.pop() {
            *self.at_mut(id) = lane;
            id
        } else {
            self.all.push(lane);
            LaneId((self.all.len() - 1) as u32)
        };
        self.names.insert(domain, id);
        self.idle += 1;
        id
    }

    /// One more message belongs to the lane.
    pub(crate) fn enter(&mut self, id: LaneId) {
        let lane = self.at_mut(id);
        lane.queued += 1;
        if lane.queued == 1 {
            self.idle -= 1;
        }
    }

    /// A message has left the lane for good.
    pub(crate) fn leave(&mut self, id: LaneId, now: Timestamp) {
        let lane = self.at_mut(id);
        lane.queued -= 1;
        if lane.queued == 0 {
            self.idle += 1;
            if self.idle > self.sweep_above {
                self.sweep(now);
            }
        }
    }

    /// Forgets the lanes that have no messages and no spent budget to remember. The next sweep waits until as many
    /// again are idle, so that its cost is spread over them.
    fn sweep(&mut self, now: Timestamp) {
        let Self { all, names, vacant, .. } = self;
        let before = names.len();
        names.retain(|_, id| {
            let keep = !all[id.0 as usize].is_forgettable(now);
            if !keep {
                vacant.push(*id);
            }
            keep
        });
        self.idle -= before - self.names.len();
        self.sweep_above = MAX_IDLE.max(self.idle * 2);
    }

    /// The message is due.
    pub(crate) fn make_ready(&mut self, id: LaneId, due: Timestamp, message: QueueId) {
        let lane = self.at_mut(id);
        lane.ready.insert((due, message));
        if lane.gate == Gate::Idle {
            self.set_gate(id, Gate::Open);
        }
    }

    /// The message goes without an attempt.
    pub(crate) fn withdraw(&mut self, id: LaneId, due: Timestamp, message: QueueId) {
        let lane = self.at_mut(id);
        lane.ready.remove(&(due, message));
        if lane.ready.is_empty() {
            self.set_gate(id, Gate::Idle);
        }
    }

    /// Opens the lanes whose wait for the next slice is over.
    pub(crate) fn wake(&mut self, now: Timestamp) {
        while let Some((_, id)) = self.throttled.first().copied().filter(|(until, _)| *until <= now) {
            self.set_gate(id, Gate::Open);
        }
    }

    /// When the first throttled lane opens.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        self.throttled.first().map(|(until, _)| *until)
    }

    /// The next attempt to start: the first ready message of the first lane that lets one go.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<Start> {
        while let Some(lane) = self.open.first_key_value().map(|(_, id)| *id) {
            match self.at_mut(lane).admit(now) {
                Admission::Closed(gate) => self.set_gate(lane, gate),
                Admission::Start { id, slot, fresh_connection } => {
                    if self.at(lane).ready.is_empty() {
                        self.set_gate(lane, Gate::Idle);
                    }
                    return Some(Start { lane, id, slot, fresh_connection });
                }
            }
        }
        None
    }

    /// The attempt on this slot is over. One that was not made does not count against the slice in which it started.
    pub(crate) fn release(&mut self, id: LaneId, slot: u32, left: Left) {
        let lane = self.at_mut(id);
        let started = lane.connections.release(slot, left);
        let refund = match left {
            Left::Used => None,
            Left::Unused => started,
        };
        if let Some(slice) = refund {
            lane.spent.refund(slice);
        }
        match lane.gate {
            Gate::Full => self.set_gate(id, Gate::Open),
            Gate::Throttled(_) if refund.is_some() => self.set_gate(id, Gate::Open),
            Gate::Throttled(_) | Gate::Open | Gate::Idle => {}
        }
    }

    /// Attempts that were started at `at` by a process before this one.
    pub(crate) fn add_spent(&mut self, id: LaneId, attempts: u32, at: Timestamp) {
        self.at_mut(id).spent.add(attempts, at);
    }

    /// New limits for all lanes.
    pub(crate) fn adopt(&mut self, policy: &Policy) {
        let ids: Vec<LaneId> = self.names.values().copied().collect();
        for id in ids {
            let limits = policy.limits(&self.at(id).provider);
            self.set_limits(id, limits);
        }
    }

    fn set_limits(&mut self, id: LaneId, limits: Limits) {
        let lane = self.at_mut(id);
        lane.limits = limits;
        match lane.gate {
            Gate::Full | Gate::Throttled(_) => self.set_gate(id, Gate::Open),
            Gate::Idle | Gate::Open => {}
        }
    }

    fn set_gate(&mut self, id: LaneId, gate: Gate) {
        let lane = &mut self.all[id.0 as usize];
        match std::mem::replace(&mut lane.gate, gate) {
            Gate::Open => drop(self.open.remove(&lane.domain)),
            Gate::Throttled(until) => drop(self.throttled.remove(&(until, id))),
            Gate::Idle | Gate::Full => {}
        }
        match gate {
            Gate::Open => drop(self.open.insert(Arc::clone(&lane.domain), id)),
            Gate::Throttled(until) => drop(self.throttled.insert((until, id))),
            Gate::Idle | Gate::Full => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(0);

    fn visit(lanes: &mut Lanes, policy: &Policy, count: usize) {
        for n in 0..count {
            let id = lanes.named(format!("d{n}.example").parse().unwrap(), &"p".into(), policy, NOW);
            lanes.enter(id);
            lanes.add_spent(id, 1, NOW);
            lanes.leave(id, NOW);
        }
    }

    #[test]
    fn lanes_without_messages_are_swept_away_and_their_places_used_again() {
        let mut lanes = Lanes::new();
        visit(&mut lanes, &Policy::default(), MAX_IDLE);
        assert_eq!(lanes.names.len(), MAX_IDLE, "at the bound");
        visit(&mut lanes, &Policy::default(), MAX_IDLE + 1);
        assert_eq!((lanes.names.len(), lanes.idle), (0, 0), "one more");
        visit(&mut lanes, &Policy::default(), 100);
        assert_eq!((lanes.names.len(), lanes.idle, lanes.all.len()), (100, 100, MAX_IDLE + 1));
    }

    #[test]
    fn a_lane_with_a_spent_slice_is_kept_until_the_slice_is_over() {
        let policy = Policy { limits: Limits::try_new(1, 1, Some(12)).unwrap(), ..Policy::default() };
        let mut lanes = Lanes::new();
        visit(&mut lanes, &policy, MAX_IDLE + 1);
        assert_eq!((lanes.names.len(), lanes.sweep_above), (MAX_IDLE + 1, 2 * MAX_IDLE + 2));
        lanes.sweep(Timestamp::from_seconds(300));
        assert_eq!((lanes.names.len(), lanes.sweep_above), (0, MAX_IDLE));
    }
}
