//! How long a message is tried.

use std::time::Duration;

use emta_mail::Timestamp;

/// The longest that the Enhanced MTA tries a message: 3.5 days, counted from its arrival there (facts 3.2).
pub const MAX_VALIDITY: Duration = Duration::from_hours(84);

/// How long a message is tried whose sender asked for `asked`, where the operator allows `limit`: the shortest of
/// the two and [`MAX_VALIDITY`].
///
/// Zero is not a validity but the absence of one, for both: a message that could never be tried would have been
/// refused, not queued.
pub fn effective_validity(asked: Option<Duration>, limit: Option<Duration>) -> Duration {
    [asked, limit].into_iter().flatten().filter(|span| !span.is_zero()).fold(MAX_VALIDITY, Duration::min)
}

/// When the validity of a message ends that arrived at `accepted_at`; see [`effective_validity`].
pub fn expires_at(accepted_at: Timestamp, asked: Option<Duration>, limit: Option<Duration>) -> Timestamp {
    accepted_at + effective_validity(asked, limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600;

    fn check(asked: Option<u64>, limit: Option<u64>, expected: u64) {
        let [asked, limit] = [asked, limit].map(|span| span.map(Duration::from_secs));
        assert_eq!(effective_validity(asked, limit), Duration::from_secs(expected), "{asked:?} {limit:?}");
    }

    #[test]
    fn is_the_shortest_of_asked_limit_and_84_hours() {
        check(None, None, 84 * HOUR);
        check(Some(120 * HOUR), None, 84 * HOUR);
        check(Some(84 * HOUR + 1), None, 84 * HOUR);
        check(Some(84 * HOUR), None, 84 * HOUR);
        check(Some(84 * HOUR - 1), None, 84 * HOUR - 1);
        check(Some(24 * HOUR), None, 24 * HOUR);
        check(Some(24 * HOUR), Some(12 * HOUR), 12 * HOUR);
        check(Some(6 * HOUR), Some(12 * HOUR), 6 * HOUR);
        check(None, Some(12 * HOUR), 12 * HOUR);
        check(None, Some(200 * HOUR), 84 * HOUR);
        check(Some(1), None, 1);
        check(Some(0), None, 84 * HOUR);
        check(Some(0), Some(12 * HOUR), 12 * HOUR);
        check(Some(HOUR), Some(0), HOUR);
        check(Some(u64::MAX), Some(u64::MAX), 84 * HOUR);
    }

    #[test]
    fn is_counted_from_arrival() {
        let arrival = Timestamp::from_millis(1_500);
        assert_eq!(expires_at(arrival, None, None), Timestamp::from_millis(1_500 + 84 * 3_600_000));
        assert_eq!(expires_at(Timestamp::MAX, None, None), Timestamp::MAX);
    }
}
