//! Sockets for SMTP server sessions: the same shell serves the relay, the mailbox providers and the bounce mailbox.
//!
//! It moves bytes between a connection and an [`emta_smtp::ServerSession`], upgrades to TLS when the session asks,
//! and hands the session's questions to a [`Policy`]. A session with an unfinished command holds the clock.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use emta_mail::Reply;
use emta_smtp::{Answer, Request, ServerConfig, ServerInput, ServerOutput, ServerSession};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Token, wall};

/// Octets read from a connection at a time.
const READ_BUFFER: usize = 16 * 1024;

/// How long sessions may take to end once the program is ending.
const DRAIN: Duration = Duration::from_secs(5);

/// Answers a session's questions.
pub(crate) trait Policy: Send {
    /// What to say to the command.
    fn answer(&mut self, request: Request) -> impl Future<Output = Answer> + Send;
}

/// What of a session holds the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A command and a transaction that is not finished: the client may be a foreign program.
    Transactions,
    /// Only a question that is being answered: the client is the MTA, which holds the clock itself while an attempt is
    /// under way, and leaves a refused transaction open until it needs the connection again.
    Questions,
}

/// One listener with everything its sessions share.
pub(crate) struct SmtpListener {
    /// Whose sessions these are, as the clock's holders show it.
    pub(crate) name: &'static str,
    pub(crate) listener: TcpListener,
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
    /// Sessions at a time; further connections get 421.
    pub(crate) sessions: usize,
    /// Real time without a byte after which a session is closed.
    pub(crate) timeout: Duration,
    pub(crate) clock: Clock,
    pub(crate) holds: Holds,
}

impl SmtpListener {
    /// Accepts connections until `stop`, then lets open sessions finish their transaction.
    pub(crate) async fn run<P, F>(self, stop: CancellationToken, mut policy: F)
    where
        P: Policy + 'static,
        F: FnMut(IpAddr) -> P + Send,
    {
        let mut tasks = JoinSet::new();
        let slots = Arc::new(Semaphore::new(self.sessions));
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = tasks.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => match slots.clone().try_acquire_owned() {
                    Ok(slot) => {
                        let connection = self.connection(stream, stop.clone());
                        let policy = policy(peer.ip());
                        tasks.spawn(async move {
                            connection.serve(policy).await;
                            drop(slot);
                        });
                    }
                    Err(_) => drop(tasks.spawn(refuse(stream))),
                },
                // Out of file handles or a connection that was reset before it was accepted: the next may work.
                Err(error) => {
                    tracing::warn!(listener = self.name, %error, "a connection could not be accepted");
                    wall::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        drop(self.listener);
        let _ = wall::timeout(DRAIN, async { while tasks.join_next().await.is_some() {} }).await;
    }

    fn connection(&self, stream: TcpStream, stop: CancellationToken) -> Connection {
        // Replies are small and must not wait for the client's acknowledgement.
        let _ = stream.set_nodelay(true);
        Connection {
            name: self.name,
            stream: Stream::Plain(stream),
            session: ServerSession::new(self.config.clone(), false),
            tls: self.tls.clone(),
            timeout: self.timeout,
            clock: self.clock.clone(),
            holds: self.holds,
            token: None,
            stop,
        }
    }
}

async fn refuse(mut stream: TcpStream) {
    let busy = Reply::new(421, "4.3.2".parse().ok(), "Too many sessions, try again later");
    let _ = wall::timeout(DRAIN, stream.write_all(busy.wire().as_bytes())).await;
}

/// What came of carrying out what the session asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drained {
    /// Nothing was sent: the client is in the middle of something.
    Silent,
    /// A reply was sent, and with it the acknowledgement of what was read.
    Answered,
    /// The connection is to be closed.
    Closed,
}

struct Connection {
    name: &'static str,
    stream: Stream,
    session: ServerSession,
    tls: Option<Arc<rustls::ServerConfig>>,
    timeout: Duration,
    clock: Clock,
    holds: Holds,
    token: Option<Token>,
    stop: CancellationToken,
}

