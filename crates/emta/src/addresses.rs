//! `emta addresses`: errors, quarantine and denylist.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::client::{self, ApiArgs, take_items};
use crate::exit::Exit;
use crate::output::{self, Column};

const COLUMNS: [Column; 6] = [
    Column::new("address", "/address"),
    Column::new("status", "/status"),
    Column::new("errors", "/errors"),
    Column::new("reason", "/reason"),
    Column::time("last error", "/last_error"),
    Column::new("text", "/text"),
];

/// List the addresses that something was ever wrong with, or set an address's status.
#[derive(Args)]
#[command(after_help = "Examples:
  emta addresses
  emta addresses --status quarantine
  emta addresses set ann@gmail.test valid")]
pub(crate) struct Addresses {
    #[command(subcommand)]
    action: Option<Action>,
    /// Only addresses of this status: `quarantine`, `denylisted`, `with_errors`, ...
    #[arg(long)]
    status: Option<String>,
    #[command(flatten)]
    api: ApiArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Set an address's status by hand.
    #[command(after_help = "Example:\n  emta addresses set ann@gmail.test denylisted")]
    Set {
        /// The address.
        address: String,
        /// `valid`, `quarantine`, `denylisted`, `allowlisted`, ...
        status: String,
    },
}

impl Addresses {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let client = self.api.client()?;
        let format = self.api.format();
        client::run(async {
            match &self.action {
                Some(Action::Set { address, status }) => {
                    let body = json!({ "status": status });
                    output::object(format, &client.put(&["addresses", address], &body).await?, &COLUMNS)?;
                }
                None => {
                    let mut items = take_items(&mut client.get(&["addresses"]).await?);
                    items.retain(|item| self.status.as_ref().is_none_or(|status| item["status"] == **status));
                    output::list(format, &items, &COLUMNS)?;
                }
            }
            Ok(Exit::Ok)
        })
    }
}
