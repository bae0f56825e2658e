//! The report that CI servers read: a suite for each rule set, a case for each sample.

use std::fmt::Write as _;

use emta_qualify::Expectation;

use super::test::{Tested, list};

/// The report as XML.
pub(super) fn report(all: &[Tested]) -> String {
    let tests: usize = all.iter().map(|tested| tested.count).sum();
    let failed: usize = all.iter().map(|tested| tested.failures.len()).sum();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{tests}\" failures=\"{failed}\">\n"
    );
    for tested in all {
        suite(tested, &mut xml);
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn suite(tested: &Tested, xml: &mut String) {
    let (name, failed) = (escaped(tested.set.name()), tested.failures.len());
    // Writing to a String does not fail.
    let _ = writeln!(xml, "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{failed}\">", tested.count);
    for rule in tested.set.rules() {
        let lists = [(Expectation::Match, &rule.tests.matches), (Expectation::NoMatch, &rule.tests.no_match)];
        for (expectation, samples) in lists {
            for index in 0..samples.len() {
                let case = format!("tests.{}[{index}]", list(expectation));
                let failure = tested.failures.iter().find(|failure| {
                    (failure.rule.as_str(), failure.expectation, failure.index)
                        == (rule.id.as_str(), expectation, index)
                });
                let _ = write!(xml, "    <testcase classname=\"{}\" name=\"{case}\"", escaped(&rule.id));
                let _ = match failure {
                    None => writeln!(xml, "/>"),
                    Some(failure) => {
                        writeln!(xml, "><failure message=\"{}\"/></testcase>", escaped(&failure.to_string()))
                    }
                };
            }
        }
    }
    xml.push_str("  </testsuite>\n");
}

/// A text in an attribute. What XML cannot hold is replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_hold_any_text() {
        let check = |text: &str, expected: &str| assert_eq!(escaped(text), expected);
        check("a \"b\" <c> & d", "a &quot;b&quot; &lt;c&gt; &amp; d");
        check("one\ntwo\tthree", "one&#10;two&#9;three");
        check("\u{0}\u{1b}\u{ffff}é", "\u{fffd}\u{fffd}\u{fffd}é");
    }
}
