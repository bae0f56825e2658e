//! A system in this process.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use emta_sandbox::Sandbox;
use emta_sandbox::config::{Config, ConfigError, Override};
use tempfile::TempDir;

use crate::{Api, Smtp};

/// When the frozen clock of a story starts.
pub const START: &str = "2026-01-05T09:00:00.000Z";

/// What a system is to be like: by default the shipped configuration with everything in memory, free ports, seed 1, and
/// a frozen clock at [`START`].
#[derive(Debug)]
pub struct Setup {
    folder: Arc<TempDir>,
    main: String,
    flags: Vec<Override>,
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

impl Setup {
    /// The default.
    ///
    /// # Panics
    /// When there is no room for temporary files.
    pub fn new() -> Self {
        let folder = Arc::new(TempDir::with_prefix("emta-story-").expect("a temporary folder"));
        let setup = Self { folder, main: "{}\n".to_owned(), flags: Vec::new() };
        setup
            .set("data", ":memory:")
            .set("clock.mode", "frozen")
            .set("clock.start", START)
            .set("listen.smtp", "127.0.0.1:0")
            .set("listen.http", "127.0.0.1:0")
            .set("listen.pop3", "127.0.0.1:0")
            .set("listen.bounce_smtp", "127.0.0.1:0")
    }

    /// Sets one value, over what the file says; `path` such as `queue.validity`.
    #[must_use]
    pub fn set(mut self, path: &str, value: &str) -> Self {
        self.flags.push(Override::flag(path, path, value));
        self
    }

    /// The main file.
    #[must_use]
    pub fn yaml(mut self, text: &str) -> Self {
        text.clone_into(&mut self.main);
        self
    }

    /// Adds a provider file; the shipped providers are left out then.
    ///
    /// # Panics
    /// When the file cannot be written.
    #[must_use]
    pub fn provider(self, name: &str, text: &str) -> Self {
        let providers = self.folder.path().join("providers");
        fs::create_dir_all(&providers).expect("a folder for providers");
        fs::write(providers.join(format!("{name}.yaml")), text).expect("a provider's file");
        let list = format!("[{}]", providers.display());
        self.set("providers", &list)
    }

    /// Keeps data on disk, so that it outlives the system.
    #[must_use]
    pub fn on_disk(self) -> Self {
        let data = self.data().display().to_string();
        self.set("data", &data)
    }

    /// Where [`Setup::on_disk`] keeps data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder of the story's files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The same for the program: the arguments that give it the main file and everything else that was set.
    ///
    /// # Panics
    /// When the main file cannot be written.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--config".to_owned(), self.write_main().display().to_string()];
        for Override { path, value, .. } in &self.flags {
            arguments.extend(["--set".to_owned(), format!("{path}={value}")]);
        }
        arguments
    }

    fn write_main(&self) -> PathBuf {
        let main = self.folder.path().join("emta.yaml");
        fs::write(&main, &self.main).expect("a main file");
        main
    }

    /// Reads the configuration; only what this story sets counts, not the environment of who runs it.
    ///
    /// # Errors
    /// What the configuration says.
    ///
    /// # Panics
    /// When the main file cannot be written.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Config::load(Some(&self.write_main()), &self.flags, std::iter::empty())
    }

    /// Starts a system; may be called again once it was stopped, for the same data.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(&self) -> System {
        let config = self.config().unwrap_or_else(|error| panic!("{error}"));
        let sandbox = Sandbox::start(config).await.unwrap_or_else(|error| panic!("{error}"));
        let api = Api::new(sandbox.addresses().http);
        System { sandbox, api, _folder: self.folder.clone() }
    }
}

/// A running system.
pub struct System {
    /// The system itself.
    pub sandbox: Sandbox,
    /// Its API.
    pub api: Api,
    _folder: Arc<TempDir>,
}

impl System {
    /// A system with the default [`Setup`].
    pub async fn start() -> Self {
        Setup::new().start().await
    }

    /// A connection to the relay, after EHLO.
    pub async fn relay(&self) -> Smtp {
        let mut smtp = Smtp::connect(self.sandbox.addresses().smtp).await;
        smtp.expect("EHLO core.example", 250).await;
        smtp
    }

    /// Relays one plain message, and waits until what it set off has settled.
    pub async fn send(&self, to: &str) {
        self.send_with(to, "").await;
    }

    /// As [`System::send`], with header fields before those of the message; each ends with CRLF.
    pub async fn send_with(&self, to: &str, fields: &str) {
        self.hand_over(to, fields).await;
        self.api.settle().await;
    }

    /// Relays one message and waits for nothing but its 250: a clock that runs by itself never settles.
    pub async fn hand_over(&self, to: &str, fields: &str) {
        let mut smtp = self.relay().await;
        let content = format!("{fields}{}", crate::mail(to, "news"));
        smtp.send_mail("bounce@mta.emta.test", &[to], &content).await;
        smtp.expect("QUIT", 221).await;
    }

    /// Ends it in good order.
    pub async fn stop(self) {
        self.sandbox.shutdown().await;
    }
}
