//! The main file as it is written: every field optional, unknown ones refused.

use std::time::Duration;

use emta_mail::Domain;
use serde::{Deserialize, Serialize};

use super::scalar::Written;
use super::storage;
use super::{campaign, clock, listen, queue, relay, webhooks};

/// The main file. Its defaults are the defaults of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Main {
    pub(super) seed: u64,
    pub(super) data: String,
    pub(super) hostname: Written<Domain>,
    pub(super) listen: listen::Shape,
    pub(super) token: Option<String>,
    pub(super) clock: clock::Shape,
    pub(super) relay: relay::Shape,
    pub(super) queue: queue::Shape,
    /// `None`: the shipped ones.
    pub(super) providers: Option<Vec<String>>,
    pub(super) rules: Rules,
    pub(super) bounce_mailbox: BounceMailbox,
    pub(super) campaign: campaign::Shape,
    pub(super) webhooks: Vec<webhooks::Shape>,
    pub(super) webhooks_allow: Vec<String>,
    pub(super) storage: storage::Shape,
}

/// Rule files; `None`: the shipped ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Rules {
    pub(super) mta: Option<String>,
    pub(super) inbound_email: Option<String>,
}

/// The mailbox that POP3 serves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct BounceMailbox {
    pub(super) user: String,
    pub(super) password: String,
    pub(super) timeout: Written<Duration>,
}

impl Default for Main {
    fn default() -> Self {
        Self {
            seed: 1,
            data: "data".to_owned(),
            hostname: Written(super::default_hostname()),
            listen: listen::Shape::default(),
            token: None,
            clock: clock::Shape::default(),
            relay: relay::Shape::default(),
            queue: queue::Shape::default(),
            providers: None,
            rules: Rules::default(),
            bounce_mailbox: BounceMailbox::default(),
            campaign: campaign::Shape::default(),
            webhooks: Vec::new(),
            webhooks_allow: Vec::new(),
            storage: storage::Shape::default(),
        }
    }
}

impl Default for BounceMailbox {
    fn default() -> Self {
        Self {
            user: "bounce".to_owned(),
            password: "bounce".to_owned(),
            timeout: Written(Duration::from_mins(10)),
        }
    }
}
