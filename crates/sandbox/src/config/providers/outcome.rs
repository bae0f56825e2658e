//! A message's fate as it is written: a script in one line, or attempts and actions one by one.

use std::fmt;
use std::marker::PhantomData;

use emta_mail::Reply;
use emta_mail::compose::{Language, ReportFormat};
use emta_providers::{
    ActionKind, AttemptStep, Delay, DelayError, Disclosure, Latency, LatencyError, LaterAction, Outcome,
    Probability, ProbabilityError, Step, TimedStep, script,
};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};

use crate::config::scalar::{Scalar, Written};

/// A whole script.
pub(super) struct OutcomeShape {
    text: String,
    outcome: Outcome,
}

/// The keys that describe a fate, of which `script` stands alone.
pub(super) struct FateShape {
    pub(super) script: Option<Written<OutcomeShape>>,
    pub(super) attempts: Option<Vec<AttemptShape>>,
    pub(super) after: Option<Vec<ActionShape>>,
}

impl FateShape {
    pub(super) fn outcome(self) -> Result<Outcome, String> {
        match (self.script, self.attempts, self.after) {
            (Some(script), None, None) => Ok(script.0.outcome),
            (None, None, None) => {
                Err("an outcome needs `script`, or `attempts` and perhaps `after`".to_owned())
            }
            (Some(_), _, _) => {
                Err("an outcome has `script`, or `attempts` and `after`, and not both".to_owned())
            }
            (None, attempts, after) => {
                let attempts = attempts
                    .unwrap_or_else(|| vec![AttemptShape(vec![AttemptStep::Accept { reply: None }.into()])]);
                let attempts = attempts.into_iter().flat_map(|attempt| attempt.0).collect();
                let after = after.unwrap_or_default().into_iter().flat_map(|action| action.0).collect();
                Outcome::timed(attempts, after).map_err(|error| error.to_string())
            }
        }
    }
}

