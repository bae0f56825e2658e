//! One SMTP connection to a provider: answers what the server's state machine asks.

use emta_mail::{EmailAddress, QueueId, Reply, ReversePath, Timestamp, chance::Hasher};
use emta_smtp::server::{Answer, MailCommand, RcptCommand, Request};

use crate::door::{DoorBehaviour, DoorId};
use crate::outcome::{AttemptStep, Step};
use crate::providers::{Delivery, Providers};
use crate::script::standard_reply;
use crate::template;

/// The provider's side of one connection. The shell makes one for each connection to a door and hands it every
/// [`Request`] of its `emta_smtp` server session.
#[derive(Debug)]
pub struct ProviderSession {
    door: DoorId,
    sender: ReversePath,
    /// The name that the client gave the message (`ENVID`).
    named: Option<QueueId>,
    /// The recipients that were accepted, with the fate that awaits each at the steps to come.
    recipients: Vec<Accepted>,
}

#[derive(Debug)]
struct Accepted {
    message: QueueId,
    recipient: EmailAddress,
    fate: AttemptStep,
}

impl ProviderSession {
    /// A connection to this door.
    pub const fn new(door: DoorId) -> Self {
        Self { door, sender: ReversePath::Null, named: None, recipients: Vec::new() }
    }

    /// The provider's answer. At [`Request::Message`] an acceptance also sets off what follows it.
    pub fn answer(&mut self, providers: &mut Providers, request: &Request, now: Timestamp) -> Answer {
        match request {
            Request::Connect => self.greet(providers),
            Request::Ehlo { .. } => self.ehlo(providers),
            Request::Mail(command) => self.mail(providers, command),
            Request::Rcpt(command) => self.rcpt(providers, command),
            Request::Data => self.refusal(providers, Step::Data).unwrap_or(Answer::Accept),
            Request::Message(_) => self.message(providers, now),
            // Providers take mail for their own users from anybody and never offer AUTH.
            Request::Auth(_) => Answer::Reply(standard_reply(503)),
        }
    }

    fn greet(&self, providers: &Providers) -> Answer {
        let Some(door) = providers.doors().get(self.door.index()) else { return Answer::Close };
        match &door.behaviour {
            DoorBehaviour::RefuseGreeting { reply } => {
                Answer::ReplyAndClose(template::fill_host(reply, &door.host))
            }
            DoorBehaviour::HangUpAtGreeting | DoorBehaviour::NotListening => Answer::Close,
            DoorBehaviour::Open
            | DoorBehaviour::RefuseEhlo { .. }
            | DoorBehaviour::HangUpAtEhlo
            | DoorBehaviour::FailTls => {
                let greeting = providers.spec(door.provider).and_then(|spec| spec.greeting.as_ref());
                greeting.map_or(Answer::Accept, |text| {
                    Answer::Reply(template::fill_host(&Reply::new(220, None, text), &door.host))
                })
            }
        }
    }

    fn ehlo(&self, providers: &Providers) -> Answer {
        let Some(door) = providers.doors().get(self.door.index()) else { return Answer::Close };
        match &door.behaviour {
            DoorBehaviour::RefuseEhlo { reply, then_disconnect } => {
                let reply = template::fill_host(reply, &door.host);
                if *then_disconnect { Answer::ReplyAndClose(reply) } else { Answer::Reply(reply) }
            }
            DoorBehaviour::HangUpAtEhlo => Answer::Close,
            DoorBehaviour::Open
            | DoorBehaviour::NotListening
            | DoorBehaviour::RefuseGreeting { .. }
            | DoorBehaviour::HangUpAtGreeting
            | DoorBehaviour::FailTls => Answer::Accept,
        }
    }

    fn mail(&mut self, providers: &mut Providers, command: &MailCommand) -> Answer {
        self.sender = command.sender.clone();
        self.named = command.envid.as_deref().and_then(|envid| envid.parse().ok());
        self.recipients.clear();
        // Only of an announced message is the recipient known already.
        let Some(message) = self.named else { return Answer::Accept };
        let Some((recipient, attempt)) = providers.announced(message) else { return Answer::Accept };
        let fate = providers.step(message, recipient, attempt, self.host(providers));
        match answer_at(&fate, Step::Mail) {
            Some(refusal) => {
                if is_final(&refusal) {
                    providers.forget(message);
                }
                refusal
            }
            None => Answer::Accept,
        }
    }

