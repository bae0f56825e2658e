//! The configuration: one YAML file, flags and environment variables of the same names, and defaults for
//! everything.
//!
//! Precedence: flag, environment (`EMTA_*`), file, default. An error names the file, the line and the column,
//! or the flag or the variable, with the value found and what would be right. A [`Config`] that exists is
//! complete: its values are parsed and within their bounds, the files that it names have been read.

mod campaign;
mod clock;
mod effective;
mod error;
mod files;
mod listen;
mod overrides;
pub mod providers;
mod queue;
mod relay;
mod retry;
pub mod rules;
mod scalar;
pub mod scenario;
mod shape;
pub mod shipped;
mod source;
mod storage;
mod webhooks;
mod yaml;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use emta_mail::{Domain, EmailAddress};
use emta_providers::ProviderSpec;
use emta_qualify::RuleSet;
use emta_store::Options;

pub use self::campaign::Campaign;
pub use self::clock::{Clock, ClockStart};
pub use self::error::ConfigError;
pub use self::listen::Listen;
pub use self::overrides::{Override, PROGRAM_VARIABLES};
pub use self::queue::Queue;
pub use self::relay::{Auth, Certificate, Relay};
pub use self::source::TextFile;
pub use self::storage::Data;
pub use self::webhooks::Webhook;

use self::shape::Main;
use self::source::Source;
use self::yaml::Tree;

/// Longest token or password, in octets.
const MAX_SECRET: usize = 1_000;

/// Everything that can be set, with the flags, the environment, the file and the defaults taken together.
pub struct Config {
    /// The seed of all chance.
    pub seed: u64,
    /// Where things are kept.
    pub data: Data,
    /// The MTA's own name, in greetings and trace fields.
    pub hostname: Domain,
    /// Where the program listens.
    pub listen: Listen,
    /// The bearer token of the HTTP API; `None` for none, which only loopback allows.
    pub token: Option<String>,
    /// How the clock runs.
    pub clock: Clock,
    /// The SMTP relay.
    pub relay: Relay,
    /// Validity, schedules and limits.
    pub queue: Queue,
    /// The simulated mailbox providers.
    pub providers: Vec<ProviderSpec>,
    /// The files that the providers were read from, in the same order.
    pub provider_files: Vec<TextFile>,
    /// The qualification rules.
    pub rules: Rules,
    /// The mailbox that bounces come back to.
    pub bounce_mailbox: BounceMailbox,
    /// The campaign core.
    pub campaign: Campaign,
    /// Where feedback is pushed to.
    pub webhooks: Vec<Webhook>,
    /// How safely things are kept, and how long.
    pub storage: Options,
    main: Main,
    source: Source,
}

/// The rules, and the files that they were read from.
#[derive(Clone)]
pub struct Rules {
    /// For replies in the session.
    pub mta: Arc<RuleSet>,
    /// The file of `mta`.
    pub mta_file: TextFile,
    /// For mail that came back.
    pub inbound_email: Arc<RuleSet>,
    /// The file of `inbound_email`.
    pub inbound_email_file: TextFile,
}

/// The mailbox that bounces come back to, and POP3 serves.
#[derive(Clone, PartialEq, Eq)]
pub struct BounceMailbox {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: String,
    /// The address: the user at the MTA's host name.
    pub address: EmailAddress,
    /// How long a POP3 session may be silent, in real time (RFC 1939 section 3 asks for at least 10 minutes).
    pub timeout: Duration,
}

fn default_hostname() -> Domain {
    Domain::parse("mta.emta.test").expect("a constant that is a domain")
}

impl Config {
    /// Reads the main file (defaults where there is none), applies the environment and then the flags, and
    /// reads the files of providers and rules.
    ///
    /// # Errors When a file is missing or not readable, or a value is unknown, not of its kind, out of its
    /// bounds, or does not fit the others. The first error found is the one reported.
    pub fn load(
        file: Option<&Path>,
        flags: &[Override],
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let file = file.map(TextFile::read).transpose()?;
        let main = match &file {
            Some(file) => yaml::parse(&file.name, &file.text)?,
            None => Main::default(),
        };
        let mut overrides = overrides::from_environment(environment, &Tree::of(&Main::default()))?;
        overrides.extend_from_slice(flags);
        let mut tree = Tree::of(&main);
        for set in &overrides {
            overrides::apply(&mut tree, set)?;
        }
        Self::check(tree.shaped("configuration")?, Source { file, overrides })
    }

