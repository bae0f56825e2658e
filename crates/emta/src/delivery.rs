//! `emta delivery`: deliveries of the campaign core.

use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use emta_mail::duration;
use serde_json::{Map, Value, json};

use crate::client::{self, ApiArgs, Client, take_items};
use crate::exit::{Exit, UsageError};
use crate::kpis;
use crate::output::{self, Column, Format};

const LIST: [Column; 7] = [
    Column::new("delivery", "/delivery"),
    Column::new("label", "/label"),
    Column::new("state", "/state_label"),
    Column::new("to deliver", "/kpis/to_deliver"),
    Column::new("delivered", "/kpis/delivered"),
    Column::new("bounces", "/kpis/bounces"),
    Column::time("ends", "/ends_at"),
];

const SHOW: [Column; 16] = [
    Column::new("delivery", "/delivery"),
    Column::new("label", "/label"),
    Column::new("campaign", "/campaign"),
    Column::new("state", "/state_label"),
    Column::new("validity", "/validity"),
    Column::time("prepared", "/prepared_at"),
    Column::time("started", "/started_at"),
    Column::time("ends", "/ends_at"),
    Column::new("mode", "/mode"),
    Column::new("recipients", "/recipients"),
    Column::new("excluded", "/kpis/excluded"),
    Column::new("to deliver", "/kpis/to_deliver"),
    Column::new("relayed", "/kpis/relayed"),
    Column::new("pending", "/kpis/pending"),
    Column::new("delivered", "/kpis/delivered"),
    Column::new("bounces", "/kpis/bounces"),
];

const LOGS: [Column; 7] = [
    Column::new("log", "/log"),
    Column::new("address", "/address"),
    Column::new("status", "/status_label"),
    Column::new("type", "/type"),
    Column::new("reason", "/reason"),
    Column::time("date", "/date"),
    Column::new("text", "/text"),
];

/// Make, prepare, confirm and watch deliveries of the campaign core.
#[derive(Args)]
#[command(after_help = "Examples:
  emta delivery create --label spring --recipients list.csv --subject 'Spring' --text-file letter.txt
  emta delivery prepare 1           who is left out, and why
  emta delivery confirm 1           relay it
  emta delivery kpis 1              the three modes side by side")]
pub(crate) struct Delivery {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    api: ApiArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Make a delivery from a CSV file of recipients.
    #[command(after_help = "Examples:
  emta delivery create --label spring --recipients list.csv --text 'Hello' --confirm
  cut -d, -f2 customers.csv | emta delivery create --label spring --recipients - --text-file letter.txt")]
    Create(Box<Create>),
    /// List the deliveries.
    #[command(after_help = "Example:\n  emta delivery list")]
    List,
    /// Show a delivery.
    #[command(after_help = "Example:\n  emta delivery show 1 --format json | jq .kpis")]
    Show {
        /// Its number.
        id: u64,
    },
    /// Decide who is left out: no address, duplicate, quarantine, denylist.
    #[command(after_help = "Example:\n  emta delivery prepare 1")]
    Prepare {
        /// Its number.
        id: u64,
    },
    /// Relay a prepared delivery to the MTA.
    #[command(after_help = "Example:\n  emta delivery confirm 1 && emta clock advance 84h")]
    Confirm {
        /// Its number.
        id: u64,
    },
    /// Stop a delivery: what is not relayed yet never is.
    #[command(after_help = "Example:\n  emta delivery cancel 1")]
    Cancel {
        /// Its number.
        id: u64,
    },
    /// Print the delivery log.
    #[command(after_help = "Example:\n  emta delivery logs 1 --mode without-efs --limit 20")]
    Logs {
        /// Its number.
        id: u64,
        /// As this mode shows it: `without-efs`, `efs` or `efs-v8`; the server's own by default.
        #[arg(long)]
        mode: Option<String>,
        /// At most this many entries.
        #[arg(long, value_name = "COUNT", default_value_t = 100)]
        limit: usize,
    },
    /// Print the KPIs in the three modes side by side.
    #[command(after_help = "Example:\n  emta delivery kpis 1")]
    Kpis {
        /// Its number.
        id: u64,
    },
}

#[derive(Args)]
struct Create {
    /// What it is called.
    #[arg(long)]
    label: String,
    /// CSV file with a header line and a column `email`; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    recipients: PathBuf,
    /// Subject; `{{name}}` stands for the recipient's column `name`.
    #[arg(long, default_value = "")]
    subject: String,
    /// Plain text; `{{name}}` stands for the recipient's column `name`.
    #[arg(long, value_name = "TEXT", conflicts_with = "text_file")]
    text: Option<String>,
    /// Plain text, from a file.
    #[arg(long, value_name = "FILE")]
    text_file: Option<PathBuf>,
    /// HTML file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Address in the From field; the sender by default.
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// Envelope sender, to whom bounces go; the bounce mailbox by default.
    #[arg(long, value_name = "ADDRESS")]
    sender: Option<String>,
    /// How long to try, such as `24h`; never longer than 84 hours.
    #[arg(long, value_name = "SPAN", value_parser = duration::parse)]
    validity: Option<Duration>,
    /// The campaign it belongs to.
    #[arg(long)]
    campaign: Option<String>,
    /// Prepare it at once.
    #[arg(long)]
    prepare: bool,
    /// Prepare and confirm it at once.
    #[arg(long)]
    confirm: bool,
}

