//! Conditions of a rule beside its text: globs, reply codes, status codes.

use std::str::FromStr;

use emta_mail::{EnhancedStatus, Phase};

use crate::error::RuleProblem;
use crate::rule::When;
use crate::subject::{Kind, Subject};

/// A name with `*` (any characters) and `?` (one character); upper and lower case of ASCII letters are the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Glob(String);

impl Glob {
    /// Longest glob, in octets.
    pub const MAX_LEN: usize = 255;

    /// Reads a glob; `None` if it is empty or too long.
    pub fn parse(text: &str) -> Option<Self> {
        (!text.is_empty() && text.len() <= Self::MAX_LEN).then(|| Self(text.to_ascii_lowercase()))
    }

    /// The only name that fits, in lower case; `None` if there are others.
    pub(crate) fn only_name(&self) -> Option<&str> {
        (!self.0.contains(['*', '?'])).then_some(self.0.as_str())
    }

    /// Whether the whole name fits. Time is at most the product of both lengths.
    pub fn matches(&self, name: &str) -> bool {
        let (glob, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut g, mut n) = (0, 0);
        // Where to go on if the text after the last `*` does not fit: one octet of the name later.
        let mut retry = None;
        loop {
            match (glob.get(g), name.get(n)) {
                (Some(b'*'), _) => {
                    g += 1;
                    retry = Some((g, n));
                }
                (Some(b'?'), Some(_)) => (g, n) = (g + 1, n + 1),
                (Some(a), Some(b)) if *a == b.to_ascii_lowercase() => (g, n) = (g + 1, n + 1),
                (None, None) => return true,
                _ => match retry {
                    Some((after, from)) if from < name.len() => {
                        (g, n) = (after, from + 1);
                        retry = Some((after, n));
                    }
                    Some(_) | None => return false,
                },
            }
        }
    }
}

/// A reply code with `x` for any digit: `550`, `55x`, `4xx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CodePattern {
    hundreds: u8,
    tens: Option<u8>,
    ones: Option<u8>,
}

impl CodePattern {
    /// Whether the code fits; where there is none, a pattern of a whole class takes that of the status.
    pub fn matches(self, code: Option<u16>, status: Option<EnhancedStatus>) -> bool {
        let fits = |pattern: Option<u8>, digit: u16| pattern.is_none_or(|p| u16::from(p) == digit);
        match (code, status) {
            (Some(code), _) => {
                u16::from(self.hundreds) == code / 100
                    && fits(self.tens, code / 10 % 10)
                    && fits(self.ones, code % 10)
            }
            (None, Some(status)) => {
                self.tens.is_none() && self.ones.is_none() && self.hundreds == status.class()
            }
            (None, None) => false,
        }
    }
}

impl FromStr for CodePattern {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let digit = |b: u8| match b {
            b'x' | b'X' => Some(None),
            b'0'..=b'9' => Some(Some(b - b'0')),
            _ => None,
        };
        let [hundreds, tens, ones] = text.as_bytes() else { return Err(()) };
        match (digit(*hundreds), digit(*tens), digit(*ones)) {
            (Some(Some(hundreds @ 2..=5)), Some(tens), Some(ones)) => Ok(Self { hundreds, tens, ones }),
            _ => Err(()),
        }
    }
}

/// An enhanced status code with `*` for any number; missing numbers at the end are any: `5.1.1`, `5.1.*`, `*.2.2`,
/// `4.*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatusPattern([Option<u16>; 3]);

impl StatusPattern {
    /// Whether the status fits.
    pub fn matches(self, status: EnhancedStatus) -> bool {
        let parts = [u16::from(status.class()), status.subject(), status.detail()];
        self.0.into_iter().zip(parts).all(|(pattern, part)| pattern.is_none_or(|p| p == part))
    }
}

impl FromStr for StatusPattern {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = [None; 3];
        let words: Vec<&str> = text.split('.').take(4).collect();
        if words.len() > parts.len() || (words.len() < parts.len() && words.last() != Some(&"*")) {
            return Err(());
        }
        for (part, word) in parts.iter_mut().zip(words) {
            let digits = (1..=3).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
            *part = match word {
                "*" => None,
                number if digits => Some(number.parse().map_err(|_| ())?),
                _ => return Err(()),
            };
        }
        match parts[0] {
            None | Some(2 | 4 | 5) => Ok(Self(parts)),
            Some(_) => Err(()),
        }
    }
}

/// The compiled [`When`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Condition {
    providers: Vec<Glob>,
    phases: Vec<Phase>,
    codes: Vec<CodePattern>,
    statuses: Vec<StatusPattern>,
    kinds: Vec<Kind>,
    sender_formats: Vec<Glob>,
}

impl Condition {
    pub(crate) fn compile(when: &When) -> Result<Self, RuleProblem> {
        Ok(Self {
            providers: providers(when).collect::<Result<_, _>>()?,
            phases: when.phases.clone(),
            codes: codes(when).collect::<Result<_, _>>()?,
            statuses: statuses(when).collect::<Result<_, _>>()?,
            kinds: when.kinds.clone(),
            sender_formats: sender_formats(when).collect::<Result<_, _>>()?,
        })
    }

    /// All that is wrong with conditions.
    pub(crate) fn problems(when: &When) -> Vec<RuleProblem> {
        let providers = providers(when).filter_map(Result::err);
        let codes = codes(when).filter_map(Result::err);
        let statuses = statuses(when).filter_map(Result::err);
        let sender_formats = sender_formats(when).filter_map(Result::err);
        providers.chain(codes).chain(statuses).chain(sender_formats).collect()
    }

