//! What a provider or its user does after a message was accepted.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use emta_mail::compose::{Language, ReportFormat};
use emta_mail::{Reply, duration};

/// Something that a provider or its user does after a message was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct LaterAction {
    /// What.
    pub kind: ActionKind,
    /// How long after the acceptance.
    pub delay: Delay,
    /// How likely, drawn once a message.
    pub probability: Probability,
}

/// What is done after a message was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ActionKind {
    /// A report of failure is mailed to the envelope's sender (an asynchronous bounce).
    Bounce {
        /// Status and text of the failure.
        reply: Reply,
        /// The layout of the report.
        format: ReportFormat,
    },
    /// A report of delay is mailed to the envelope's sender; the provider goes on trying.
    DelayReport {
        /// Status and text of the delay.
        reply: Reply,
        /// The layout of the report.
        format: ReportFormat,
    },
    /// The user reports the message as spam (ARF, RFC 5965).
    Complaint {
        /// `Feedback-Type`, such as `abuse`.
        feedback_type: String,
        /// What the report says of the recipient.
        disclosure: Disclosure,
    },
    /// An out-of-office reply (RFC 3834).
    AutoReply {
        /// The user's language.
        language: Language,
    },
    /// The user opens the message.
    Open,
    /// The user follows a link.
    Click {
        /// Its address; empty for whichever link the message has.
        url: String,
    },
}

/// Whether a complaint names the recipient (RFC 5965 section 3.2, RFC 6590).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disclosure {
    /// `Original-Rcpt-To` has the address.
    Named,
    /// The provider does not tell who complained.
    Redacted,
}

impl ActionKind {
    /// Place among the actions of one message at one instant: a message is opened before it is clicked, clicked
    /// before it is complained about.
    pub const fn rank(&self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Click { .. } => 1,
            Self::AutoReply { .. } => 2,
            Self::DelayReport { .. } => 3,
            Self::Bounce { .. } => 4,
            Self::Complaint { .. } => 5,
        }
    }

    /// Its name in scripts and configuration.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Click { .. } => "click",
            Self::AutoReply { .. } => "ooo",
            Self::DelayReport { .. } => "delayed",
            Self::Bounce { .. } => "dsn",
            Self::Complaint { .. } => "arf",
        }
    }

    /// Whether it is a mail to the envelope's sender, which a message with a null sender never gets (RFC 3464
    /// section 2, RFC 3834 section 2).
    pub const fn is_mail(&self) -> bool {
        match self {
            Self::Open | Self::Click { .. } => false,
            Self::AutoReply { .. }
            | Self::DelayReport { .. }
            | Self::Bounce { .. }
            | Self::Complaint { .. } => true,
        }
    }
}

/// A span of time between two bounds, drawn evenly; both bounds may be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Delay {
    min: Duration,
    max: Duration,
}

impl Delay {
    /// At once.
    pub const NONE: Self = Self { min: Duration::ZERO, max: Duration::ZERO };

    /// Always this long.
    pub const fn fixed(span: Duration) -> Self {
        Self { min: span, max: span }
    }

    /// Between `min` and `max`; `None` if `min` is the longer one.
    pub fn between(min: Duration, max: Duration) -> Option<Self> {
        (min <= max).then_some(Self { min, max })
    }

    /// The shortest it can be.
    pub const fn min(self) -> Duration {
        self.min
    }

    /// The longest it can be.
    pub const fn max(self) -> Duration {
        self.max
    }

    /// The span at `unit`, a number in `0.0..1.0`, of the way from the shortest to the longest.
    pub fn at(self, unit: f64) -> Duration {
        let width = self.max.saturating_sub(self.min).as_millis() as f64;
        // A float-to-integer cast saturates, so the sum stays below `max` whatever `unit` is.
        self.min.saturating_add(Duration::from_millis((width * unit.clamp(0.0, 1.0)) as u64))
    }
}

/// As it is read: `6h` or `1h..8h`.
impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&duration::format(self.min))?;
        if self.max > self.min { write!(f, "..{}", duration::format(self.max)) } else { Ok(()) }
    }
}

/// Why a text is not a delay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a delay; expected `6h`, or the shorter and the longer of two, such as `1h..8h`")]
pub struct DelayError(String);

impl FromStr for Delay {
    type Err = DelayError;

    /// Reads `6h` or `1h..8h`.
    fn from_str(text: &str) -> Result<Self, DelayError> {
        let fail = || DelayError(text.to_owned());
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let read = |part| duration::parse(part).map_err(|_| fail());
        Self::between(read(min)?, read(max)?).ok_or_else(fail)
    }
}

/// How likely something is, from 0 (never) to 1 (always).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Probability(f64);

impl Probability {
    /// It always happens.
    pub const ALWAYS: Self = Self(1.0);

    /// `None` outside of 0 to 1.
    pub fn try_new(probability: f64) -> Option<Self> {
        (0.0..=1.0).contains(&probability).then_some(Self(probability))
    }

    /// From 0 to 1.
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// As it is read: `0.25`.
impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Why a text is not a probability.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a probability; expected `25%` or a number from 0 to 1, such as `0.25`")]
pub struct ProbabilityError(String);

impl FromStr for Probability {
    type Err = ProbabilityError;

    /// Reads `25%` or `0.25`.
    fn from_str(text: &str) -> Result<Self, ProbabilityError> {
        let fail = || ProbabilityError(text.to_owned());
        let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |percent| (percent, 100.0));
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(fail());
        }
        let value: f64 = number.parse().map_err(|_| fail())?;
        Self::try_new(value / scale).ok_or_else(fail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_stay_between_their_bounds() {
        let (min, max) = (Duration::from_mins(1), Duration::from_hours(1));
        let delay = Delay::between(min, max).unwrap();
        assert_eq!((delay.at(0.0), delay.at(1.0)), (min, max));
        assert_eq!(delay.at(0.5), Duration::from_secs(1830));
        assert_eq!(delay.at(f64::NAN), min);
        assert_eq!(Delay::between(max, min), None);
        for text in ["1m..1h", "6h", "0s"] {
            assert_eq!(text.parse::<Delay>().unwrap().to_string(), text);
        }
        for text in ["", "1h..1m", "1h..", "6", "1h..2h..3h"] {
            assert!(text.parse::<Delay>().is_err(), "{text}");
        }
        assert_eq!(Delay::fixed(Duration::MAX).at(0.9), Duration::MAX);
    }

    #[test]
    fn probabilities_are_probabilities() {
        for good in [0.0, 0.001, 1.0] {
            assert_eq!(Probability::try_new(good).map(Probability::get), Some(good));
        }
        for bad in [-0.001, 1.001, f64::NAN, f64::INFINITY] {
            assert_eq!(Probability::try_new(bad), None);
        }
        for (text, expected) in [("25%", 0.25), ("0.1%", 0.001), ("0.25", 0.25), ("100%", 1.0)] {
            assert_eq!(text.parse::<Probability>().map(Probability::get), Ok(expected));
        }
        for text in ["0.25", "0.000001", "1"] {
            assert_eq!(text.parse::<Probability>().unwrap().to_string(), text);
        }
        for text in ["", "%", "-1%", "1.1", "1e-3", "NaN", "1..2"] {
            assert!(text.parse::<Probability>().is_err(), "{text}");
        }
    }
}