impl Delivery {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let client = self.api.client()?;
        let format = self.api.format();
        client::run(async {
            let shown = match &self.action {
                Action::Create(create) => create.run(&client).await?,
                Action::List => {
                    let items = take_items(&mut client.get(&["deliveries"]).await?);
                    output::list(format, &items, &LIST)?;
                    return Ok(Exit::Ok);
                }
                Action::Show { id } => client.get(&["deliveries", &id.to_string()]).await?,
                Action::Prepare { id } => step(&client, *id, "prepare").await?,
                Action::Confirm { id } => step(&client, *id, "confirm").await?,
                Action::Cancel { id } => step(&client, *id, "cancel").await?,
                Action::Logs { id, mode, limit } => {
                    let items = logs(&client, *id, mode.as_deref(), *limit).await?;
                    output::list(format, &items, &LOGS)?;
                    return Ok(Exit::Ok);
                }
                Action::Kpis { id } => {
                    let kpis = client.get(&["deliveries", &id.to_string(), "kpis"]).await?;
                    match format {
                        Format::Json => output::json(&kpis)?,
                        Format::Table => output::print(&kpis::side_by_side(&kpis))?,
                    }
                    return Ok(Exit::Ok);
                }
            };
            output::object(format, &shown, &SHOW)?;
            Ok(Exit::Ok)
        })
    }
}

/// Prepares, confirms or cancels a delivery.
pub(crate) async fn step(client: &Client, id: u64, step: &str) -> anyhow::Result<Value> {
    Ok(client.post(&["deliveries", &id.to_string(), step], &json!({})).await?)
}

/// Entries of the delivery log, as a mode shows them.
pub(crate) async fn logs(
    client: &Client,
    id: u64,
    mode: Option<&str>,
    limit: usize,
) -> anyhow::Result<Vec<Value>> {
    let query: Vec<_> = mode.map(|mode| ("mode", mode.to_owned())).into_iter().collect();
    Ok(client.items(&["deliveries", &id.to_string(), "logs"], &query, ("next_after", "after"), limit).await?)
}

/// Whether a letter is only the name of a file, which nobody writes; a mistyped name is one, too.
fn is_name_of_file(text: &str) -> bool {
    const ENDINGS: [&str; 6] = ["eml", "htm", "html", "md", "text", "txt"];
    let path = Path::new(text);
    let has_ending = |ending: &OsStr| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known));
    path.is_file() || !text.contains(char::is_whitespace) && path.extension().is_some_and(has_ending)
}

impl Create {
    async fn run(&self, client: &Client) -> anyhow::Result<Value> {
        let delivery = client.post(&["deliveries"], &self.body()?).await?;
        let id =
            delivery["delivery"].as_u64().context("the server does not tell the number of the delivery")?;
        match (self.confirm, self.prepare) {
            (true, _) => {
                step(client, id, "prepare").await?;
                step(client, id, "confirm").await
            }
            (false, true) => step(client, id, "prepare").await,
            (false, false) => Ok(delivery),
        }
    }

    fn text(&self, file: impl Fn(&Path) -> anyhow::Result<String>) -> anyhow::Result<String> {
        if let Some(path) = &self.text_file {
            return file(path);
        }
        let text = self.text.clone().unwrap_or_default();
        if is_name_of_file(&text) {
            let why = format!("`--text {text}` names a file\nhint: `--text-file {text}` sends what is in it");
            return Err(UsageError(why).into());
        }
        Ok(text)
    }

    fn body(&self) -> anyhow::Result<Value> {
        let file = |path: &Path| {
            std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))
        };
        let mut body = Map::new();
        let mut set = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                body.insert(name.to_owned(), value.into());
            }
        };
        set("label", Some(self.label.clone()));
        let recipients = if self.recipients.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
            text
        } else {
            file(&self.recipients)?
        };
        set("recipients_csv", Some(recipients));
        set("subject", Some(self.subject.clone()));
        set("text", Some(self.text(file)?));
        set("html", self.html.as_deref().map(file).transpose()?);
        set("from", self.from.clone());
        set("sender", self.sender.clone());
        set("validity", self.validity.map(duration::format));
        set("campaign", self.campaign.clone());
        Ok(body.into())
    }
}
