//! The whole system: opens the store, restores what was under way, opens the listeners, and starts every part.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use bytes::Bytes;
use emta_campaign::Mode;
use emta_mail::{Chance, EventId, QueueId, Timestamp};
use emta_providers::{Providers, ProvidersError};
use emta_qualify::RuleSet;
use emta_queue::{Input, Message, Queue};
use emta_smtp::ServerConfig;
use emta_smtp::server::{AuthPolicy, Extensions, Limits};
use emta_store::{Change, QueuedRow, Store, StoreError};
use reqwest::Url;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::api;
use crate::campaign::{CampaignShell, RelayPump};
use crate::clock::{Clock, ClockMode, wall};
use crate::config::{ClockStart, Config, Data};
use crate::feedback::{Endpoint, Feed, Pusher};
use crate::inmail::{InMail, InMailSession};
use crate::maildrop::BounceMaildrop;
use crate::mailed_bounces::MailedBounces;
use crate::mta::{Mta, MtaHandle, MtaParts};
use crate::network::{LaterShell, Network};
use crate::outbox::Outbox;
use crate::pop3::server::Pop3Listener;
use crate::pulse::Pulse;
use crate::qualification::Qualification;
use crate::relay::{Relay, RelaySession};
use crate::smtp_shell::{BindError, Holds, SmtpListener, bind};
use crate::tls::{self, TlsError};

/// How long before the machine's date a clock that does not run by itself starts: longer than any message is tried.
const HEAD_START: Duration = Duration::from_hours(4 * 24);
/// Sessions of the bounce mailbox at a time, by SMTP and by POP3.
const MAILBOX_SESSIONS: usize = 200;
/// Length of a slice of the hourly limit (facts 2.3).
const SLICE: Duration = Duration::from_mins(5);
/// Namespace and keys of the system's own small values.
const SYSTEM: &str = "system";
const CLOCK: &str = "clock";
const RUNNING: &str = "running";
const SEED: &str = "seed";

/// Where a running system listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The relay.
    pub smtp: SocketAddr,
    /// The HTTP API.
    pub http: SocketAddr,
    /// The bounce mailbox, for reading.
    pub pop3: SocketAddr,
    /// The bounce mailbox, for what comes back.
    pub bounce_smtp: SocketAddr,
}

/// Why the system could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener could not be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The store could not be opened or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificate is not usable.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The providers contradict each other.
    #[error(transparent)]
    Providers(#[from] ProvidersError),
    /// The machine refused something.
    #[error("{what}: {cause}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        cause: std::io::Error,
    },
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made: {0}")]
    Http(#[from] reqwest::Error),
}

/// What the API and other parts share of a running system.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) addresses: Addresses,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) mta: MtaHandle,
    pub(crate) network: Arc<Network>,
    pub(crate) campaign: Arc<CampaignShell>,
    pub(crate) table: Arc<Mutex<Qualification>>,
    /// Signs what is posted to the campaign core.
    pub(crate) campaign_key: Vec<u8>,
}

/// A running system.
pub struct Sandbox {
    shared: Arc<Shared>,
    /// What takes work in; ends first.
    front: Stage,
    /// What the work under way still needs; ends last.
    back: Stage,
}

#[derive(Default)]
struct Stage {
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Sandbox {
    /// Starts everything.
    ///
    /// # Errors
    /// See [`StartError`]; nothing goes on running then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let store = match &config.data {
            Data::Memory => Store::memory(),
            Data::Folder(folder) => Store::open(folder, config.storage.clone())?,
        };
        let seed = seed(&store, config.seed)?;
        let clock = clock(&config, &store)?;
        // Nothing moves before everything is in place.
        let starting = clock.hold("start");
        let mut front = Stage::default();
        let mut back = Stage::default();
        let pulse = Pulse::default();
        let hostname: Arc<str> = config.hostname.as_str().into();

        let certificate = config.relay.certificate.as_ref();
        let files = certificate.map(|files| (files.chain.as_path(), files.key.as_path()));
        let server_tls = tls::server(&hostname, files)?;

        let smtp = bind("smtp", config.listen.smtp).await?;
        let http = bind("http", config.listen.http).await?;
        let pop3 = bind("pop3", config.listen.pop3).await?;
        let bounce_smtp = bind("bounce_smtp", config.listen.bounce_smtp).await?;
        let addresses = Addresses {
            smtp: local(&smtp)?,
            http: local(&http)?,
            pop3: local(&pop3)?,
            bounce_smtp: local(&bounce_smtp)?,
        };
        let outbox = Arc::new(Outbox::new(reachable(addresses.bounce_smtp), &hostname));

