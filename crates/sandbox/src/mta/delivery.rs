//! One outgoing connection of a lane: takes one attempt after the other, over the same connection where it can.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use emta_mail::event::Attempt;
use emta_mail::{Domain, Phase, QueueId, Reply};
use emta_providers::Resolution;
use emta_smtp::{ClientConfig, ClientInput, ClientOutput, ClientSession, Job, Outcome};
use emta_store::{StoreError, StoredMessage};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;

use super::{AttemptEnd, Command, Finished, MtaHandle, MtaParts, content_as_sent};
use crate::clock::{Token, wall};
use crate::smtp_shell::Stream;

/// Real time after which an idle connection is closed (facts 3.4, `idleSessionTimeoutSec`).
const IDLE: Duration = Duration::from_secs(5);
/// Real time for opening a connection.
const CONNECT: Duration = Duration::from_secs(30);
/// Time to wait for any bytes while a command is open (RFC 5321 section 4.5.3.2 asks for minutes): real time for
/// sockets, virtual time for a provider's simulated delay.
pub(crate) const REPLY: Duration = Duration::from_mins(5);
/// Octets read from a connection at a time.
const READ_BUFFER: usize = 4 * 1024;

/// One attempt to be made.
pub(super) struct AttemptJob {
    pub(super) id: QueueId,
    pub(super) number: u32,
    pub(super) provider: Arc<str>,
    pub(super) fresh_connection: bool,
    pub(super) after_crash: bool,
    pub(super) token: Token,
}

/// One connection of a lane.
pub(super) struct Connection {
    parts: Arc<MtaParts>,
    mta: MtaHandle,
    domain: Arc<Domain>,
    open: Option<Open>,
}

/// A connection to an MX host.
struct Open {
    to: SocketAddr,
    stream: Stream,
    session: ClientSession,
    /// The session is over; the connection carries nothing more.
    closed: bool,
}

/// Where an attempt ended, and with what.
struct End {
    mx: String,
    phase: Phase,
    reply: Reply,
}

impl Connection {
    pub(super) fn new(parts: Arc<MtaParts>, mta: MtaHandle, domain: Arc<Domain>) -> Self {
        Self { parts, mta, domain, open: None }
    }

