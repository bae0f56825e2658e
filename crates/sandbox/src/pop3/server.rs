//! Sockets for POP3 sessions.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::session::{Answer, Input, Output, Request, Session, Tls};
use super::{MAX_ITEMS, Maildrop, MaildropError};
use crate::clock::wall;
use crate::smtp_shell::Stream;

/// Octets read from a connection at a time.
const READ_BUFFER: usize = 4 * 1024;

/// How long sessions may take to end once the program is ending.
const DRAIN: Duration = Duration::from_secs(5);

/// How long a login waits for another session to let go of the mailbox.
const LOCK_WAIT: Duration = Duration::from_secs(1);

/// How long to wait after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A POP3 listener with everything its sessions share.
pub struct Pop3Listener<M> {
    /// Where connections come in.
    pub listener: TcpListener,
    /// The one user.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// For STLS; `None` if it is not offered.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Sessions at a time; further connections are refused.
    pub sessions: usize,
    /// Real time without a byte after which a session is closed, without deleting anything.
    pub timeout: Duration,
    /// The mailbox.
    pub maildrop: M,
}

/// What the sessions of a listener share.
struct Shared<M> {
    user: String,
    password: String,
    tls: Option<Arc<rustls::ServerConfig>>,
    timeout: Duration,
    maildrop: M,
    /// The lock of the mailbox: one permit (RFC 1939 section 4 asks for exclusive access).
    lock: Arc<Semaphore>,
}

impl<M: Maildrop> Pop3Listener<M> {
    /// Accepts connections until `stop`, then closes the open sessions without deleting anything.
    pub async fn run(self, stop: CancellationToken) {
        let Self { listener, user, password, tls, sessions, timeout, maildrop } = self;
        let lock = Arc::new(Semaphore::new(1));
        let shared = Arc::new(Shared { user, password, tls, timeout, maildrop, lock });
        let slots = Arc::new(Semaphore::new(sessions));
        let mut tasks = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = tasks.join_next() => continue,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => match slots.clone().try_acquire_owned() {
                    Ok(slot) => {
                        let connection = Connection::new(stream, shared.clone(), stop.clone());
                        tasks.spawn(async move {
                            connection.serve().await;
                            drop(slot);
                        });
                    }
                    Err(_) => drop(tasks.spawn(refuse(stream))),
                },
                // Out of file handles, or reset before it was accepted: the next one may work.
                Err(error) => {
                    tracing::warn!(%error, "a POP3 connection could not be accepted");
                    let _ = wall::timeout(ACCEPT_PAUSE, stop.cancelled()).await;
                }
            }
        }
        drop(listener);
        let _ = wall::timeout(DRAIN, async { while tasks.join_next().await.is_some() {} }).await;
    }
}

async fn refuse(mut stream: TcpStream) {
    let busy = b"-ERR [SYS/TEMP] too many sessions\r\n";
    let _ = wall::timeout(DRAIN, stream.write_all(busy)).await;
}

struct Connection<M> {
    shared: Arc<Shared<M>>,
    stream: Stream,
    session: Session,
    /// Held from login to end.
    lock: Option<OwnedSemaphorePermit>,
    stop: CancellationToken,
}

impl<M: Maildrop> Connection<M> {
    fn new(stream: TcpStream, shared: Arc<Shared<M>>, stop: CancellationToken) -> Self {
        // Answers are small and must not wait for the client's acknowledgement.
        let _ = stream.set_nodelay(true);
        let tls = if shared.tls.is_some() { Tls::Offered } else { Tls::Off };
        Self { shared, stream: Stream::Plain(stream), session: Session::new(tls), lock: None, stop }
    }

    async fn serve(mut self) {
        let mut buffer = vec![0; READ_BUFFER];
        // After a lost connection nothing is deleted: only QUIT leads to that (RFC 1939 section 6).
        while let Ok(true) = self.drain().await {
            let read = tokio::select! {
                () = self.stop.cancelled() => {
                    self.session.handle(Input::Shutdown);
                    continue;
                }
                read = wall::timeout(self.shared.timeout, self.stream.read(&mut buffer)) => read,
            };
            match read {
                Ok(Ok(0) | Err(_)) => break,
                Ok(Ok(length)) => self.session.handle(Input::Bytes(buffer.get(..length).unwrap_or_default())),
                Err(_) => self.session.handle(Input::Timeout),
            }
        }
        let _ = wall::timeout(DRAIN, self.stream.shutdown()).await;
    }

    /// Carries out what the session asks; `false` once the connection is to be closed.
    async fn drain(&mut self) -> io::Result<bool> {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Send(bytes) => self.send(&bytes).await?,
                Output::Ask(request) => {
                    let answer = self.answer(request).await;
                    self.session.handle(Input::Answer(answer));
                }
                Output::StartTls => {
                    self.upgrade().await?;
                    self.session.handle(Input::TlsStarted);
                }
                Output::Close => return Ok(false),
            }
        }
        Ok(true)
    }

    async fn answer(&mut self, request: Request) -> Answer {
        let shared = self.shared.clone();
        let answer = match request {
            Request::Login { user, password } => self.log_in(&user, &password).await,
            Request::Content { uid } => shared.maildrop.content(&uid).await.map(Answer::Content),
            Request::Delete { uids } => shared.maildrop.delete(uids).await.map(|()| Answer::Deleted),
        };
        answer.unwrap_or_else(|error| {
            tracing::warn!(%error, "a POP3 session could not be served");
            Answer::Failed
        })
    }

    async fn log_in(&mut self, user: &str, password: &str) -> Result<Answer, MaildropError> {
        let shared = &self.shared;
        if user != shared.user || password != shared.password {
            return Ok(Answer::WrongPassword);
        }
        // A client that has just hung up may be back before its old session has noticed.
        let free = wall::timeout(LOCK_WAIT, shared.lock.clone().acquire_owned()).await;
        let Ok(Ok(lock)) = free else { return Ok(Answer::InUse) };
        let mut items = shared.maildrop.list(MAX_ITEMS).await?;
        items.truncate(MAX_ITEMS);
        self.lock = Some(lock);
        Ok(Answer::Mailbox(items))
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        // In pieces, so that the time-out is for silence and not for a large mail on a slow line.
        for piece in bytes.chunks(64 * 1024) {
            let written = wall::timeout(self.shared.timeout, self.stream.write_all(piece));
            written.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        }
        self.stream.flush().await
    }

    async fn upgrade(&mut self) -> io::Result<()> {
        let closed = || io::Error::from(io::ErrorKind::NotConnected);
        let tls = self.shared.tls.clone().ok_or_else(closed)?;
        match std::mem::replace(&mut self.stream, Stream::Closed) {
            Stream::Plain(stream) => {
                let accepted = wall::timeout(self.shared.timeout, TlsAcceptor::from(tls).accept(stream));
                let stream = accepted.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
                self.stream = Stream::Tls(Box::new(stream.into()));
                Ok(())
            }
            Stream::Tls(_) | Stream::Closed => Err(closed()),
        }
    }
}
