//! The relay: takes mail from the campaign system, and answers 250 once it is on disk.

pub(crate) mod origin;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use emta_mail::chance::Hasher;
use emta_mail::{Domain, Envelope, QueueId, Reply, ReversePath, Timestamp};
use emta_queue::Message;
use emta_smtp::server::Credentials;
use emta_smtp::{Answer, Request, Transaction};
use emta_store::{MessageIdHeader, NewMessage, Store, StoreError};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::mta::MtaHandle;
use crate::network::Network;
use crate::pulse::Pulse;
use crate::smtp_shell::Policy;

/// What all sessions of the relay share.
pub(crate) struct Relay {
    pub(crate) seed: u64,
    pub(crate) hostname: Domain,
    /// Names and passwords for AUTH.
    pub(crate) users: BTreeMap<String, String>,
    /// The longest validity that is granted.
    pub(crate) validity: Option<Duration>,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) pulse: Pulse,
    pub(crate) network: Arc<Network>,
    pub(crate) mta: MtaHandle,
}

/// One session of the relay.
pub(crate) struct RelaySession {
    relay: Arc<Relay>,
    peer: IpAddr,
}

impl RelaySession {
    pub(crate) fn new(relay: Arc<Relay>, peer: IpAddr) -> Self {
        Self { relay, peer }
    }
}

impl Policy for RelaySession {
    async fn answer(&mut self, request: Request) -> Answer {
        match request {
            Request::Connect | Request::Ehlo { .. } | Request::Mail(_) | Request::Rcpt(_) | Request::Data => {
                Answer::Accept
            }
            Request::Auth(credentials) => self.relay.authenticate(&credentials),
            Request::Message(transaction) => Answer::Reply(self.relay.accept(transaction, self.peer).await),
        }
    }
}

impl Relay {
    fn authenticate(&self, given: &Credentials) -> Answer {
        let known = self.users.get(&given.username).is_some_and(|password| *password == given.password);
        if known {
            Answer::Accept
        } else {
            Answer::Reply(reply(535, "5.7.8", "Authentication credentials invalid"))
        }
    }

    /// Takes responsibility for a message, or says why not.
    async fn accept(&self, transaction: Transaction, peer: IpAddr) -> Reply {
        let facts = match origin::read(&transaction.content) {
            Ok(facts) => facts,
            Err(error) => return reply(550, "5.6.0", &error.to_string()),
        };
        let now = self.clock.now();
        let expires_at = emta_queue::expires_at(now, facts.origin.validity, self.validity);
        let messages = self.messages(&transaction, &facts, peer, now, expires_at);
        let lanes: Vec<_> = messages.iter().map(|message| message.envelope.recipient.domain()).collect();

        let (done, committed) = oneshot::channel();
        let pulse = self.pulse.clone();
        let body = transaction.content.into();
        self.store.accept(
            messages,
            body,
            Box::new(move |outcome| {
                if outcome.is_ok() {
                    pulse.grown();
                }
                let _ = done.send(outcome);
            }),
        );
        match committed.await {
            Ok(Ok(ids)) => {
                let queued = ids.first().map_or(String::new(), QueueId::to_string);
                let entries = ids.into_iter().zip(lanes).map(|(id, domain)| Message {
                    id,
                    provider: self.network.provider_of(&domain),
                    domain,
                    accepted_at: now,
                    expires_at,
                });
                self.mta.accepted(entries.collect(), self.clock.hold("queue")).await;
                reply(250, "2.0.0", &format!("Ok: queued as {queued}"))
            }
            Ok(Err(StoreError::Full { what })) => {
                tracing::warn!(%what, "mail is refused for now: the disk is full");
                reply(452, "4.3.1", "Insufficient system storage, try again later")
            }
            Ok(Err(StoreError::Busy { .. })) => reply(451, "4.3.2", "Too busy, try again later"),
            Ok(Err(error)) => {
                tracing::error!(%error, "mail is refused for now: it cannot be stored");
                reply(451, "4.3.0", "The message could not be stored, try again later")
            }
            Err(_) => reply(421, "4.3.2", "Shutting down, try again later"),
        }
    }

    fn messages(
        &self,
        transaction: &Transaction,
        facts: &origin::HeaderFacts,
        peer: IpAddr,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Vec<NewMessage> {
        let received_from = format!("from {} ([{peer}]) with {}", transaction.helo, transaction.protocol);
        let identity = identity(facts.message_id.as_deref(), &transaction.content);
        let one = |recipient: &emta_smtp::server::Recipient| NewMessage {
            candidate: candidate(self.seed, identity, &transaction.sender, recipient.address.as_str()),
            envelope: Envelope {
                sender: transaction.sender.clone(),
                recipient: recipient.address.clone(),
                ret: transaction.ret,
                envid: transaction.envid.clone(),
                notify: recipient.notify,
                original_recipient: recipient.original_recipient.clone(),
                eight_bit: transaction.eight_bit,
                smtputf8: transaction.smtputf8,
            },
            origin: facts.origin.clone(),
            header_message_id: match &facts.message_id {
                Some(message_id) => MessageIdHeader::Present(message_id.clone()),
                None => MessageIdHeader::Add { domain: self.hostname.clone() },
            },
            add_date: !facts.has_date,
            received_from: received_from.clone(),
            accepted_at: now,
            expires_at,
            size: transaction.content.len() as u64,
        };
        transaction.recipients.iter().map(one).collect()
    }
}

/// What makes a message this one and no other, whoever it is sent to.
pub(crate) fn identity(message_id: Option<&str>, content: &[u8]) -> u64 {
    Hasher::new().bytes(message_id.map_or(content, str::as_bytes)).finish()
}

/// The id that a message has before it is known whether the same was sent before: made from the message, so that it
/// does not depend on who came first.
pub(crate) fn candidate(seed: u64, identity: u64, sender: &ReversePath, recipient: &str) -> QueueId {
    let hash =
        Hasher::new().u64(seed).u64(identity).bytes(sender.as_str().as_bytes()).bytes(recipient.as_bytes());
    QueueId::from_u64(hash.finish())
}

fn reply(code: u16, enhanced: &str, text: &str) -> Reply {
    Reply::new(code, enhanced.parse().ok(), text)
}
