//! The recipients of a delivery, one small row each.

use std::borrow::Cow;
use std::collections::HashSet;

use emta_mail::{EmailAddress, FailureReason, FailureType, Timestamp};

use crate::config::Mode;
use crate::exclusion::Exclusion;
use crate::key::LogKey;
use crate::log::{LogState, LogStatus, Marks};
use crate::quarantine::{AddressBook, AddressStatus};

/// Longest prefix kept of an address that cannot be read, in octets.
const MAX_WRITTEN: usize = EmailAddress::MAX_LEN;

/// One recipient: where the mail goes, what it is personalised with, and what is known of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) target: Target,
    pub(crate) values: Box<[Box<str>]>,
    pub(crate) state: LogState,
}

/// The address as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Address(EmailAddress),
    /// Empty, or not an address; mail cannot be sent there.
    Unreadable(Box<Unreadable>),
}

/// An address that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    written: String,
    problem: String,
}

/// An entry of the delivery log, as a mode shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow<'a> {
    /// Its key.
    pub key: LogKey,
    /// The address in canonical form, or as it was written where it is none.
    pub address: &'a str,
    /// Status.
    pub status: LogStatus,
    /// Failure type; Not defined where nothing went wrong.
    pub failure_type: FailureType,
    /// Failure reason; Not defined where nothing went wrong.
    pub reason: FailureReason,
    /// Why it failed or was left out; `'address' sent` for a message that was sent; else empty.
    pub text: Cow<'a, str>,
    /// The rule that classified or qualified the failure, if one did.
    pub rule: Option<&'a str>,
    /// When that happened which is shown; for what has not happened yet or never will, when it was prepared.
    pub date: Timestamp,
    /// What the recipient did.
    pub marks: Marks,
}

impl Row {
    /// The row's entry in the log, as the mode shows it.
    pub(crate) fn show(&self, key: LogKey, mode: Mode, prepared_at: Timestamp) -> LogRow<'_> {
        let Self { target, state, values: _ } = self;
        let standing = state.standing(mode);
        let failure = state.failure(mode);
        let text = match (state.exclusion(), failure, standing.status) {
            (Some(why), _, _) => Cow::Borrowed(target.exclusion_text(why)),
            (None, Some(failure), _) => Cow::Borrowed(failure.text()),
            (None, None, LogStatus::Sent) => Cow::Owned(format!("'{}' sent", target.as_str())),
            (None, None, LogStatus::Canceled) if state.is_overdue() => Cow::Borrowed(LogState::OVERDUE_TEXT),
            (
                None,
                None,
                LogStatus::Canceled
                | LogStatus::Ignored
                | LogStatus::Failed
                | LogStatus::TakenIntoAccount
                | LogStatus::Pending,
            ) => Cow::Borrowed(""),
        };
        LogRow {
            key,
            address: target.as_str(),
            status: standing.status,
            failure_type: standing.failure_type,
            reason: standing.reason,
            text,
            rule: failure.and_then(|failure| failure.rule()),
            date: state.date(mode).unwrap_or(prepared_at),
            marks: standing.marks,
        }
    }
}

impl Target {
    /// Reads an address; white space around it does not count.
    pub(crate) fn read(written: &str) -> Self {
        let written = written.trim();
        if written.is_empty() {
            let problem = Exclusion::AddressNotSpecified.text().to_owned();
            return Self::Unreadable(Box::new(Unreadable { written: String::new(), problem }));
        }
        match EmailAddress::parse(written) {
            Ok(address) => Self::Address(address),
            Err(error) => {
                let kept = written.get(..written.floor_char_boundary(MAX_WRITTEN)).unwrap_or_default();
                Self::Unreadable(Box::new(Unreadable {
                    written: kept.to_owned(),
                    problem: format!("{} {error}", Exclusion::AddressNotSpecified.text()),
                }))
            }
        }
    }

    pub(crate) const fn address(&self) -> Option<&EmailAddress> {
        match self {
            Self::Address(address) => Some(address),
            Self::Unreadable(_) => None,
        }
    }

    /// The address in canonical form, or as it was written.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Address(address) => address.as_str(),
            Self::Unreadable(unreadable) => &unreadable.written,
        }
    }

    /// What the log shows of why it was left out.
    pub(crate) fn exclusion_text(&self, why: Exclusion) -> &str {
        match self {
            Self::Unreadable(unreadable) => &unreadable.problem,
            Self::Address(_) => why.text(),
        }
    }
}

/// Decides afresh who is left out, and gives each row its first state.
pub(crate) fn prepare(rows: &mut [Row], book: &AddressBook) {
    let mut seen = HashSet::with_capacity(rows.len());
    for Row { target, state, values: _ } in rows {
        let exclusion = match target {
            Target::Unreadable(_) => Some(Exclusion::AddressNotSpecified),
            Target::Address(address) => {
                let is_first = seen.insert(&*address);
                match book.status(address) {
                    AddressStatus::Denylisted => Some(Exclusion::Denylisted),
                    AddressStatus::Quarantine => Some(Exclusion::Quarantined),
                    AddressStatus::Unknown
                    | AddressStatus::WithErrors
                    | AddressStatus::Valid
                    | AddressStatus::Allowlisted => (!is_first).then_some(Exclusion::Double),
                }
            }
        };
        *state = exclusion.map_or_else(LogState::default, LogState::excluded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_is_kept_up_to_the_bound() {
        for (length, kept) in [(MAX_WRITTEN, MAX_WRITTEN), (MAX_WRITTEN + 1, MAX_WRITTEN)] {
            let target = Target::read(&"x".repeat(length));
            assert_eq!((target.address(), target.as_str().len()), (None, kept));
        }
        let too_long = Target::read(&format!("{}@example.com", "x".repeat(MAX_WRITTEN)));
        assert_eq!(
            too_long.exclusion_text(Exclusion::AddressNotSpecified),
            "Address not specified. an address of 332 octets is longer than the 320 that are allowed"
        );
    }
}
