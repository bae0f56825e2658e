//! What comes back by mail: SMTP to the bounce mailbox, then read, matched and qualified.

use std::sync::Arc;

use emta_mail::{DeliveryEvent, Envelope, Reply, Timestamp};
use emta_providers::ReportMail;
use emta_qualify::QualificationTable;
use emta_smtp::Answer;

use super::link::Sender;
use super::spool::{Place, Spool};
use super::world::World;
use crate::inmail::{Desk, Understood};

/// The bounce mailbox of a shard.
pub(super) struct InMail {
    world: Arc<World>,
    sender: Sender,
    /// Texts that came, and how often.
    table: QualificationTable,
    /// Mails that were read and speak of no message of ours.
    pub(super) unmatched: u64,
}

impl InMail {
    pub(super) fn new(world: &Arc<World>) -> Self {
        let sender = Sender::new(&world.local_client, &world.mailbox_server);
        Self { world: Arc::clone(world), sender, table: QualificationTable::new(), unmatched: 0 }
    }

    /// Takes a mail about the message at `place`, or another; what follows from it.
    pub(super) fn take(
        &mut self,
        mail: ReportMail,
        spool: &Spool,
        place: Place,
        now: Timestamp,
    ) -> Vec<DeliveryEvent> {
        let Self { world, sender, table, unmatched } = self;
        let mut events = Vec::new();
        let rules = &world.config.rules.inbound_email;
        let desk = Desk { hostname: world.hostname(), rules, sent: &spool.lookup(place) };
        let outcome = sender.send(Envelope::new(mail.sender, mail.recipient), mail.raw, |transaction| {
            let to = transaction.recipients.first().map_or("", |recipient| recipient.address.as_str());
            let count = |text: &str, rules_say, address: &str| table.record(text, rules_say, address, now);
            match desk.understand(&transaction.content, to, now, count) {
                Ok(Understood { results, events: understood, mail: _ }) => {
                    *unmatched += u64::from(results.iter().all(|result| result.matched.is_none()));
                    events = understood;
                    Answer::Accept
                }
                Err(error) => Answer::Reply(Reply::new(451, "4.3.0".parse().ok(), error.to_string())),
            }
        });
        if !outcome.is_ok_and(|outcome| outcome.is_delivered()) {
            *unmatched += 1;
        }
        events
    }
}
