//! `emta providers`: the simulated mailbox providers.

use clap::Args;

use crate::client::{self, ApiArgs, take_items};
use crate::exit::Exit;
use crate::output::{self, Format, table, text};

/// List the simulated mailbox providers: their domains, and what happens there how often.
#[derive(Args)]
#[command(after_help = "Examples:
  emta providers
  emta providers --format json | jq '.[] | .domains'")]
pub(crate) struct Providers {
    #[command(flatten)]
    api: ApiArgs,
}

impl Providers {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let client = self.api.client()?;
        client::run(async {
            let items = take_items(&mut client.get(&["providers"]).await?);
            match self.api.format() {
                Format::Json => output::json(&items.into())?,
                Format::Table => {
                    let rows = items.iter().map(|provider| {
                        let outcomes = provider["outcomes"].as_array().map(Vec::as_slice).unwrap_or_default();
                        let shares = outcomes.iter().map(|o| format!("{} {}", text(&o["name"]), o["weight"]));
                        let shares = shares.collect::<Vec<_>>().join(", ");
                        vec![text(&provider["name"]), text(&provider["domains"]), shares]
                    });
                    output::print(&table(&["provider", "domains", "outcomes by weight"], rows))?;
                }
            }
            Ok(Exit::Ok)
        })
    }
}
