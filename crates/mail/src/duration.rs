//! Spans of time as people write them: `20m`, `84h`, `3d12h`, `1d`, `500ms`.

use std::time::Duration;

/// What was wrong with a written duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a duration; expected number and unit, such as `20m`, `84h`, `3d12h` (units: ms, s, m, h, d)"
)]
pub struct DurationError(String);

/// Reads one or more numbers with a unit each, largest unit first or not: `3d12h`, `90m`, `500ms`; `0` alone is
/// zero. Units: `ms`, `s`, `m` (minutes), `h`, `d` (24 hours).
///
/// # Errors
/// When a number or a unit is missing or unknown, or the sum does not fit.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let fail = || DurationError(text.to_owned());
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let mut millis: u64 = 0;
    if rest.is_empty() {
        return Err(fail());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().map_err(|_| fail())?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit: u64 = match &rest[..letters] {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(fail()),
        };
        rest = rest[letters..].trim_start();
        let part = number.checked_mul(unit).ok_or_else(fail)?;
        millis = millis.checked_add(part).ok_or_else(fail)?;
    }
    Ok(Duration::from_millis(millis))
}

/// Writes a duration so that [`parse`] reads it back to the millisecond: `3d12h`, `20m`, `1s500ms`, `0s`.
pub fn format(span: Duration) -> String {
    let mut rest = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let mut out = String::new();
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if rest >= size {
            out.push_str(&(rest / size).to_string());
            out.push_str(unit);
            rest %= size;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_write() {
        for (text, seconds) in
            [("84h", 302_400), ("3d12h", 302_400), ("20m", 1_200), ("1d 1s", 86_401), ("0", 0)]
        {
            assert_eq!(parse(text).unwrap(), Duration::from_secs(seconds), "{text}");
        }
        for text in ["", "12", "h", "3x", "-1h", "1.5h", "99999999999999999999d", "213503982335d", "3d12é"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_back_what_it_writes(millis in any::<u64>()) {
            let span = Duration::from_millis(millis);
            prop_assert_eq!(parse(&format(span)).unwrap(), span);
        }
    }
}
