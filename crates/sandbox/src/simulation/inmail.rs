//! What comes back by mail: SMTP to the bounce mailbox, then read, matched and qualified.

use std::sync::Arc;

use bytes::Bytes;
use emta_mail::{DeliveryEvent, Envelope, Reply, Timestamp};
use emta_providers::ReportMail;
use emta_qualify::QualificationTable;
use emta_smtp::{Answer, Job, Request};

use super::link::{Handshake, Link};
use super::spool::{Place, Spool};
use super::world::World;
use crate::inmail::{Desk, Understood};

/// The bounce mailbox of a shard.
pub(super) struct InMail {
    world: Arc<World>,
    link: Option<Link>,
    /// Texts that came, and how often.
    pub(super) table: QualificationTable,
    /// Mails that were read and speak of no message of ours.
    pub(super) unmatched: u64,
}

impl InMail {
    pub(super) fn new(world: &Arc<World>) -> Self {
        Self { world: Arc::clone(world), link: None, table: QualificationTable::new(), unmatched: 0 }
    }

    /// Takes a mail about the message at `place`, or another; what follows from it.
    pub(super) fn take(
        &mut self,
        mail: ReportMail,
        spool: &Spool,
        place: Place,
        now: Timestamp,
    ) -> Vec<DeliveryEvent> {
        let Self { world, link, table, unmatched } = self;
        let ReportMail { sender, recipient, raw } = mail;
        let mut envelope = Envelope::new(sender, recipient);
        envelope.eight_bit = !raw.is_ascii();
        let job = Job { key: 0, envelope, content: vec![Bytes::from(raw)] };
        let kept = link.take().filter(|link| !link.is_closed());
        let kept = kept.unwrap_or_else(|| Link::new(&world.local_client, &world.mailbox_server));
        let mut events = Vec::new();
        let rules = &world.config.rules.inbound_email;
        let desk = Desk { hostname: world.hostname(), rules, sent: &spool.lookup(place) };
        let outcome = link.insert(kept).deliver(job, Handshake::Succeeds, |request| match request {
            Request::Message(transaction) => {
                let to = transaction.recipients.first().map_or("", |recipient| recipient.address.as_str());
                let count =
                    |text: &str, rules_say, address: &str| table.record(text, rules_say, address, now);
                match desk.understand(&transaction.content, to, now, count) {
                    Ok(Understood { results, events: understood, mail: _ }) => {
                        *unmatched += u64::from(results.iter().all(|result| result.matched.is_none()));
                        events = understood;
                        Answer::Accept
                    }
                    Err(error) => Answer::Reply(Reply::new(451, "4.3.0".parse().ok(), error.to_string())),
                }
            }
            Request::Connect
            | Request::Ehlo { .. }
            | Request::Mail(_)
            | Request::Rcpt(_)
            | Request::Data
            | Request::Auth(_) => Answer::Accept,
        });
        if !outcome.is_ok_and(|outcome| outcome.is_delivered()) {
            *unmatched += 1;
        }
        events
    }
}
