//! Key performance indicators: a count over a delivery's log, in one mode.

use std::collections::BTreeMap;

use emta_mail::{FailureReason, FailureType};

use crate::config::Mode;
use crate::log::{LogState, LogStatus, Standing};

/// What a delivery's log adds up to in one mode. Numbers are numbers of messages.
///
/// Kept up to date entry by entry; counting the log afresh gives the same ([`Kpis::from_states`]), and so does
/// folding the delivery's events again (`Campaign::compute_stats`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kpis {
    /// All recipients of the delivery.
    pub targeted: u64,
    /// Left out when it was prepared, by reason.
    pub excluded: BTreeMap<FailureReason, u64>,
    /// Not left out.
    pub to_deliver: u64,
    /// The MTA has them.
    pub relayed: u64,
    /// Status Pending.
    pub pending: u64,
    /// Status *Taken into account by the service provider*. They are no success yet: the table of the Enhanced MTA
    /// starts at 0 %, though Campaign v8's own formula counts them (facts 5.4, 9.5).
    pub taken_into_account: u64,
    /// Status Sent: *Delivered*, or *Success*.
    pub delivered: u64,
    /// Status Failed: *Bounces + errors*.
    pub bounces: u64,
    /// Status Delivery canceled.
    pub canceled: u64,
    /// Failed, of type Hard.
    pub hard: u64,
    /// Failed, of type Soft.
    pub soft: u64,
    /// Failed, of type Ignored.
    pub ignored: u64,
    /// Failed, not qualified yet.
    pub not_defined: u64,
    /// Failed, by reason.
    pub by_reason: BTreeMap<FailureReason, u64>,
    /// The recipient complained.
    pub complaints: u64,
    /// The recipient asked for no more mail by a feedback report.
    pub opt_outs: u64,
    /// Answered automatically.
    pub auto_replies: u64,
    /// Opened: distinct recipients.
    pub opens: u64,
    /// Followed a link: distinct recipients.
    pub clicks: u64,
    /// Addresses that this delivery's failures put into quarantine. Quarantine is kept in the mode in force only;
    /// `None` in the others and where events are folded again.
    pub new_quarantine: Option<u64>,
}

