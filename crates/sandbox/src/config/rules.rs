//! Rule files: `config/rules/mta.yaml` and `config/rules/inbound-email.yaml`.
//!
//! ```yaml
//! rules:
//!     - id: Mailbox_full
//!       when: { codes: [4xx, 5xx], statuses: ["*.2.2"] }
//!       look_at: [text, body]
//!       match: ["over ?quota", "mailbox is full"]
//!       literals: ["Boite du destinataire pleine"]
//!       set: { class: mailbox_full }
//!       note: why the rule is here
//!       tests:
//!           match: ["552 5.2.2 mailbox is full"]
//!           no_match: ["550 5.1.1 user unknown"]
//! ```
//!
//! The order of the file is the order of the rules. Samples are reply lines, or mappings of `text`, `kind`, `phase`,
//! `provider`, `sender_format`, `subject` and `body`.

mod problems;

use std::fmt;
use std::marker::PhantomData;

use emta_mail::{BounceClass, FailureReason, FailureType, Phase};
use emta_qualify::{Assignment, Field, Kind, Pattern, RuleError, RuleSet, RuleSpec, RuleTests, Sample, When};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::ConfigError;
use super::error::{did_you_mean, one_of};
use super::scalar::{Scalar, Written};

pub use problems::{MAX_PROBLEMS, check};

/// Reads and compiles a rule file; `file` is the name that errors and the set carry.
///
/// # Errors
/// When it is not YAML of the shape above, or a rule does not compile; the error leads to line and column. [`check`]
/// tells all that is wrong.
pub fn parse(file: &str, text: &str) -> Result<RuleSet, ConfigError> {
    let shape: File = super::yaml::parse(file, text)?;
    let rules = shape.rules.into_iter().map(RuleSpec::from).collect();
    RuleSet::compile(file, rules).map_err(|error| located(file, text, &error))
}

/// An error of the compiler at its place in the file.
fn located(file: &str, text: &str, error: &RuleError) -> ConfigError {
    let keys = error.path();
    let path: Vec<&str> = std::iter::once("rules").chain(keys.iter().map(String::as_str)).collect();
    ConfigError::at_value(file, text, &path, error.to_string(), None)
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rules: Vec<Rule>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: String,
    #[serde(default)]
    when: Conditions,
    #[serde(default)]
    look_at: Names<Field>,
    #[serde(rename = "match")]
    regexes: Option<OneOrMany<String>>,
    literals: Option<OneOrMany<String>>,
    set: Meaning,
    note: Option<String>,
    #[serde(default)]
    tests: Tests,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Conditions {
    providers: OneOrMany<String>,
    phases: Names<Phase>,
    codes: OneOrMany<Written<Word>>,
    statuses: OneOrMany<Written<Word>>,
    kinds: Names<Kind>,
    sender_formats: OneOrMany<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Meaning {
    class: Option<Written<Name<BounceClass>>>,
    #[serde(rename = "type")]
    failure_type: Option<Written<Name<FailureType>>>,
    reason: Option<Written<Name<FailureReason>>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Tests {
    #[serde(rename = "match")]
    matches: OneOrMany<Example>,
    no_match: OneOrMany<Example>,
}

/// A sample as a mapping; a plain text is one that has only `text`.
#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ExampleShape {
    text: String,
    kind: Option<Written<Name<Kind>>>,
    phase: Option<Written<Name<Phase>>>,
    provider: Option<String>,
    sender_format: Option<String>,
    subject: Option<String>,
    body: Option<String>,
}

struct Example(Sample);

impl<'de> Deserialize<'de> for Example {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrMapping)
    }
}

struct TextOrMapping;

