//! Why a recipient is left out when a delivery is prepared.

use emta_mail::FailureReason;

/// A reason to leave a recipient out, in the order in which they are tested.
///
/// Excluded entries have the status Ignored and the failure type Ignored, as the user interface shows them, though
/// the documentation's table calls most of these reasons Hard (facts 1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exclusion {
    /// No address, or one that mail cannot be sent to.
    AddressNotSpecified,
    /// The address is on the denylist.
    Denylisted,
    /// The address is in quarantine.
    Quarantined,
    /// An earlier recipient of the delivery has the same address.
    Double,
}

impl Exclusion {
    /// All reasons, in the order tested.
    pub const ALL: [Self; 4] = [Self::AddressNotSpecified, Self::Denylisted, Self::Quarantined, Self::Double];

    /// Campaign's failure reason for it.
    pub const fn reason(self) -> FailureReason {
        match self {
            Self::AddressNotSpecified => FailureReason::AddressNotSpecified,
            Self::Denylisted => FailureReason::Denylisted,
            Self::Quarantined => FailureReason::Quarantined,
            Self::Double => FailureReason::Double,
        }
    }

    /// The text that the log shows (facts 2.4; that of quarantine is not published).
    pub const fn text(self) -> &'static str {
        match self {
            Self::AddressNotSpecified => "Address not specified.",
            Self::Denylisted => "The recipient no longer wants to be contacted.",
            Self::Quarantined => "Address in quarantine.",
            Self::Double => "Recipient already targeted.",
        }
    }
}
