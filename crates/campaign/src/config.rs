//! What can be set: the feedback mode, what a complaint does, the quarantine policy, limits.

use std::fmt;
use std::time::Duration;

/// Longest time that a message is tried, whatever the delivery asks for: 3.5 days (facts 3.2).
pub const VALIDITY_CAP: Duration = Duration::from_hours(84);

/// Validity of a delivery that asks for none: 5 days (facts 3.1), which the cap makes 84 hours.
pub const DEFAULT_VALIDITY: Duration = Duration::from_hours(5 * 24);

/// How the campaign system learns what became of its messages, and what its log shows meanwhile (facts 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// No Email Feedback Service: relayed is Sent, and failures are learnt from the bounce mailbox alone.
    WithoutEfs,
    /// Email Feedback Service as Campaign Standard shows it: Pending until the MTA reports, a soft bounce is Failed.
    Efs,
    /// Email Feedback Service as Campaign v8 shows it: *Taken into account by the service provider* until the MTA
    /// reports, and a soft bounce only updates the reason.
    EfsV8,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::WithoutEfs, Self::Efs, Self::EfsV8];

    /// Its name in configuration and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WithoutEfs => "without-efs",
            Self::Efs => "efs",
            Self::EfsV8 => "efs-v8",
        }
    }

    /// The mode of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Settings of the campaign core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignConfig {
    /// The mode in force. Logs and KPIs can be read in the others too; quarantine is kept in this one only.
    pub mode: Mode,
    /// Whether a complaint makes the message Failed, as an asynchronous hard bounce does. It puts the address on the
    /// denylist in any case.
    pub complaint_fails: bool,
    /// When errors quarantine an address.
    pub quarantine: QuarantinePolicy,
    /// Pause before a message that the relay refused for now is relayed again: 1 hour (facts 3.1).
    pub relay_retry: Duration,
    /// Upper bounds of what is accepted.
    pub limits: Limits,
}

impl CampaignConfig {
    /// The defaults, in this mode.
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            complaint_fails: true,
            quarantine: QuarantinePolicy::default(),
            relay_retry: Duration::from_hours(1),
            limits: Limits::default(),
        }
    }
}

/// When errors quarantine an address and when they are forgotten (facts 4.3, 4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinePolicy {
    /// An address is quarantined when its number of significant soft errors reaches this: 5. The sources differ
    /// between the fifth and the sixth error; 6 gives the other reading.
    pub error_threshold: u32,
    /// A soft error is significant when the previous significant one is at least this old: 1 day.
    pub significant_delay: Duration,
    /// Errors are forgotten when the last significant one is older than this: 10 days.
    pub reset_after: Duration,
    /// The same for an address whose last error was a full mailbox: 30 days.
    pub mailbox_full_reset: Duration,
}

impl Default for QuarantinePolicy {
    fn default() -> Self {
        Self {
            error_threshold: 5,
            significant_delay: Duration::from_hours(24),
            reset_after: Duration::from_hours(10 * 24),
            mailbox_full_reset: Duration::from_hours(30 * 24),
        }
    }
}

/// Upper bounds of what is accepted; one more is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Deliveries: 100,000.
    pub deliveries: usize,
    /// Recipients of one delivery: 10 million.
    pub recipients: usize,
    /// Personalisation fields of one delivery: 64.
    pub fields: usize,
    /// Octets of a label, campaign name or subject: 1,000.
    pub heading_octets: usize,
    /// Octets of a body (text or HTML): 20 MiB.
    pub body_octets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deliveries: 100_000,
            recipients: 10_000_000,
            fields: 64,
            heading_octets: 1_000,
            body_octets: 20 << 20,
        }
    }
}
