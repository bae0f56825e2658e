//! The qualification table: what normalised texts came, how often, and what was decided about them (facts 2.4).

use std::collections::BTreeMap;

use emta_mail::{FailureReason, FailureType, Timestamp};

use crate::digest::MessageDigest;
use crate::normalise::normalise;
use crate::subject::{MAX_TEXT, bounded};

/// Occurrences are counted up to here (facts 2.4).
pub const MAX_OCCURRENCES: u32 = 100_000;
/// Different texts that a table holds; further ones are counted together under [`OVERFLOW_TEXT`].
pub const MAX_ROWS: usize = 100_000;
/// The normalised text of the row that counts texts over [`MAX_ROWS`].
pub const OVERFLOW_TEXT: &str = "#OVERFLOW#";
/// Octets kept of a first address.
const MAX_ADDRESS: usize = 320;

/// Where a text stands (facts 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Qualification {
    /// Nobody knows it yet.
    ToQualify,
    /// Qualified, by a rule or by an operator.
    Keep,
    /// To be ignored: never quarantines.
    Ignore,
}

impl Qualification {
    /// All values.
    pub const ALL: [Self; 3] = [Self::ToQualify, Self::Keep, Self::Ignore];

    /// Its name in storage and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ToQualify => "to_qualify",
            Self::Keep => "keep",
            Self::Ignore => "ignore",
        }
    }

    /// The value of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.name() == name)
    }

    /// The label that the user interface shows.
    pub const fn label(self) -> &'static str {
        match self {
            Self::ToQualify => "To qualify",
            Self::Keep => "Keep",
            Self::Ignore => "Ignore",
        }
    }
}

/// Who decided what a row says. Rules decide anew each time; an operator's decision stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// Nobody: no rule knows the text.
    None,
    /// The rules.
    Rules,
    /// An operator, by an [`Edit`]; overrides the rules.
    Operator,
}

impl Decision {
    /// All values.
    pub const ALL: [Self; 3] = [Self::None, Self::Rules, Self::Operator];

    /// Its name in storage and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Rules => "rules",
            Self::Operator => "operator",
        }
    }

    /// The value of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.name() == name)
    }
}

/// A normalised text and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name: the MD5 digest of `text`.
    pub digest: MessageDigest,
    /// Normalised text.
    pub text: String,
    /// Campaign's failure type for it.
    pub failure_type: FailureType,
    /// Campaign's failure reason for it.
    pub reason: FailureReason,
    /// Where it stands.
    pub status: Qualification,
    /// Who decided that.
    pub decision: Decision,
    /// Occurrences, at most [`MAX_OCCURRENCES`].
    pub count: u32,
    /// The first text as it came, at most [`MAX_TEXT`] octets.
    pub first_text: String,
    /// The address that the first text spoke of; empty if none is known.
    pub first_address: String,
    /// When it came first.
    pub created: Timestamp,
    /// When it came last.
    pub last_seen: Timestamp,
    /// When it came or was edited last.
    pub modified: Timestamp,
}

/// A change by an operator; what is `None` stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// New failure type.
    pub failure_type: Option<FailureType>,
    /// New failure reason.
    pub reason: Option<FailureReason>,
    /// New status. Without it the row becomes [`Qualification::Keep`]; [`Qualification::ToQualify`] hands the row
    /// back to the rules.
    pub status: Option<Qualification>,
}

/// What recording a text came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowOutcome {
    /// The row that counted it.
    pub digest: MessageDigest,
    /// What holds for the text now; `None`: neither rules nor an operator know it.
    pub verdict: Option<(FailureType, FailureReason)>,
    /// An operator's decision replaced what the rules said.
    pub overridden: bool,
}

/// Rows by digest. At one instant the order in which texts are recorded makes no difference, as long as there are
/// fewer than [`MAX_ROWS`] of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QualificationTable {
    rows: BTreeMap<MessageDigest, Row>,
}

impl QualificationTable {
    /// An empty table.
    pub const fn new() -> Self {
        Self { rows: BTreeMap::new() }
    }

