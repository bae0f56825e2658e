//! What all shards of a simulation share and none changes.

use std::sync::Arc;

use emta_campaign::Content;
use emta_mail::{ReversePath, Timestamp};
use emta_queue::Policy;
use emta_smtp::{ClientConfig, ServerConfig, TlsPolicy};

use super::scenario::{Outage, Plan};
use crate::config::Config;
use crate::system::server_config;

/// Configuration, mail and dates of a simulation.
pub(super) struct World {
    pub(super) config: Config,
    /// What every delivery sends.
    pub(super) content: Content,
    pub(super) outages: Vec<Outage>,
    /// How messages are tried.
    pub(super) policy: Arc<Policy>,
    /// When the first delivery is confirmed.
    pub(super) start: Timestamp,
    /// When nothing more is waited for.
    pub(super) end: Timestamp,
    pub(super) relay_server: Arc<ServerConfig>,
    pub(super) mailbox_server: Arc<ServerConfig>,
    /// The campaign system and those who report to the bounce mailbox: on one machine, without TLS.
    pub(super) local_client: Arc<ClientConfig>,
    /// The MTA towards providers.
    pub(super) mta_client: Arc<ClientConfig>,
}

impl World {
    pub(super) fn new(config: Config, content: Content, plan: &Plan, outages: Vec<Outage>) -> Self {
        let mta_client = ClientConfig::new(config.hostname.as_str());
        Self {
            start: plan.start,
            end: plan.end(),
            relay_server: Arc::new(server_config(&config, true)),
            mailbox_server: Arc::new(server_config(&config, false)),
            local_client: Arc::new(ClientConfig { tls: TlsPolicy::Never, ..mta_client.clone() }),
            mta_client: Arc::new(mta_client),
            policy: Arc::new(config.queue.policy.clone()),
            content,
            config,
            outages,
        }
    }

    /// Envelope sender of every message: where reports come back to.
    pub(super) const fn sender(&self) -> &ReversePath {
        &self.content.sender
    }

    /// Name of the MTA.
    pub(super) fn hostname(&self) -> &str {
        self.config.hostname.as_str()
    }
}
