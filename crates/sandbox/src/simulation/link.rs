//! Two SMTP cores back to back: a connection without a socket.

use std::sync::Arc;

use bytes::Bytes;
use emta_mail::{Envelope, Phase, Reply};
use emta_smtp::{
    Answer, ClientConfig, ClientInput, ClientOutput, ClientSession, Job, Outcome, Request, ServerConfig,
    ServerInput, ServerOutput, ServerSession, Transaction,
};

use crate::mta::internal;

/// What a client is told of a handshake that the server breaks off.
const BROKEN_HANDSHAKE: &str = "tls handshake eof";

/// A connection from a client core to a server core.
#[derive(Debug)]
pub(super) struct Link {
    client: ClientSession,
    server: ServerSession,
    /// Either side is through.
    closed: bool,
}

/// Whether a TLS handshake succeeds; the bytes are the same, and are not encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handshake {
    Succeeds,
    Fails,
}

/// An attempt without a result of the server's making, as the MTA's connections tell it.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) outcome: Outcome,
    /// Nothing of the server was seen since the attempt began.
    pub(super) stale: bool,
}

impl Link {
    pub(super) fn new(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Self {
        let client = ClientSession::new(Arc::clone(client));
        let server = ServerSession::new(Arc::clone(server), false);
        Self { client, server, closed: false }
    }

    /// Whether it carries nothing more.
    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Carries one message; `answer` is the owner of the server.
    pub(super) fn deliver(
        &mut self,
        job: Job,
        handshake: Handshake,
        mut answer: impl FnMut(Request) -> Answer,
    ) -> Result<Outcome, Lost> {
        self.client.handle(ClientInput::Deliver(job));
        let mut heard = false;
        let mut lost = false;
        let mut outcome = None;
        loop {
            while let Some(output) = self.client.poll() {
                match output {
                    ClientOutput::Send(bytes) => self.server.handle(ServerInput::Bytes(&bytes)),
                    ClientOutput::StartTls => match handshake {
                        Handshake::Succeeds => {
                            self.server.handle(ServerInput::TlsStarted);
                            self.client.handle(ClientInput::TlsStarted);
                        }
                        Handshake::Fails => {
                            self.server.handle(ServerInput::Closed);
                            self.client.handle(ClientInput::TlsFailed(BROKEN_HANDSHAKE));
                        }
                    },
                    ClientOutput::Finished(finished) => outcome = Some(finished),
                    ClientOutput::Close => self.closed = true,
                }
            }
            match outcome {
                Some(outcome) if lost => {
                    self.closed = true;
                    return Err(Lost { outcome, stale: !heard });
                }
                Some(outcome) => return Ok(outcome),
                None if self.closed => {
                    let outcome = Outcome {
                        key: 0,
                        phase: Phase::Connect,
                        reply: internal(421, "4.4.2", "connection closed"),
                    };
                    return Err(Lost { outcome, stale: false });
                }
                None => {}
            }
            match self.serve(&mut answer) {
                Served::Replied => heard = true,
                // A server that has closed, or that waits for ever where a real one would time out.
                Served::Nothing => {
                    lost = true;
                    self.client.handle(ClientInput::Closed);
                }
            }
        }
    }

    /// Lets the server do what it has to, until it has said something to the client.
    fn serve(&mut self, answer: &mut impl FnMut(Request) -> Answer) -> Served {
        let mut served = Served::Nothing;
        while let Some(output) = self.server.poll() {
            match output {
                ServerOutput::Send(bytes) => {
                    self.client.handle(ClientInput::Bytes(&bytes));
                    served = Served::Replied;
                }
                ServerOutput::Ask(request) => self.server.handle(ServerInput::Answer(answer(request))),
                // The handshake begins when the client has read the reply.
                ServerOutput::StartTls | ServerOutput::Close => {}
            }
        }
        served
    }
}

/// One who sends mail to a server of this machine, on a connection that is kept open.
pub(super) struct Sender {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    link: Option<Link>,
}

impl Sender {
    pub(super) fn new(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Self {
        Self { client: Arc::clone(client), server: Arc::clone(server), link: None }
    }

    /// Sends a message; `take` is what the server does with it, all else it accepts.
    pub(super) fn send(
        &mut self,
        mut envelope: Envelope,
        content: Vec<u8>,
        mut take: impl FnMut(Transaction) -> Answer,
    ) -> Result<Outcome, Lost> {
        envelope.eight_bit = !content.is_ascii();
        let job = Job { key: 0, envelope, content: vec![Bytes::from(content)] };
        let kept = self.link.take().filter(|link| !link.is_closed());
        let link = self.link.insert(kept.unwrap_or_else(|| Link::new(&self.client, &self.server)));
        link.deliver(job, Handshake::Succeeds, |request| {
            request.into_message().map_or(Answer::Accept, &mut take)
        })
    }
}

enum Served {
    Replied,
    Nothing,
}

/// The reply to what cannot be connected to.
pub(super) fn refused() -> Reply {
    internal(421, "4.4.1", "connection refused")
}
