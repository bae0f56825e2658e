//! `emta bounces` and `emta qualification`: the mail that came back, and the table of its texts.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::client::{self, ApiArgs, take_items};
use crate::exit::Exit;
use crate::output::{self, Column, Format, table, text, time};

const ROWS: [Column; 7] = [
    Column::new("digest", "/digest"),
    Column::new("status", "/status"),
    Column::new("type", "/type"),
    Column::new("reason", "/reason"),
    Column::new("count", "/count"),
    Column::time("last seen", "/last_seen"),
    Column::new("text", "/text"),
];

/// List the mail that came back, oldest first: what it is, and what the rules made of it.
#[derive(Args)]
#[command(after_help = "Examples:
  emta bounces
  emta bounces --format json | jq '.[] | select(.kind == \"complaint\")'")]
pub(crate) struct Bounces {
    /// At most this many mails.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    api: ApiArgs,
}

impl Bounces {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let client = self.api.client()?;
        client::run(async {
            let items = client.items(&["bounces"], &[], ("next_cursor", "cursor"), self.limit).await?;
            match self.api.format() {
                Format::Json => output::json(&items.into())?,
                Format::Table => {
                    let titles = ["id", "received", "kind", "recipient", "type", "reason", "rule", "text"];
                    output::print(&table(&titles, items.iter().flat_map(rows)))?;
                }
            }
            Ok(Exit::Ok)
        })
    }
}

/// A row for each recipient; one for a mail that names none.
fn rows(mail: &Value) -> Vec<Vec<String>> {
    let head = [text(&mail["id"]), time(&mail["received_at"]), text(&mail["kind"])];
    let results = mail["results"].as_array().map(Vec::as_slice).unwrap_or_default();
    let row = |result: Option<&Value>| {
        let cell = |key: &str| result.map_or("-".to_owned(), |result| text(&result[key]));
        let said = if result.is_some() { cell("text") } else { text(&mail["subject"]) };
        let cells = ["recipient", "type", "reason", "rule"].map(cell);
        head.iter().cloned().chain(cells).chain([said]).collect()
    };
    if results.is_empty() {
        return vec![row(None)];
    }
    results.iter().map(|result| row(Some(result))).collect()
}

/// Show the Delivery log qualification table, or edit a row.
#[derive(Args)]
#[command(after_help = "Examples:
  emta qualification --status to_qualify
  emta qualification edit 0123456789abcdef0123456789abcdef --type hard --reason user_unknown --status keep")]
pub(crate) struct Qualification {
    #[command(subcommand)]
    action: Option<Action>,
    /// Only rows of this status: `to_qualify`, `keep` or `ignore`.
    #[arg(long)]
    status: Option<String>,
    #[command(flatten)]
    api: ApiArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Decide about a text; it holds from the next mail on.
    #[command(after_help = "Example:
  emta qualification edit 0123456789abcdef0123456789abcdef --type soft --reason mailbox_full --status keep")]
    Edit(Edit),
}

#[derive(Args)]
struct Edit {
    /// The row.
    digest: String,
    /// `hard`, `soft` or `ignored`.
    #[arg(long = "type", value_name = "TYPE")]
    failure_type: Option<String>,
    /// Such as `user_unknown` or `mailbox_full`.
    #[arg(long)]
    reason: Option<String>,
    /// `to_qualify`, `keep` or `ignore`.
    #[arg(long = "status", id = "row-status", value_name = "STATUS")]
    status: Option<String>,
}

impl Qualification {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let client = self.api.client()?;
        let format = self.api.format();
        client::run(async {
            match &self.action {
                Some(Action::Edit(edit)) => {
                    let body =
                        json!({ "type": edit.failure_type, "reason": edit.reason, "status": edit.status });
                    let row = client.put(&["qualification", &edit.digest], &body).await?;
                    output::object(format, &row, &ROWS)?;
                }
                None => {
                    let mut items = take_items(&mut client.get(&["qualification"]).await?);
                    items.retain(|row| self.status.as_ref().is_none_or(|status| row["status"] == **status));
                    output::list(format, &items, &ROWS)?;
                }
            }
            Ok(Exit::Ok)
        })
    }
}
