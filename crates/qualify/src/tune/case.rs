//! A text to hold rules against.

use emta_mail::{EnhancedStatus, FailureReason, FailureType, Phase};

use crate::rule::Sample;
use crate::set::RuleSet;
use crate::subject::{Kind, Subject};

/// Campaign's type and reason.
pub type Meaning = (FailureType, FailureReason);

/// A subject with a name, and what it means if somebody said so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    /// Its name in reports: a file, a line number.
    pub id: String,
    /// What came back.
    pub kind: Kind,
    /// Reply or diagnostic text.
    pub text: String,
    /// SMTP reply code.
    pub code: Option<u16>,
    /// Enhanced status code.
    pub status: Option<EnhancedStatus>,
    /// Step of the session.
    pub phase: Option<Phase>,
    /// Name of the mailbox provider.
    pub provider: Option<String>,
    /// Format of the report.
    pub sender_format: Option<String>,
    /// Subject line of the mail.
    pub subject: Option<String>,
    /// Text of the mail.
    pub body: Option<String>,
    /// The label: what it means.
    pub expected: Option<Meaning>,
}

impl Case {
    /// A reply line; code and enhanced status are read from it.
    pub fn line(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::sample(id, &Sample::line(text))
    }

    /// A rule's sample.
    pub fn sample(id: impl Into<String>, sample: &Sample) -> Self {
        let Subject { code, status, .. } = sample.as_subject();
        Self {
            id: id.into(),
            kind: sample.kind,
            text: sample.text.clone(),
            code,
            status,
            phase: sample.phase,
            provider: sample.provider.clone(),
            sender_format: sample.sender_format.clone(),
            subject: sample.subject.clone(),
            body: sample.body.clone(),
            expected: None,
        }
    }

    /// The same case with a label.
    pub fn labelled(self, failure_type: FailureType, reason: FailureReason) -> Self {
        Self { expected: Some((failure_type, reason)), ..self }
    }

    /// The case as a rule set sees it.
    pub fn as_subject(&self) -> Subject<'_> {
        Subject {
            kind: self.kind,
            text: &self.text,
            code: self.code,
            status: self.status,
            phase: self.phase,
            provider: self.provider.as_deref(),
            sender_format: self.sender_format.as_deref(),
            subject: self.subject.as_deref(),
            body: self.body.as_deref(),
        }
    }

    /// What people call the case: its text, or what else it has.
    pub fn shown(&self) -> &str {
        let others = [self.subject.as_deref(), self.body.as_deref()];
        std::iter::once(self.text.as_str())
            .chain(others.into_iter().flatten())
            .find(|text| !text.is_empty())
            .unwrap_or("")
    }
}

/// Type and reason that the rule at this place gives.
pub(super) fn meaning_at(set: &RuleSet, position: usize) -> Option<Meaning> {
    set.verdict_at(position).map(|verdict| (verdict.failure_type, verdict.reason))
}