        let chance = Chance::new(seed);
        let providers = Providers::try_new(chance, config.providers.clone())?;
        let network = Arc::new(Network::new(providers));
        let opened = network.open(&server_tls, &clock, &mut back.tasks, &back.stop).await;
        opened
            .map_err(|cause| StartError::Io { what: "a provider's listener could not be opened", cause })?;
        network.restore(&store, &clock)?;
        let later = LaterShell {
            network: network.clone(),
            source: clock.source("provider reports"),
            store: store.clone(),
            clock: clock.clone(),
            pulse: pulse.clone(),
            outbox: outbox.clone(),
            hostname: hostname.clone(),
        };
        back.tasks.spawn(later.run(front.stop.clone()));

        let table = Arc::new(Mutex::new(Qualification::load(&store)?));
        let inmail = Arc::new(InMail {
            hostname: hostname.to_string(),
            clock: clock.clone(),
            store: store.clone(),
            pulse: pulse.clone(),
            rules: shared_rules(&config.rules.inbound_email),
            table: table.clone(),
        });
        let inmail_listener = SmtpListener {
            name: "bounce mailbox",
            listener: bounce_smtp,
            config: Arc::new(server_config(&config, false)),
            tls: Some(server_tls.clone()),
            sessions: MAILBOX_SESSIONS,
            timeout: config.relay.timeout,
            clock: clock.clone(),
            holds: Holds::Transactions,
        };
        back.tasks.spawn(inmail_listener.run(back.stop.clone(), move |_| InMailSession(inmail.clone())));
        let pop3_listener = Pop3Listener {
            listener: pop3,
            user: config.bounce_mailbox.user.clone(),
            password: config.bounce_mailbox.password.clone(),
            tls: Some(server_tls.clone()),
            sessions: MAILBOX_SESSIONS,
            timeout: config.bounce_mailbox.timeout,
            maildrop: BounceMaildrop(store.clone()),
        };
        front.tasks.spawn(pop3_listener.run(front.stop.clone()));

        let parts = Arc::new(MtaParts {
            hostname: hostname.to_string(),
            clock: clock.clone(),
            store: store.clone(),
            pulse: pulse.clone(),
            network: network.clone(),
            rules: shared_rules(&config.rules.mta),
            tls: tls::opportunistic_client(),
        });
        let unclean = store.value(SYSTEM, RUNNING)?.is_some();
        let (queue, doubtful) = restore_queue(&config, chance, &store, &network, clock.now(), unclean)?;
        let (mta, handle) = Mta::new(parts, queue, doubtful);
        front.tasks.spawn(mta.run(front.stop.clone()));

        let (campaign, ready) =
            CampaignShell::open(config.campaign.core.clone(), store.clone(), clock.clone())?;
        let pump =
            RelayPump::new(campaign.clone(), clock.clone(), ready, reachable(addresses.smtp), &hostname);
        front.tasks.spawn(pump.run(front.stop.clone()));

        let campaign_key = random_key();
        let mode = config.campaign.core.mode;
        let feed = if mode == Mode::WithoutEfs { Feed::InMailOnly } else { Feed::All };
        let http_client = reqwest::Client::builder()
            .no_proxy()
            .user_agent(concat!("emta/", env!("CARGO_PKG_VERSION"), " (+sandbox)"))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        for endpoint in endpoints(&config, addresses.http, &campaign_key) {
            let pusher = Pusher {
                endpoint,
                feed,
                store: store.clone(),
                clock: clock.clone(),
                follower: pulse.follow("webhook", &clock),
                source: clock.source("webhook"),
                http: http_client.clone(),
            };
            back.tasks.spawn(pusher.run(front.stop.clone()));
        }
        if mode == Mode::WithoutEfs {
            let mailed = MailedBounces {
                hostname: hostname.clone(),
                store: store.clone(),
                follower: pulse.follow("mailed bounces", &clock),
                outbox,
            };
            back.tasks.spawn(mailed.run(front.stop.clone()));
        }