    /// Makes attempts until there has been none for a while, or until none can come.
    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<AttemptJob>) {
        loop {
            match wall::timeout(IDLE, jobs.recv()).await {
                Ok(Some(job)) => self.attempt(job).await,
                Ok(None) => break,
                Err(_) => {
                    // From here on the owner opens a new connection; what it had sent before is still served.
                    jobs.close();
                    while let Some(job) = jobs.recv().await {
                        self.attempt(job).await;
                    }
                    break;
                }
            }
        }
        self.quit().await;
    }

    async fn attempt(&mut self, job: AttemptJob) {
        let AttemptJob { id, number, provider, fresh_connection, after_crash, token } = job;
        let loaded = match self.parts.store.fresh(id) {
            Some(stored) => Ok(Ok(Some(stored))),
            None => {
                let store = self.parts.store.clone();
                tokio::task::spawn_blocking(move || store.body(id)).await
            }
        };
        let finished = match loaded {
            Ok(Ok(Some(stored))) => {
                let delay = self.parts.network.delay(id, &stored.message.envelope.recipient, number);
                let Some(token) = self.wait_for_provider(delay, token).await else { return };
                let end = if delay > REPLY {
                    let reply = internal(421, "4.4.1", "timed out while waiting for the server");
                    End { mx: String::new(), phase: Phase::Connect, reply }
                } else {
                    self.deliver(&stored, number, fresh_connection).await
                };
                let attempt = Attempt {
                    number,
                    provider: provider.to_string(),
                    mx: end.mx,
                    phase: end.phase,
                    reply: end.reply,
                    after_crash,
                };
                let result = if attempt.reply.is_positive() {
                    AttemptEnd::Delivered
                } else if attempt.reply.is_permanent() {
                    AttemptEnd::Bounced(self.parts.classify(&attempt))
                } else {
                    AttemptEnd::Deferred(self.parts.classify(&attempt))
                };
                Finished { id, attempt, result, token }
            }
            Ok(Err(StoreError::Closed)) | Err(_) => not_made(id, number, &provider, token),
            Ok(Ok(None)) => self.unreadable(id, number, &provider, token, "it is not in the spool"),
            Ok(Err(error)) => self.unreadable(id, number, &provider, token, &error.to_string()),
        };
        let _ = self.mta.0.send(Command::Finished(Box::new(finished))).await;
    }

    /// Lets virtual time pass until the provider answers, or until it has taken too long. `None` when the program ends
    /// meanwhile: the attempt was not made, and the message is queued on disk as before.
    async fn wait_for_provider(&self, delay: Duration, token: Token) -> Option<Token> {
        if delay.is_zero() {
            return Some(token);
        }
        let answer = (self.parts.clock.now() + delay.min(REPLY)).ceil_to_second();
        self.parts.timers.at(answer, token).await
    }

    /// A message that cannot be read is deferred like any other failure of the system, and said loudly.
    fn unreadable(&self, id: QueueId, number: u32, provider: &str, token: Token, why: &str) -> Finished {
        tracing::error!(message = %id, why, "a queued message cannot be read");
        let attempt = unmade(number, provider, internal(451, "4.3.0", "the queued message cannot be read"));
        let verdict = self.parts.classify(&attempt);
        Finished { id, attempt, result: AttemptEnd::Deferred(verdict), token }
    }

    async fn deliver(&mut self, stored: &StoredMessage, number: u32, fresh: bool) -> End {
        let message = &stored.message;
        let resolution = self.parts.network.resolve(message.id, &message.envelope.recipient, number);
        let (mx, to) = match resolution {
            Resolution::Failed { phase, reply } => return End { mx: String::new(), phase, reply },
            Resolution::Mx { host, door } => (host, self.parts.network.address_of(door)),
            Resolution::Foreign(address) => (address.to_string(), Some(address)),
        };
        let Some(to) = to else {
            let reply = internal(451, "4.4.1", "the provider is shutting down");
            return End { mx, phase: Phase::Connect, reply };
        };
        if fresh || self.open.as_ref().is_some_and(|open| open.to != to) {
            self.quit().await;
        }
        let reused = self.open.is_some();
        let outcome = self.deliver_to(to, stored).await;
        // A kept-alive connection that the server had closed meanwhile says nothing about this message.
        let outcome = match outcome {
            Err(lost) if reused && lost.stale => {
                self.open = None;
                self.deliver_to(to, stored).await
            }
            other => other,
        };
        let outcome = outcome.unwrap_or_else(|lost| lost.outcome);
        End { mx, phase: outcome.phase, reply: outcome.reply }
    }

    async fn deliver_to(&mut self, to: SocketAddr, stored: &StoredMessage) -> Result<Outcome, Lost> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::connect(to, &self.parts.hostname).await.map_err(|reply| {
                let key = stored.message.id.as_u64();
                Lost { outcome: Outcome { key, phase: Phase::Connect, reply }, stale: false }
            })?,
        };
        let mut envelope = stored.message.envelope.clone();
        // Our own identifier, so that reports can be matched and the provider knows the message again (RFC 3461).
        envelope.envid = Some(stored.message.id.to_string());
        let content = content_as_sent(stored, &self.parts.hostname);
        open.session.handle(ClientInput::Deliver(Job { key: stored.message.id.as_u64(), envelope, content }));
        let host = self.domain.as_str();
        let result = open.until_finished(&self.parts.tls, host).await;
        if !open.closed {
            self.open = Some(open);
        }
        result
    }

    async fn quit(&mut self) {
        if let Some(mut open) = self.open.take() {
            open.session.handle(ClientInput::Quit);
            let goodbye = async {
                let _ = open.until_finished(&self.parts.tls, self.domain.as_str()).await;
                let _ = open.stream.shutdown().await;
            };
            let _ = wall::timeout(IDLE, goodbye).await;
        }
    }
}

/// An attempt without a result of the server's making.
struct Lost {
    outcome: Outcome,
    /// Nothing of the server was seen since the attempt began.
    stale: bool,
}

