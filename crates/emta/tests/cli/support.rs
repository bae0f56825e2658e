//! Runs the program.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program with nothing of this machine's environment.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emta"));
    command.env_clear().args(args).stdin(Stdio::null());
    command
}

pub(crate) fn emta(args: &[&str]) -> Run {
    finish(command(args))
}

pub(crate) fn finish(mut command: Command) -> Run {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs the program with this on standard input.
pub(crate) fn fed(args: &[&str], input: &[u8]) -> Run {
    let mut command = command(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Run {
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.stdout
    }

    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }
}

/// The lines of NDJSON.
pub(crate) fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A running `emta up`, on free ports, in memory, with a frozen clock.
pub(crate) struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    /// The line that says where it listens.
    pub(crate) ready: Value,
}

impl Server {
    pub(crate) fn start(args: &[&str]) -> Self {
        let fixed = [
            "up",
            "--ephemeral",
            "--ready-json",
            "--exit-on-stdin-close",
            "--data",
            ":memory:",
            "--seed",
            "7",
        ];
        let clock = ["--clock", "frozen", "--clock-start", "2026-01-05T09:00:00Z"];
        let mut command = command(&[&fixed[..], &clock, args].concat());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let stdin = child.stdin.take();
        Self { child, stdin, ready: serde_json::from_str(&line).expect("a ready line") }
    }

    pub(crate) fn url(&self) -> &str {
        self.ready["http"].as_str().unwrap()
    }

    /// A command that talks to it.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = command(args);
        command.env("EMTA_URL", self.url());
        command
    }

    pub(crate) fn emta(&self, args: &[&str]) -> Run {
        finish(self.command(args))
    }

    /// Sends SIGINT and waits; its exit code.
    pub(crate) fn interrupt(mut self) -> Option<i32> {
        interrupt(&self.child);
        self.child.wait().unwrap().code()
    }

    /// Sends SIGINT, once more as soon as it takes no more mail, and waits; its exit code.
    pub(crate) fn interrupt_twice(mut self) -> Option<i32> {
        let relay: SocketAddr = self.ready["smtp"].as_str().unwrap().parse().unwrap();
        interrupt(&self.child);
        while TcpStream::connect(relay).is_ok() {}
        interrupt(&self.child);
        self.child.wait().unwrap().code()
    }

    /// Closes its standard input and waits; its exit code.
    pub(crate) fn close(mut self) -> Option<i32> {
        self.stdin = None;
        self.child.wait().unwrap().code()
    }
}

/// As Ctrl-C does.
pub(crate) fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.wait();
    }
}
