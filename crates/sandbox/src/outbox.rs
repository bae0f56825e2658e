//! Mail to the bounce mailbox: what providers, their users and the MTA itself send back goes there by SMTP.
//!
//! With lettre, so that the mailbox is reached the way any foreign program would reach it.

use std::net::SocketAddr;
use std::time::Duration;

use emta_mail::{EmailAddress, ReversePath};
use lettre::address::Envelope;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

/// Attempts to hand over one mail; the mailbox refuses only while its disk is full.
const TRIES: u32 = 3;
/// Real time for one command.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Connections kept open.
const CONNECTIONS: u32 = 16;

/// The way to the bounce mailbox.
pub(crate) struct Outbox {
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Outbox {
    /// To the mailbox that listens at `address`.
    pub(crate) fn new(address: SocketAddr, hostname: &str) -> Self {
        Self { transport: transport(address, hostname, CONNECTIONS) }
    }

    /// Sends a mail back. A mail that cannot be handed over is logged; its loss shows as feedback that never came.
    pub(crate) async fn send(&self, sender: &ReversePath, recipient: &EmailAddress, raw: &[u8]) {
        let envelope = match envelope(sender, recipient) {
            Ok(envelope) => envelope,
            Err(error) => {
                tracing::error!(%recipient, %error, "a report cannot be addressed");
                return;
            }
        };
        for attempt in 1..=TRIES {
            match self.transport.send_raw(&envelope, raw).await {
                Ok(_) => return,
                Err(error) => tracing::warn!(%recipient, attempt, %error, "a report was not taken"),
            }
        }
        tracing::error!(%recipient, "a report could not be handed to the bounce mailbox and is lost");
    }
}

/// A lettre transport to a listener of this program.
pub(crate) fn transport(
    address: SocketAddr,
    hostname: &str,
    connections: u32,
) -> AsyncSmtpTransport<Tokio1Executor> {
    AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
        .port(address.port())
        .hello_name(ClientId::Domain(hostname.to_owned()))
        .timeout(Some(TIMEOUT))
        .pool_config(PoolConfig::new().max_size(connections))
        .build()
}

/// lettre's form of an envelope.
pub(crate) fn envelope(sender: &ReversePath, recipient: &EmailAddress) -> Result<Envelope, String> {
    let address = |address: &EmailAddress| {
        Address::new(address.local_part(), address.domain_str()).map_err(|error| error.to_string())
    };
    let from = sender.address().map(address).transpose()?;
    Envelope::new(from, vec![address(recipient)?]).map_err(|error| error.to_string())
}
