//! `emta demo`: a whole campaign in one process, driven over the HTTP API as a user would.

mod list;
mod report;
mod watch;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use clap::builder::TypedValueParser;
use emta_sandbox::Sandbox;
use emta_sandbox::clock::wall::Stopwatch;
use emta_sandbox::config::{Config, Override};
use serde_json::{Value, json};

use crate::client::{Client, take_items};
use crate::clock::now;
use crate::config::ConfigArgs;
use crate::delivery::step;
use crate::exit::Exit;
use crate::output::{print, tell};

/// When the story begins, so that it is the same on every day.
const START: &str = "2026-01-05T09:00:00Z";
/// Most recipients: more take a while, and `emta up` is the place for them.
const MAX_RECIPIENTS: i64 = 1_000_000;

const TEXT: &str =
    "Dear {{name}},\n\nspring is here, and so is our new collection.\n\nhttps://shop.example/spring\n";

/// See it work: everything in one process, a campaign of made-up recipients over all mailbox providers, 84
/// hours of retries and the bounces, complaints and answers after them, on a clock that jumps to whatever is
/// due next.
///
/// The same seed prints the same story, but for the real time that it took.
#[derive(Args)]
#[command(after_help = "Examples:
  emta demo
  emta demo --recipients 20000 --seed 7
  emta demo --mode without-efs --set queue.validity=24h
  emta demo --data demo-data && emta up --data demo-data --clock frozen     look around in it afterwards")]
pub(crate) struct Demo {
    /// Recipients of the campaign.
    #[arg(long, value_name = "COUNT", default_value_t = 2_000, value_parser = recipients())]
    recipients: u32,
    /// Seed of all chance.
    #[arg(long, value_name = "NUMBER", default_value_t = 2_027)]
    seed: u64,
    /// Email Feedback Service: `without-efs`, `efs` or `efs-v8`.
    #[arg(long, value_name = "MODE", default_value = "efs")]
    mode: String,
    /// Folder to keep everything in; in memory by default.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
}

fn recipients() -> impl TypedValueParser<Value = u32> {
    clap::value_parser!(u32).range(1..=MAX_RECIPIENTS)
}

impl Demo {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let config = self.config()?;
        let runtime = crate::runtime::start()?;
        let outcome = runtime.block_on(async {
            let token = config.token.clone();
            let sandbox = Sandbox::start(config).await?;
            let client = Client::new(&format!("http://{}", sandbox.addresses().http), token)?;
            tokio::select! {
                told = self.tell(&client, &sandbox) => told?,
                _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
            }
            sandbox.shutdown().await;
            anyhow::Ok(Exit::Ok)
        });
        runtime.shutdown_background();
        outcome
    }

    fn config(&self) -> anyhow::Result<Config> {
        let data = self.data.as_ref().map_or(":memory:".into(), |folder| folder.to_string_lossy());
        let set = |path: &str, value: &str| Override::flag("emta demo", path, value);
        let mut flags: Vec<Override> = ["smtp", "http", "pop3", "bounce_smtp"]
            .map(|listener| set(&format!("listen.{listener}"), "127.0.0.1:0"))
            .into();
        flags.extend([
            Override::flag("--data", "data", data),
            Override::flag("--seed", "seed", self.seed.to_string()),
            Override::flag("--mode", "campaign.mode", &*self.mode),
            set("clock.mode", "auto"),
            set("clock.start", START),
        ]);
        Ok(self.config.load(flags)?)
    }

    /// The story from the list of recipients to the report.
    async fn tell(&self, client: &Client, sandbox: &Sandbox) -> anyhow::Result<()> {
        let watch = Stopwatch::start();
        let addresses = sandbox.addresses();
        tell(format_args!("HTTP API http://{}, SMTP relay {}", addresses.http, addresses.smtp));
        let begin = now(&client.get(&["clock"]).await?);

        let providers = take_items(&mut client.get(&["providers"]).await?);
        let body = json!({
            "label": "demo",
            "campaign": "spring",
            "subject": "{{name}}, spring is here",
            "text": TEXT,
            "recipients_csv": list::csv(self.recipients, self.seed, &providers),
        });
        let created = client.post(&["deliveries"], &body).await?;
        let id =
            created["delivery"].as_u64().context("the server does not tell the number of the delivery")?;
        let prepared = step(client, id, "prepare").await?;
        print(&preparation(&prepared))?;

        step(client, id, "confirm").await?;
        let to_deliver = prepared["kpis"]["to_deliver"].as_u64().unwrap_or(0);
        let story = watch::until_the_end(client, id, begin, to_deliver).await?;
        print(&report::report(client, id, &story).await?)?;
        let hours = story.end.since(begin).as_secs() / 3600;
        let seconds = watch.elapsed().as_secs_f64();
        print(&format!("\n{hours} hours of virtual time, from {begin} to {}, in {seconds:.1} s", story.end))
    }
}

/// How many are left out, and why.
fn preparation(delivery: &Value) -> String {
    let kpis = &delivery["kpis"];
    let excluded = kpis["excluded"].as_object().into_iter().flatten();
    let left_out =
        excluded.map(|(reason, count)| format!(", {count} left out ({})", reason.replace('_', " ")));
    format!(
        "Delivery {}: {} recipients{}, {} to deliver",
        delivery["delivery"],
        delivery["recipients"],
        left_out.collect::<String>(),
        kpis["to_deliver"]
    )
}
