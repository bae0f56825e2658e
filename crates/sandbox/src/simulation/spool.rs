//! A shard's recipients and messages: the campaign core that sends to them, and what the MTA keeps of what it took.
//!
//! No message is stored. It is written again from its delivery's template whenever it is sent or quoted, so a recipient
//! costs its row in the campaign core and the few octets here.

use std::collections::HashMap;
use std::sync::Arc;

use emta_campaign::{Campaign, DeliveryId, Input, LogKey, NewDelivery, Output, Recipient};
use emta_mail::inbound::AdobeMessageId;
use emta_mail::{EmailAddress, Envelope, Origin, QueueId, Timestamp};
use emta_providers::Providers;
use emta_store::{MessageFacts, MessageFilter, MessageRow, MessageStatus, QueueState, StoreError};

use super::world::World;
use crate::campaign::compose::INSTANCE;
use crate::campaign::template::Template;
use crate::inmail::SentMessages;
use crate::mta::Trace;

/// Where a recipient is: which delivery, and its row in this shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) wave: u32,
    pub(super) row: u32,
}

/// This shard's recipients of one delivery.
///
/// The core gives its log entries numbers by row, and has only the shard's recipients. Outside of the shard a message
/// has the number of its recipient in the whole delivery, as if one core had them all.
struct Wave {
    delivery: DeliveryId,
    at: Timestamp,
    template: Template,
    /// `Date` of the trace fields.
    date: String,
    /// Ids of the messages, rising. Rows after them are never relayed: no address, or a double.
    ids: Vec<u64>,
    /// Of each row, the number in the whole delivery's log.
    logs: Vec<u32>,
    status: Vec<MessageStatus>,
}

/// A recipient of a shard, with what it is in the whole.
pub(super) struct Member {
    /// Id of the message to it; `None` if none will be relayed.
    pub(super) id: Option<QueueId>,
    /// Number in the delivery's log, from 1.
    pub(super) log: u32,
    pub(super) recipient: Recipient,
}

/// The recipients and their messages.
pub(super) struct Spool {
    world: Arc<World>,
    pub(super) campaign: Campaign,
    waves: Vec<Wave>,
    received_from: String,
    /// The provider of each domain.
    providers: HashMap<Box<str>, Arc<str>>,
}

impl Spool {
    /// Without recipients; `providers` has the domains of those to come.
    pub(super) fn new(world: &Arc<World>, providers: HashMap<Box<str>, Arc<str>>) -> Self {
        let helo = &world.local_client.helo;
        Self {
            campaign: Campaign::new(world.config.campaign.core.clone()),
            waves: Vec::new(),
            received_from: format!("from {helo} ([127.0.0.1]) with ESMTP"),
            providers,
            world: Arc::clone(world),
        }
    }

    /// Adds a delivery that is to be confirmed at `at`. Members with an id come first, by rising id.
    pub(super) fn add_wave(&mut self, at: Timestamp, members: Vec<Member>) {
        let delivery = DeliveryId::from_u64(self.waves.len() as u64 + 1);
        let content = self.world.content.clone();
        let ids = members.iter().filter_map(|member| member.id).map(QueueId::as_u64).collect::<Vec<_>>();
        let logs = members.iter().map(|member| member.log).collect();
        let recipients = members.into_iter().map(|member| member.recipient).collect();
        self.waves.push(Wave {
            delivery,
            at,
            template: Template::new(delivery, Arc::new(content.clone()), at),
            date: at.rfc5322(),
            status: vec![MessageStatus::Queued; ids.len()],
            ids,
            logs,
        });
        let create = Input::Create(Box::new(NewDelivery { delivery, content, recipients }));
        self.command(create, self.world.start);
    }

    /// Prepares and confirms a delivery.
    pub(super) fn confirm(&mut self, wave: usize) {
        let Some(Wave { delivery, at, .. }) = self.waves.get(wave) else { return };
        let (delivery, at) = (*delivery, *at);
        for input in [Input::Cleanup, Input::Prepare(delivery), Input::Confirm(delivery)] {
            self.command(input, at);
        }
    }

    /// Hands the core what cannot be refused: what the shard says to it follows from what it was told.
    pub(super) fn command(&mut self, input: Input, now: Timestamp) {
        if let Err(error) = self.campaign.handle(input, now) {
            debug_assert!(false, "the campaign core refuses: {error}");
            tracing::error!(%error, "the campaign core refuses what it should expect");
        }
    }

    /// When each delivery is confirmed.
    pub(super) fn starts(&self) -> impl Iterator<Item = Timestamp> {
        self.waves.iter().map(|wave| wave.at)
    }

