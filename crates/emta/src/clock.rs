//! `emta clock`: what the clock shows, and moving it.

use std::pin::pin;
use std::time::Duration;

use clap::{Args, Subcommand};
use emta_mail::{Timestamp, duration};
use emta_sandbox::clock::ClockMode;
use serde_json::{Value, json};

use crate::client::{self, ApiArgs, Client};
use crate::exit::Exit;
use crate::output::{self, Column};
use crate::progress::Progress;

/// How often the clock is asked where it is while it moves.
const POLL: Duration = Duration::from_millis(200);
/// Virtual seconds between two lines where there is no terminal.
const LINE_EVERY: u64 = 12 * 3600;

const STATUS: [Column; 6] = [
    Column::time("virtual time", "/virtual"),
    Column::new("mode", "/mode"),
    Column::new("advancing", "/advancing"),
    Column::time("next due", "/next_due/at"),
    Column::new("due for", "/next_due/for"),
    Column::new("held by", "/held_by"),
];

const ADVANCED: [Column; 4] = [
    Column::time("from", "/from"),
    Column::time("to", "/to"),
    Column::new("instants", "/instants"),
    Column::time("next due", "/due_next"),
];

/// Show the clock, or move it.
#[derive(Args)]
#[command(after_help = "Examples:
  emta clock status
  emta clock advance 84h            through the whole retry period; returns when all is settled
  emta clock to 2026-01-08T21:00:00Z
  emta clock step 10                to the next ten instants at which something is due
  emta clock mode auto              let it jump by itself")]
pub(crate) struct Clock {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    api: ApiArgs,
    /// Real time that moving the clock may take.
    #[arg(long, value_name = "SPAN", default_value = "30m", value_parser = duration::parse, global = true)]
    timeout: Duration,
}

#[derive(Subcommand)]
enum Action {
    /// What it shows, what is due next, and who holds it.
    #[command(after_help = "Example:\n  emta clock status --format json | jq -r .virtual")]
    Status,
    /// Move a frozen clock by a span of time, stopping at every due instant.
    #[command(after_help = "Example:\n  emta clock advance 3d12h")]
    Advance {
        /// How far, such as `84h` or `3d12h`.
        #[arg(value_parser = duration::parse)]
        span: Duration,
    },
    /// Move a frozen clock to a point in time.
    #[command(after_help = "Example:\n  emta clock to 2026-01-08T21:00:00Z")]
    To {
        /// RFC 3339, such as `2026-01-08T21:00:00Z`.
        time: Timestamp,
    },
    /// Move a frozen clock to the next instant at which something is due.
    #[command(after_help = "Example:\n  emta clock step 10")]
    Step {
        /// How many instants.
        #[arg(default_value_t = 1)]
        count: u64,
    },
    /// Wait until nothing is under way, without moving the clock.
    #[command(after_help = "Example:\n  emta clock settle && emta messages")]
    Settle,
    /// Change how it runs.
    #[command(after_help = "Example:\n  emta clock mode x60")]
    Mode {
        /// `real`, `frozen`, `auto`, or a factor such as `x60`.
        mode: ClockMode,
    },
}

impl Clock {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let client = self.api.client()?;
        let format = self.api.format();
        client::run(async {
            let advance = |goal| advance(&client, goal, self.timeout);
            match self.action {
                Action::Status => output::object(format, &client.get(&["clock"]).await?, &STATUS)?,
                Action::Mode { mode } => {
                    let body = json!({ "mode": mode.to_string() });
                    output::object(format, &client.put(&["clock", "mode"], &body).await?, &STATUS)?;
                }
                Action::Advance { span } => {
                    output::object(format, &advance(Goal::By(span)).await?, &ADVANCED)?;
                }
                Action::To { time } => output::object(format, &advance(Goal::To(time)).await?, &ADVANCED)?,
                Action::Step { count } => {
                    let body = json!({ "count": count });
                    let answer = client.post_within(&["clock", "step"], &body, self.timeout).await?;
                    output::object(format, &answer, &ADVANCED)?;
                }
                Action::Settle => {
                    let answer = client.post_within(&["clock", "settle"], &json!({}), self.timeout).await?;
                    output::object(format, &answer, &ADVANCED)?;
                }
            }
            Ok(Exit::Ok)
        })
    }
}

#[derive(Clone, Copy)]
enum Goal {
    By(Duration),
    To(Timestamp),
}

/// Moves the clock and shows where it is on the way.
async fn advance(client: &Client, goal: Goal, limit: Duration) -> anyhow::Result<Value> {
    let from = now(&client.get(&["clock"]).await?);
    let (body, to) = match goal {
        Goal::By(span) => (json!({ "by": duration::format(span) }), from + span),
        Goal::To(time) => (json!({ "to": time.to_string() }), time),
    };
    let total = to.since(from).as_secs();
    let mut answer = pin!(client.post_within(&["clock", "advance"], &body, limit));
    let mut progress = None;
    let answer = loop {
        tokio::select! {
            answer = &mut answer => break answer,
            () = client::pause(POLL) => {
                let status = client.get(&["clock"]).await?;
                let passed = now(&status).since(from).as_secs();
                let shown = output::time(&status["virtual"]);
                progress.get_or_insert_with(|| Progress::new(total)).at(passed, passed / LINE_EVERY, || {
                    format!("{shown} ({} h of {} h)", passed / 3600, total / 3600)
                });
            }
        }
    };
    if let Some(progress) = progress {
        progress.end();
    }
    Ok(answer?)
}

/// Virtual time of a status.
pub(crate) fn now(status: &Value) -> Timestamp {
    status["virtual"].as_str().and_then(|time| time.parse().ok()).unwrap_or_default()
}
