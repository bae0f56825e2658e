//! `emta queue`: what waits, for whom and until when.

use clap::Args;
use serde_json::Value;

use crate::client::{self, ApiArgs};
use crate::exit::Exit;
use crate::output::{self, Format, table, text, time};

const TITLES: [&str; 6] = ["destination", "ready", "scheduled", "in flight", "oldest", "next due"];

/// Show what waits, for whom and until when.
#[derive(Args)]
#[command(after_help = "Examples:
  emta queue
  emta queue --by domain
  emta queue --format json | jq .upcoming")]
pub(crate) struct Queue {
    /// What to add up by.
    #[arg(long, value_enum, default_value_t = By::Provider)]
    by: By,
    #[command(flatten)]
    api: ApiArgs,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum By {
    /// The mailbox provider.
    Provider,
    /// The recipient's domain.
    Domain,
}

impl Queue {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let client = self.api.client()?;
        client::run(async {
            let queue = client.get(&["queue"]).await?;
            match self.api.format() {
                Format::Json => output::json(&queue)?,
                Format::Table => {
                    let lanes = match self.by {
                        By::Provider => &queue["providers"],
                        By::Domain => &queue["domains"],
                    };
                    let lanes = lanes.as_object().into_iter().flatten();
                    let rows = lanes.map(|(name, load)| row(name, load));
                    output::print(&table(&TITLES, rows.chain([row("total", &queue["total"])])))?;
                }
            }
            Ok(Exit::Ok)
        })
    }
}

fn row(name: &str, load: &Value) -> Vec<String> {
    let counts = ["ready", "scheduled", "in_flight"].map(|key| text(&load[key]));
    let times = ["oldest_accepted_at", "next_due"].map(|key| time(&load[key]));
    [name.to_owned()].into_iter().chain(counts).chain(times).collect()
}