    /// The place of what the core wants relayed.
    pub(super) fn place_of(output: &Output) -> Place {
        let Output::Relay { log, .. } = output;
        let number = |number: u64| u32::try_from(number.saturating_sub(1)).unwrap_or(u32::MAX);
        Place { wave: number(log.delivery.as_u64()), row: number(log.log) }
    }

    /// The place of this message.
    pub(super) fn find(&self, id: QueueId) -> Option<Place> {
        (0..).zip(&self.waves).find_map(|(wave, part)| {
            let row = search(&part.ids, id.as_u64())?;
            Some(Place { wave, row: u32::try_from(row).ok()? })
        })
    }

    fn wave(&self, place: Place) -> Option<&Wave> {
        self.waves.get(place.wave as usize)
    }

    /// The message's id; `None` for what is never relayed.
    pub(super) fn id(&self, place: Place) -> Option<QueueId> {
        self.wave(place)?.ids.get(place.row as usize).copied().map(QueueId::from_u64)
    }

    /// The entry of the shard's core.
    pub(super) fn key(&self, place: Place) -> Option<LogKey> {
        Some(LogKey { delivery: self.wave(place)?.delivery, log: u64::from(place.row) + 1 })
    }

    /// The number in the whole delivery's log.
    pub(super) fn log(&self, place: Place) -> Option<u64> {
        self.wave(place)?.logs.get(place.row as usize).copied().map(u64::from)
    }

    /// The address.
    pub(super) fn recipient(&self, place: Place) -> Option<&EmailAddress> {
        let key = self.key(place)?;
        self.campaign.delivery(key.delivery)?.recipient(key.log).map(|(address, _)| address)
    }

    /// The mailbox provider.
    pub(super) fn provider(&self, place: Place) -> Arc<str> {
        let provider = self.recipient(place).and_then(|address| self.providers.get(address.domain_str()));
        provider.cloned().unwrap_or_else(|| Providers::DEFAULT.into())
    }

    /// When the MTA took it.
    pub(super) fn accepted_at(&self, place: Place) -> Timestamp {
        self.wave(place).map_or(self.world.start, |wave| wave.at)
    }

    /// What the MTA knows of its fate.
    pub(super) fn set_status(&mut self, place: Place, status: MessageStatus) {
        let wave = self.waves.get_mut(place.wave as usize);
        if let Some(slot) = wave.and_then(|wave| wave.status.get_mut(place.row as usize)) {
            *slot = status;
        }
    }

    /// The message as the campaign system writes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn content(&self, place: Place) -> Result<Vec<u8>, String> {
        let wave = self.wave(place).ok_or("there is no such delivery")?;
        let log = self.log(place).ok_or("there is no such entry")?;
        let delivery = self.campaign.delivery(wave.delivery).ok_or("there is no such delivery")?;
        let (address, values) =
            delivery.recipient(u64::from(place.row) + 1).ok_or("the recipient has no address")?;
        let mut out = Vec::with_capacity(1024);
        wave.template.write(log, address, values, &mut out)?;
        Ok(out)
    }

    /// The fields that the MTA puts before it.
    pub(super) fn trace(&self, place: Place, id: QueueId) -> String {
        let (Some(wave), Some(recipient)) = (self.wave(place), self.recipient(place)) else {
            return String::new();
        };
        let trace = Trace {
            id,
            recipient,
            received_from: &self.received_from,
            date: &wave.date,
            missing_message_id: None,
            missing_date: false,
        };
        trace.fields(self.world.hostname())
    }

    /// The message as it was sent to a provider.
    pub(super) fn sent(&self, place: Place, id: QueueId) -> Vec<u8> {
        let mut sent = self.trace(place, id).into_bytes();
        sent.extend(self.content(place).unwrap_or_default());
        sent
    }

    /// What a reader of an event must know of its message.
    pub(super) fn facts(&self, place: Place) -> Option<MessageFacts> {
        let wave = self.wave(place)?;
        let log = self.log(place)?;
        let content = &self.world.content;
        Some(MessageFacts {
            sender: self.world.sender().clone(),
            recipient: self.recipient(place)?.clone(),
            message_id: self.message_id(place)?,
            origin: Origin {
                campaign: content.campaign.clone(),
                delivery: Some(wave.delivery.to_string()),
                log: Some(log.to_string()),
                validity: content.validity,
                metadata: [("instance".to_owned(), INSTANCE.to_owned())].into(),
            },
        })
    }

    fn message_id(&self, place: Place) -> Option<String> {
        let delivery = u32::try_from(self.wave(place)?.delivery.as_u64()).unwrap_or(u32::MAX);
        Some(message_id(self.log(place)?, delivery, &self.world))
    }

    /// A view of the messages for one who looks for the message at `hint`.
    pub(super) const fn lookup(&self, hint: Place) -> Lookup<'_> {
        Lookup { spool: self, hint }
    }

    /// The message as the MTA's records have it.
    fn row(&self, place: Place) -> Option<MessageRow> {
        let wave = self.wave(place)?;
        let MessageFacts { sender, recipient, message_id, origin } = self.facts(place)?;
        Some(MessageRow {
            id: self.id(place)?,
            message_id,
            message_id_added: false,
            add_date: false,
            received_from: self.received_from.clone(),
            envelope: Envelope::new(sender, recipient),
            origin,
            accepted_at: wave.at,
            expires_at: wave.at + emta_queue::MAX_VALIDITY,
            size: 0,
            status: wave.status.get(place.row as usize).copied()?,
            state: QueueState::Waiting { due: wave.at },
            attempts: 0,
            last_attempt: None,
        })
    }
}