impl<'de> Visitor<'de> for TextOrMapping {
    type Value = Example;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reply line, or a mapping such as `{ subject: Out of office, kind: auto_reply }`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Example, E> {
        Ok(Example(Sample::line(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Example, A::Error> {
        let shape = ExampleShape::deserialize(MapAccessDeserializer::new(entries))?;
        Ok(Example(Sample {
            text: shape.text,
            kind: shape.kind.map_or(Kind::Bounce, name),
            phase: shape.phase.map(name),
            provider: shape.provider,
            sender_format: shape.sender_format,
            subject: shape.subject,
            body: shape.body,
        }))
    }
}

/// `x` or `[x, y]`.
struct OneOrMany<T>(Vec<T>);

/// One name of an enum or several.
type Names<T> = OneOrMany<Written<Name<T>>>;

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Items(PhantomData)).map(Self)
    }
}

struct Items<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value or a list")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        T::deserialize(text.into_deserializer()).map(|item| vec![item])
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Vec<T>, E> {
        T::deserialize(number.into_deserializer()).map(|item| vec![item])
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Vec<T>, E> {
        T::deserialize(number.into_deserializer()).map(|item| vec![item])
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Vec<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries)).map(|item| vec![item])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(all)
    }
}

/// A word that YAML may take for a number: `550`.
struct Word(String);

impl Scalar for Word {
    fn read(word: &str) -> Result<Self, String> {
        Ok(Self(word.to_owned()))
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

/// A value of an enum that is written as its name.
struct Name<T>(T);

trait Named: Copy + 'static {
    const WHAT: &'static str;
    const ALL: &'static [Self];
    fn name(self) -> &'static str;
}

macro_rules! named {
    ($($kind:ty: $what:literal),* $(,)?) => {
        $(impl Named for $kind {
            const WHAT: &'static str = $what;
            const ALL: &'static [Self] = &<$kind>::ALL;
            fn name(self) -> &'static str {
                <$kind>::name(self)
            }
        })*
    };
}
named!(Field: "part of a mail", Kind: "kind of report", Phase: "step of a session");
named!(BounceClass: "bounce class", FailureType: "failure type", FailureReason: "failure reason");

impl<T: Named> Scalar for Name<T> {
    fn read(word: &str) -> Result<Self, String> {
        let names = || T::ALL.iter().map(|value| value.name());
        T::ALL.iter().find(|value| value.name() == word).map(|value| Self(*value)).ok_or_else(|| {
            let hint = did_you_mean(word, names()).map_or(String::new(), |hint| format!("; {hint}"));
            format!("`{word}` is not a {}, expected {}{hint}", T::WHAT, one_of(names()))
        })
    }

    fn write(&self) -> String {
        self.0.name().to_owned()
    }
}

fn name<T>(written: Written<Name<T>>) -> T {
    written.0.0
}

fn names<T>(written: Names<T>) -> Vec<T> {
    written.0.into_iter().map(name).collect()
}

fn words(written: OneOrMany<Written<Word>>) -> Vec<String> {
    written.0.into_iter().map(|word| word.0.0).collect()
}

fn samples(written: OneOrMany<Example>) -> Vec<Sample> {
    written.0.into_iter().map(|example| example.0).collect()
}

impl From<Rule> for RuleSpec {
    fn from(rule: Rule) -> Self {
        let pattern = match (rule.regexes, rule.literals) {
            (None, None) => None,
            (regexes, literals) => Some(Pattern {
                regexes: regexes.unwrap_or_default().0,
                literals: literals.unwrap_or_default().0,
            }),
        };
        Self {
            id: rule.id,
            when: When {
                providers: rule.when.providers.0,
                phases: names(rule.when.phases),
                codes: words(rule.when.codes),
                statuses: words(rule.when.statuses),
                kinds: names(rule.when.kinds),
                sender_formats: rule.when.sender_formats.0,
            },
            look_at: names(rule.look_at),
            pattern,
            set: Assignment {
                class: rule.set.class.map(name),
                failure_type: rule.set.failure_type.map(name),
                reason: rule.set.reason.map(name),
            },
            note: rule.note,
            tests: RuleTests { matches: samples(rule.tests.matches), no_match: samples(rule.tests.no_match) },
        }
    }
}

#[cfg(test)]
mod tests;
