//! Every cause and every effect of the campaign core, and why an input is refused.

use std::sync::Arc;

use emta_mail::{EmailAddress, Reply};

use crate::content::{Content, Recipient};
use crate::delivery::DeliveryState;
use crate::feedback::Feedback;
use crate::key::{DeliveryId, LogKey};
use crate::quarantine::AddressStatus;

/// What can happen to the campaign core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// An operator makes a delivery.
    Create(Box<NewDelivery>),
    /// An operator has it prepared: who is left out, and why. May be repeated until it is confirmed.
    Prepare(DeliveryId),
    /// An operator confirms it, and relaying begins.
    Confirm(DeliveryId),
    /// An operator stops it. What was relayed goes on.
    Cancel(DeliveryId),
    /// The relay took a message.
    Relayed(LogKey),
    /// The relay did not take a message.
    RelayFailed {
        /// The message.
        log: LogKey,
        /// What went wrong.
        failure: RelayFailure,
    },
    /// News of a message.
    Feedback(Feedback),
    /// An operator gives an address a status.
    SetAddressStatus {
        /// The address.
        address: EmailAddress,
        /// Its new status.
        status: AddressStatus,
    },
    /// The daily database cleanup (facts 4.4).
    Cleanup,
    /// Time has passed; see [`Campaign::deadline`](crate::Campaign::deadline).
    Tick,
}

/// A delivery to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its number, which no other delivery has.
    pub delivery: DeliveryId,
    /// What it sends.
    pub content: Content,
    /// To whom, in the order that gives the log entries their numbers.
    pub recipients: Vec<Recipient>,
}

/// Why the relay did not take a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayFailure {
    /// It said so: 4yz is tried again, all else is final.
    Refused(Reply),
    /// It could not be reached, or broke off; tried again.
    Unreachable(String),
}

/// What the campaign core wants done. There is one kind: everything else it only keeps count of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Relay this message, and say how it went: [`Input::Relayed`] or [`Input::RelayFailed`].
    Relay {
        /// Its log entry, which goes into the message's headers.
        log: LogKey,
        /// Envelope recipient.
        recipient: EmailAddress,
        /// Values of [`Content::fields`].
        values: Vec<String>,
        /// What to send.
        content: Arc<Content>,
    },
}

/// Why an input was refused. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CampaignError {
    /// The number is taken.
    #[error("delivery `{0}` exists already; expected a new number")]
    DeliveryExists(DeliveryId),
    /// There is no such delivery.
    #[error("there is no delivery `{0}`")]
    UnknownDelivery(DeliveryId),
    /// There is no such log entry, or its delivery was never started.
    #[error("there is no message `{0}`")]
    UnknownLog(LogKey),
    /// Nothing was sent to this recipient.
    #[error("recipient `{0}` was left out of its delivery; nothing was sent to it")]
    Excluded(LogKey),
    /// The command does not fit the delivery's state.
    #[error("delivery `{delivery}` is in state `{state}`; expected {expected}", state = state.name())]
    State {
        /// The delivery.
        delivery: DeliveryId,
        /// Its state.
        state: DeliveryState,
        /// The states in which the command is possible.
        expected: &'static str,
    },
    /// There are as many deliveries as are allowed.
    #[error("there are `{0}` deliveries already; expected no more than that")]
    TooManyDeliveries(usize),
    /// Something of the delivery is over its limit.
    #[error("the delivery has `{found}` {what}; expected at most {limit}")]
    TooMuch {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A recipient has not one value for each field.
    #[error("recipient `{recipient}` has `{found}` values; expected `{expected}`, one for each field")]
    Values {
        /// The recipient, from 1.
        recipient: usize,
        /// How many values it has.
        found: usize,
        /// How many fields there are.
        expected: usize,
    },
}