/// The `Message-ID` of a message, as the campaign system gives it.
pub(super) fn message_id(log: u64, delivery: u32, world: &World) -> String {
    let content = &world.content;
    let domain = content.sender.address().map_or(content.from.domain_str(), EmailAddress::domain_str);
    AdobeMessageId { log, delivery, instance: INSTANCE.to_owned() }.write(domain)
}

/// Where `wanted` is among rising ids. They are hashes, and so spread evenly: the search begins where it should be.
fn search(ids: &[u64], wanted: u64) -> Option<usize> {
    let length = ids.len();
    let guess = ((u128::from(wanted) * length as u128) >> 64) as usize;
    let (mut low, mut high) = (guess, guess);
    let mut step = 32;
    while low > 0 && ids.get(low).is_none_or(|id| *id > wanted) {
        low = low.saturating_sub(step);
        step *= 2;
    }
    step = 32;
    while high < length && ids.get(high).is_some_and(|id| *id < wanted) {
        high = high.saturating_add(step).min(length);
        step *= 2;
    }
    let window = ids.get(low..high.saturating_add(1).min(length))?;
    window.binary_search(&wanted).ok().map(|at| low + at)
}

/// The messages of a spool, with the one that is probably meant: providers report about what they were sent. What else
/// is asked for is searched among all.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'a> {
    spool: &'a Spool,
    hint: Place,
}

impl SentMessages for Lookup<'_> {
    fn message(&self, id: QueueId) -> Result<Option<MessageRow>, StoreError> {
        Ok(self.spool.find(id).and_then(|place| self.spool.row(place)))
    }

    fn messages(&self, filter: &MessageFilter, limit: usize) -> Result<Vec<MessageRow>, StoreError> {
        // A Message-ID has one recipient here; of messages to one address the newest is wanted.
        let only = filter.message_id.is_some() || self.spool.waves.len() == 1;
        if only && let Some(row) = self.spool.row(self.hint).filter(|row| filter.matches(row)) {
            return Ok(vec![row]);
        }
        let started = |(_, wave): &(u32, &Wave)| {
            let delivery = self.spool.campaign.delivery(wave.delivery);
            delivery.is_some_and(|delivery| delivery.started_at().is_some())
        };
        let mut waves: Vec<_> = (0..).zip(&self.spool.waves).filter(started).collect();
        waves.reverse();
        let places = waves.into_iter().flat_map(|(wave, part)| {
            let rows = u32::try_from(part.ids.len()).unwrap_or(u32::MAX);
            (0..rows).rev().map(move |row| Place { wave, row })
        });
        let rows = places.filter_map(|place| self.spool.row(place)).filter(|row| filter.matches(row));
        Ok(rows.take(limit).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_is_found_among_nothing() {
        assert_eq!(search(&[], 0), None);
        assert_eq!(search(&[], u64::MAX), None);
    }

    proptest! {
        #[test]
        fn every_id_is_found_and_no_other(mut ids in prop::collection::vec(any::<u64>(), 0..300), other: u64) {
            ids.extend([0, u64::MAX, 5, 6, 7]);
            ids.sort_unstable();
            ids.dedup();
            for (at, id) in ids.iter().enumerate() {
                prop_assert_eq!(search(&ids, *id), Some(at));
            }
            prop_assert_eq!(search(&ids, other), ids.binary_search(&other).ok());
        }
    }
}