    /// The mailbox providers of which it asks for one, in lower case; `None` if these cannot be listed.
    pub(crate) fn only_providers(&self) -> Option<Vec<&str>> {
        let names: Vec<&str> = self.providers.iter().map(Glob::only_name).collect::<Option<_>>()?;
        (!names.is_empty()).then_some(names)
    }

    /// The same for mail to any provider.
    pub(crate) fn for_any_provider(&self) -> Self {
        Self { providers: Vec::new(), ..self.clone() }
    }

    /// Whether all conditions hold.
    pub(crate) fn holds(&self, subject: &Subject<'_>) -> bool {
        self.first_failure(subject).is_none()
    }

    /// The name of the first condition that does not hold, as it stands in rule files; the cheap ones come first.
    pub(crate) fn first_failure(&self, subject: &Subject<'_>) -> Option<&'static str> {
        let any_glob = |globs: &[Glob], name: Option<&str>| {
            globs.is_empty() || name.is_some_and(|name| globs.iter().any(|glob| glob.matches(name)))
        };
        let status = |patterns: &[StatusPattern]| {
            subject.status.is_some_and(|status| patterns.iter().any(|p| p.matches(status)))
        };
        if !(self.kinds.is_empty() || self.kinds.contains(&subject.kind)) {
            Some("kinds")
        } else if !(self.phases.is_empty() || subject.phase.is_some_and(|phase| self.phases.contains(&phase)))
        {
            Some("phases")
        } else if !(self.codes.is_empty()
            || self.codes.iter().any(|c| c.matches(subject.code, subject.status)))
        {
            Some("codes")
        } else if !(self.statuses.is_empty() || status(&self.statuses)) {
            Some("statuses")
        } else if !any_glob(&self.providers, subject.provider) {
            Some("providers")
        } else if !any_glob(&self.sender_formats, subject.sender_format) {
            Some("sender_formats")
        } else {
            None
        }
    }
}

const GLOB: &str = "a name with `*` and `?`, such as `outlook*`";

fn providers(when: &When) -> impl Iterator<Item = Result<Glob, RuleProblem>> {
    read_all("providers", &when.providers, GLOB, Glob::parse)
}

fn codes(when: &When) -> impl Iterator<Item = Result<CodePattern, RuleProblem>> {
    const CODE: &str = "a reply code with `x` for any digit, such as `550`, `55x`, `4xx`";
    read_all("codes", &when.codes, CODE, |code| code.parse().ok())
}

fn statuses(when: &When) -> impl Iterator<Item = Result<StatusPattern, RuleProblem>> {
    const STATUS: &str = "an enhanced status with `*` for any number, such as `5.1.1`, `5.1.*`, `4.*`";
    read_all("statuses", &when.statuses, STATUS, |status| status.parse().ok())
}

fn sender_formats(when: &When) -> impl Iterator<Item = Result<Glob, RuleProblem>> {
    read_all("sender_formats", &when.sender_formats, GLOB, Glob::parse)
}

fn read_all<T>(
    field: &'static str,
    values: &[String],
    expected: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> impl Iterator<Item = Result<T, RuleProblem>> {
    values.iter().enumerate().map(move |(index, value)| {
        let bad =
            || RuleProblem::BadCondition { field, index, value: value.chars().take(80).collect(), expected };
        read(value).ok_or_else(bad)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        let matches = |glob: &str, name: &str| Glob::parse(glob).unwrap().matches(name);
        for (glob, name) in [
            ("*", ""),
            ("gmail", "Gmail"),
            ("GM*", "gmail"),
            ("*a*b*", "xaxxbx"),
            ("g?ail", "gmail"),
            ("**x", "x"),
        ] {
            assert!(matches(glob, name), "{glob} {name}");
        }
        for (glob, name) in
            [("gmail", "gmail2"), ("g?ail", "gail"), ("*a", "ab"), ("a*b*c", "acb"), ("?", "")]
        {
            assert!(!matches(glob, name), "{glob} {name}");
        }
        assert_eq!(Glob::parse(""), None);
        assert!(Glob::parse(&"*".repeat(Glob::MAX_LEN)).unwrap().matches("x"));
        assert_eq!(Glob::parse(&"a".repeat(Glob::MAX_LEN + 1)), None);
    }

    #[test]
    fn codes() {
        let check =
            |pattern: &str, code: u16| pattern.parse::<CodePattern>().unwrap().matches(Some(code), None);
        assert!(check("550", 550) && check("55x", 552) && check("4XX", 421) && check("5x0", 550));
        assert!(!check("550", 551) && !check("55x", 540) && !check("4xx", 550));
        for text in ["", "5", "5xxx", "xxx", "1xx", "6xx", "5 0", "é0"] {
            assert!(text.parse::<CodePattern>().is_err(), "{text}");
        }
        let status = "5.2.2".parse().ok();
        let by_status = |pattern: &str| pattern.parse::<CodePattern>().unwrap().matches(None, status);
        assert!(by_status("5xx") && !by_status("4xx") && !by_status("55x"));
    }

    #[test]
    fn statuses() {
        let check = |pattern: &str, status: &str| {
            pattern.parse::<StatusPattern>().unwrap().matches(status.parse().unwrap())
        };
        assert!(check("5.1.1", "5.1.1") && check("5.1.*", "5.1.10") && check("*.2.2", "4.2.2"));
        assert!(check("4.*", "4.7.0") && check("*", "5.0.0"));
        assert!(!check("5.1.1", "5.1.10") && !check("4.*", "5.0.0"));
        for text in ["", "5", "5.1", "5.1.1.*", "5.1.1.1", "3.1.1", "5.x.1", "5.1000.1", "5..1", "+5.1.1"] {
            assert!(text.parse::<StatusPattern>().is_err(), "{text}");
        }
    }
}
