//! Relays a delivery's messages to the MTA, with lettre over a pool of connections.

use std::net::SocketAddr;
use std::sync::Arc;

use emta_campaign::Output;
use emta_mail::{EnhancedStatus, Reply};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::journal::Entry;
use super::{CampaignShell, compose};
use crate::clock::{Clock, Token};
use crate::outbox;

/// Connections to the relay, and messages on their way at a time.
const CONNECTIONS: u32 = 16;

/// Carries out what the campaign core asks for.
pub(crate) struct RelayPump {
    shell: Arc<CampaignShell>,
    clock: Clock,
    ready: mpsc::Receiver<Token>,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl RelayPump {
    pub(crate) fn new(
        shell: Arc<CampaignShell>,
        clock: Clock,
        ready: mpsc::Receiver<Token>,
        relay: SocketAddr,
        hostname: &str,
    ) -> Self {
        let transport = outbox::transport(relay, hostname, CONNECTIONS);
        Self { shell, clock, ready, transport }
    }

    /// Relays until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        loop {
            let token = tokio::select! {
                () = stop.cancelled() => break,
                token = self.shell.source.due() => {
                    let mut core = self.shell.lock();
                    // Time is the input; nothing that a replay would miss.
                    let _ = core.handle(emta_campaign::Input::Tick, self.clock.now());
                    token
                }
                Some(token) = self.ready.recv() => token,
            };
            while let Some(output) = self.next() {
                if tasks.len() >= CONNECTIONS as usize {
                    tasks.join_next().await;
                }
                let (shell, transport) = (self.shell.clone(), self.transport.clone());
                let (clock, token) = (self.clock.clone(), token.clone());
                tasks.spawn(async move {
                    let entry = relay(&transport, output, &clock).await;
                    shell.relayed(entry, token);
                });
                if stop.is_cancelled() {
                    break;
                }
            }
            self.shell.source.set_deadline(self.shell.lock().deadline());
            drop(token);
        }
        while tasks.join_next().await.is_some() {}
    }

    fn next(&self) -> Option<Output> {
        self.shell.lock().poll()
    }
}

async fn relay(transport: &AsyncSmtpTransport<Tokio1Executor>, output: Output, clock: &Clock) -> Entry {
    let Output::Relay { log, recipient, values, content } = output;
    let (delivery, number) = (log.delivery.as_u64(), log.log);
    let refused = |reply: &str| Entry::RelayRefused { delivery, log: number, reply: reply.to_owned() };
    let raw = match compose::message(log, &recipient, &values, &content, clock.now()) {
        Ok(raw) => raw,
        Err(problem) => return refused(&format!("554 5.6.0 the message cannot be written: {problem}")),
    };
    let envelope = match outbox::envelope(&content.sender, &recipient) {
        Ok(envelope) => envelope,
        Err(problem) => return refused(&format!("553 5.1.3 the message cannot be addressed: {problem}")),
    };
    match transport.send_raw(&envelope, &raw).await {
        Ok(_) => Entry::Relayed { delivery, log: number },
        Err(error) => match error.status() {
            Some(code) => {
                let code = u16::from(code);
                let class = if code >= 500 { 5 } else { 4 };
                let reply = Reply::new(code, EnhancedStatus::try_new(class, 0, 0), error.to_string());
                refused(&reply.to_string())
            }
            None => Entry::RelayUnreachable { delivery, log: number, problem: error.to_string() },
        },
    }
}