/// An item of `attempts`: `"421x3"` or `{ reply: "450 4.7.1 greylisted, wait", at: rcpt, times: 2, delay: 30s }`.
pub(super) struct AttemptShape(pub(super) Vec<TimedStep>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttemptFields {
    reply: Option<Written<Reply>>,
    at: Option<Written<Step>>,
    #[serde(default)]
    then_disconnect: bool,
    disconnect: Option<Written<Step>>,
    times: Option<usize>,
    delay: Option<Written<Latency>>,
}

impl AttemptFields {
    fn attempts(self) -> Result<Vec<TimedStep>, String> {
        let times = self.times.unwrap_or(1);
        if !(1..=Outcome::MAX_ATTEMPTS).contains(&times) {
            return Err(format!("`times` is `{times}`, expected 1 to {}", Outcome::MAX_ATTEMPTS));
        }
        let step = match (self.reply, self.disconnect) {
            (Some(Written(reply)), None) if reply.is_positive() => match self.at {
                Some(Written(Step::Message)) | None => AttemptStep::Accept { reply: Some(reply) },
                Some(Written(step)) => {
                    return Err(format!(
                        "`{reply}` at `{}`: only a refusal can come before `message`",
                        step.name()
                    ));
                }
            },
            (Some(Written(reply)), None) => AttemptStep::Refuse {
                step: self.at.map_or(Step::Rcpt, |step| step.0),
                then_disconnect: self.then_disconnect || reply.code() == 421,
                reply,
            },
            (None, Some(Written(step))) => AttemptStep::Disconnect { step },
            (None, None) | (Some(_), Some(_)) => {
                return Err("an attempt needs `reply` or `disconnect`, and not both".to_owned());
            }
        };
        Ok(vec![TimedStep { step, latency: self.delay.map(|delay| delay.0) }; times])
    }
}

/// An item of `after`: `"open after 10m with 25%"` or `{ dsn: { reply: "550 5.1.1 gone", after: 6h } }`.
pub(super) struct ActionShape(pub(super) Vec<LaterAction>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportFields {
    reply: Written<Reply>,
    format: Option<Written<ReportFormat>>,
    after: Option<Written<Delay>>,
    with: Option<Written<Probability>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ComplaintFields {
    #[serde(rename = "type")]
    feedback_type: Option<String>,
    #[serde(default)]
    redacted: bool,
    after: Option<Written<Delay>>,
    with: Option<Written<Probability>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AutoReplyFields {
    language: Option<Written<Language>>,
    after: Option<Written<Delay>>,
    with: Option<Written<Probability>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenFields {
    after: Option<Written<Delay>>,
    with: Option<Written<Probability>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClickFields {
    #[serde(default)]
    url: String,
    after: Option<Written<Delay>>,
    with: Option<Written<Probability>>,
}

fn later(kind: ActionKind, after: Option<Written<Delay>>, with: Option<Written<Probability>>) -> LaterAction {
    let delay = after.map_or(Delay::NONE, |delay| delay.0);
    let probability = with.map_or(Probability::ALWAYS, |probability| probability.0);
    LaterAction { kind, delay, probability }
}

/// Shapes that are a line of the compact notation, or a mapping. Not `#[serde(untagged)]`, which would lose what is
/// wrong, and where.
trait LineOrMapping: Sized {
    const EXPECTING: &'static str;
    fn of_line(line: &str) -> Result<Self, String>;
    fn of_mapping<'de, A: MapAccess<'de>>(entries: A) -> Result<Self, A::Error>;
}

impl LineOrMapping for AttemptShape {
    const EXPECTING: &'static str = "an attempt such as `421x3` or `{ reply: \"450 4.7.1 wait\", times: 2 }`";

    fn of_line(line: &str) -> Result<Self, String> {
        script::parse_timed_attempts(line).map(Self).map_err(|error| error.to_string())
    }

    fn of_mapping<'de, A: MapAccess<'de>>(entries: A) -> Result<Self, A::Error> {
        let fields = AttemptFields::deserialize(MapAccessDeserializer::new(entries))?;
        fields.attempts().map(Self).map_err(de::Error::custom)
    }
}

impl LineOrMapping for ActionShape {
    const EXPECTING: &'static str =
        "an action such as `open after 10m` or `{ dsn: { reply: \"550 5.1.1 gone\" } }`";

    fn of_line(line: &str) -> Result<Self, String> {
        script::parse_actions(line).map(Self).map_err(|error| error.to_string())
    }

    fn of_mapping<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        let kind: String = entries.next_key()?.unwrap_or_default();
        let action = match kind.as_str() {
            "dsn" | "delayed" => {
                let ReportFields { reply, format, after, with } = entries.next_value()?;
                let (reply, format) = (reply.0, format.map_or(ReportFormat::default(), |format| format.0));
                let kind = if kind == "dsn" {
                    ActionKind::Bounce { reply, format }
                } else {
                    ActionKind::DelayReport { reply, format }
                };
                later(kind, after, with)
            }
            "arf" => {
                let ComplaintFields { feedback_type, redacted, after, with } = entries.next_value()?;
                let disclosure = if redacted { Disclosure::Redacted } else { Disclosure::Named };
                let feedback_type = feedback_type.unwrap_or_else(|| "abuse".to_owned());
                later(ActionKind::Complaint { feedback_type, disclosure }, after, with)
            }
            "ooo" => {
                let AutoReplyFields { language, after, with } = entries.next_value()?;
                let language = language.map_or(Language::default(), |language| language.0);
                later(ActionKind::AutoReply { language }, after, with)
            }
            "open" => {
                let OpenFields { after, with } = entries.next_value()?;
                later(ActionKind::Open, after, with)
            }
            "click" => {
                let ClickFields { url, after, with } = entries.next_value()?;
                later(ActionKind::Click { url }, after, with)
            }
            other => {
                return Err(de::Error::unknown_field(
                    other,
                    &["dsn", "delayed", "arf", "ooo", "open", "click"],
                ));
            }
        };
        match entries.next_key::<String>()? {
            None => Ok(Self(vec![action])),
            Some(key) => {
                Err(de::Error::custom(format!("`{key}` beside `{kind}`, expected one action in a mapping")))
            }
        }
    }
}

impl<'de> Deserialize<'de> for AttemptShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl<'de> Deserialize<'de> for ActionShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either(PhantomData))
    }
}

struct Either<T>(PhantomData<T>);

impl<'de, T: LineOrMapping> Visitor<'de> for Either<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTING)
    }

    fn visit_str<E: de::Error>(self, line: &str) -> Result<T, E> {
        T::of_line(line).map_err(E::custom)
    }

    /// `attempts: [250]`: YAML takes it for a number.
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error> {
        T::of_mapping(entries)
    }
}

impl Scalar for OutcomeShape {
    fn read(word: &str) -> Result<Self, String> {
        let outcome = Outcome::parse_script(word).map_err(|error| error.to_string())?;
        Ok(Self { text: word.to_owned(), outcome })
    }
    fn write(&self) -> String {
        self.text.clone()
    }
}

impl Scalar for Reply {
    fn read(word: &str) -> Result<Self, String> {
        Self::parse(word).map_err(|error| error.to_string())
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

impl Scalar for Delay {
    fn read(word: &str) -> Result<Self, String> {
        word.parse().map_err(|error: DelayError| error.to_string())
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

impl Scalar for Latency {
    fn read(word: &str) -> Result<Self, String> {
        word.parse().map_err(|error: LatencyError| error.to_string())
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

impl Scalar for Probability {
    fn read(word: &str) -> Result<Self, String> {
        word.parse().map_err(|error: ProbabilityError| error.to_string())
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

/// Values with a closed list of names.
macro_rules! named {
    ($kind:ty, $what:literal) => {
        impl Scalar for $kind {
            fn read(word: &str) -> Result<Self, String> {
                Self::from_name(word).ok_or_else(|| {
                    let names = crate::config::error::one_of(Self::ALL.iter().map(|value| value.name()));
                    format!("`{word}` is not {}; expected {names}", $what)
                })
            }
            fn write(&self) -> String {
                self.name().to_owned()
            }
        }
    };
}
named!(Step, "a step");
named!(ReportFormat, "a report format");
named!(Language, "a language");
