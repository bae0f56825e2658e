//! `emta events`: the event log as NDJSON.

use std::io::Write as _;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use crate::client::{self, Client, ServerArgs, take_items};
use crate::exit::Exit;
use crate::output;

/// How long to wait for more when everything is told.
const POLL: Duration = Duration::from_millis(500);
/// Events asked for at a time.
const PAGE: usize = 1_000;

/// Print the event log, follow it or export it: one JSON object a line.
///
/// Events come in the order of commits, with their `sequence`; the export tells them in the order of the
/// story, which is the same for every run with the same seed and input.
#[derive(Args)]
#[command(after_help = "Examples:
  emta events | jq -r .type | sort | uniq -c
  emta events --follow --after 4711
  emta events --export > story.ndjson")]
pub(crate) struct Events {
    /// Only events behind this sequence number.
    #[arg(long, value_name = "SEQUENCE", default_value_t = 0)]
    after: u64,
    /// At most this many events.
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Go on with what happens, until Ctrl-C.
    #[arg(long, short)]
    follow: bool,
    /// The whole log in the order of the story.
    #[arg(long, conflicts_with_all = ["after", "limit", "follow"])]
    export: bool,
    #[command(flatten)]
    server: ServerArgs,
}

impl Events {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let client = self.server.client()?;
        client::run(async { if self.export { export(&client).await } else { self.print(&client).await } })
    }

    async fn print(&self, client: &Client) -> anyhow::Result<Exit> {
        let mut after = self.after;
        let mut left = self.limit.unwrap_or(usize::MAX);
        while left > 0 {
            let (items, last) = page(client, after, PAGE.min(left)).await?;
            let mut out = output::stdout();
            for item in &items {
                writeln!(out, "{item}")?;
            }
            out.flush()?;
            left -= items.len();
            after = last;
            if items.is_empty() {
                if !self.follow {
                    break;
                }
                client::pause(POLL).await;
            }
        }
        Ok(Exit::Ok)
    }
}

/// Events behind a sequence number, and the last one's.
pub(crate) async fn page(client: &Client, after: u64, limit: usize) -> anyhow::Result<(Vec<Value>, u64)> {
    let query = [("after", after.to_string()), ("limit", limit.to_string())];
    let mut answer = client.query(&["events"], &query).await?;
    let last = answer["last_sequence"].as_u64().unwrap_or(after);
    Ok((take_items(&mut answer), last))
}

async fn export(client: &Client) -> anyhow::Result<Exit> {
    let mut response = client.raw(&["events", "export"]).await?;
    let mut out = output::stdout();
    while let Some(piece) = client.chunk(&mut response).await? {
        out.write_all(piece.as_ref())?;
    }
    out.flush()?;
    Ok(Exit::Ok)
}
