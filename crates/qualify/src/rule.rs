//! A rule as its author writes it, before it is compiled.

use emta_mail::{BounceClass, FailureReason, FailureType, Phase};

use crate::subject::{Kind, Subject};

/// One rule: when it may apply, what it looks for, what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleSpec {
    /// Its name, unique in the set; verdicts carry it.
    pub id: String,
    /// Conditions beside the text.
    pub when: When,
    /// Where the pattern is looked for, in this order; [`Field::Text`] where it is empty.
    pub look_at: Vec<Field>,
    /// What is looked for; `None`: the rule matches on `when` alone.
    pub pattern: Option<Pattern>,
    /// What a match means.
    pub set: Assignment,
    /// For people.
    pub note: Option<String>,
    /// Samples that hold the rule to its purpose.
    pub tests: RuleTests,
}

impl RuleSpec {
    /// Whether the rule matches every subject: what it takes is not qualified, only counted (`Other_responses`).
    pub fn takes_everything(&self) -> bool {
        self.pattern.is_none() && self.when == When::default()
    }

    /// Where its pattern is looked for.
    pub(crate) fn fields(&self) -> &[Field] {
        if self.look_at.is_empty() { &[Field::Text] } else { &self.look_at }
    }

    /// Its regexes, then its literals, as they were written.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        let lists = self.pattern.iter().flat_map(|pattern| pattern.regexes.iter().chain(&pattern.literals));
        lists.map(String::as_str)
    }

    /// The name that a rule file gives to the list that holds this pattern, and its place there.
    pub fn pattern_place(&self, pattern: usize) -> (&'static str, usize) {
        let regexes = self.pattern.as_ref().map_or(0, |pattern| pattern.regexes.len());
        pattern.checked_sub(regexes).map_or(("match", pattern), |place| ("literals", place))
    }
}

/// Conditions that must all hold; an empty list holds always, others hold if one of their entries does. A condition
/// on something that the subject does not have (a status, a phase) fails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// Globs on the mailbox provider's name: `gmail`, `outlook*`.
    pub providers: Vec<String>,
    /// Steps of the SMTP session.
    pub phases: Vec<Phase>,
    /// Reply codes, `x` for any digit: `550`, `55x`, `4xx`. A pattern of a whole class (`5xx`) also takes the class
    /// of the enhanced status where there is no code.
    pub codes: Vec<String>,
    /// Enhanced status codes, `*` for any number: `5.1.1`, `5.1.*`, `*.2.2`, `4.*`.
    pub statuses: Vec<String>,
    /// What kind of thing came back.
    pub kinds: Vec<Kind>,
    /// Globs on the format of the report, as the reader of bounce mails names it: `postfix`, `exchange*`.
    pub sender_formats: Vec<String>,
}

/// A part of the subject that a pattern is looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The reply or diagnostic text, with its code.
    Text,
    /// The subject line of the mail that came back.
    Subject,
    /// Its text.
    Body,
}

impl Field {
    /// All fields.
    pub const ALL: [Self; 3] = [Self::Text, Self::Subject, Self::Body];

    /// Its name in rule files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Subject => "subject",
            Self::Body => "body",
        }
    }

    /// The field of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

/// What a rule looks for: any one of these suffices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern {
    /// Regexes; upper and lower case are the same unless the regex says `(?-i)`, `^` and `$` are ends of lines. Digits
    /// beyond ASCII are letters: `\d` is `0` to `9`, unless the regex names other characters beyond ASCII.
    pub regexes: Vec<String>,
    /// Texts taken as they are; upper and lower case of ASCII letters are the same.
    pub literals: Vec<String>,
}

/// What a match means; type and reason that are missing come from [`BounceClass::default_verdict`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// The Enhanced MTA's bounce class; rules for mail that came back usually have none.
    pub class: Option<BounceClass>,
    /// Campaign's failure type.
    pub failure_type: Option<FailureType>,
    /// Campaign's failure reason.
    pub reason: Option<FailureReason>,
}

/// Samples that hold a rule to its purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleTests {
    /// This rule must win these.
    pub matches: Vec<Sample>,
    /// This rule must not match these, whoever else does.
    pub no_match: Vec<Sample>,
}

/// A subject written down in a rule file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Reply or diagnostic; code and enhanced status are read from it.
    pub text: String,
    /// Kind; [`Kind::Bounce`] by default.
    pub kind: Kind,
    /// Step of the session.
    pub phase: Option<Phase>,
    /// Mailbox provider.
    pub provider: Option<String>,
    /// Format of the report.
    pub sender_format: Option<String>,
    /// Subject line.
    pub subject: Option<String>,
    /// Text of the mail.
    pub body: Option<String>,
}

impl Sample {
    /// A sample that is a reply line and nothing else.
    pub fn line(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// The sample as a rule set sees it.
    pub fn as_subject(&self) -> Subject<'_> {
        Subject {
            kind: self.kind,
            provider: self.provider.as_deref(),
            sender_format: self.sender_format.as_deref(),
            subject: self.subject.as_deref(),
            body: self.body.as_deref(),
            ..Subject::from_reply_line(&self.text, self.phase)
        }
    }
}
