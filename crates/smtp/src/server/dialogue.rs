//! What each command does: refused at once where the order or a limit forbids it, otherwise asked.

use emta_mail::Reply;

use super::auth;
use super::auth::Step;
use super::command::Command;
use super::config::AuthPolicy;
use super::exchange::{MailCommand, RcptCommand, Request};
use super::replies::{bad_sequence, not_implemented, plain, reply};
use super::session::{Asked, Chunk, Fate, Hello, ServerSession, State};
use super::transaction::{Chunks, too_large};
use crate::content::ContentReader;

impl ServerSession {
    pub(super) fn execute(&mut self, command: Command) {
        if self.refused && !matches!(command, Command::Quit | Command::Http) {
            return self.fail(&bad_sequence("the connection was refused; expected `QUIT`"));
        }
        match command {
            Command::Hello { domain, extended } => {
                let request = Request::Ehlo { domain: domain.clone(), extended };
                self.ask(Asked::Hello(Hello { domain, extended }), request);
            }
            Command::Mail(mail) => self.mail(mail),
            Command::Rcpt(rcpt) => self.rcpt(rcpt),
            Command::Data => match self.data_refusal() {
                Some(refusal) => self.say(&refusal),
                None => self.ask(Asked::Data, Request::Data),
            },
            Command::Chunk { octets, last } => self.chunk(Chunk { octets, left: octets, last }),
            Command::Auth { mechanism, initial } => self.auth(&mechanism, initial.as_deref()),
            Command::StartTls => self.starttls(),
            Command::Reset => {
                self.transaction = None;
                self.say(&reply(250, 0, 0, "Ok"));
            }
            Command::Verify => match self.auth_refusal() {
                Some(refusal) => self.fail(&refusal),
                None => self.say(&reply(252, 0, 0, "cannot verify; send the mail and see")),
            },
            Command::Help => self.say(&reply(214, 0, 0, "see RFC 5321")),
            Command::Noop => self.say(&reply(250, 0, 0, "Ok")),
            Command::Quit => self.end(&reply(221, 0, 0, format!("{} says goodbye", self.config.hostname))),
            // Whatever follows was written by a stranger through someone's browser.
            Command::Http => self.close(),
        }
    }

    fn mail(&mut self, mail: MailCommand) {
        let limits = &self.config.limits;
        if self.hello.is_none() {
            self.fail(&bad_sequence("expected `EHLO` first"));
        } else if let Some(refusal) = self.auth_refusal() {
            self.fail(&refusal);
        } else if self.transaction.is_some() {
            self.fail(&bad_sequence("a transaction is open; expected `RCPT`, `DATA` or `RSET`"));
        } else if mail.size.is_some_and(|size| size > limits.message_size) {
            let refusal = too_large(limits);
            self.say(&refusal);
        } else {
            self.ask(Asked::Mail(mail.clone()), Request::Mail(mail));
        }
    }

    /// A RCPT or DATA without its predecessor is no error that counts: a client that pipelines sends them before it
    /// knows that the predecessor was refused.
    fn rcpt(&mut self, rcpt: RcptCommand) {
        let most = self.config.limits.recipients;
        match &self.transaction {
            None => self.say(&bad_sequence("expected `MAIL` first")),
            Some(transaction) => match transaction.chunks {
                Chunks::Open(_) | Chunks::Failed => {
                    self.say(&bad_sequence("the message has begun; expected `BDAT` or `RSET`"));
                }
                Chunks::None if transaction.recipients.len() >= most => {
                    self.say(&reply(452, 5, 3, format!("more than {most} recipients")));
                }
                Chunks::None => self.ask(Asked::Rcpt(rcpt.clone()), Request::Rcpt(rcpt)),
            },
        }
    }

    /// Why a message cannot begin now.
    fn data_refusal(&self) -> Option<Reply> {
        let Some(transaction) = &self.transaction else {
            return Some(bad_sequence("expected `MAIL` first"));
        };
        match transaction.chunks {
            Chunks::Open(_) | Chunks::Failed => Some(bad_sequence("expected `BDAT` or `RSET`")),
            Chunks::None if !transaction.recipients.is_empty() => None,
            Chunks::None if transaction.refused => Some(reply(554, 5, 1, "no valid recipients")),
            Chunks::None => Some(bad_sequence("expected `RCPT` first")),
        }
    }