impl Kpis {
    /// Counts a log.
    pub fn from_states<'a>(mode: Mode, states: impl IntoIterator<Item = &'a LogState>) -> Self {
        let mut kpis = Self::default();
        for state in states {
            kpis.enter(state.standing(mode));
        }
        kpis
    }

    /// Delivered and Failed: the messages whose fate is known, for now.
    pub const fn processed(&self) -> u64 {
        self.delivered.saturating_add(self.bounces)
    }

    /// Processed, in percent of the messages to deliver.
    pub fn processed_percent(&self) -> f64 {
        percent(self.processed(), self.to_deliver)
    }

    /// Delivered, in percent of the messages to deliver.
    pub fn delivered_percent(&self) -> f64 {
        percent(self.delivered, self.to_deliver)
    }

    /// Bounces and errors, in percent of the messages to deliver.
    pub fn bounces_percent(&self) -> f64 {
        percent(self.bounces, self.to_deliver)
    }

    /// Opens, in percent of the messages delivered.
    pub fn opens_percent(&self) -> f64 {
        percent(self.opens, self.delivered)
    }

    /// Clicks, in percent of the messages delivered.
    pub fn clicks_percent(&self) -> f64 {
        percent(self.clicks, self.delivered)
    }

    /// Complaints, in percent of the messages delivered.
    pub fn complaints_percent(&self) -> f64 {
        percent(self.complaints, self.delivered)
    }

    /// Adds what another delivery's log adds up to in the same mode. `new_quarantine` is counted where it is known.
    pub fn add(&mut self, other: &Self) {
        // Named one by one, so that the compiler asks for a number that is new.
        let Self {
            targeted,
            excluded,
            to_deliver,
            relayed,
            pending,
            taken_into_account,
            delivered,
            bounces,
            canceled,
            hard,
            soft,
            ignored,
            not_defined,
            by_reason,
            complaints,
            opt_outs,
            auto_replies,
            opens,
            clicks,
            new_quarantine,
        } = other;
        let numbers = [
            (&mut self.targeted, targeted),
            (&mut self.to_deliver, to_deliver),
            (&mut self.relayed, relayed),
            (&mut self.pending, pending),
            (&mut self.taken_into_account, taken_into_account),
            (&mut self.delivered, delivered),
            (&mut self.bounces, bounces),
            (&mut self.canceled, canceled),
            (&mut self.hard, hard),
            (&mut self.soft, soft),
            (&mut self.ignored, ignored),
            (&mut self.not_defined, not_defined),
            (&mut self.complaints, complaints),
            (&mut self.opt_outs, opt_outs),
            (&mut self.auto_replies, auto_replies),
            (&mut self.opens, opens),
            (&mut self.clicks, clicks),
        ];
        for (number, more) in numbers {
            *number = number.saturating_add(*more);
        }
        for (reasons, more) in [(&mut self.excluded, excluded), (&mut self.by_reason, by_reason)] {
            for (reason, more) in more {
                let number = reasons.entry(*reason).or_default();
                *number = number.saturating_add(*more);
            }
        }
        self.new_quarantine = match (self.new_quarantine, *new_quarantine) {
            (Some(one), Some(more)) => Some(one.saturating_add(more)),
            (one, more) => one.or(more),
        };
    }

    pub(crate) fn enter(&mut self, standing: Standing) {
        self.count(standing, |number| *number = number.saturating_add(1));
    }

    pub(crate) fn leave(&mut self, standing: Standing) {
        self.count(standing, |number| *number = number.saturating_sub(1));
        // A reason that nobody has any more is not listed, so that equal logs have equal KPIs.
        self.excluded.retain(|_, number| *number > 0);
        self.by_reason.retain(|_, number| *number > 0);
    }

    fn count(&mut self, standing: Standing, step: impl Fn(&mut u64)) {
        let Standing { status, failure_type, reason, relayed, marks } = standing;
        step(&mut self.targeted);
        if status == LogStatus::Ignored {
            step(self.excluded.entry(reason).or_default());
            return;
        }
        step(&mut self.to_deliver);
        match status {
            LogStatus::Ignored => {}
            LogStatus::Sent => step(&mut self.delivered),
            LogStatus::TakenIntoAccount => step(&mut self.taken_into_account),
            LogStatus::Pending => step(&mut self.pending),
            LogStatus::Canceled => step(&mut self.canceled),
            LogStatus::Failed => {
                step(&mut self.bounces);
                step(self.by_reason.entry(reason).or_default());
                step(match failure_type {
                    FailureType::Hard => &mut self.hard,
                    FailureType::Soft => &mut self.soft,
                    FailureType::Ignored => &mut self.ignored,
                    FailureType::NotDefined => &mut self.not_defined,
                });
            }
        }
        let marked = [
            (relayed, &mut self.relayed),
            (marks.complained, &mut self.complaints),
            (marks.opted_out, &mut self.opt_outs),
            (marks.auto_replied, &mut self.auto_replies),
            (marks.opened, &mut self.opens),
            (marks.clicked, &mut self.clicks),
        ];
        for (is_marked, number) in marked {
            if is_marked {
                step(number);
            }
        }
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_two_logs() {
        let one = LogState::default();
        let other = LogState::excluded(crate::exclusion::Exclusion::Double);
        for mode in Mode::ALL {
            let mut sum = Kpis::from_states(mode, [&one]);
            sum.add(&Kpis::from_states(mode, [&other, &one]));
            assert_eq!(sum, Kpis::from_states(mode, [&one, &other, &one]));
        }
        let with = |new_quarantine| Kpis { new_quarantine, ..Kpis::default() };
        for (a, b, expected) in [(None, Some(2), Some(2)), (Some(1), Some(2), Some(3)), (None, None, None)] {
            let mut sum = with(a);
            sum.add(&with(b));
            assert_eq!(sum.new_quarantine, expected);
        }
    }

    #[test]
    fn percentages() {
        let kpis = Kpis { to_deliver: 8, delivered: 6, bounces: 1, opens: 3, ..Kpis::default() };
        assert_eq!((kpis.delivered_percent(), kpis.bounces_percent()), (75.0, 12.5));
        assert_eq!((kpis.processed_percent(), kpis.opens_percent()), (87.5, 50.0));
        assert!(Kpis::default().delivered_percent().abs() < f64::EPSILON, "nothing of nothing");
    }
}