    /// Counts one occurrence of a text, as it came, at the instant `at`; `verdict` is what the rules say of it,
    /// `None` where no rule knows it, `address` the recipient, or empty.
    pub fn record(
        &mut self,
        text: &str,
        verdict: Option<(FailureType, FailureReason)>,
        address: &str,
        at: Timestamp,
    ) -> RowOutcome {
        let mut normalised = normalise(text);
        let mut digest = MessageDigest::of_normalised(&normalised);
        let is_new = !self.rows.contains_key(&digest);
        let overflows = is_new && self.is_full();
        if overflows {
            OVERFLOW_TEXT.clone_into(&mut normalised);
            digest = MessageDigest::of_normalised(OVERFLOW_TEXT);
        }
        let first = First { text: bounded(text, MAX_TEXT), address: bounded(address, MAX_ADDRESS) };
        let row = self.rows.entry(digest).or_insert_with(|| Row::new(digest, normalised, first, at));
        row.count = row.count.saturating_add(1).min(MAX_OCCURRENCES);
        row.keep_first(first, at);
        // The overflow row stands for many texts: it counts, and says nothing about any of them.
        if !overflows {
            row.hear_rules(verdict, at);
        }
        row.last_seen = row.last_seen.max(at);
        row.modified = row.modified.max(at);
        let overridden = row.decision == Decision::Operator && !overflows;
        let verdict = if overridden { Some((row.failure_type, row.reason)) } else { verdict };
        RowOutcome { digest, verdict, overridden }
    }

    /// Changes a row by an operator's hand. It holds from the next text on. [`Qualification::Ignore`] makes the type
    /// Ignored. `None` if there is no such row.
    pub fn edit(&mut self, digest: MessageDigest, edit: Edit, at: Timestamp) -> Option<&Row> {
        let row = self.rows.get_mut(&digest)?;
        row.failure_type = edit.failure_type.unwrap_or(row.failure_type);
        row.reason = edit.reason.unwrap_or(row.reason);
        row.status = edit.status.unwrap_or(Qualification::Keep);
        row.decision = match row.status {
            Qualification::ToQualify => Decision::None,
            Qualification::Keep => Decision::Operator,
            Qualification::Ignore => {
                row.failure_type = FailureType::Ignored;
                Decision::Operator
            }
        };
        row.modified = row.modified.max(at);
        Some(row)
    }

    /// Puts a row back that was stored. The digest is made from the text again.
    pub fn restore(&mut self, mut row: Row) {
        row.digest = MessageDigest::of_normalised(&row.text);
        row.count = row.count.min(MAX_OCCURRENCES);
        self.rows.insert(row.digest, row);
    }

    /// The row of this digest.
    pub fn get(&self, digest: MessageDigest) -> Option<&Row> {
        self.rows.get(&digest)
    }

    /// All rows by digest.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &Row> {
        self.rows.values()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= MAX_ROWS
    }
}

/// What of an occurrence is kept if it is the first.
#[derive(Clone, Copy)]
struct First<'a> {
    text: &'a str,
    address: &'a str,
}

impl Row {
    fn new(digest: MessageDigest, text: String, first: First<'_>, at: Timestamp) -> Self {
        Self {
            digest,
            text,
            failure_type: FailureType::NotDefined,
            reason: FailureReason::NotDefined,
            status: Qualification::ToQualify,
            decision: Decision::None,
            count: 0,
            first_text: first.text.to_owned(),
            first_address: first.address.to_owned(),
            created: at,
            last_seen: at,
            modified: at,
        }
    }

    /// The first text is the smallest of the earliest instant, whichever was recorded first.
    fn keep_first(&mut self, first: First<'_>, at: Timestamp) {
        let known = (self.created, self.first_text.as_str(), self.first_address.as_str());
        if (at, first.text, first.address) < known {
            first.text.clone_into(&mut self.first_text);
            first.address.clone_into(&mut self.first_address);
            self.created = at;
        }
    }

    /// The latest verdict of the rules holds; of those of one instant the one with the greatest numbers, so that
    /// their order makes no difference, and a verdict before none.
    fn hear_rules(&mut self, verdict: Option<(FailureType, FailureReason)>, at: Timestamp) {
        let known = match self.decision {
            Decision::Operator => return,
            Decision::Rules => Some((self.failure_type, self.reason)),
            Decision::None => None,
        };
        let holds = match at.cmp(&self.last_seen) {
            std::cmp::Ordering::Less => known,
            std::cmp::Ordering::Equal => known.max(verdict),
            std::cmp::Ordering::Greater => verdict,
        };
        (self.failure_type, self.reason) =
            holds.unwrap_or((FailureType::NotDefined, FailureReason::NotDefined));
        (self.status, self.decision) = match holds {
            Some(_) => (Qualification::Keep, Decision::Rules),
            None => (Qualification::ToQualify, Decision::None),
        };
    }
}

#[cfg(test)]
mod tests;