    /// The octets of a chunk are read in any case, or they would be taken for commands.
    fn chunk(&mut self, chunk: Chunk) {
        let fate = if self.offered.chunking {
            match self.transaction.as_ref().map(|t| &t.chunks) {
                Some(Chunks::Open(_)) => Fate::Kept,
                Some(Chunks::Failed) => {
                    Fate::OutOfOrder(bad_sequence("a chunk was refused; expected `RSET`"))
                }
                Some(Chunks::None) | None => match self.data_refusal() {
                    None => return self.ask(Asked::FirstChunk(chunk), Request::Data),
                    Some(refusal) => Fate::OutOfOrder(refusal),
                },
            }
        } else {
            Fate::OutOfOrder(not_implemented())
        };
        self.state = State::Chunk { chunk, fate };
    }

    /// The octets of a chunk were read.
    pub(super) fn finish_chunk(&mut self, chunk: Chunk, fate: Fate) {
        match fate {
            Fate::Kept => {}
            Fate::OutOfOrder(refusal) => return self.say(&refusal),
            Fate::Refused(refusal) => return self.send(&refusal),
        }
        let limits = self.config.limits;
        let Some(transaction) = &mut self.transaction else { return };
        match std::mem::replace(&mut transaction.chunks, Chunks::Failed) {
            Chunks::Open(reader) if chunk.last => self.finish_message(reader),
            Chunks::Open(reader) if reader.is_too_large() => self.say(&too_large(&limits)),
            Chunks::Open(reader) => {
                transaction.chunks = Chunks::Open(reader);
                self.say(&reply(250, 0, 0, format!("{} octets received", chunk.octets)));
            }
            Chunks::None | Chunks::Failed => {}
        }
    }

    /// The message was read to its end: it is refused, or its fate is asked. Either way the transaction is over.
    pub(super) fn finish_message(&mut self, content: ContentReader) {
        let Some(transaction) = self.transaction.take() else { return };
        match transaction.complete(content, &self.sender(), &self.config.limits) {
            Ok(transaction) => self.ask(Asked::Message, Request::Message(transaction)),
            Err(refusal) => self.say(&refusal),
        }
    }

    fn auth_refusal(&self) -> Option<Reply> {
        match self.config.extensions.auth {
            AuthPolicy::Required if !self.authenticated => Some(reply(530, 7, 0, "authentication required")),
            AuthPolicy::Required | AuthPolicy::Optional | AuthPolicy::Off => None,
        }
    }

    fn auth(&mut self, mechanism: &str, initial: Option<&str>) {
        let extensions = &self.config.extensions;
        let offered = match extensions.auth {
            AuthPolicy::Off => false,
            AuthPolicy::Optional | AuthPolicy::Required => true,
        };
        if !offered {
            self.fail(&not_implemented());
        } else if extensions.require_tls_for_auth && !self.tls {
            self.fail(&reply(538, 7, 11, "encryption required; expected `STARTTLS` first"));
        } else if !self.hello.as_ref().is_some_and(|hello| hello.extended) {
            self.fail(&bad_sequence("expected `EHLO` first"));
        } else if self.authenticated || self.transaction.is_some() {
            self.fail(&bad_sequence("already authenticated, or a transaction is open"));
        } else {
            let step = auth::begin(mechanism, initial);
            self.authenticate(step);
        }
    }

    /// Goes on with an AUTH exchange.
    pub(super) fn authenticate(&mut self, step: Result<Step, Reply>) {
        match step {
            Ok(Step::Prompt(prompt, sasl)) => {
                self.state = State::Sasl(sasl);
                self.say(&prompt);
            }
            Ok(Step::Complete(credentials)) => self.ask(Asked::Auth, Request::Auth(credentials)),
            Err(refusal) => self.fail(&refusal),
        }
    }

    fn starttls(&mut self) {
        if !self.config.extensions.starttls {
            self.fail(&not_implemented());
        } else if self.tls {
            self.fail(&bad_sequence("TLS is active already"));
        } else if self.transaction.is_some() {
            self.fail(&bad_sequence("a transaction is open; expected `RSET` first"));
        } else {
            self.say(&reply(220, 0, 0, "ready to start TLS"));
            self.start_tls();
        }
    }

    /// The standard greeting.
    pub(super) fn greeting(&self) -> Reply {
        plain(220, format!("{} ESMTP", self.config.hostname))
    }
}
