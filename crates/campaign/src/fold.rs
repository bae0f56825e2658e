//! The campaign core itself: inputs and time in, messages to relay out.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use emta_mail::{FailureReason, FailureType, Timestamp};

use crate::config::{CampaignConfig, Mode};
use crate::delivery::{Delivery, DeliveryState};
use crate::feedback::{Failure, Feedback};
use crate::input::{CampaignError, Input, NewDelivery, Output, RelayFailure};
use crate::key::{DeliveryId, LogKey};
use crate::kpi::Kpis;
use crate::log::LogState;
use crate::quarantine::AddressBook;
use crate::roster::LogRow;

/// The campaign core: deliveries and addresses, as the inputs so far have made them.
#[derive(Clone, Debug)]
pub struct Campaign {
    config: CampaignConfig,
    now: Timestamp,
    deliveries: BTreeMap<DeliveryId, Delivery>,
    addresses: AddressBook,
    /// Started deliveries, by the time at which they are to be looked at again.
    agenda: BTreeSet<(Timestamp, DeliveryId)>,
    /// Deliveries that may have something to relay.
    ready: BTreeSet<DeliveryId>,
}

impl Campaign {
    /// A core without deliveries.
    pub fn new(config: CampaignConfig) -> Self {
        Self {
            addresses: AddressBook::new(config.mode, config.quarantine.clone()),
            config,
            now: Timestamp::MIN,
            deliveries: BTreeMap::new(),
            agenda: BTreeSet::new(),
            ready: BTreeSet::new(),
        }
    }

    /// Takes in what happened at `now`, which never goes back: an earlier `now` counts as the latest so far.
    ///
    /// To restore a core after a restart, replay all inputs that returned `Ok` into a new one, in order, and only then
    /// poll it. Messages that were handed out and not reported are handed out once more.
    ///
    /// # Errors
    /// When the input is refused; it has changed nothing then but the time, so it need not be journalled.
    pub fn handle(&mut self, input: Input, now: Timestamp) -> Result<(), CampaignError> {
        self.advance(now);
        let now = self.now;
        match input {
            Input::Create(new) => self.create(*new),
            Input::Prepare(id) => {
                let delivery =
                    expect(&mut self.deliveries, id, "`edition` or `ready`", |state| match state {
                        DeliveryState::Edition | DeliveryState::Ready => true,
                        DeliveryState::Started | DeliveryState::Canceled | DeliveryState::Finished => false,
                    })?;
                delivery.prepare(&self.addresses, now);
                Ok(())
            }
            Input::Confirm(id) => {
                let delivery =
                    expect(&mut self.deliveries, id, "`ready`: prepare it first", |state| match state {
                        DeliveryState::Ready => true,
                        DeliveryState::Edition
                        | DeliveryState::Started
                        | DeliveryState::Canceled
                        | DeliveryState::Finished => false,
                    })?;
                delivery.confirm(now);
                self.ready.insert(id);
                follow(delivery, &mut self.agenda, now);
                Ok(())
            }
            Input::Cancel(id) => {
                let expected = "`edition`, `ready` or `started`";
                let delivery = expect(&mut self.deliveries, id, expected, |state| match state {
                    DeliveryState::Edition | DeliveryState::Ready | DeliveryState::Started => true,
                    DeliveryState::Canceled | DeliveryState::Finished => false,
                })?;
                delivery.cancel(now);
                follow(delivery, &mut self.agenda, now);
                Ok(())
            }
            Input::Relayed(log) => {
                let (delivery, index) = find(&mut self.deliveries, log)?;
                delivery.note_relayed(index, now);
                follow(delivery, &mut self.agenda, now);
                Ok(())
            }
            Input::RelayFailed { log, failure } => {
                let retry_at = (now + self.config.relay_retry).ceil_to_second();
                let (delivery, index) = find(&mut self.deliveries, log)?;
                delivery.update(index, |state| refuse(state, &failure, now, retry_at));
                follow(delivery, &mut self.agenda, now);
                Ok(())
            }
            Input::Feedback(feedback) => self.feedback(&feedback),
            Input::SetAddressStatus { address, status } => {
                self.addresses.set_status(address, status, now);
                Ok(())
            }
            Input::Cleanup => {
                self.addresses.cleanup(now);
                Ok(())
            }
            Input::Tick => Ok(()),
        }
    }

