//! What a simulation adds up to: counts by virtual hour, by provider, by reason, by attempt, by age.
//!
//! [`Figures`] is a sum over events. Neither their order nor how they are divided among several figures that are
//! merged at the end changes it, so threads may count for themselves. What is known only of the whole, such as how
//! much mail is still queued at the end of an hour, is read off the sums.

mod counts;
mod indicator;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use emta_campaign::{Kpis, Mode};
use emta_mail::{BounceClass, DeliveryEvent, FailureReason, FailureType, Timestamp};

pub use counts::{Counts, Outcome};
pub use indicator::{Indicator, KpiRow};

/// Virtual hours that are told apart: a year. What happens later counts in the last one.
pub const MAX_HOURS: usize = 24 * 366;

/// Attempts that are told apart; later ones count as this one.
pub const MAX_ATTEMPT: usize = 64;

/// Minutes of age that are told apart: 100 hours, more than any message is tried. Greater ages count as this one.
pub const MAX_AGE_MINUTES: usize = 100 * 60;

/// Longest time that a message is tried (facts 3.2): where the survival of queued mail ends.
pub const LONGEST_VALIDITY: Duration = emta_campaign::config::VALIDITY_CAP;

/// What was simulated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The scenario's name.
    pub scenario: String,
    /// The seed of all chance.
    pub seed: u64,
    /// Recipients targeted.
    pub recipients: u64,
    /// First instant of the run.
    pub start: Timestamp,
    /// Last instant of the run.
    pub end: Timestamp,
    /// The command that gives the same run again.
    pub command: String,
}

/// What must be known of an event's message to count it.
#[derive(Clone, Copy, Debug)]
pub struct Mail<'a> {
    /// The simulated mailbox provider that its domain belongs to.
    pub provider: &'a str,
    /// When the relay accepted it.
    pub accepted_at: Timestamp,
}

/// What a simulation adds up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    setting: Setting,
    hours: Vec<Counts>,
    quarantined: Vec<u64>,
    providers: BTreeMap<String, Counts>,
    verdicts: BTreeMap<(FailureType, FailureReason), Counts>,
    classes: BTreeMap<BounceClass, Counts>,
    attempts: Vec<Counts>,
    left_at_age: Vec<u64>,
    /// How the KPIs of each mode changed, by hour.
    kpis: [Vec<KpiRow>; Mode::ALL.len()],
}

impl Figures {
    /// Nothing counted yet.
    pub fn new(setting: Setting) -> Self {
        Self {
            setting,
            hours: Vec::new(),
            quarantined: Vec::new(),
            providers: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            classes: BTreeMap::new(),
            attempts: Vec::new(),
            left_at_age: Vec::new(),
            kpis: Default::default(),
        }
    }

    /// Counts an event.
    pub fn record(&mut self, event: &DeliveryEvent, mail: Mail<'_>) {
        let outcome = Outcome::of(event);
        let hour = self.hour_of(event.at);
        slot(&mut self.hours, hour).add(outcome, 1);
        match self.providers.get_mut(mail.provider) {
            Some(counts) => counts.add(outcome, 1),
            None => self.providers.entry(mail.provider.to_owned()).or_default().add(outcome, 1),
        }
        if let Some(verdict) = event.verdict() {
            self.verdicts.entry((verdict.failure_type, verdict.reason)).or_default().add(outcome, 1);
            if let Some(class) = verdict.class {
                self.classes.entry(class).or_default().add(outcome, 1);
            }
        }
        if let Some(attempt) = event.attempt() {
            let number = usize::try_from(attempt.number).unwrap_or(MAX_ATTEMPT).min(MAX_ATTEMPT);
            slot(&mut self.attempts, number).add(outcome, 1);
        }
        if outcome.is_final() {
            let minutes = event.at.since(mail.accepted_at).as_secs() / 60;
            let age = usize::try_from(minutes).unwrap_or(MAX_AGE_MINUTES).min(MAX_AGE_MINUTES);
            let left = slot(&mut self.left_at_age, age);
            *left = left.saturating_add(1);
        }
    }

    /// Counts addresses that came into quarantine.
    pub fn quarantine(&mut self, at: Timestamp, addresses: u64) {
        let hour = self.hour_of(at);
        let number = slot(&mut self.quarantined, hour);
        *number = number.saturating_add(addresses);
    }

    /// Takes down the KPIs of a part of the run as they are at the end of the hour of `at`; `before` are those that were
    /// taken down of it last. Hours are told in order; one that is left out ends as the one before it, and of several
    /// words on one hour the last holds.
    pub fn kpis_at(&mut self, at: Timestamp, mode: Mode, before: &mut KpiRow, kpis: &Kpis) {
        let hour = self.hour_of(at);
        let row = KpiRow::from(kpis);
        let mut change = row.clone();
        change.subtract(&mem::replace(before, row));
        slot(&mut self.kpis[mode as usize], hour).add(&change);
    }

    /// Adds what was counted of another part of the same run.
    pub fn merge(&mut self, other: &Self) {
        merge_each(&mut self.hours, &other.hours, Counts::merge);
        merge_each(&mut self.quarantined, &other.quarantined, |sum, more| *sum = sum.saturating_add(*more));
        merge_keys(&mut self.providers, &other.providers);
        merge_keys(&mut self.verdicts, &other.verdicts);
        merge_keys(&mut self.classes, &other.classes);
        merge_each(&mut self.attempts, &other.attempts, Counts::merge);
        merge_each(&mut self.left_at_age, &other.left_at_age, |sum, more| *sum = sum.saturating_add(*more));
        for (rows, others) in self.kpis.iter_mut().zip(&other.kpis) {
            merge_each(rows, others, KpiRow::add);
        }
    }

