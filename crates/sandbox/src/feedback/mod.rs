//! Feedback: follows the event log and posts what happened to webhooks.
//!
//! Each endpoint has a cursor of its own on the log. It moves only after a 2xx answer and only on disk, so events arrive at
//! least once, with a stable id, and those of one message in their order. An endpoint that does not answer is asked
//! again in virtual time, for as long as it takes.

mod batch;
mod signature;

use std::sync::Arc;
use std::time::Duration;

use emta_campaign::LogKey;
use emta_mail::{EventKind, Timestamp};
use emta_store::{EventRow, Store, StoreError};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::campaign::CampaignShell;
use crate::clock::{Clock, Source, wall};
use crate::pulse::Follower;
use crate::wire::{MessageFacts, WireEvent};

use batch::{Batch, Moved};
pub use signature::{sign, verify};

/// Waits between two posts of a batch that was not taken, in virtual time; the last repeats.
const BACK_OFF: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(5),
    Duration::from_mins(15),
    Duration::from_mins(30),
    Duration::from_hours(1),
];

/// A place that events are posted to.
#[derive(Clone)]
pub(crate) struct Endpoint {
    /// Name of its cursor.
    pub(crate) name: String,
    pub(crate) url: Url,
    /// The key that signs; `None` to send unsigned.
    pub(crate) key: Option<Vec<u8>>,
    /// Sent as a bearer token, for this program's own address.
    pub(crate) token: Option<String>,
    pub(crate) audience: Audience,
    /// Which events: names, or `message.*`.
    pub(crate) events: Vec<String>,
    /// Most events in one post; 1 posts each event by itself.
    pub(crate) batch_max: usize,
    /// How long a batch that is not full waits for more, in virtual time.
    pub(crate) linger: Duration,
    /// How long the receiver may take, in real time.
    pub(crate) timeout: Duration,
}

/// Whose events an endpoint is interested in.
#[derive(Clone)]
pub(crate) enum Audience {
    /// A webhook of the configuration: everybody's.
    Everybody,
    /// The campaign core: those of messages that carry the number of one of its log entries. It would leave out the
    /// others, after both sides had written and read them as JSON. Without a delivery nothing is its own, and the log
    /// is not even read.
    CampaignCore(Arc<CampaignShell>),
}

/// Which events are pushed at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feed {
    /// With the Email Feedback Service: everything.
    All,
    /// Without it: only what came back by mail, and what recipients did.
    InMailOnly,
}

impl Feed {
    fn lets_through(self, kind: &EventKind) -> bool {
        match kind {
            EventKind::Accepted(_)
            | EventKind::Deferred { .. }
            | EventKind::Delivered { .. }
            | EventKind::Bounced { .. }
            | EventKind::Expired { .. } => self == Self::All,
            EventKind::AsynchronousBounce(_)
            | EventKind::Complaint(_)
            | EventKind::AutoReply(_)
            | EventKind::Opened
            | EventKind::Clicked { .. } => true,
        }
    }
}

/// The body of a post that carries several events.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireBatch {
    /// Always `batch`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// When the newest of the events happened.
    pub(crate) timestamp: String,
    /// The events, in the order of the log.
    pub(crate) data: Vec<WireEvent>,
}

impl Endpoint {
    /// Whether any event can be of interest now.
    fn listens(&self) -> bool {
        match &self.audience {
            Audience::Everybody => true,
            Audience::CampaignCore(campaign) => campaign.with(|core| core.deliveries().next().is_some()),
        }
    }

    fn wants(&self, row: &EventRow, feed: Feed) -> bool {
        let kind = &row.event.kind;
        let subscribed = |pattern: &String| pattern == "message.*" || pattern == kind.name();
        let concerned = match &self.audience {
            Audience::Everybody => true,
            Audience::CampaignCore(_) => LogKey::from_origin(&row.message.origin).is_some(),
        };
        concerned && feed.lets_through(kind) && self.events.iter().any(subscribed)
    }
}

/// Pushes to one endpoint.
pub(crate) struct Pusher {
    pub(crate) endpoint: Endpoint,
    pub(crate) feed: Feed,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) follower: Arc<Follower>,
    pub(crate) source: Source,
    pub(crate) http: reqwest::Client,
}

/// Why the pusher paused.
enum Pause {
    /// Everything was taken.
    CaughtUp,
    /// The batch is not full and may wait until this instant.
    Linger(Timestamp),
    /// The endpoint did not take the batch.
    Refused,
    /// The endpoint said that it is gone (410); nothing is sent to it until the next start.
    Gone,
}

