use std::collections::BTreeMap;

use serde::Deserialize;

use super::check::{MAX_DEPTH, MAX_OPEN};
use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a shape to read, not to use")]
struct Sample {
    #[serde(default)]
    name: String,
    #[serde(default)]
    size: u8,
    #[serde(default)]
    limits: BTreeMap<String, u32>,
    #[serde(default)]
    inner: Option<Box<Sample>>,
    #[serde(default)]
    any: Option<serde_yaml::Value>,
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let error = parse::<Sample>("f.yaml", text).expect_err("an error");
    assert_eq!(error.to_string(), expected.trim_matches('\n'), "for {text:?}");
}

#[test]
fn reads_what_is_right() {
    let sample: Sample = parse("f.yaml", "# a comment\nname: a\nlimits: {x: 1, y: 2}\n").unwrap();
    assert_eq!((sample.name.as_str(), sample.limits.len()), ("a", 2));
    parse::<Sample>("f.yaml", "{}").unwrap();
}

#[test]
fn an_unknown_field_is_shown_with_the_known_ones() {
    check(
        "inner:\n    nane: a\n",
        "
f.yaml:2:5: unknown field `nane`, expected one of `name`, `size`, `limits`, `inner`, `any`
  |
2 |     nane: a
  |     ^
hint: did you mean `name`?",
    );
}

#[test]
fn a_wrong_type_is_shown_at_the_value() {
    check(
        "size: many",
        "
f.yaml:1:7: invalid type: string \"many\", expected a whole number
  |
1 | size: many
  |       ^",
    );
    check(
        "inner: 5",
        "
f.yaml:1:8: invalid type: integer `5`, expected a mapping
  |
1 | inner: 5
  |        ^",
    );
    check(
        "name: x\nsize: null",
        "
f.yaml:2:7: invalid type: null, expected a whole number
  |
2 | size: null
  |       ^",
    );
}

#[test]
fn a_duplicate_key_is_shown_at_its_second_place() {
    check(
        "limits:\n  x: 1\n  y: 2\n  x: 3\n",
        "
f.yaml:4:3: the key `x` is here for the second time
  |
4 |   x: 3
  |   ^",
    );
}

#[test]
fn what_is_not_yaml() {
    check(
        "",
        "f.yaml: the file is empty, expected a mapping of options\nhint: write `{}` to take every default",
    );
    check(
        " \n# only this\n---\n",
        "f.yaml: the file is empty, expected a mapping of options\nhint: write `{}` to take every default",
    );
    check(
        "inner:\n\tname: a\n",
        "
f.yaml:2:1: a tab in the indentation, expected spaces
  |
2 |  name: a
  | ^",
    );
    check(
        "name: [a\nsize: 1\n",
        "
f.yaml:2:5: did not find expected ',' or ']', while parsing a flow sequence
  |
2 | size: 1
  |     ^",
    );
    check(
        "name: a\n---\nname: b\n",
        "f.yaml: a second document begins (`---`), expected one document in a file",
    );
    check(
        "name: *nobody",
        "
f.yaml:1:7: unknown anchor
  |
1 | name: *nobody
  |       ^",
    );
}

#[test]
fn nesting_at_the_bound() {
    let nested = |depth: usize| format!("any: {}{}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    parse::<Sample>("f.yaml", &nested(MAX_DEPTH)).unwrap();
    let error = parse::<Sample>("f.yaml", &nested(MAX_DEPTH + 1)).unwrap_err();
    assert_eq!(error.message(), "nested deeper than 32 levels");
    let error = parse::<Sample>("f.yaml", &nested(MAX_OPEN + 2)).unwrap_err();
    assert_eq!(error.message(), "more than 2000 brackets are open, expected them to be closed");
    assert_eq!((error.line(), error.column()), (Some(1), Some(5 + MAX_OPEN + 1)));
    let block = "- ".repeat(100_000);
    assert_eq!(parse::<Sample>("f.yaml", &block).unwrap_err().message(), "nested deeper than 32 levels");
}

#[test]
fn size_at_the_bound() {
    let text = |size: usize| format!("name: a\n#{}", "x".repeat(size - 9));
    parse::<Sample>("f.yaml", &text(MAX_FILE)).unwrap();
    check(&text(MAX_FILE + 1), "f.yaml: the file has 4194305 octets, expected at most 4194304");
}

#[test]
fn aliases_do_not_unfold_without_bound() {
    let mut bomb = "any:\n  a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, previous) in ["b", "c", "d", "e", "f", "g", "h", "i"].iter().zip('a'..) {
        let items = vec![format!("*{previous}"); 9].join(", ");
        bomb = format!("{bomb}  {name}: &{name} [{items}]\n");
    }
    let error = parse::<Sample>("f.yaml", &bomb).unwrap_err();
    assert!(
        error.message().contains("repetition limit") || error.message().contains("values, counted"),
        "{error}"
    );
}

#[test]
fn finds_places() {
    let text = "a: {b: 1, \"c\": [x, {d: y}]}\n\nqueue:\n  providers:\n    - name: m\n    - {name: \"n\"}\n  2: two\n";
    for (path, key, value) in [
        (&["a"][..], (1, 1), (1, 4)),
        (&["a", "c"], (1, 11), (1, 16)),
        (&["a", "c", "1", "d"], (1, 21), (1, 24)),
        (&["queue", "providers", "1", "name"], (6, 8), (6, 14)),
        (&["queue", "2"], (7, 3), (7, 6)),
        // What is not there: the last key that is.
        (&["queue", "providers", "7"], (4, 3), (4, 3)),
        (&["queue", "limits", "x"], (3, 1), (3, 1)),
    ] {
        assert_eq!(locate(text, path, Spot::Key), Some(key), "key {path:?}");
        assert_eq!(locate(text, path, Spot::Value), Some(value), "value {path:?}");
    }
    assert_eq!(locate(text, &["nothing"], Spot::Key), None);
    assert_eq!(locate("[", &["a"], Spot::Key), None);
}

proptest::proptest! {
    #[test]
    fn never_panics(text in "[\\[\\]{}:,*&a\"'\n\t |>-]{0,60}") {
        if let Err(error) = parse::<Sample>("f.yaml", &text) {
            let _ = error.to_string();
        }
        let _ = locate(&text, &["a", "0"], Spot::Value);
    }
}