        let relay = Arc::new(Relay {
            seed,
            hostname: config.hostname.clone(),
            users: config.relay.auth.users.clone(),
            validity: Some(config.queue.validity),
            clock: clock.clone(),
            store: store.clone(),
            pulse,
            network: network.clone(),
            mta: handle.clone(),
        });
        let relay_listener = SmtpListener {
            name: "relay session",
            listener: smtp,
            config: Arc::new(server_config(&config, true)),
            tls: config.relay.starttls.then_some(server_tls),
            sessions: config.relay.sessions,
            timeout: config.relay.timeout,
            clock: clock.clone(),
            holds: Holds::Transactions,
        };
        front.tasks.spawn(
            relay_listener.run(front.stop.clone(), move |peer| RelaySession::new(relay.clone(), peer)),
        );

        let running = Change::Put { namespace: SYSTEM.into(), key: RUNNING.into(), value: Bytes::from("1") };
        store.commit_wait(vec![running, clock_change(clock.now())])?;
        let shared = Arc::new(Shared {
            config,
            addresses,
            clock: clock.clone(),
            store: store.clone(),
            mta: handle,
            network,
            campaign,
            table,
            campaign_key,
        });
        back.tasks.spawn(api::serve(http, shared.clone(), back.stop.clone()));
        back.tasks.spawn(clock.drive(back.stop.clone(), move |now| keep_clock(store.clone(), now)));
        drop(starting);
        Ok(Self { shared, front, back })
    }

    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        self.shared.addresses
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Its store.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Ends it: takes nothing more in, lets attempts under way end, and closes the store.
    pub async fn shutdown(mut self) {
        self.front.end().await;
        self.back.end().await;
        let store = self.shared.store.clone();
        let now = self.shared.clock.now();
        let changes =
            vec![Change::Remove { namespace: SYSTEM.into(), key: RUNNING.into() }, clock_change(now)];
        let closed = tokio::task::spawn_blocking(move || store.commit_wait(changes)).await;
        if let Ok(Err(error)) = closed {
            tracing::error!(%error, "the end could not be noted on disk; the next start will take it for a crash");
        }
    }
}

