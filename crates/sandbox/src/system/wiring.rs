//! Settings of the configuration in the form that the parts want.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use emta_smtp::ServerConfig;
use emta_smtp::server::{AuthPolicy, Extensions, Limits};
use reqwest::Url;
use tokio::net::TcpListener;

use super::StartError;
use crate::campaign::{self, CampaignShell};
use crate::config::Config;
use crate::feedback::{Audience, Endpoint};

/// The server of the relay (`relay`) or of the bounce mailbox.
pub(crate) fn server_config(config: &Config, relay: bool) -> ServerConfig {
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
pub(super) fn endpoints(
    config: &Config,
    http: SocketAddr,
    core: &Arc<CampaignShell>,
    campaign_key: &[u8],
) -> Vec<Endpoint> {
    let own = Url::parse(&format!("http://{}/campaign/feedback", reachable(http)));
    let own = own.into_iter().map(|url| Endpoint {
        name: campaign::CURSOR.to_owned(),
        url,
        key: Some(campaign_key.to_vec()),
        token: config.token.clone(),
        audience: Audience::CampaignCore(core.clone()),
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
        audience: Audience::Everybody,
        events: webhook.events.clone(),
        batch_max: webhook.batch_max,
        linger: webhook.batch_linger,
        timeout: webhook.timeout,
    });
    own.chain(others).collect()
}

/// A key for this run; both ends of it are in this program.
pub(super) fn random_key() -> Vec<u8> {
    let mut key = vec![0; 32];
    if rustls::crypto::ring::default_provider().secure_random.fill(&mut key).is_err() {
        tracing::warn!(
            "the machine gave no random bytes; feedback to the campaign core is signed with a constant"
        );
    }
    key
}

pub(super) fn local(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|cause| StartError::Io { what: "a listener has no address", cause })
}

/// The address under which this program reaches its own listener.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    SocketAddr::new(ip, address.port())
}
