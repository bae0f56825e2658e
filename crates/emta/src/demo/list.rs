//! A list of recipients in the style of a consumer brand's: mostly big providers, some companies, some dirt.

use std::fmt::Write as _;

use emta_mail::{Chance, QueueId};
use serde_json::Value;

/// Share of each shipped provider, in percent; others get [`OTHER_WEIGHT`].
const WEIGHTS: [(&str, u64); 9] = [
    ("gmail", 38),
    ("outlook", 18),
    ("yahoo", 11),
    ("orange", 9),
    ("smallbiz", 8),
    ("exchange", 5),
    ("gmx", 5),
    ("icloud", 4),
    ("mailru", 2),
];
const OTHER_WEIGHT: u64 = 3;

/// One row in so many is one that was there before.
const ONE_DUPLICATE_IN: u64 = 80;
/// One row in so many has no address.
const ONE_EMPTY_IN: u64 = 250;

/// Domains of those whose mail no big provider has.
const SMALL: [&str; 6] =
    ["bakery.test", "joinery.test", "law-office.test", "school.test", "studio.example", "clinic.example"];
/// Hosts below a pattern such as `*.corp.test`.
const BELOW: [&str; 3] = ["mail", "sales", "emea"];

const FIRST: [&str; 24] = [
    "Ada", "Ben", "Carla", "David", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kim", "Lea", "Marco",
    "Nora", "Olga", "Paul", "Quentin", "Rosa", "Samir", "Tara", "Uma", "Victor", "Wen", "Yara",
];
const LAST: [&str; 24] = [
    "Adler", "Blanc", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ivanova", "Jensen",
    "Kaya", "Lopez", "Moreau", "Nowak", "Okafor", "Petit", "Quinn", "Rossi", "Santos", "Tanaka", "Ueda",
    "Vogel", "Weber", "Zhang",
];

/// The list as CSV with the columns `email` and `name`; the same for the same seed and providers.
pub(super) fn csv(count: u32, seed: u64, providers: &[Value]) -> String {
    let chance = Chance::new(seed);
    let lanes: Vec<(u64, Vec<String>)> = providers.iter().map(lane).collect();
    let total: u64 = lanes.iter().map(|(weight, _)| weight).sum();
    let mut text = String::from("email,name\n");
    for number in 0..u64::from(count) {
        let draw = |row: u64, purpose| chance.bits(QueueId::from_u64(row), 0, purpose);
        let is_duplicate = number > 0 && draw(number, "duplicate").is_multiple_of(ONE_DUPLICATE_IN);
        let row = if is_duplicate { draw(number, "of") % number } else { number };
        let first = pick(&FIRST, draw(row, "first"));
        let last = pick(&LAST, draw(row, "last"));
        let domain = domain(&lanes, total, draw(row, "provider"), draw(row, "domain"));
        let address = if draw(row, "empty").is_multiple_of(ONE_EMPTY_IN) {
            String::new()
        } else {
            format!("{first}.{last}{row}@{domain}").to_lowercase()
        };
        // Writing to a String does not fail.
        let _ = writeln!(text, "{address},{first} {last}");
    }
    text
}

/// Weight and domains of a provider as the API shows it.
fn lane(provider: &Value) -> (u64, Vec<String>) {
    let name = provider["name"].as_str().unwrap_or_default();
    let weight = WEIGHTS.iter().find(|(known, _)| *known == name).map_or(OTHER_WEIGHT, |(_, weight)| *weight);
    let patterns = provider["domains"].as_array().map(Vec::as_slice).unwrap_or_default();
    let domains = patterns.iter().filter_map(Value::as_str).flat_map(|pattern| {
        match (pattern, pattern.strip_prefix("*.")) {
            ("*", _) => SMALL.map(str::to_owned).to_vec(),
            (_, Some(parent)) => BELOW.map(|host| format!("{host}.{parent}")).to_vec(),
            (exact, None) => vec![exact.to_owned()],
        }
    });
    (weight, domains.collect())
}

/// A domain of the provider that the number points to; the first domain of a provider has half of its
/// recipients.
fn domain(lanes: &[(u64, Vec<String>)], total: u64, number: u64, which: u64) -> &str {
    let mut point = number.checked_rem(total).unwrap_or(0);
    for (weight, domains) in lanes {
        if point < *weight {
            let others = domains.get(1..).filter(|others| !others.is_empty() && which.is_multiple_of(2));
            return others
                .map_or(domains.first().map_or("", String::as_str), |others| pick(others, which / 2));
        }
        point -= weight;
    }
    ""
}

fn pick<T: AsRef<str>>(from: &[T], number: u64) -> &str {
    let index = number.checked_rem(from.len() as u64).unwrap_or(0);
    from.get(index as usize).map_or("", T::as_ref)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_has_everybody_and_some_dirt() {
        let providers = [
            json!({ "name": "gmail", "domains": ["gmail.test", "googlemail.test"] }),
            json!({ "name": "exchange", "domains": ["*.corp.test"] }),
            json!({ "name": "smallbiz", "domains": ["*"] }),
        ];
        let text = csv(4_000, 7, &providers);
        assert_eq!(text, csv(4_000, 7, &providers));
        assert_ne!(text, csv(4_000, 8, &providers));
        let addresses: Vec<&str> = text.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
        assert_eq!(addresses.len(), 4_000);
        let count =
            |wanted: &dyn Fn(&str) -> bool| addresses.iter().filter(|address| wanted(address)).count();
        assert!((8..40).contains(&count(&|address| address.is_empty())));
        let distinct: HashSet<_> = addresses.iter().filter(|address| !address.is_empty()).collect();
        assert!((3_850..3_990).contains(&distinct.len()), "{}", distinct.len());
        assert!(count(&|address| address.ends_with("@gmail.test")) > 1_000);
        for domain in ["@googlemail.test", "@mail.corp.test", "@bakery.test"] {
            assert!(count(&|address| address.ends_with(domain)) > 0, "{domain}");
        }
        assert_eq!(csv(1, 7, &[]).lines().count(), 2, "no provider at all");
    }
}