impl Stage {
    async fn end(&mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// The seed of this data: chosen once, because ids and fates come from it.
fn seed(store: &Store, configured: u64) -> Result<u64, StoreError> {
    let kept = store.value(SYSTEM, SEED)?;
    let kept = kept.and_then(|value| std::str::from_utf8(&value).ok()?.parse().ok());
    if let Some(kept) = kept {
        if kept != configured {
            tracing::warn!(kept, configured, "the data was made with another seed, which stays in force");
        }
        return Ok(kept);
    }
    let value = Bytes::from(configured.to_string());
    store.commit_wait(vec![Change::Put { namespace: SYSTEM.into(), key: SEED.into(), value }])?;
    Ok(configured)
}

/// A clock that goes on where the data ends; without data, where the configuration says.
fn clock(config: &Config, store: &Store) -> Result<Clock, StoreError> {
    let settings = &config.clock;
    let kept = store.value(SYSTEM, CLOCK)?;
    let kept = kept.and_then(|value| std::str::from_utf8(&value).ok()?.parse::<Timestamp>().ok());
    let last_event = store.events_after(store.last_sequence()?.saturating_sub(1), 1)?;
    let reached = kept.max(last_event.first().map(|row| row.event.at));
    let wall_now = wall::now();
    let start = match settings.start {
        Some(ClockStart::At(instant)) => instant,
        Some(ClockStart::Before(span)) => wall_now - span,
        None if settings.mode == ClockMode::Real => wall_now,
        None => Timestamp::from_seconds((wall_now - HEAD_START).as_seconds()),
    };
    let start = match (reached, settings.mode) {
        (Some(reached), ClockMode::Real) => reached.max(start),
        (Some(reached), _) => reached,
        (None, _) => start,
    };
    Ok(Clock::new(settings.mode, start, settings.quiet))
}

/// Keeps virtual time on disk before it is shown.
async fn keep_clock(store: Store, now: Timestamp) {
    let (done, kept) = oneshot::channel();
    store.commit(vec![clock_change(now)], Box::new(move |outcome| drop(done.send(outcome))));
    if let Ok(Err(error)) = kept.await {
        tracing::warn!(%error, "virtual time could not be kept on disk");
    }
}

fn clock_change(now: Timestamp) -> Change {
    Change::Put { namespace: SYSTEM.into(), key: CLOCK.into(), value: Bytes::from(now.to_string()) }
}

/// The queue as the data says, and the messages that may have been on their way when the program ended uncleanly.
fn restore_queue(
    config: &Config,
    chance: Chance,
    store: &Store,
    network: &Network,
    now: Timestamp,
    unclean: bool,
) -> Result<(Queue, HashSet<QueueId>), StoreError> {
    let mut queue = Queue::new(Arc::new(config.queue.policy.clone()), chance);
    let mut doubtful = HashSet::new();
    store.for_each_queued(|row| {
        let QueuedRow { id, domain, accepted_at, expires_at, due, attempts } = row;
        if unclean && due <= now {
            doubtful.insert(id);
        }
        let provider = network.provider_of(&domain);
        let message = Message { id, domain, provider, accepted_at, expires_at };
        queue.handle(Input::Restore { message, due, attempts }, now);
    })?;
    // What the slice of the hourly limit has already seen.
    let slice = now.as_seconds().div_euclid(SLICE.as_secs() as i64) * SLICE.as_secs() as i64;
    let from = Timestamp::from_seconds(slice);
    let mut after = Some((from, QueueId::from_u64(0), 0, EventId::from_u64(0)));
    loop {
        let rows = store.events_ordered(after, 1_000)?;
        let Some(last) = rows.last() else { break };
        after = Some(last.event.order());
        for row in rows.iter().filter(|row| row.event.attempt().is_some_and(|attempt| attempt.number > 0)) {
            let domain = row.message.recipient.domain();
            let provider = network.provider_of(&domain);
            queue.handle(Input::RestoreSpent { domain, provider, attempts: 1, at: row.event.at }, now);
        }
    }
    Ok((queue, doubtful))
}

fn server_config(config: &Config, relay: bool) -> ServerConfig {
    let settings = &config.relay;
    let auth = match (relay && !settings.auth.users.is_empty(), settings.auth.required) {
        (false, _) => AuthPolicy::Off,
        (true, false) => AuthPolicy::Optional,
        (true, true) => AuthPolicy::Required,
    };
    ServerConfig {
        hostname: config.hostname.to_string(),
        // On loopback a password in plain text is nobody's but the machine's.
        extensions: Extensions {
            starttls: !relay || settings.starttls,
            require_tls_for_auth: false,
            auth,
            ..Extensions::default()
        },
        limits: Limits {
            command_line: settings.command_line,
            // A report quotes what it was given: only the relay is strict about lines.
            text_line: if relay { settings.text_line } else { settings.text_line.max(1 << 20) },
            recipients: settings.recipients,
            message_size: settings.size,
            errors: settings.errors,
        },
    }
}

/// The campaign core's own webhook and those of the configuration.
fn endpoints(config: &Config, http: SocketAddr, campaign_key: &[u8]) -> Vec<Endpoint> {
    let own = Url::parse(&format!("http://{}/campaign/feedback", reachable(http)));
    let own = own.into_iter().map(|url| Endpoint {
        name: "webhook:campaign".to_owned(),
        url,
        key: Some(campaign_key.to_vec()),
        token: config.token.clone(),
        events: vec!["message.*".to_owned()],
        batch_max: 500,
        linger: Duration::ZERO,
        timeout: Duration::from_secs(30),
    });
    let others = config.webhooks.iter().map(|webhook| Endpoint {
        name: format!("webhook:{}", webhook.url),
        url: webhook.url.clone(),
        key: webhook.key.clone(),
        token: None,
        events: webhook.events.clone(),
        batch_max: webhook.batch_max,
        linger: webhook.batch_linger,
        timeout: webhook.timeout,
    });
    own.chain(others).collect()
}

fn shared_rules(rules: &Arc<RuleSet>) -> Arc<RwLock<Arc<RuleSet>>> {
    Arc::new(RwLock::new(rules.clone()))
}

/// A key for this run; both ends of it are in this program.
fn random_key() -> Vec<u8> {
    let mut key = vec![0; 32];
    if rustls::crypto::ring::default_provider().secure_random.fill(&mut key).is_err() {
        tracing::warn!(
            "the machine gave no random bytes; feedback to the campaign core is signed with a constant"
        );
    }
    key
}

fn local(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|cause| StartError::Io { what: "a listener has no address", cause })
}

/// The address under which this program reaches its own listener.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    SocketAddr::new(ip, address.port())
}
