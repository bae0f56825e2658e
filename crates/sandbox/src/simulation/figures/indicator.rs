//! The campaign core's KPIs as rows of numbers, so that tables, plots and differences need no list of their own.

use std::collections::BTreeMap;

use emta_campaign::Kpis;
use emta_mail::FailureReason;

/// A number of [`Kpis`], under the campaign core's own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Indicator {
    /// [`Kpis::targeted`].
    Targeted,
    /// [`Kpis::excluded`], all reasons together.
    Excluded,
    /// [`Kpis::to_deliver`].
    ToDeliver,
    /// [`Kpis::relayed`].
    Relayed,
    /// [`Kpis::pending`].
    Pending,
    /// [`Kpis::taken_into_account`].
    TakenIntoAccount,
    /// [`Kpis::delivered`].
    Delivered,
    /// [`Kpis::bounces`].
    Bounces,
    /// [`Kpis::canceled`].
    Canceled,
    /// [`Kpis::hard`].
    Hard,
    /// [`Kpis::soft`].
    Soft,
    /// [`Kpis::ignored`].
    Ignored,
    /// [`Kpis::not_defined`].
    NotDefined,
    /// [`Kpis::complaints`].
    Complaints,
    /// [`Kpis::opt_outs`].
    OptOuts,
    /// [`Kpis::auto_replies`].
    AutoReplies,
    /// [`Kpis::opens`].
    Opens,
    /// [`Kpis::clicks`].
    Clicks,
}

impl Indicator {
    /// Number of indicators.
    pub const COUNT: usize = 18;

    /// All of them, in the order of the campaign's own table.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Targeted,
        Self::Excluded,
        Self::ToDeliver,
        Self::Relayed,
        Self::Pending,
        Self::TakenIntoAccount,
        Self::Delivered,
        Self::Bounces,
        Self::Canceled,
        Self::Hard,
        Self::Soft,
        Self::Ignored,
        Self::NotDefined,
        Self::Complaints,
        Self::OptOuts,
        Self::AutoReplies,
        Self::Opens,
        Self::Clicks,
    ];

    /// Its name in files, as in the API's KPIs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Targeted => "targeted",
            Self::Excluded => "excluded",
            Self::ToDeliver => "to_deliver",
            Self::Relayed => "relayed",
            Self::Pending => "pending",
            Self::TakenIntoAccount => "taken_into_account",
            Self::Delivered => "delivered",
            Self::Bounces => "bounces",
            Self::Canceled => "canceled",
            Self::Hard => "hard",
            Self::Soft => "soft",
            Self::Ignored => "ignored",
            Self::NotDefined => "not_defined",
            Self::Complaints => "complaints",
            Self::OptOuts => "opt_outs",
            Self::AutoReplies => "auto_replies",
            Self::Opens => "opens",
            Self::Clicks => "clicks",
        }
    }

    /// Its name for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Targeted => "Targeted",
            Self::Excluded => "Excluded",
            Self::ToDeliver => "To deliver",
            Self::Relayed => "Relayed",
            Self::Pending => "Pending",
            Self::TakenIntoAccount => "Taken into account",
            Self::Delivered => "Delivered",
            Self::Bounces => "Bounces + errors",
            Self::Canceled => "Canceled",
            Self::Hard => "Hard",
            Self::Soft => "Soft",
            Self::Ignored => "Ignored",
            Self::NotDefined => "Not defined",
            Self::Complaints => "Complaints",
            Self::OptOuts => "Opt-outs",
            Self::AutoReplies => "Automatic replies",
            Self::Opens => "Opens",
            Self::Clicks => "Clicks",
        }
    }
}

/// KPIs at one instant, or how they changed during one hour.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct KpiRow {
    numbers: [i64; Indicator::COUNT],
    by_reason: BTreeMap<FailureReason, i64>,
}

impl KpiRow {
    /// The number of this indicator.
    pub const fn of(&self, indicator: Indicator) -> i64 {
        self.numbers[indicator as usize]
    }

    /// Failed messages by reason, those that are not zero.
    pub fn by_reason(&self) -> impl Iterator<Item = (FailureReason, i64)> {
        self.by_reason.iter().map(|(reason, number)| (*reason, *number))
    }

    /// Adds another row.
    pub fn add(&mut self, other: &Self) {
        self.combine(other, i64::saturating_add);
    }

    /// Takes another row away.
    pub fn subtract(&mut self, other: &Self) {
        self.combine(other, i64::saturating_sub);
    }

    fn combine(&mut self, other: &Self, with: impl Fn(i64, i64) -> i64) {
        for (number, other) in self.numbers.iter_mut().zip(other.numbers) {
            *number = with(*number, other);
        }
        for (reason, other) in &other.by_reason {
            let number = self.by_reason.entry(*reason).or_default();
            *number = with(*number, *other);
        }
        // A reason that nobody has is not listed, so that equal rows compare equal.
        self.by_reason.retain(|_, number| *number != 0);
    }
}

impl From<&Kpis> for KpiRow {
    fn from(kpis: &Kpis) -> Self {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let number = |indicator| match indicator {
            Indicator::Targeted => kpis.targeted,
            Indicator::Excluded => kpis.excluded.values().sum(),
            Indicator::ToDeliver => kpis.to_deliver,
            Indicator::Relayed => kpis.relayed,
            Indicator::Pending => kpis.pending,
            Indicator::TakenIntoAccount => kpis.taken_into_account,
            Indicator::Delivered => kpis.delivered,
            Indicator::Bounces => kpis.bounces,
            Indicator::Canceled => kpis.canceled,
            Indicator::Hard => kpis.hard,
            Indicator::Soft => kpis.soft,
            Indicator::Ignored => kpis.ignored,
            Indicator::NotDefined => kpis.not_defined,
            Indicator::Complaints => kpis.complaints,
            Indicator::OptOuts => kpis.opt_outs,
            Indicator::AutoReplies => kpis.auto_replies,
            Indicator::Opens => kpis.opens,
            Indicator::Clicks => kpis.clicks,
        };
        let by_reason = kpis.by_reason.iter().filter(|(_, number)| **number > 0);
        Self {
            numbers: Indicator::ALL.map(|indicator| signed(number(indicator))),
            by_reason: by_reason.map(|(reason, number)| (*reason, signed(*number))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indicators_are_numbered_as_listed() {
        for (index, indicator) in Indicator::ALL.into_iter().enumerate() {
            assert_eq!(indicator as usize, index, "{indicator:?}");
        }
    }

    #[test]
    fn a_row_less_itself_is_nothing() {
        let by_reason = BTreeMap::from([(FailureReason::UserUnknown, 2), (FailureReason::Refused, 0)]);
        let kpis = Kpis { targeted: 9, bounces: 2, by_reason, ..Kpis::default() };
        let mut row = KpiRow::from(&kpis);
        assert_eq!((row.of(Indicator::Targeted), row.of(Indicator::Bounces)), (9, 2));
        assert_eq!(row.by_reason().collect::<Vec<_>>(), [(FailureReason::UserUnknown, 2)]);
        row.subtract(&row.clone());
        assert_eq!(row, KpiRow::default());
    }
}
