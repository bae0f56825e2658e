//! The program itself, as a process that can be killed.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::{Api, Setup};

/// The program, built if it is not.
///
/// # Panics
/// When it does not build.
pub fn executable() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "emta", "--message-format", "json"])
            .current_dir(crate::project())
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo");
        assert!(built.status.success(), "the program does not build");
        let lines = String::from_utf8_lossy(&built.stdout).into_owned();
        let artifacts = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let program = artifacts
            .filter(|artifact| artifact["target"]["name"] == "emta")
            .find_map(|artifact| artifact["executable"].as_str().map(PathBuf::from));
        program.expect("cargo names the program it has built")
    })
}

/// Runs the program to its end.
///
/// # Panics
/// When it cannot be run.
pub fn run(arguments: &[&str]) -> Output {
    command(arguments).stdin(Stdio::null()).output().expect("the program runs")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(executable());
    command.args(arguments);
    // Only what the story sets counts, not what whoever runs the tests has set.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("EMTA_")) {
        command.env_remove(name);
    }
    command
}

/// `emta up` on free ports. It ends with this value, and with the process that holds it.
#[derive(Debug)]
pub struct Program {
    child: Child,
    /// Its API.
    pub api: Api,
    /// Its relay.
    pub smtp: SocketAddr,
    /// Its bounce mailbox, for reading.
    pub pop3: SocketAddr,
}

impl Program {
    /// Starts `emta up` as it is set up, and waits until it is ready; may be called again once it was killed, for the
    /// same data.
    ///
    /// # Panics
    /// When it does not get ready.
    pub fn up(setup: &Setup) -> Self {
        let log = &setup.folder().join("log");
        let always = ["up", "--ready-json", "--exit-on-stdin-close"].map(str::to_owned);
        let arguments: Vec<String> = always.into_iter().chain(setup.arguments()).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut child = command(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(log).expect("a file for the log"))
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).expect("a line of its output");
        }
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!("not ready: {line:?}\n{}", fs::read_to_string(log).unwrap_or_default())
        });
        let address = |key: &str| {
            let text = crate::api::text(&ready, key).trim_start_matches("http://");
            text.parse().unwrap_or_else(|_| panic!("`{text}` is not an address"))
        };
        Self { child, api: Api::new(address("http")), smtp: address("smtp"), pop3: address("pop3") }
    }

    /// `kill -9`; returns when it is dead.
    ///
    /// # Panics
    /// When it was not running any more.
    pub fn kill(mut self) {
        assert!(self.child.try_wait().expect("a state").is_none(), "it had ended by itself");
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
