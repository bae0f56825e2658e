//! The whole system: opens the store, restores what was under way, opens the listeners, and starts every part.

mod restore;
mod wiring;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use emta_campaign::Mode;
use emta_mail::Chance;
use emta_providers::{Providers, ProvidersError};
use emta_store::{Change, Store, StoreError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::api;
use crate::campaign::{CampaignShell, RelayPump};
use crate::clock::{Clock, Timers};
use crate::config::{Config, Data};
use crate::feedback::{Feed, Pusher};
use crate::inmail::{InMail, InMailSession};
use crate::live_rules::LiveRules;
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
use restore::{RUNNING, SYSTEM, clock_change, keep_clock, restore_queue};
pub(crate) use wiring::server_config;
use wiring::{endpoints, local, random_key, reachable};

/// Sessions of the bounce mailbox at a time, by SMTP and by POP3.
const MAILBOX_SESSIONS: usize = 200;

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
    pub(crate) mta_rules: Arc<LiveRules>,
    pub(crate) inbound_rules: Arc<LiveRules>,
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
        let seed = restore::seed(&store, config.seed)?;
        let clock = restore::clock(&config, &store)?;
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

        let rules = &config.rules;
        let mta_rules = Arc::new(LiveRules::new(rules.mta_file.clone(), rules.mta.clone()));
        let inbound_rules =
            Arc::new(LiveRules::new(rules.inbound_email_file.clone(), rules.inbound_email.clone()));
        let table = Arc::new(Mutex::new(Qualification::load(&store)?));
        let inmail = Arc::new(InMail {
            hostname: hostname.to_string(),
            clock: clock.clone(),
            store: store.clone(),
            pulse: pulse.clone(),
            rules: inbound_rules.clone(),
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

        let timers = Timers::new(&clock, "slow provider");
        front.tasks.spawn(timers.clone().run(front.stop.clone()));
        let parts = Arc::new(MtaParts {
            hostname: hostname.to_string(),
            clock: clock.clone(),
            timers,
            store: store.clone(),
            pulse: pulse.clone(),
            network: network.clone(),
            rules: mta_rules.clone(),
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
        for endpoint in endpoints(&config, addresses.http, &campaign, &campaign_key) {
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
            mta_rules,
            inbound_rules,
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

    /// Reads the rule files again; rules that are wrong change nothing, and the log says so.
    pub fn reload_rules(&self) {
        for (name, rules) in [("mta", &self.shared.mta_rules), ("inbound_email", &self.shared.inbound_rules)]
        {
            match rules.reload() {
                Ok(Some(count)) => tracing::info!(name, count, "rules were read again"),
                Ok(None) => tracing::info!(name, "rules are unchanged"),
                Err(error) => tracing::error!(name, "the old rules stay in force: {error}"),
            }
        }
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
