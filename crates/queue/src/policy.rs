//! Which schedule and which limits hold where.

use std::collections::BTreeMap;

use emta_mail::BounceClass;

use crate::limits::Limits;
use crate::schedule::RetrySchedule;

/// Schedules and limits: defaults, and what differs for a mailbox provider or a kind of failure.
///
/// Any combination is valid, because every part is. The most particular schedule holds: that of the provider and
/// class, of the class, of the provider, the default. A class goes before a provider because it knows more about when
/// another attempt makes sense.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The schedule where nothing else holds.
    pub schedule: RetrySchedule,
    /// The limits where nothing else holds.
    pub limits: Limits,
    /// Schedules after a deferral of this class.
    pub classes: BTreeMap<BounceClass, RetrySchedule>,
    /// What differs, by the provider's name.
    pub providers: BTreeMap<String, ProviderPolicy>,
}

/// What differs for one mailbox provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderPolicy {
    /// Its schedule; `None` for the default.
    pub schedule: Option<RetrySchedule>,
    /// The limits of each of its domains; `None` for the default.
    pub limits: Option<Limits>,
    /// Its schedules after a deferral of this class.
    pub classes: BTreeMap<BounceClass, RetrySchedule>,
}

impl Policy {
    /// The schedule after a deferral of this class by this provider.
    pub fn schedule(&self, provider: &str, class: BounceClass) -> &RetrySchedule {
        let own = self.providers.get(provider);
        own.and_then(|own| own.classes.get(&class))
            .or_else(|| self.classes.get(&class))
            .or_else(|| own.and_then(|own| own.schedule.as_ref()))
            .unwrap_or(&self.schedule)
    }

    /// The limits of each domain of this provider.
    pub fn limits(&self, provider: &str) -> Limits {
        self.providers.get(provider).and_then(|own| own.limits).unwrap_or(self.limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn every(minutes: u64) -> RetrySchedule {
        RetrySchedule::list(vec![Duration::from_mins(minutes)]).unwrap()
    }

    #[test]
    fn the_most_particular_holds() {
        use BounceClass::{MailboxFull, SpamBlock, Timeout};
        let limits = Limits::try_new(2, 5, Some(1_200)).unwrap();
        let own = ProviderPolicy {
            schedule: Some(every(3)),
            limits: Some(limits),
            classes: [(SpamBlock, every(4))].into(),
        };
        let policy = Policy {
            schedule: every(1),
            limits: Limits::default(),
            classes: [(SpamBlock, every(2)), (MailboxFull, every(5))].into(),
            providers: [("strict".to_owned(), own), ("plain".to_owned(), ProviderPolicy::default())].into(),
        };
        let check = |provider, class, minutes| {
            assert_eq!(policy.schedule(provider, class), &every(minutes), "{provider} {class}");
        };
        check("strict", SpamBlock, 4);
        check("strict", MailboxFull, 5);
        check("strict", Timeout, 3);
        for other in ["plain", "unknown"] {
            check(other, SpamBlock, 2);
            check(other, Timeout, 1);
            assert_eq!(policy.limits(other), Limits::default());
        }
        assert_eq!(policy.limits("strict"), limits);
    }
}
