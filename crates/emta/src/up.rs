//! `emta up`: the whole system in one process.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use emta_sandbox::Sandbox;
use emta_sandbox::config::Override;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::ConfigArgs;
use crate::exit::Exit;

/// The listeners, by their keys in `listen`.
const LISTENERS: [&str; 4] = ["listen.smtp", "listen.http", "listen.pop3", "listen.bounce_smtp"];

/// Start everything and run until Ctrl-C. A second Ctrl-C ends at once; SIGHUP reads the rule files again.
#[derive(Args)]
#[command(after_help = "Examples:
  emta up
  emta up --clock frozen --seed 7 --data :memory:
  emta up --ephemeral --ready-json --exit-on-stdin-close     for tests: free ports, told as a line of JSON
  emta up -c emta.yaml --set queue.validity=24h --smtp 127.0.0.1:2525")]
pub(crate) struct Up {
    #[command(flatten)]
    config: ConfigArgs,
    /// Seed of all chance: the same seed and the same input tell the same story.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<String>,
    /// Folder for everything that is kept, or `:memory:`.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// How the clock runs: `real`, `frozen` (moves only when told), `auto` (jumps), or a factor such as
    /// `x60`.
    #[arg(long, value_name = "MODE")]
    clock: Option<String>,
    /// Where the clock starts: RFC 3339, or `-4d` for before now.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    clock_start: Option<String>,
    /// Email Feedback Service: `without-efs`, `efs` or `efs-v8`.
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// Where the SMTP relay listens; port 0 takes any free port.
    #[arg(long, value_name = "ADDRESS")]
    smtp: Option<String>,
    /// Where the HTTP API listens.
    #[arg(long, value_name = "ADDRESS")]
    http: Option<String>,
    /// Where the bounce mailbox is read by POP3.
    #[arg(long, value_name = "ADDRESS")]
    pop3: Option<String>,
    /// Where the bounce mailbox takes mail.
    #[arg(long, value_name = "ADDRESS")]
    bounce_smtp: Option<String>,
    /// Bearer token of the HTTP API; needed to listen on more than this machine.
    #[arg(long, value_name = "SECRET")]
    token: Option<String>,
    /// Listen on free ports chosen by the system, all of them, but for those given.
    #[arg(long)]
    ephemeral: bool,
    /// Print one JSON line with the chosen addresses once everything listens, and nothing else, on standard
    /// output.
    #[arg(long)]
    ready_json: bool,
    /// End when standard input is closed: no orphan when a test runner is killed.
    #[arg(long)]
    exit_on_stdin_close: bool,
}

impl Up {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let config = self.config.load(self.overrides())?;
        let runtime = crate::runtime::start()?;
        let outcome = runtime.block_on(async {
            let mut signals = Signals::new()?;
            let mut hangup = listen(SignalKind::hangup())?;
            let sandbox = Sandbox::start(config).await?;
            self.announce(&sandbox)?;
            let reload = async {
                while hangup.recv().await.is_some() {
                    sandbox.reload_rules();
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = signals.next() => {}
                () = end_of_input(), if self.exit_on_stdin_close => {}
                () = reload => {}
            }
            tokio::select! {
                () = sandbox.shutdown() => anyhow::Ok(Exit::Ok),
                () = signals.next() => Ok(Exit::Interrupted),
            }
        });
        // Whatever still blocks a thread was given its chance.
        runtime.shutdown_background();
        outcome
    }

    fn overrides(&self) -> Vec<Override> {
        let mut overrides = Vec::new();
        if self.ephemeral {
            let any_port = |path| Override::flag("--ephemeral", path, "127.0.0.1:0");
            overrides.extend(LISTENERS.map(any_port));
        }
        let data = self.data.as_ref().map(|folder| folder.to_string_lossy().into_owned());
        let flags = [
            ("--seed", "seed", &self.seed),
            ("--data", "data", &data),
            ("--clock", "clock.mode", &self.clock),
            ("--clock-start", "clock.start", &self.clock_start),
            ("--mode", "campaign.mode", &self.mode),
            ("--smtp", LISTENERS[0], &self.smtp),
            ("--http", LISTENERS[1], &self.http),
            ("--pop3", LISTENERS[2], &self.pop3),
            ("--bounce-smtp", LISTENERS[3], &self.bounce_smtp),
            ("--token", "token", &self.token),
        ];
        let given = flags.into_iter().filter_map(|(flag, path, value)| Some((flag, path, value.as_ref()?)));
        overrides.extend(given.map(|(flag, path, value)| Override::flag(flag, path, value)));
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

/// The signals that ask the program to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn listen(kind: SignalKind) -> anyhow::Result<Signal> {
    signal(kind).context("signals cannot be listened to")
}

/// Waits until standard input is closed.
async fn end_of_input() {
    // A thread of its own: reading standard input cannot be called off.
    let (done, ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = done.send(());
    });
    let _ = ended.await;
}
