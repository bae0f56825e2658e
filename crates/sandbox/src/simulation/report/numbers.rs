//! Numbers as people read them.

/// `1,234,567`; rounded to a whole number.
pub fn thousands(number: f64) -> String {
    if !number.is_finite() {
        return NOTHING.to_owned();
    }
    let digits = format!("{:.0}", number.abs());
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if number < 0.0 && digits != "0" { format!("-{out}") } else { out }
}

/// `1.5 M`, `20 k`, `7`: short enough for the axis of a plot.
pub fn compact(number: f64) -> String {
    let size = number.abs();
    let (scaled, unit) = [(1e9, " G"), (1e6, " M"), (1e3, " k")]
        .into_iter()
        .find(|(from, _)| size >= *from)
        .map_or((number, ""), |(by, unit)| (number / by, unit));
    format!("{}{unit}", decimal(scaled))
}

/// A share of 0 to 1 as `12.34 %`: two decimals, four where it is small, none from 1,000 %.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if !percent.is_finite() {
        return NOTHING.to_owned();
    }
    if percent.abs() >= 1000.0 {
        return format!("{} %", thousands(percent));
    }
    let decimals = if percent != 0.0 && percent.abs() < 0.095 { 4 } else { 2 };
    format!("{percent:.decimals$} %")
}

/// Minutes as `7 min` or `84 h 05 min`.
pub fn age(minutes: f64) -> String {
    if !minutes.is_finite() {
        return NOTHING.to_owned();
    }
    let whole = minutes.round() as i64;
    let sign = if whole < 0 { "-" } else { "" };
    match (whole.unsigned_abs() / 60, whole.unsigned_abs() % 60) {
        (0, minutes) => format!("{sign}{minutes} min"),
        (hours, minutes) => format!("{sign}{hours} h {minutes:02} min"),
    }
}

/// Up to six decimals without trailing zeros, for axes.
pub fn decimal(number: f64) -> String {
    let text = format!("{number:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() || text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// With `+` where it is more than nothing, as differences are written.
pub fn signed(number: f64, write: impl Fn(f64) -> String) -> String {
    let text = write(number);
    if number > 0.0 { format!("+{text}") } else { text }
}

/// What stands for a number that there is none of.
pub const NOTHING: &str = "-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_people_read_them() {
        fn check(written: &[(String, &str)]) {
            for (found, expected) in written {
                assert_eq!(found, expected);
            }
        }
        check(&[
            (thousands(0.0), "0"),
            (thousands(999.0), "999"),
            (thousands(1000.0), "1,000"),
            (thousands(1_234_567.4), "1,234,567"),
            (thousands(-1234.0), "-1,234"),
            (thousands(-0.3), "0"),
            (thousands(f64::NAN), "-"),
            (compact(0.0), "0"),
            (compact(950.0), "950"),
            (compact(1500.0), "1.5 k"),
            (compact(2e6), "2 M"),
            (percent(0.5), "50.00 %"),
            (percent(0.0), "0.00 %"),
            (percent(17.5), "1,750 %"),
            (percent(0.000_05), "0.0050 %"),
            (percent(f64::INFINITY), "-"),
            (age(7.4), "7 min"),
            (age(84.0 * 60.0 + 5.0), "84 h 05 min"),
            (age(-61.0), "-1 h 01 min"),
            (decimal(0.25), "0.25"),
            (decimal(-0.0), "0"),
            (signed(3.0, thousands), "+3"),
            (signed(-3.0, thousands), "-3"),
            (signed(0.0, thousands), "0"),
        ]);
    }
}
