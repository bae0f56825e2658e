//! Follows the event log until nothing more is to come.

use std::collections::BTreeMap;
use std::time::Duration;

use emta_mail::Timestamp;
use serde_json::{Value, json};

use crate::client::{self, Client};
use crate::clock::now;
use crate::events;
use crate::progress::Progress;

/// How often the server is asked.
const POLL: Duration = Duration::from_millis(50);
/// Events asked for at a time.
const PAGE: usize = 5_000;
/// Virtual hours between two lines of progress where there is no terminal.
const LINE_EVERY: u64 = 6;
/// Virtual time after which nobody waits for the last report any more.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// What the event log told.
#[derive(Default)]
pub(super) struct Story {
    /// Virtual time when nothing more was to come.
    pub(super) end: Timestamp,
    /// Events by type, without `message.`.
    pub(super) events: BTreeMap<String, u64>,
    /// Failed attempts by the MTA's rule that classified the reply.
    pub(super) mta_rules: BTreeMap<String, u64>,
    after: u64,
}

/// Watches until the delivery has ended, the clock has nothing due and nothing is under way; a week at most.
pub(super) async fn until_the_end(
    client: &Client,
    delivery: u64,
    begin: Timestamp,
    to_deliver: u64,
) -> anyhow::Result<Story> {
    let mut story = Story::default();
    let mut progress = Progress::new(to_deliver);
    loop {
        let clock = client.get(&["clock"]).await?;
        let state = client.get(&["deliveries", &delivery.to_string()]).await?;
        story.catch_up(client).await?;
        story.end = now(&clock);
        let passed = story.end.since(begin);
        let hours = passed.as_secs() / 3600;
        progress.at(story.settled(), hours / LINE_EVERY, || story.line(hours));
        let idle = clock["next_due"].is_null()
            && clock["held_by"].as_object().is_some_and(serde_json::Map::is_empty);
        if state["state"] == "finished" && idle {
            break;
        }
        if passed >= LONGEST {
            // The report is about one instant.
            client.put(&["clock", "mode"], &json!({ "mode": "frozen" })).await?;
            story.end = now(&client.post(&["clock", "settle"], &json!({})).await?);
            break;
        }
        client::pause(POLL).await;
    }
    story.catch_up(client).await?;
    progress.end();
    Ok(story)
}

impl Story {
    fn count(&self, kind: &str) -> u64 {
        self.events.get(kind).copied().unwrap_or(0)
    }

    /// Messages that the MTA is done with.
    fn settled(&self) -> u64 {
        self.count("delivered") + self.count("bounced") + self.count("expired")
    }

    fn line(&self, hours: u64) -> String {
        let bounced = self.count("bounced") + self.count("expired");
        format!(
            "+{hours:>3} h  relayed {}  delivered {}  deferrals {}  bounced {bounced}  bounced later {}",
            self.count("accepted"),
            self.count("delivered"),
            self.count("deferred"),
            self.count("asynchronous_bounce"),
        )
    }

    async fn catch_up(&mut self, client: &Client) -> anyhow::Result<()> {
        loop {
            let (events, last) = events::page(client, self.after, PAGE).await?;
            if events.is_empty() {
                return Ok(());
            }
            self.after = last;
            for event in &events {
                self.take(event);
            }
        }
    }

    fn take(&mut self, event: &Value) {
        let kind = event["type"].as_str().unwrap_or_default();
        let kind = kind.strip_prefix("message.").unwrap_or(kind);
        *self.events.entry(kind.to_owned()).or_default() += 1;
        let data = &event["data"];
        if data["attempt"].is_object() && data["failure"].is_object() {
            let rule = data["failure"]["rule"].as_str().unwrap_or("(no rule)");
            *self.mta_rules.entry(rule.to_owned()).or_default() += 1;
        }
    }
}
