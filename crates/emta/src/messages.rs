//! `emta messages` and `emta message`: what the MTA has taken, and what became of it.

use std::io::Write as _;

use clap::Args;
use emta_mail::{Timestamp, duration};
use serde_json::Value;

use crate::client::{self, ApiArgs};
use crate::exit::Exit;
use crate::output::{self, Column, Format, table, text, time};

const LIST: [Column; 7] = [
    Column::new("queue id", "/queue_id"),
    Column::new("recipient", "/recipient"),
    Column::new("status", "/status"),
    Column::new("attempts", "/attempts"),
    Column::time("accepted", "/accepted_at"),
    Column::time("next attempt", "/next_attempt"),
    Column::new("last reply", "/last_attempt/text"),
];

const HEAD: [Column; 10] = [
    Column::new("queue id", "/queue_id"),
    Column::new("message id", "/message_id"),
    Column::new("sender", "/sender"),
    Column::new("recipient", "/recipient"),
    Column::new("delivery", "/delivery"),
    Column::new("log", "/log"),
    Column::new("status", "/status"),
    Column::time("accepted", "/accepted_at"),
    Column::time("expires", "/expires_at"),
    Column::time("next attempt", "/next_attempt"),
];

/// List the messages that the MTA has taken, newest first.
#[derive(Args)]
#[command(after_help = "Examples:
  emta messages --status deferred
  emta messages --recipient ann@gmail.test --format json")]
pub(crate) struct Messages {
    /// Only those to this recipient.
    #[arg(long, value_name = "ADDRESS")]
    recipient: Option<String>,
    /// Only those of this status: `accepted`, `deferred`, `delivered`, `bounced`, `expired`, ...
    #[arg(long)]
    status: Option<String>,
    /// Only those of this delivery.
    #[arg(long, value_name = "ID")]
    delivery: Option<String>,
    /// Only the one of this delivery-log entry.
    #[arg(long, value_name = "ID")]
    log: Option<String>,
    /// Only those with this `Message-ID`, without angle brackets.
    #[arg(long, value_name = "ID")]
    message_id: Option<String>,
    /// At most this many.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    api: ApiArgs,
}

impl Messages {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let client = self.api.client()?;
        let filters = [
            ("recipient", self.recipient),
            ("status", self.status),
            ("delivery", self.delivery),
            ("log", self.log),
            ("message_id", self.message_id),
        ];
        let query: Vec<(&str, String)> =
            filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        client::run(async {
            let items = client.items(&["messages"], &query, ("next_cursor", "cursor"), self.limit).await?;
            output::list(self.api.format(), &items, &LIST)?;
            Ok(Exit::Ok)
        })
    }
}

/// Tell the story of one message: every attempt, what came back, what it was taken for.
#[derive(Args)]
#[command(after_help = "Examples:
  emta message 0123456789abcdef
  emta message 0123456789abcdef --raw | less")]
pub(crate) struct Message {
    /// Its queue id, 16 hexadecimal digits, as `emta messages` lists it.
    id: String,
    /// Print the message itself, as providers get it.
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    api: ApiArgs,
}

impl Message {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let client = self.api.client()?;
        client::run(async {
            if self.raw {
                let mut response = client.raw(&["messages", &self.id, "raw"]).await?;
                let mut out = output::stdout();
                while let Some(piece) = client.chunk(&mut response).await? {
                    out.write_all(piece.as_ref())?;
                }
                out.flush()?;
                return Ok(Exit::Ok);
            }
            let message = client.get(&["messages", &self.id]).await?;
            output::object(self.api.format(), &message, &HEAD)?;
            if self.api.format() == Format::Table {
                output::print(&format!("\n{}", timeline(&message)))?;
            }
            Ok(Exit::Ok)
        })
    }
}

/// The events of a message, one below the other.
fn timeline(message: &Value) -> String {
    let accepted: Timestamp = instant(&message["accepted_at"]);
    let events = message["events"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rows = events.iter().map(|event| {
        let after = instant(&event["timestamp"]).since(accepted);
        let kind = text(&event["type"]);
        let data = &event["data"];
        vec![
            time(&event["timestamp"]),
            format!("+{}", duration::format(after)),
            kind.strip_prefix("message.").unwrap_or(&kind).to_owned(),
            text(&data["attempt"]["number"]),
            verdict(&data["failure"]),
            said(data),
        ]
    });
    table(&["time", "after", "event", "attempt", "taken for", "what was said"], rows)
}

fn instant(value: &Value) -> Timestamp {
    value.as_str().and_then(|time| time.parse().ok()).unwrap_or_default()
}

/// `hard user_unknown (Invalid_recipient)`, or nothing.
fn verdict(failure: &Value) -> String {
    if failure.is_null() {
        return String::new();
    }
    let rule = failure["rule"].as_str().map(|rule| format!(" ({rule})")).unwrap_or_default();
    format!("{} {}{rule}", text(&failure["type"]), text(&failure["reason"]))
}

/// The reply of a server, the words of a report, or what else there is to say.
fn said(data: &Value) -> String {
    let attempt = &data["attempt"];
    if attempt.is_object() {
        let enhanced = attempt["enhanced"].as_str().map(|status| format!("{status} ")).unwrap_or_default();
        return format!(
            "{} {enhanced}{} [{}]",
            attempt["code"],
            text(&attempt["text"]),
            text(&attempt["mx"])
        );
    }
    if data["report"].is_object() {
        return text(&data["report"]["text"]);
    }
    match (&data["url"], &data["expires_at"]) {
        (Value::String(url), _) => url.clone(),
        (_, expires @ Value::String(_)) => format!("tried until {}", time(expires)),
        _ => String::new(),
    }
}