impl Open {
    async fn connect(to: SocketAddr, hostname: &str) -> Result<Self, Reply> {
        let stream = match wall::timeout(CONNECT, TcpStream::connect(to)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                return Err(internal(421, "4.4.1", "connection refused"));
            }
            Ok(Err(error)) => {
                return Err(internal(421, "4.4.1", &format!("connection failed: {}", error.kind())));
            }
            Err(_) => return Err(internal(421, "4.4.1", "connection timed out")),
        };
        // Commands are small and must not wait for the server's acknowledgement.
        let _ = stream.set_nodelay(true);
        let session = ClientSession::new(Arc::new(ClientConfig::new(hostname)));
        Ok(Self { to, stream: Stream::Plain(stream), session, closed: false })
    }

    /// Moves bytes until the attempt has its outcome, or the session is over.
    async fn until_finished(&mut self, tls: &Arc<rustls::ClientConfig>, host: &str) -> Result<Outcome, Lost> {
        let mut buffer = [0; READ_BUFFER];
        let mut heard = false;
        let mut lost = false;
        let mut outcome = None;
        loop {
            while let Some(output) = self.session.poll() {
                match output {
                    ClientOutput::Send(bytes) => {
                        if self.stream.write_all(&bytes).await.is_err() {
                            lost = true;
                            self.session.handle(ClientInput::Closed);
                        }
                    }
                    ClientOutput::StartTls => match self.upgrade(tls, host).await {
                        Ok(()) => self.session.handle(ClientInput::TlsStarted),
                        Err(error) => self.session.handle(ClientInput::TlsFailed(&error.to_string())),
                    },
                    ClientOutput::Finished(finished) => outcome = Some(finished),
                    ClientOutput::Close => self.closed = true,
                }
            }
            match outcome {
                Some(outcome) if lost => return Err(Lost { outcome, stale: !heard }),
                Some(outcome) => return Ok(outcome),
                None if self.closed => {
                    let reply = internal(421, "4.4.2", "connection closed");
                    let outcome = Outcome { key: 0, phase: Phase::Connect, reply };
                    return Err(Lost { outcome, stale: false });
                }
                None => {}
            }
            let flushed = self.stream.flush().await;
            match wall::timeout(REPLY, self.stream.read(&mut buffer)).await {
                Ok(Ok(length)) if length > 0 && flushed.is_ok() => {
                    heard = true;
                    self.session.handle(ClientInput::Bytes(&buffer[..length]));
                }
                Ok(_) => {
                    lost = true;
                    self.session.handle(ClientInput::Closed);
                }
                Err(_) => self.session.handle(ClientInput::Timeout),
            }
        }
    }

    async fn upgrade(&mut self, tls: &Arc<rustls::ClientConfig>, host: &str) -> io::Result<()> {
        let name = ServerName::try_from(host.to_owned())
            .or_else(|_| ServerName::try_from("provider.invalid".to_owned()))
            .map_err(io::Error::other)?;
        match std::mem::replace(&mut self.stream, Stream::Closed) {
            Stream::Plain(stream) => {
                let connected = wall::timeout(CONNECT, TlsConnector::from(tls.clone()).connect(name, stream));
                let stream = connected.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
                self.stream = Stream::Tls(Box::new(stream.into()));
                Ok(())
            }
            Stream::Tls(_) | Stream::Closed => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// A reply that no server gave.
pub(crate) fn internal(code: u16, enhanced: &str, text: &str) -> Reply {
    Reply::new(code, enhanced.parse().ok(), format!("[internal] {text}"))
}

fn not_made(id: QueueId, number: u32, provider: &str, token: Token) -> Finished {
    let attempt = unmade(number, provider, internal(421, "4.3.2", "shutting down"));
    Finished { id, attempt, result: AttemptEnd::NotMade, token }
}

/// An attempt that ended before a connection was thought of.
fn unmade(number: u32, provider: &str, reply: Reply) -> Attempt {
    Attempt {
        number,
        provider: provider.to_owned(),
        mx: String::new(),
        phase: Phase::Connect,
        reply,
        after_crash: false,
    }
}