    /// The next message to relay. Messages are made only as fast as they are taken, so a shell with enough under way
    /// may stop before `None`.
    pub fn poll(&mut self) -> Option<Output> {
        while let Some(id) = self.ready.first().copied() {
            if let Some(delivery) = self.deliveries.get_mut(&id)
                && let Some(index) = delivery.next_row(self.now)
                && let Some(row) = delivery.rows().get(index)
                && let Some(recipient) = row.target.address()
            {
                return Some(Output::Relay {
                    log: LogKey { delivery: id, log: (index as u64).saturating_add(1) },
                    recipient: recipient.clone(),
                    values: row.values.iter().map(ToString::to_string).collect(),
                    content: Arc::clone(delivery.content()),
                });
            }
            self.ready.remove(&id);
        }
        None
    }

    /// When to come back with [`Input::Tick`]: a relay to be tried again, or a validity that ends.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.agenda.first().map(|(at, _)| *at)
    }

    /// The settings.
    pub const fn config(&self) -> &CampaignConfig {
        &self.config
    }

    /// All deliveries, by number.
    pub fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.deliveries.values()
    }

    /// One delivery.
    pub fn delivery(&self, id: DeliveryId) -> Option<&Delivery> {
        self.deliveries.get(&id)
    }

    /// The lowest number above those of all deliveries; 1 for the first.
    pub fn next_delivery_id(&self) -> DeliveryId {
        let highest = self.deliveries.last_key_value().map_or(0, |(id, _)| id.as_u64());
        DeliveryId::from_u64(highest.saturating_add(1))
    }

    /// One entry of a delivery log, as the mode shows it.
    pub fn log(&self, key: LogKey, mode: Mode) -> Option<LogRow<'_>> {
        self.delivery(key.delivery)?.log(key.log, mode)
    }

    /// What a delivery's log adds up to in the mode.
    pub fn kpis(&self, id: DeliveryId, mode: Mode) -> Option<Kpis> {
        let delivery = self.delivery(id)?;
        let new_quarantine = (mode == self.config.mode).then(|| delivery.new_quarantine());
        Some(Kpis { new_quarantine, ..delivery.kpis(mode).clone() })
    }

    /// "Compute stats": what a delivery's KPIs are in the mode when its log is dropped and folded again from these
    /// reports, which must be all there were of it, in any order. What the campaign did itself (left out, relayed,
    /// stopped) is not in the reports and stays. Reports about other deliveries do not count.
    pub fn compute_stats(
        &self,
        id: DeliveryId,
        mode: Mode,
        feedback: impl IntoIterator<Item = Feedback>,
    ) -> Option<Kpis> {
        let delivery = self.delivery(id).filter(|delivery| delivery.prepared_at().is_some())?;
        let mut states: Vec<LogState> =
            delivery.rows().iter().map(|row| row.state.without_feedback()).collect();
        for report in feedback {
            if report.log.delivery == id
                && let Some(state) = report.log.index().and_then(|index| states.get_mut(index))
            {
                *state = std::mem::take(state).apply(&report, self.config.complaint_fails);
            }
        }
        Some(Kpis::from_states(mode, &states))
    }

    /// Addresses with errors, in quarantine, on the denylist.
    pub const fn addresses(&self) -> &AddressBook {
        &self.addresses
    }

    fn create(&mut self, new: NewDelivery) -> Result<(), CampaignError> {
        let NewDelivery { delivery: id, content, recipients } = new;
        let limits = &self.config.limits;
        let count = self.deliveries.len();
        let Entry::Vacant(vacant) = self.deliveries.entry(id) else {
            return Err(CampaignError::DeliveryExists(id));
        };
        if count >= limits.deliveries {
            return Err(CampaignError::TooManyDeliveries(count));
        }
        for (what, found, limit) in [
            ("recipients", recipients.len(), limits.recipients),
            ("fields", content.fields.len(), limits.fields),
            ("octets of label", content.label.len(), limits.heading_octets),
            ("octets of campaign", content.campaign.as_ref().map_or(0, String::len), limits.heading_octets),
            ("octets of subject", content.subject.len(), limits.heading_octets),
            ("octets of text body", content.text.len(), limits.body_octets),
            ("octets of HTML body", content.html.as_ref().map_or(0, String::len), limits.body_octets),
        ] {
            if found > limit {
                return Err(CampaignError::TooMuch { what, found, limit });
            }
        }
        let expected = content.fields.len();
        if let Some((odd, recipient)) = recipients.iter().zip(1..).find(|(r, _)| r.values.len() != expected) {
            return Err(CampaignError::Values { recipient, found: odd.values.len(), expected });
        }
        vacant.insert(Delivery::new(id, content, recipients));
        Ok(())
    }

    fn feedback(&mut self, feedback: &Feedback) -> Result<(), CampaignError> {
        let (delivery, index) = find(&mut self.deliveries, feedback.log)?;
        delivery.update(index, |state| state.apply(feedback, self.config.complaint_fails));
        let address = delivery.rows().get(index).and_then(|row| row.target.address());
        if address.is_some_and(|address| self.addresses.report(address, &feedback.kind, feedback.at)) {
            delivery.note_quarantined();
        }
        follow(delivery, &mut self.agenda, self.now);
        Ok(())
    }

    /// Moves the time on, and ends or wakes the deliveries whose time has come.
    fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        while let Some((at, id)) = self.agenda.first().copied() {
            if at > self.now {
                return;
            }
            self.agenda.pop_first();
            if let Some(delivery) = self.deliveries.get_mut(&id) {
                delivery.agenda = None;
                self.ready.insert(id);
                follow(delivery, &mut self.agenda, self.now);
            }
        }
    }
}

