//! The notation of an outcome: it is refused with a place that is in it, or it is an outcome for every attempt.

use emta_providers::{ScriptError, script};

/// Reads the text as each of the things that can be written in the notation.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match script::parse(&text) {
        Err(error) => place_is_in_the_script(&error, &text),
        Ok(outcome) => {
            assert!(!outcome.attempts().is_empty());
            for attempt in [0, 1, 2, 12, u32::MAX] {
                let step = outcome.step(attempt);
                assert!(outcome.attempts().contains(step));
                let _ = outcome.latency(attempt);
            }
            assert_eq!(script::parse(&text), Ok(outcome), "the same script was read in two ways");
        }
    }
    if let Err(error) = script::parse_timed_attempts(&text) {
        place_is_in_the_script(&error, &text);
    }
    if let Err(error) = script::parse_actions(&text) {
        place_is_in_the_script(&error, &text);
    }
}

fn place_is_in_the_script(error: &ScriptError, text: &str) {
    let rest = text.get(error.offset..).unwrap_or_else(|| panic!("octet {} of {text:?}", error.offset));
    assert!(rest.starts_with(&error.found), "{error}, but there is {rest:?}");
    assert!(!error.expected.is_empty() && error.found.chars().count() <= 40, "{error}");
}
