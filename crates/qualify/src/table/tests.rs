use super::*;
use proptest::prelude::*;

use emta_mail::{FailureReason as R, FailureType as T};

const UNKNOWN: Option<(T, R)> = Some((T::Hard, R::UserUnknown));

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn only_row(table: &QualificationTable) -> &Row {
    assert_eq!(table.len(), 1);
    table.rows().next().unwrap()
}

#[test]
fn one_cause_is_one_row() {
    let mut table = QualificationTable::new();
    table.record("550 <bob@example.com> no such user", UNKNOWN, "bob@example.com", at(10));
    let outcome = table.record("550 <ann@example.com> no such user", UNKNOWN, "ann@example.com", at(20));
    assert_eq!((outcome.verdict, outcome.overridden), (UNKNOWN, false));
    let row = only_row(&table);
    assert_eq!(row.text, "550 <*> no such user");
    assert_eq!(row.digest, MessageDigest::of_normalised(&row.text));
    assert_eq!(
        (row.first_text.as_str(), row.first_address.as_str()),
        ("550 <bob@example.com> no such user", "bob@example.com")
    );
    assert_eq!((row.count, row.created, row.modified), (2, at(10), at(20)));
    assert_eq!((row.status, row.decision), (Qualification::Keep, Decision::Rules));
}

#[test]
fn what_no_rule_knows_is_to_qualify_until_one_does() {
    let mut table = QualificationTable::new();
    assert_eq!(table.record("550 hm", None, "", at(1)).verdict, None);
    assert_eq!(
        (only_row(&table).status, only_row(&table).failure_type),
        (Qualification::ToQualify, T::NotDefined)
    );
    table.record("550 hm", UNKNOWN, "", at(2));
    assert_eq!((only_row(&table).status, only_row(&table).reason), (Qualification::Keep, R::UserUnknown));
    table.record("550 hm", None, "", at(3));
    assert_eq!(only_row(&table).status, Qualification::ToQualify);
}

#[test]
fn an_operator_overrides_the_rules_at_once() {
    let mut table = QualificationTable::new();
    let digest = table.record("550 hm", UNKNOWN, "", at(1)).digest;
    let soft = Edit { failure_type: Some(T::Soft), reason: Some(R::Refused), status: None };
    assert_eq!(table.edit(digest, soft, at(2)).unwrap().status, Qualification::Keep);
    let outcome = table.record("550 hm", UNKNOWN, "", at(3));
    assert_eq!((outcome.verdict, outcome.overridden), (Some((T::Soft, R::Refused)), true));

    let ignore = Edit { status: Some(Qualification::Ignore), ..Edit::default() };
    table.edit(digest, ignore, at(4));
    assert_eq!(table.record("550 hm", None, "", at(5)).verdict, Some((T::Ignored, R::Refused)));

    let back = Edit { status: Some(Qualification::ToQualify), ..Edit::default() };
    table.edit(digest, back, at(6));
    let outcome = table.record("550 hm", UNKNOWN, "", at(7));
    assert_eq!((outcome.verdict, outcome.overridden), (UNKNOWN, false));
    assert_eq!(table.edit(MessageDigest::of_normalised("x"), soft, at(8)), None);
}

#[test]
fn occurrences_stop_at_the_bound() {
    let mut table = QualificationTable::new();
    let digest = table.record("550 hm", None, "", at(1)).digest;
    let mut row = table.get(digest).unwrap().clone();
    row.count = MAX_OCCURRENCES - 1;
    table.restore(row);
    for _ in 0..2 {
        table.record("550 hm", None, "", at(2));
        assert_eq!(only_row(&table).count, MAX_OCCURRENCES);
    }
}

#[test]
fn texts_over_the_bound_are_counted_together() {
    let mut table = QualificationTable::new();
    let known = table.record("550 known", None, "", at(1)).digest;
    let template = table.get(known).unwrap().clone();
    for n in 1..MAX_ROWS {
        table.restore(Row { text: format!("row {n}"), ..template.clone() });
    }
    assert_eq!(table.len(), MAX_ROWS);
    let outcome = table.record("550 one more", UNKNOWN, "", at(2));
    assert_eq!((outcome.digest, outcome.verdict), (MessageDigest::of_normalised(OVERFLOW_TEXT), UNKNOWN));
    table.record("550 and another", None, "", at(3));
    let row = table.get(outcome.digest).unwrap();
    assert_eq!((row.text.as_str(), row.count, row.status), (OVERFLOW_TEXT, 2, Qualification::ToQualify));
    assert_eq!(table.record("550 known", None, "", at(4)).digest, known);
    assert_eq!(table.len(), MAX_ROWS + 1);
}

#[test]
fn names_lead_back() {
    for status in Qualification::ALL {
        assert_eq!(Qualification::from_name(status.name()), Some(status));
    }
    for decision in Decision::ALL {
        assert_eq!(Decision::from_name(decision.name()), Some(decision));
    }
}

/// Text, verdict of the rules, seconds.
type Occurrence = (String, Option<(T, R)>, i64);

/// Few texts, verdicts and instants, so that they meet.
fn occurrences() -> impl Strategy<Value = Vec<Occurrence>> {
    let verdict = prop::sample::select(vec![
        None,
        UNKNOWN,
        Some((T::Soft, R::Refused)),
        Some((T::Soft, R::Unreachable)),
    ]);
    prop::collection::vec(("550 <[ab]@example.com> (no|nope)", verdict, 1_i64..3), 0..12)
}

proptest! {
    #[test]
    fn order_makes_no_difference((first, second) in occurrences().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))) {
        let fill = |occurrences: &[Occurrence]| {
            let mut table = QualificationTable::new();
            for (text, verdict, seconds) in occurrences {
                table.record(text, *verdict, text, at(*seconds));
            }
            table
        };
        let table = fill(&first);
        prop_assert_eq!(&table, &fill(&second));
        let mut restored = QualificationTable::new();
        table.rows().cloned().for_each(|row| restored.restore(row));
        prop_assert_eq!(table, restored);
    }
}
