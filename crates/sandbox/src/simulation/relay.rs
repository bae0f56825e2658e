//! The relay: takes what the campaign core sends, and says under which id it is queued.

use std::sync::Arc;

use emta_campaign::RelayFailure;
use emta_mail::event::Accepted;
use emta_mail::{EmailAddress, Envelope, QueueId, Reply, Timestamp};
use emta_smtp::{Answer, Transaction};

use super::link::Sender;
use super::world::World;
use crate::relay::{candidate, identity, origin};

/// A connection of the campaign system to the relay, and what is behind it.
pub(super) struct Relay {
    world: Arc<World>,
    sender: Sender,
}

/// A message that the relay has taken.
pub(super) struct Taken {
    pub(super) id: QueueId,
    pub(super) accepted: Accepted,
}

impl Relay {
    pub(super) fn new(world: &Arc<World>) -> Self {
        Self { world: Arc::clone(world), sender: Sender::new(&world.local_client, &world.relay_server) }
    }

    /// Sends a message through the relay.
    ///
    /// # Errors
    /// When the relay does not take it.
    pub(super) fn send(
        &mut self,
        recipient: EmailAddress,
        content: Vec<u8>,
        now: Timestamp,
    ) -> Result<Taken, RelayFailure> {
        let Self { world, sender } = self;
        let envelope = Envelope::new(world.sender().clone(), recipient);
        let mut taken = None;
        let outcome = sender.send(envelope, content, |transaction| match accept(transaction, world, now) {
            Ok(message) => {
                let reply = format!("Ok: queued as {}", message.id);
                taken = Some(message);
                Answer::Reply(Reply::new(250, "2.0.0".parse().ok(), reply))
            }
            Err(reply) => Answer::Reply(reply),
        });
        match (outcome, taken) {
            (Ok(outcome), Some(taken)) if outcome.is_delivered() => Ok(taken),
            (Ok(outcome), _) => Err(RelayFailure::Refused(outcome.reply)),
            (Err(lost), _) => Err(RelayFailure::Unreachable(lost.outcome.reply.to_string())),
        }
    }
}

/// What the running relay does with a transaction, but for the disk.
fn accept(transaction: Transaction, world: &World, now: Timestamp) -> Result<Taken, Reply> {
    let refused = |error: &str| Reply::new(550, "5.6.0".parse().ok(), error);
    let facts = origin::read(&transaction.content).map_err(|error| refused(&error.to_string()))?;
    let expires_at = emta_queue::expires_at(now, facts.origin.validity, Some(world.config.queue.validity));
    let size = transaction.content.len() as u64;
    let identity = identity(facts.message_id.as_deref(), &transaction.content);
    let Some(recipient) = transaction.recipients.into_iter().next() else {
        return Err(refused("a message to nobody"));
    };
    let id = candidate(world.config.seed, identity, &transaction.sender, recipient.address.as_str());
    let accepted = Accepted {
        sender: transaction.sender,
        recipient: recipient.address,
        message_id: facts.message_id.unwrap_or_default(),
        size,
        expires_at,
        origin: facts.origin,
    };
    Ok(Taken { id, accepted })
}