    fn rcpt(&mut self, providers: &mut Providers, command: &RcptCommand) -> Answer {
        let recipient = &command.recipient;
        let own = providers.doors().get(self.door.index()).map(|door| door.provider);
        if own != Some(providers.provider_number(&recipient.domain())) {
            let text = format!("<{recipient}>: Relay access denied");
            return Answer::Reply(Reply::new(554, "5.7.1".parse().ok(), text));
        }
        let message = self.identify(providers, recipient);
        let attempt = providers.begin_attempt(message, recipient);
        let fate = providers.step(message, recipient, attempt, self.host(providers));
        if let Some(refusal) = answer_at(&fate, Step::Rcpt) {
            if is_final(&refusal) {
                providers.forget(message);
            }
            return refusal;
        }
        self.recipients.push(Accepted { message, recipient: recipient.clone(), fate });
        Answer::Accept
    }

    /// The message's name: as the client named it, for the first recipient; else from its envelope.
    fn identify(&self, providers: &Providers, recipient: &EmailAddress) -> QueueId {
        match self.named {
            Some(message) if self.recipients.is_empty() => message,
            Some(message) => {
                let hash = Hasher::new().u64(message.as_u64()).bytes(recipient.as_str().as_bytes());
                QueueId::from_u64(hash.finish())
            }
            None => providers.foreign_id(&self.sender, recipient),
        }
    }

    /// The refusal of the first recipient who has one at this step; it holds for all (RFC 5321 section 3.3).
    fn refusal(&self, providers: &mut Providers, step: Step) -> Option<Answer> {
        let refusal = self.recipients.iter().find_map(|accepted| answer_at(&accepted.fate, step))?;
        if is_final(&refusal) {
            for accepted in &self.recipients {
                providers.forget(accepted.message);
            }
        }
        Some(refusal)
    }

    fn message(&mut self, providers: &mut Providers, now: Timestamp) -> Answer {
        if let Some(refusal) = self.refusal(providers, Step::Message) {
            self.recipients.clear();
            return refusal;
        }
        let mut said = None;
        for Accepted { message, recipient, fate } in std::mem::take(&mut self.recipients) {
            let reply = match fate {
                AttemptStep::Accept { reply: Some(reply) } => reply,
                // All others were answered by a refusal above.
                AttemptStep::Accept { reply: None }
                | AttemptStep::Refuse { .. }
                | AttemptStep::Disconnect { .. }
                | AttemptStep::DnsFailure { .. }
                | AttemptStep::ConnectRefused
                | AttemptStep::ConnectTimeout
                | AttemptStep::TlsFailure => {
                    Reply::new(250, "2.0.0".parse().ok(), format!("Ok: queued as {message}"))
                }
            };
            said.get_or_insert(reply);
            providers.delivered(&Delivery { message, sender: self.sender.clone(), recipient, at: now });
        }
        said.map_or(Answer::Accept, Answer::Reply)
    }

    fn host<'a>(&self, providers: &'a Providers) -> &'a str {
        providers.doors().get(self.door.index()).map_or("", |door| &door.host)
    }
}

/// What a fate has to say at this step: its own answer, or that of an earlier step which was passed by. A client that
/// was not sent by the simulated DNS meets at RCPT what should have met it before.
fn answer_at(fate: &AttemptStep, now: Step) -> Option<Answer> {
    match fate {
        AttemptStep::Accept { .. } => None,
        AttemptStep::Refuse { step, .. } | AttemptStep::Disconnect { step } if *step > now => None,
        AttemptStep::Refuse { reply, then_disconnect: true, .. } => {
            Some(Answer::ReplyAndClose(reply.clone()))
        }
        AttemptStep::Refuse { reply, then_disconnect: false, .. } => Some(Answer::Reply(reply.clone())),
        AttemptStep::Disconnect { .. } => Some(Answer::Close),
        AttemptStep::DnsFailure { .. }
        | AttemptStep::ConnectRefused
        | AttemptStep::ConnectTimeout
        | AttemptStep::TlsFailure => Some(Answer::Close),
    }
}

/// Whether nobody will try again.
fn is_final(answer: &Answer) -> bool {
    match answer {
        Answer::Reply(reply) | Answer::ReplyAndClose(reply) => reply.is_permanent(),
        Answer::Accept | Answer::Close => false,
    }
}
