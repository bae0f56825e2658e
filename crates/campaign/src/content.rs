//! What a delivery sends, and to whom.

use std::time::Duration;

use emta_mail::{EmailAddress, ReversePath};

use crate::config::{DEFAULT_VALIDITY, VALIDITY_CAP};

/// What a delivery sends, the same for all its recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What people call the delivery.
    pub label: String,
    /// The campaign that it belongs to.
    pub campaign: Option<String>,
    /// How long messages are to be tried; what is more than [`VALIDITY_CAP`] (84 hours) counts as that.
    pub validity: Option<Duration>,
    /// Envelope sender: the error address, to which bounces go.
    pub sender: ReversePath,
    /// Address of the `From` field.
    pub from: EmailAddress,
    /// The `Subject` field.
    pub subject: String,
    /// The plain-text body.
    pub text: String,
    /// The HTML body, if there is one.
    pub html: Option<String>,
    /// Names of the personalisation fields.
    pub fields: Vec<String>,
}

impl Content {
    /// How long messages are tried: what is asked for, 5 days by default, and never more than the cap of 84 hours.
    pub fn effective_validity(&self) -> Duration {
        self.validity.unwrap_or(DEFAULT_VALIDITY).min(VALIDITY_CAP)
    }
}

/// A recipient as the delivery's author wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The address; may be empty or no address at all, which excludes the recipient.
    pub address: String,
    /// One value for each of [`Content::fields`].
    pub values: Vec<String>,
}