    /// What was simulated.
    pub const fn setting(&self) -> &Setting {
        &self.setting
    }

    /// Virtual hours from the start to the end or the last thing counted, whichever is later; at least one.
    pub fn hours(&self) -> usize {
        let counted = self.hours.len().max(self.quarantined.len());
        let counted = self.kpis.iter().map(Vec::len).fold(counted, usize::max);
        // An end on the full hour belongs to the hour that it ends.
        let millis = self.setting.end.since(self.setting.start).as_millis();
        let planned = usize::try_from(millis.div_ceil(HOUR.as_millis())).unwrap_or(MAX_HOURS).min(MAX_HOURS);
        counted.max(planned).max(1)
    }

    /// What happened during an hour, counted from 0.
    pub fn hour(&self, hour: usize) -> Counts {
        self.hours.get(hour).copied().unwrap_or_default()
    }

    /// What happened until the end of each hour.
    pub fn until(&self) -> Vec<Counts> {
        let mut sum = Counts::default();
        let running = (0..self.hours()).map(|hour| {
            sum.merge(&self.hour(hour));
            sum
        });
        running.collect()
    }

    /// What happened altogether.
    pub fn total(&self) -> Counts {
        let mut sum = Counts::default();
        self.hours.iter().for_each(|hour| sum.merge(hour));
        sum
    }

    /// Addresses in quarantine at the end of each hour, of those that this run has put there.
    pub fn quarantined_until(&self) -> Vec<u64> {
        let mut sum: u64 = 0;
        let running = (0..self.hours()).map(|hour| {
            sum = sum.saturating_add(self.quarantined.get(hour).copied().unwrap_or(0));
            sum
        });
        running.collect()
    }

    /// The KPIs of a mode at the end of an hour.
    pub fn kpis(&self, mode: Mode, hour: usize) -> KpiRow {
        let mut sum = KpiRow::default();
        self.kpis[mode as usize].iter().take(hour.saturating_add(1)).for_each(|row| sum.add(row));
        sum
    }

    /// The KPIs of a mode at the end of each hour.
    pub fn kpis_until(&self, mode: Mode) -> Vec<KpiRow> {
        let mut sum = KpiRow::default();
        let changes = &self.kpis[mode as usize];
        let running = (0..self.hours()).map(|hour| {
            changes.get(hour).into_iter().for_each(|row| sum.add(row));
            sum.clone()
        });
        running.collect()
    }

    /// What happened at each provider, by name.
    pub fn providers(&self) -> impl Iterator<Item = (&str, &Counts)> {
        self.providers.iter().map(|(name, counts)| (name.as_str(), counts))
    }

    /// What happened for each failure type and reason.
    pub fn verdicts(&self) -> impl Iterator<Item = (FailureType, FailureReason, &Counts)> {
        self.verdicts.iter().map(|((failure_type, reason), counts)| (*failure_type, *reason, counts))
    }

    /// What happened for each bounce class; mail that came back has none.
    pub fn classes(&self) -> impl Iterator<Item = (BounceClass, &Counts)> {
        self.classes.iter().map(|(class, counts)| (*class, counts))
    }

    /// How attempts ended, by the attempt's number; 0 is the expiry of a message that was never tried.
    pub fn attempts(&self) -> impl Iterator<Item = (usize, &Counts)> {
        self.attempts.iter().enumerate().filter(|(_, counts)| !counts.is_empty())
    }

    /// Messages that left the queue during each minute of their age.
    pub fn left_at_age(&self) -> &[u64] {
        &self.left_at_age
    }

    /// The age in minutes at which this share of the accepted mail, 0 to 1, had left the queue; `None` if less has.
    pub fn age_at_share(&self, share: f64) -> Option<usize> {
        let accepted = self.total().of(Outcome::Accepted);
        let wanted = (share * accepted as f64).ceil().max(1.0);
        let mut left: u64 = 0;
        self.left_at_age.iter().position(|number| {
            left = left.saturating_add(*number);
            left as f64 >= wanted
        })
    }

    /// The share, 0 to 1, of the accepted mail that is still queued at the full age in hours, from 0 (all of it).
    pub fn survival(&self) -> Vec<f64> {
        let accepted = self.total().of(Outcome::Accepted);
        let hours = usize::try_from(LONGEST_VALIDITY.as_secs() / 3600).unwrap_or(0);
        let of = |hour: usize| {
            let left: u64 = self.left_at_age.iter().take(hour.saturating_mul(60)).sum();
            if accepted == 0 { 0.0 } else { accepted.saturating_sub(left) as f64 / accepted as f64 }
        };
        (0..=hours + 1).map(of).collect()
    }

    fn hour_of(&self, at: Timestamp) -> usize {
        let hour = at.since(self.setting.start).as_secs() / HOUR.as_secs();
        usize::try_from(hour).unwrap_or(MAX_HOURS).min(MAX_HOURS - 1)
    }
}

const HOUR: Duration = Duration::from_hours(1);

/// The element at an index that is below one of the limits above; the vector grows up to it.
fn slot<T: Clone + Default>(all: &mut Vec<T>, index: usize) -> &mut T {
    if all.len() <= index {
        all.resize(index + 1, T::default());
    }
    &mut all[index]
}

fn merge_each<T: Clone + Default>(all: &mut Vec<T>, others: &[T], merge: impl Fn(&mut T, &T)) {
    if all.len() < others.len() {
        all.resize(others.len(), T::default());
    }
    all.iter_mut().zip(others).for_each(|(one, other)| merge(one, other));
}

fn merge_keys<K: Clone + Ord>(all: &mut BTreeMap<K, Counts>, others: &BTreeMap<K, Counts>) {
    for (key, other) in others {
        all.entry(key.clone()).or_default().merge(other);
    }
}