impl Pusher {
    /// Pushes until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut failures: u32 = 0;
        let mut lingered = false;
        let mut token = tokio::select! {
            () = stop.cancelled() => return,
            token = self.follower.news() => token,
        };
        loop {
            let pause = tokio::select! {
                () = stop.cancelled() => return,
                pause = self.catch_up(lingered, failures) => pause,
            };
            lingered = false;
            let wake_at = match pause {
                Ok(Pause::CaughtUp) => {
                    failures = 0;
                    None
                }
                Ok(Pause::Linger(until)) => {
                    lingered = true;
                    Some(until)
                }
                Ok(Pause::Refused) => {
                    let wait = BACK_OFF[(failures as usize).min(BACK_OFF.len() - 1)];
                    failures = failures.saturating_add(1);
                    Some((self.clock.now() + wait).ceil_to_second())
                }
                Ok(Pause::Gone) => {
                    self.follower.back_off();
                    drop(token);
                    stop.cancelled().await;
                    return;
                }
                Err(error) => {
                    tracing::error!(endpoint = %self.endpoint.url, %error, "feedback cannot read the event log");
                    failures = failures.saturating_add(1);
                    Some((self.clock.now() + BACK_OFF[0]).ceil_to_second())
                }
            };
            token = match wake_at {
                None => {
                    drop(token);
                    tokio::select! {
                        () = stop.cancelled() => return,
                        token = self.follower.news() => token,
                    }
                }
                Some(instant) => {
                    self.follower.back_off();
                    self.source.set_deadline(Some(instant));
                    drop(token);
                    let token = tokio::select! {
                        () = stop.cancelled() => return,
                        token = self.source.due() => token,
                    };
                    self.follower.resume();
                    token
                }
            };
        }
    }

    /// Posts batches until there is nothing left or one is not taken. While one is posted the next is read and written,
    /// and the place of the one before goes to disk.
    async fn catch_up(&self, lingered: bool, failures: u32) -> Result<Pause, StoreError> {
        if !self.endpoint.listens() {
            return Ok(Pause::CaughtUp);
        }
        let store = self.store.clone();
        let name = self.endpoint.name.clone();
        let mut moved = Moved::default();
        let after = blocking(move || store.cursor(&name)).await?;
        let mut next = self.read(after);
        let mut attempt = failures + 1;
        let pause = loop {
            let batch = next.await.unwrap_or(Err(StoreError::Closed))?;
            let Some(sequence) = batch.sequence else { break Pause::CaughtUp };
            if let (Some(first), false, false) = (batch.first_at, batch.full, lingered) {
                let until = (first + self.endpoint.linger).ceil_to_second();
                if !self.endpoint.linger.is_zero() && until > self.clock.now() {
                    break Pause::Linger(until);
                }
            }
            next = self.read(sequence);
            if batch.first_at.is_some() {
                match self.post(batch, attempt).await {
                    Ok(()) => attempt = 1,
                    Err(pause) => break pause,
                }
            }
            moved.to(sequence, &self.endpoint.name, &self.store).await?;
        };
        moved.settle().await?;
        Ok(pause)
    }

    /// Reads and writes the batch that follows a place of the log, on another thread.
    fn read(&self, after: u64) -> JoinHandle<Result<Batch, StoreError>> {
        let (store, endpoint, feed) = (self.store.clone(), self.endpoint.clone(), self.feed);
        tokio::task::spawn_blocking(move || Batch::read(&store, &endpoint, feed, after))
    }

    async fn post(&self, batch: Batch, attempt: u32) -> Result<(), Pause> {
        let Batch { id, body, .. } = batch;
        let timestamp = wall::unix_seconds();
        let mut request = self
            .http
            .post(self.endpoint.url.clone())
            .timeout(self.endpoint.timeout)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("emta-attempt", attempt.to_string());
        if let Some(key) = &self.endpoint.key {
            request = request.header("webhook-signature", sign(key, &id, timestamp, &body));
        }
        if let Some(token) = &self.endpoint.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        match request.body(body).send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) if response.status().as_u16() == 410 => {
                tracing::warn!(endpoint = %self.endpoint.url, "the webhook says it is gone; nothing more is posted to it");
                Err(Pause::Gone)
            }
            Ok(response) => {
                tracing::warn!(endpoint = %self.endpoint.url, status = %response.status(), attempt, "a webhook refused a batch");
                Err(Pause::Refused)
            }
            Err(error) => {
                tracing::warn!(endpoint = %self.endpoint.url, %error, attempt, "a webhook did not answer");
                Err(Pause::Refused)
            }
        }
    }
}

/// An event of the log as JSON.
pub(crate) fn wire_event(row: &EventRow) -> WireEvent {
    WireEvent::new(&row.event, MessageFacts::from(&row.message))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(StoreError::Closed))
}
