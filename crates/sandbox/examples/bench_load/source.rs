//! Sends mail, as fast as it goes or at a steady rate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use emta_mail::{EmailAddress, Envelope, ReversePath};
use emta_sandbox::clock::wall::{self, Stopwatch};
use emta_sandbox::tls;
use emta_smtp::client::TlsPolicy;
use emta_smtp::{ClientConfig, ClientInput, ClientOutput, ClientSession, Job};
use rustls_pki_types::ServerName;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::stream::Stream;
use crate::{Failure, Options, Switch};

/// What is sent.
pub(crate) struct Settings {
    sessions: u64,
    messages: u64,
    /// Octets of a message.
    size: usize,
    /// Messages a second; 0 for as fast as it goes.
    rate: f64,
    tls: Switch,
    /// Recipients are `uN@` here.
    domain: String,
}

impl Settings {
    pub(crate) fn read(options: &Options<'_>) -> Result<Self, Failure> {
        Ok(Self {
            sessions: options.get("sessions", 20)?,
            messages: options.get("messages", 10_000)?,
            size: options.get("size", 4_096)?,
            rate: options.get("rate", 0.0)?,
            tls: options.get("tls", Switch::No)?,
            domain: options.get("domain", "load.test".to_owned())?,
        })
    }
}

/// What the sessions share.
struct Shared {
    settings: Settings,
    config: Arc<ClientConfig>,
    connector: TlsConnector,
    next: AtomicU64,
    watch: Stopwatch,
    sender: ReversePath,
    filler: String,
}

#[derive(Default)]
struct Seen {
    accepted: u64,
    refused: u64,
    first_refusal: Option<String>,
    /// From the content on the wire to the reply.
    latencies: Vec<Duration>,
}

pub(crate) async fn run(to: SocketAddr, settings: &Settings) -> Result<(), Failure> {
    let policy = if settings.tls == Switch::Yes { TlsPolicy::Required } else { TlsPolicy::Never };
    let config = ClientConfig { tls: policy, ..ClientConfig::new("source.test") };
    let line = "All work and no play makes a message of the usual length, once more with feeling.\r\n";
    let shared = Arc::new(Shared {
        settings: Settings { domain: settings.domain.clone(), ..*settings },
        config: Arc::new(config),
        connector: TlsConnector::from(tls::opportunistic_client()),
        next: AtomicU64::new(0),
        watch: Stopwatch::start(),
        sender: "bounce@source.test".parse()?,
        filler: line.repeat(settings.size / line.len() + 1),
    });
    let mut tasks = JoinSet::new();
    for _ in 0..settings.sessions {
        tasks.spawn(session(to, shared.clone()));
    }
    let mut seen = Seen::default();
    while let Some(session) = tasks.join_next().await {
        let session = session??;
        seen.accepted += session.accepted;
        seen.refused += session.refused;
        seen.latencies.extend(session.latencies);
        seen.first_refusal = seen.first_refusal.or(session.first_refusal);
    }
    let seconds = shared.watch.elapsed().as_secs_f64();
    seen.latencies.sort_unstable();
    let quantile = |share: f64| {
        let index = (seen.latencies.len() as f64 * share) as usize;
        seen.latencies
            .get(index.min(seen.latencies.len().saturating_sub(1)))
            .map(|span| span.as_secs_f64() * 1e3)
    };
    println!(
        "{}",
        json!({
            "accepted": seen.accepted,
            "refused": seen.refused,
            "first_refusal": seen.first_refusal,
            "seconds": seconds,
            "per_second": seen.accepted as f64 / seconds,
            "p50_ms": quantile(0.5),
            "p99_ms": quantile(0.99),
            "max_ms": quantile(1.0),
        })
    );
    Ok(())
}

async fn session(to: SocketAddr, shared: Arc<Shared>) -> Result<Seen, Failure> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let mut stream = Stream::Plain(stream);
    let mut session = ClientSession::new(shared.config.clone());
    let mut buffer = vec![0; 16 * 1024];
    let mut seen = Seen::default();
    let mut under_way = 0_u64;
    let mut more = true;
    let mut sent = Stopwatch::start();
    // At a steady rate one message is under way at a time: what is measured then is the server, not the queue before it.
    let at_once = if shared.settings.rate > 0.0 { 1 } else { ClientSession::IN_FLIGHT as u64 };
    loop {
        while more && under_way < at_once {
            let number = shared.next.fetch_add(1, Ordering::Relaxed);
            more = number < shared.settings.messages;
            if !more {
                session.handle(ClientInput::Quit);
                break;
            }
            shared.wait_for(number).await;
            session.handle(ClientInput::Deliver(shared.job(number)?));
            under_way += 1;
        }
        while let Some(output) = session.poll() {
            match output {
                ClientOutput::Send(bytes) => {
                    let stream = stream.duplex().ok_or("the connection is gone")?;
                    if bytes.len() >= shared.settings.size {
                        sent = Stopwatch::start();
                    }
                    stream.write_all(&bytes).await?;
                }
                ClientOutput::StartTls => {
                    let plain = stream.take_plain().ok_or("TLS was started twice")?;
                    let encrypted =
                        shared.connector.connect(ServerName::try_from("relay.test")?, plain).await?;
                    stream = Stream::Tls(Box::new(encrypted.into()));
                    session.handle(ClientInput::TlsStarted);
                }
                ClientOutput::Finished(outcome) => {
                    under_way -= 1;
                    if outcome.reply.is_positive() {
                        seen.accepted += 1;
                        seen.latencies.push(sent.elapsed());
                    } else {
                        seen.refused += 1;
                        seen.first_refusal.get_or_insert_with(|| outcome.reply.to_string());
                    }
                }
                ClientOutput::Close => return Ok(seen),
            }
        }
        if more && under_way < at_once {
            continue;
        }
        let stream = stream.duplex().ok_or("the connection is gone")?;
        stream.flush().await?;
        match stream.read(&mut buffer).await {
            Ok(length) if length > 0 => session.handle(ClientInput::Bytes(&buffer[..length])),
            Ok(_) | Err(_) => session.handle(ClientInput::Closed),
        }
    }
}

impl Shared {
    /// Waits until the message's turn at the steady rate.
    async fn wait_for(&self, number: u64) {
        if self.settings.rate > 0.0 {
            let due = Duration::from_secs_f64(number as f64 / self.settings.rate);
            if let Some(wait) = due.checked_sub(self.watch.elapsed()) {
                wall::sleep(wait).await;
            }
        }
    }

    fn job(&self, number: u64) -> Result<Job, Failure> {
        let recipient = EmailAddress::parse(&format!("u{number}@{}", self.settings.domain))?;
        let header = format!(
            "From: news@source.test\r\nTo: {recipient}\r\nSubject: load\r\nDate: Mon, 05 Jan 2026 09:00:00 +0000\r\n\
             Message-ID: <{number}.{}@source.test>\r\n\r\n",
            std::process::id()
        );
        let room = self.settings.size.saturating_sub(header.len() + 2);
        let body = self.filler.get(..room).unwrap_or_default().trim_end();
        Ok(Job {
            key: number,
            envelope: Envelope::new(self.sender.clone(), recipient),
            content: vec![Bytes::from(format!("{header}{body:x<room$}\r\n"))],
        })
    }
}
