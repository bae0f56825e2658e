//! `emta up`: the whole system in one process.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use emta_sandbox::Sandbox;
use emta_sandbox::config::Override;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::ConfigArgs;

/// Starts everything and runs until Ctrl-C.
#[derive(Args)]
pub(crate) struct Up {
    #[command(flatten)]
    config: ConfigArgs,
    /// Seed of all chance: the same seed and the same input tell the same story.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<String>,
    /// Folder for everything that is kept, or `:memory:`.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// How the clock runs: `real`, `frozen` (moves only when told), `auto` (jumps), or a factor such as `x60`.
    #[arg(long, value_name = "MODE")]
    clock: Option<String>,
    /// Where the clock starts: RFC 3339, or `-4d` for before now.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    clock_start: Option<String>,
    /// Email Feedback Service: `without-efs`, `efs` or `efs-v8`.
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// Listen on free ports chosen by the system, all of them.
    #[arg(long)]
    ephemeral: bool,
    /// Print one JSON line with the chosen addresses once everything listens, and nothing else, on standard output.
    #[arg(long)]
    ready_json: bool,
    /// End when standard input is closed: no orphan when a test runner is killed.
    #[arg(long)]
    exit_on_stdin_close: bool,
}

impl Up {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let config = self.config.load(self.overrides())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.context("the runtime could not be started")?;
        runtime.block_on(async {
            let sandbox = Sandbox::start(config).await?;
            self.announce(&sandbox)?;
            wait_for_the_end(self.exit_on_stdin_close).await?;
            sandbox.shutdown().await;
            anyhow::Ok(())
        })
    }

    fn overrides(&self) -> Vec<Override> {
        let mut overrides = Vec::new();
        let mut set = |flag, path, value: &Option<String>| {
            if let Some(value) = value {
                overrides.push(Override::flag(flag, path, value.as_str()));
            }
        };
        set("--seed", "seed", &self.seed);
        set("--data", "data", &self.data.as_ref().map(|folder| folder.to_string_lossy().into_owned()));
        set("--clock", "clock.mode", &self.clock);
        set("--clock-start", "clock.start", &self.clock_start);
        set("--mode", "campaign.mode", &self.mode);
        if self.ephemeral {
            for path in ["listen.smtp", "listen.http", "listen.pop3", "listen.bounce_smtp"] {
                overrides.push(Override::flag("--ephemeral", path, "127.0.0.1:0"));
            }
        }
        overrides
    }

    fn announce(&self, sandbox: &Sandbox) -> anyhow::Result<()> {
        let addresses = sandbox.addresses();
        let mut out = std::io::stdout().lock();
        if self.ready_json {
            let ready = json!({
                "event": "ready",
                "http": format!("http://{}", addresses.http),
                "smtp": addresses.smtp.to_string(),
                "pop3": addresses.pop3.to_string(),
                "bounce_smtp": addresses.bounce_smtp.to_string(),
                "pid": std::process::id(),
            });
            writeln!(out, "{ready}")?;
        } else {
            writeln!(out, "emta {} is up; Ctrl-C ends it", env!("CARGO_PKG_VERSION"))?;
            writeln!(out, "  SMTP relay          {}", addresses.smtp)?;
            writeln!(out, "  HTTP API            http://{}", addresses.http)?;
            writeln!(out, "  POP3 bounce mailbox {}", addresses.pop3)?;
            writeln!(out, "  SMTP bounce mailbox {}", addresses.bounce_smtp)?;
            let clock = sandbox.clock();
            writeln!(out, "  clock               {} at {}", clock.mode(), clock.now())?;
        }
        out.flush()?;
        Ok(())
    }
}

/// Waits for Ctrl-C, SIGTERM, or the end of standard input.
async fn wait_for_the_end(stdin: bool) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("no signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("no signals")?;
    let closed = async {
        if stdin {
            // A thread of its own: reading standard input cannot be called off.
            let (done, ended) = tokio::sync::oneshot::channel();
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
                let _ = done.send(());
            });
            let _ = ended.await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = closed => {}
    }
    Ok(())
}
