//! The simulated network: the mailbox providers' listeners, and what they and their users do later.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use emta_mail::{DeliveryEvent, Domain, EmailAddress, EventKind, QueueId};
use emta_providers::{
    ActionKind, Delivery, DoorBehaviour, DoorId, Later, ProviderSession, Providers, Resolution,
};
use emta_smtp::{Answer, Request};
use emta_store::{DeliveredRow, QueueChange, Record, Store, StoreError};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Source, Token};
use crate::outbox::Outbox;
use crate::pulse::Pulse;
use crate::smtp_shell::{Holds, Policy, SmtpListener};

/// Sessions at a time on one listener of a provider; the queue's own limits are far below.
const SESSIONS: usize = 10_000;
/// Real time without a byte after which a provider closes a session (RFC 5321 section 4.5.3.2.7).
const TIMEOUT: Duration = Duration::from_mins(5);
/// Things due at one instant that are done at the same time.
const AT_ONCE: usize = 64;

/// The providers and where they listen.
pub(crate) struct Network {
    providers: Mutex<Providers>,
    addresses: OnceLock<Vec<SocketAddr>>,
    /// A provider has accepted a message, so what is due later may have changed; the token is held until it is known
    /// when.
    accepted: Mutex<Option<Token>>,
    news: Notify,
}

impl Network {
    pub(crate) fn new(providers: Providers) -> Self {
        Self {
            providers: Mutex::new(providers),
            addresses: OnceLock::new(),
            accepted: Mutex::new(None),
            news: Notify::new(),
        }
    }

    /// Name of the provider that serves the domain.
    pub(crate) fn provider_of(&self, domain: &Domain) -> Arc<str> {
        self.lock().provider_for(domain).map_or(Providers::DEFAULT, |spec| &spec.name).into()
    }

    /// Simulated DNS.
    pub(crate) fn resolve(&self, message: QueueId, recipient: &EmailAddress, attempt: u32) -> Resolution {
        self.lock().resolve(message, recipient, attempt)
    }

    /// How long, in virtual time, the provider takes for this attempt.
    pub(crate) fn delay(&self, message: QueueId, recipient: &EmailAddress, attempt: u32) -> Duration {
        self.lock().delay(message, recipient, attempt)
    }

    /// A message that will not be tried again.
    pub(crate) fn forget(&self, message: QueueId) {
        self.lock().forget(message);
    }

    /// Where a door's listener is; `None` before the listeners are open.
    pub(crate) fn address_of(&self, door: DoorId) -> Option<SocketAddr> {
        self.addresses.get()?.get(door.index()).copied()
    }