/// Ends what has run out, and notes when the delivery is to be looked at again. That is later than `now`.
fn follow(delivery: &mut Delivery, agenda: &mut BTreeSet<(Timestamp, DeliveryId)>, now: Timestamp) {
    delivery.settle(now);
    let deadline = delivery.deadline(now);
    if delivery.agenda == deadline {
        return;
    }
    if let Some(at) = delivery.agenda {
        agenda.remove(&(at, delivery.id()));
    }
    if let Some(at) = deadline {
        agenda.insert((at, delivery.id()));
    }
    delivery.agenda = deadline;
}

/// The delivery, if it is in one of the states that a command is for.
fn expect<'a>(
    deliveries: &'a mut BTreeMap<DeliveryId, Delivery>,
    id: DeliveryId,
    expected: &'static str,
    fits: impl Fn(DeliveryState) -> bool,
) -> Result<&'a mut Delivery, CampaignError> {
    let delivery = deliveries.get_mut(&id).ok_or(CampaignError::UnknownDelivery(id))?;
    if fits(delivery.state()) {
        Ok(delivery)
    } else {
        Err(CampaignError::State { delivery: id, state: delivery.state(), expected })
    }
}

/// The delivery and the place of a message that may have been relayed.
fn find(
    deliveries: &mut BTreeMap<DeliveryId, Delivery>,
    log: LogKey,
) -> Result<(&mut Delivery, usize), CampaignError> {
    let unknown = CampaignError::UnknownLog(log);
    let Some((delivery, index)) = deliveries.get_mut(&log.delivery).zip(log.index()) else {
        return Err(unknown);
    };
    let row = delivery.rows().get(index).filter(|_| delivery.started_at().is_some());
    match row.map(|row| row.state.exclusion()) {
        Some(None) => Ok((delivery, index)),
        Some(Some(_)) => Err(CampaignError::Excluded(log)),
        None => Err(unknown),
    }
}

/// What the relay's refusal makes of a message. A final refusal says nothing about the recipient's address, so it is
/// Unreachable / Ignored, as Campaign's own errors of the delivery chain are (facts 2.4).
fn refuse(state: LogState, failure: &RelayFailure, now: Timestamp, retry_at: Timestamp) -> LogState {
    match failure {
        RelayFailure::Unreachable(_) => state.relay_deferred(retry_at),
        RelayFailure::Refused(reply) if reply.is_transient() => state.relay_deferred(retry_at),
        RelayFailure::Refused(reply) => {
            let text = reply.to_string();
            let failure = Failure::new(FailureType::Ignored, FailureReason::Unreachable, None, &text);
            state.relay_failed(now, failure)
        }
    }
}
