//! `emta health`: whether the server is there, and where it listens.

use clap::Args;

use crate::client::{self, ApiArgs};
use crate::exit::Exit;
use crate::output::{self, Column};

const COLUMNS: [Column; 9] = [
    Column::new("status", "/status"),
    Column::new("version", "/version"),
    Column::time("virtual time", "/virtual_time"),
    Column::new("clock", "/clock"),
    Column::new("mode", "/mode"),
    Column::new("SMTP relay", "/listen/smtp"),
    Column::new("HTTP API", "/listen/http"),
    Column::new("POP3 bounce mailbox", "/listen/pop3"),
    Column::new("SMTP bounce mailbox", "/listen/bounce_smtp"),
];

/// Ask the server how it is and where it listens; exit code 4 if nobody answers.
#[derive(Args)]
#[command(after_help = "Example:\n  emta health --format json | jq -r .listen.smtp")]
pub(crate) struct Health {
    #[command(flatten)]
    api: ApiArgs,
}

impl Health {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let client = self.api.client()?;
        client::run(async {
            output::object(self.api.format(), &client.get(&["health"]).await?, &COLUMNS)?;
            Ok(Exit::Ok)
        })
    }
}