    /// Name, domains and address of each provider's listeners, for people.
    pub(crate) fn with_providers<T>(&self, show: impl FnOnce(&Providers) -> T) -> T {
        show(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Providers> {
        self.providers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a listener for every door; they serve until `stop`.
    pub(crate) async fn open(
        self: &Arc<Self>,
        tls: &Arc<rustls::ServerConfig>,
        clock: &Clock,
        tasks: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) -> std::io::Result<()> {
        let doors = self.lock().doors().to_vec();
        let mut addresses = Vec::with_capacity(doors.len());
        for door in doors {
            let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            if door.behaviour == DoorBehaviour::NotListening {
                // The port is ours, so nobody else can answer on it, and nothing listens.
                let socket = TcpSocket::new_v4()?;
                socket.bind(any)?;
                addresses.push(socket.local_addr()?);
                let stop = stop.clone();
                tasks.spawn(async move {
                    stop.cancelled().await;
                    drop(socket);
                });
                continue;
            }
            let listener = TcpListener::bind(any).await?;
            addresses.push(listener.local_addr()?);
            // A door at which TLS fails offers STARTTLS and has nothing to do it with.
            let tls = (door.behaviour != DoorBehaviour::FailTls).then(|| tls.clone());
            let listener = SmtpListener {
                name: "mailbox provider",
                listener,
                config: Arc::new(door.server),
                tls,
                sessions: SESSIONS,
                timeout: TIMEOUT,
                clock: clock.clone(),
                holds: Holds::Questions,
            };
            let (network, clock) = (self.clone(), clock.clone());
            tasks.spawn(listener.run(stop.clone(), move |_| ProviderPolicy {
                network: network.clone(),
                clock: clock.clone(),
                session: ProviderSession::new(door.id),
            }));
        }
        let _ = self.addresses.set(addresses);
        Ok(())
    }

    /// After a restart: what providers and their users will still do about messages that were delivered earlier.
    pub(crate) fn restore(&self, store: &Store, clock: &Clock) -> Result<(), StoreError> {
        let now = clock.now();
        let mut providers = self.lock();
        store.for_each_delivered(|DeliveredRow { id: message, sender, recipient, at }| {
            providers.restore_delivered(&Delivery { message, sender, recipient, at }, now);
        })
    }
}

/// One session at a provider's door.
struct ProviderPolicy {
    network: Arc<Network>,
    clock: Clock,
    session: ProviderSession,
}

impl Policy for ProviderPolicy {
    async fn answer(&mut self, request: Request) -> Answer {
        let now = self.clock.now();
        let answer = self.session.answer(&mut self.network.lock(), &request, now);
        if let Request::Message(_) = request {
            let mut accepted = self.network.accepted.lock().unwrap_or_else(PoisonError::into_inner);
            if accepted.is_none() {
                *accepted = Some(self.clock.hold("provider reports"));
                self.network.news.notify_one();
            }
        }
        answer
    }
}

/// What the providers and their users do later.
pub(crate) struct LaterShell {
    pub(crate) network: Arc<Network>,
    pub(crate) source: Source,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) pulse: Pulse,
    /// The way to the bounce mailbox.
    pub(crate) outbox: Arc<Outbox>,
    /// Name of the MTA, as the messages that it sent carry it.
    pub(crate) hostname: Arc<str>,
}

impl LaterShell {
    /// Does what is due until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        loop {
            let accepted = self.network.accepted.lock().unwrap_or_else(PoisonError::into_inner).take();
            let deadline = self.network.lock().deadline();
            self.source.set_deadline(deadline);
            drop(accepted);
            let token = tokio::select! {
                () = stop.cancelled() => break,
                () = self.network.news.notified() => continue,
                token = self.source.due() => token,
            };
            let now = self.clock.now();
            let mut due = Vec::new();
            {
                let mut providers = self.network.lock();
                while let Some(later) = providers.poll(now) {
                    due.push(later);
                }
                // Before the token goes: without a deadline the clock would pass over what is due next.
                self.source.set_deadline(providers.deadline());
            }
            self.act(due, &mut tasks, token).await;
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn act(&self, due: Vec<Later>, tasks: &mut JoinSet<()>, token: Token) {
        let mut seen = Vec::new();
        for later in due {
            let event = |kind| Record {
                event: DeliveryEvent { message: later.message, at: later.due, kind },
                queue: QueueChange::None,
            };
            match &later.kind {
                ActionKind::Open => seen.push(event(EventKind::Opened)),
                ActionKind::Click { url } => seen.push(event(EventKind::Clicked { url: url.clone() })),
                ActionKind::Bounce { .. }
                | ActionKind::DelayReport { .. }
                | ActionKind::Complaint { .. }
                | ActionKind::AutoReply { .. } => {
                    if tasks.len() >= AT_ONCE {
                        tasks.join_next().await;
                    }
                    let (store, outbox, token) = (self.store.clone(), self.outbox.clone(), token.clone());
                    let hostname = self.hostname.clone();
                    tasks.spawn(async move {
                        send_back(later, store, &outbox, hostname).await;
                        drop(token);
                    });
                }
            }
        }
        if !seen.is_empty() {
            let pulse = self.pulse.clone();
            self.store.record(
                seen,
                Box::new(move |outcome| {
                    match outcome {
                        Ok(_) => pulse.grown(),
                        Err(error) => tracing::error!(%error, "opens and clicks could not be recorded"),
                    }
                    drop(token);
                }),
            );
        }
    }
}

/// Mails a report, written from the message as it lies in the spool.
async fn send_back(later: Later, store: Store, outbox: &Outbox, hostname: Arc<str>) {
    let id = later.message;
    let mail = tokio::task::spawn_blocking(move || {
        let original = store.body(id)?.map(|stored| crate::mta::content_as_sent(&stored, &hostname));
        let original: Vec<u8> = original.map(|parts| parts.concat()).unwrap_or_default();
        Ok::<_, StoreError>(later.compose(&original))
    });
    match mail.await {
        Ok(Ok(Some(mail))) => outbox.send(&mail.sender, &mail.recipient, &mail.raw).await,
        // A null sender gets no report.
        Ok(Ok(None)) | Err(_) => {}
        Ok(Err(error)) => {
            tracing::error!(message = %id, %error, "the original of a report could not be read");
        }
    }
}