    fn check(main: Main, source: Source) -> Result<Self, ConfigError> {
        let token = check_secret(main.token.as_ref(), &["token"], &source)?;
        let bounce_mailbox = BounceMailbox::check(&main, &source)?;
        let data = Data::check(&main.data, &source)?;
        let listen = main.listen.check(token.as_deref(), &source)?;
        let clock = main.clock.check(&source)?;
        let relay = main.relay.check(&source)?;
        let campaign = main.campaign.check(&bounce_mailbox.address, &source)?;
        let webhooks = webhooks::check(&main.webhooks, &main.webhooks_allow, &source)?;
        let storage = main.storage.check(&source)?;
        let provider_files = files::providers(main.providers.as_deref(), &source)?;
        let specs = provider_files.iter().map(|file| providers::parse(&file.name, &file.text));
        let providers: Vec<ProviderSpec> = specs.collect::<Result<_, _>>()?;
        let queue = main.queue.check(&providers, &source)?;
        // Last, because it takes longest.
        let rules = Rules::check(&main.rules, &source)?;
        Ok(Self {
            seed: main.seed,
            data,
            hostname: main.hostname.0.clone(),
            listen,
            token,
            clock,
            relay,
            queue,
            providers,
            provider_files,
            rules,
            bounce_mailbox,
            campaign,
            webhooks,
            storage,
            main,
            source,
        })
    }

    /// The whole configuration in force as YAML; behind each value that is not the default stands the flag,
    /// the variable or the line of the file that it came from. Secrets are hidden.
    pub fn effective(&self) -> String {
        effective::text(&self.main, &self.source)
    }
}

/// As [`Config::effective`]: without secrets.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.effective())
    }
}

/// Without the password: this is what logs would show.
impl fmt::Debug for BounceMailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BounceMailbox").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Rules {
    fn check(written: &shape::Rules, source: &Source) -> Result<Self, ConfigError> {
        let mta_file = files::rules(written.mta.as_deref(), "mta", shipped::mta_rules, source)?;
        let inbound_email_file = files::rules(
            written.inbound_email.as_deref(),
            "inbound_email",
            shipped::inbound_email_rules,
            source,
        )?;
        let compile = |file: &TextFile| rules::parse(&file.name, &file.text).map(Arc::new);
        // Most of what a start takes: the second set is compiled beside the first.
        let (mta, inbound_email) = std::thread::scope(|scope| {
            let mta = scope.spawn(|| compile(&mta_file));
            let inbound_email = compile(&inbound_email_file);
            (mta.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), inbound_email)
        });
        Ok(Self { mta: mta?, inbound_email: inbound_email?, mta_file, inbound_email_file })
    }
}

impl BounceMailbox {
    fn check(main: &Main, source: &Source) -> Result<Self, ConfigError> {
        let user = main.bounce_mailbox.user.clone();
        let address = EmailAddress::parse(&format!("{user}@{}", main.hostname.0));
        let address = address.ok().filter(|_| !user.contains([' ', '@', '"'])).ok_or_else(|| {
            let message = format!(
                "`{user}` is not a user name, expected the local part of an address, such as `bounce`"
            );
            source.error(&["bounce_mailbox", "user"], message)
        })?;
        let password =
            check_secret(Some(&main.bounce_mailbox.password), &["bounce_mailbox", "password"], source)?;
        let timeout = source.within(
            &["bounce_mailbox", "timeout"],
            main.bounce_mailbox.timeout.0,
            Duration::from_millis(100)..=Duration::from_hours(1),
        )?;
        Ok(Self { user, password: password.unwrap_or_default(), address, timeout })
    }
}

/// A token or password that can be sent: not empty, not too long, no control characters.
fn check_secret(
    secret: Option<&String>,
    path: &[&str],
    source: &Source,
) -> Result<Option<String>, ConfigError> {
    match secret {
        Some(text) if text.is_empty() || text.len() > MAX_SECRET || text.contains(char::is_control) => {
            let expected = format!("expected 1 to {MAX_SECRET} octets without control characters");
            Err(source.error(path, format!("a secret of {} octets, {expected}", text.len())))
        }
        Some(_) | None => Ok(secret.cloned()),
    }
}

#[cfg(test)]
mod tests;