impl Connection {
    async fn serve(mut self, mut policy: impl Policy) {
        let mut buffer = vec![0; READ_BUFFER];
        let mut ending = false;
        loop {
            let answered = match self.drain(&mut policy).await {
                Ok(Drained::Answered) => true,
                Ok(Drained::Silent) => false,
                Ok(Drained::Closed) | Err(_) => break,
            };
            // The client is gone without a word.
            if self.session.is_closed() {
                break;
            }
            self.token = match (self.holds, self.session.is_idle(), self.token.take()) {
                (Holds::Questions, _, _) | (Holds::Transactions, true, _) => None,
                (Holds::Transactions, false, held) => {
                    Some(held.unwrap_or_else(|| self.clock.hold(self.name)))
                }
            };
            if !answered {
                self.stream.acknowledge_at_once();
            }
            let read = tokio::select! {
                () = self.stop.cancelled(), if !ending => {
                    ending = true;
                    self.session.handle(ServerInput::Shutdown);
                    continue;
                }
                read = wall::timeout(self.timeout, self.stream.read(&mut buffer)) => read,
            };
            match read {
                Ok(Ok(0) | Err(_)) => self.session.handle(ServerInput::Closed),
                Ok(Ok(length)) => self.session.handle(ServerInput::Bytes(&buffer[..length])),
                Err(_) => self.session.handle(ServerInput::Timeout),
            }
        }
        let _ = self.stream.shutdown().await;
    }

    /// Carries out what the session asks.
    async fn drain(&mut self, policy: &mut impl Policy) -> io::Result<Drained> {
        let mut out = Vec::new();
        let mut drained = Drained::Silent;
        while let Some(output) = self.session.poll() {
            match output {
                ServerOutput::Send(bytes) => {
                    drained = Drained::Answered;
                    if out.is_empty() {
                        out = bytes;
                    } else {
                        out.extend_from_slice(&bytes);
                    }
                }
                ServerOutput::Ask(request) => {
                    // The message and the question are the session's unfinished command.
                    if self.token.is_none() {
                        self.token = Some(self.clock.hold(self.name));
                    }
                    let mut answer = pin!(policy.answer(request));
                    // What is answered at once goes out with the replies to what the client sent along with it.
                    let at_once = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
                    let answer = match at_once {
                        Poll::Ready(answer) => answer,
                        Poll::Pending => {
                            self.flush(&mut out).await?;
                            answer.await
                        }
                    };
                    self.session.handle(ServerInput::Answer(answer));
                }
                ServerOutput::StartTls => {
                    self.flush(&mut out).await?;
                    self.upgrade().await?;
                    self.session.handle(ServerInput::TlsStarted);
                }
                ServerOutput::Close => {
                    self.flush(&mut out).await?;
                    return Ok(Drained::Closed);
                }
            }
        }
        self.flush(&mut out).await?;
        Ok(drained)
    }

    async fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        if out.is_empty() {
            return Ok(());
        }
        let written = wall::timeout(self.timeout, async {
            self.stream.write_all(out).await?;
            self.stream.flush().await
        });
        written.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        out.clear();
        Ok(())
    }

    async fn upgrade(&mut self) -> io::Result<()> {
        let closed = || io::Error::from(io::ErrorKind::NotConnected);
        let tls = self.tls.clone().ok_or_else(closed)?;
        match std::mem::replace(&mut self.stream, Stream::Closed) {
            Stream::Plain(stream) => {
                let accepted = wall::timeout(self.timeout, TlsAcceptor::from(tls).accept(stream));
                let stream = accepted.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
                self.stream = Stream::Tls(Box::new(stream.into()));
                Ok(())
            }
            Stream::Tls(_) | Stream::Closed => Err(closed()),
        }
    }
}

/// A connection before and after STARTTLS, of a server or of a client.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::TlsStream<TcpStream>>),
    Closed,
}

impl Stream {
    /// Lets the system acknowledge what was read without waiting for a reply to send along. Clients that leave Nagle's
    /// algorithm on wait for that in the middle of a message: 40 ms each. The system forgets it, so it is said again
    /// before every read that no reply went before.
    fn acknowledge_at_once(&self) {
        let tcp = match self {
            Self::Plain(stream) => Some(stream),
            Self::Tls(stream) => Some(stream.get_ref().0),
            Self::Closed => None,
        };
        if let Some(tcp) = tcp {
            // Only speed depends on it.
            let _ = tcp.set_quickack(true);
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Closed => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Closed => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Closed => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Closed => Poll::Ready(Ok(())),
        }
    }
}

/// Binds a listener, with an error that names the address and what to do.
pub(crate) async fn bind(what: &'static str, address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|cause| BindError { what, address, cause })
}

/// A listener could not be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on `{address}` for {what}: {cause}\nhint: another program may use the port; choose another \
     with `listen.{what}`, or port 0 for any free one"
)]
pub struct BindError {
    /// Which listener, as in the configuration.
    pub what: &'static str,
    /// Where.
    pub address: SocketAddr,
    /// Why not.
    pub cause: io::Error,
}
