//! The reference campaign core.

use std::time::Duration;

use emta_campaign::{CampaignConfig, Mode, QuarantinePolicy};
use emta_mail::EmailAddress;
use serde::{Deserialize, Serialize};

use super::error::{ConfigError, did_you_mean, one_of};
use super::scalar::{Scalar, Written};
use super::source::Source;

/// Settings of the campaign core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Mode, complaints, quarantine.
    pub core: CampaignConfig,
    /// The envelope sender of its deliveries, where bounces come back to.
    pub sender: EmailAddress,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Shape {
    mode: Written<Mode>,
    complaint_fails: bool,
    /// `None`: `bounce@` and the host name.
    sender: Option<Written<EmailAddress>>,
    relay_retry: Written<Duration>,
    quarantine: QuarantineShape,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct QuarantineShape {
    threshold: u32,
    significant_delay: Written<Duration>,
    reset_after: Written<Duration>,
    mailbox_full_reset: Written<Duration>,
}

impl Default for Shape {
    fn default() -> Self {
        let core = CampaignConfig::new(Mode::Efs);
        Self {
            mode: Written(core.mode),
            complaint_fails: core.complaint_fails,
            sender: None,
            relay_retry: Written(core.relay_retry),
            quarantine: QuarantineShape::default(),
        }
    }
}

impl Default for QuarantineShape {
    fn default() -> Self {
        let policy = QuarantinePolicy::default();
        Self {
            threshold: policy.error_threshold,
            significant_delay: Written(policy.significant_delay),
            reset_after: Written(policy.reset_after),
            mailbox_full_reset: Written(policy.mailbox_full_reset),
        }
    }
}

impl Shape {
    /// The settings; `bounces` is the address of the bounce mailbox.
    pub(super) fn check(&self, bounces: &EmailAddress, source: &Source) -> Result<Campaign, ConfigError> {
        let year = Duration::from_hours(365 * 24);
        let span = |key: &str, value: &Written<Duration>| {
            source.within(&["campaign", "quarantine", key], value.0, Duration::ZERO..=year)
        };
        let quarantine = &self.quarantine;
        let mut core = CampaignConfig::new(self.mode.0);
        core.complaint_fails = self.complaint_fails;
        core.relay_retry = source.within(
            &["campaign", "relay_retry"],
            self.relay_retry.0,
            Duration::from_secs(1)..=Duration::from_hours(84),
        )?;
        core.quarantine = QuarantinePolicy {
            error_threshold: source.within(
                &["campaign", "quarantine", "threshold"],
                quarantine.threshold,
                1..=1_000,
            )?,
            significant_delay: span("significant_delay", &quarantine.significant_delay)?,
            reset_after: span("reset_after", &quarantine.reset_after)?,
            mailbox_full_reset: span("mailbox_full_reset", &quarantine.mailbox_full_reset)?,
        };
        let sender = self.sender.as_ref().map_or_else(|| bounces.clone(), |sender| sender.0.clone());
        Ok(Campaign { core, sender })
    }
}

impl Scalar for Mode {
    fn read(word: &str) -> Result<Self, String> {
        Self::from_name(word).ok_or_else(|| {
            let names = || Self::ALL.iter().map(|mode| mode.name());
            let hint = did_you_mean(word, names()).map(|hint| format!("; {hint}")).unwrap_or_default();
            format!("`{word}` is not a mode, expected {}{hint}", one_of(names()))
        })
    }
    fn write(&self) -> String {
        self.name().to_owned()
    }
}
