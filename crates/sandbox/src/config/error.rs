//! What is wrong with a configuration, where it stands, and what would be right.

use std::fmt;

use super::yaml;

/// Longest piece of a line that an error shows, in characters.
const EXCERPT: usize = 100;

/// An error in a configuration file, a flag or an environment variable.
///
/// Its text names file, line and column (from 1), what was found and what was expected, and shows the line:
///
/// ```text
/// config/emta.yaml:12:9: unknown field `conections`, expected one of `connections`, ...
///    |
/// 12 |         conections: 5
///    |         ^
/// hint: did you mean `connections`?
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    /// The file, flag or variable.
    origin: String,
    place: Option<Place>,
    message: String,
    hint: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
    text: String,
}

impl ConfigError {
    /// An error of a whole file, a flag or a variable, without a place in a text.
    pub fn of(origin: impl Into<String>, message: impl Into<String>) -> Self {
        let (origin, message) = (origin.into(), message.into());
        Self(Box::new(Inner { origin, place: None, message, hint: None }))
    }

    /// An error at a line and column (from 1, the column in characters) of the text of a file.
    pub fn at_line(file: &str, text: &str, line: usize, column: usize, message: impl Into<String>) -> Self {
        let shown = text.lines().nth(line.saturating_sub(1)).unwrap_or_default().to_owned();
        let place = Some(Place { line: line.max(1), column: column.max(1), text: shown });
        Self(Box::new(Inner { origin: file.to_owned(), place, message: message.into(), hint: None }))
    }

    /// An error found after parsing, at a key: `path` leads to it through the YAML text, keys as they are
    /// written and items of lists by their number from 0. Where the path ends early in the text, the error
    /// points to the last key that is there.
    pub fn at(
        file: &str,
        text: &str,
        path: &[&str],
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) -> Self {
        Self::located(file, text, yaml::locate(text, path, yaml::Spot::Key), message).hinted(hint)
    }

    /// As [`Self::at`], at the value behind the key.
    pub fn at_value(
        file: &str,
        text: &str,
        path: &[&str],
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) -> Self {
        Self::located(file, text, yaml::locate(text, path, yaml::Spot::Value), message).hinted(hint)
    }

    fn located(file: &str, text: &str, place: Option<(usize, usize)>, message: impl Into<String>) -> Self {
        match place {
            Some((line, column)) => Self::at_line(file, text, line, column, message),
            None => Self::of(file, message),
        }
    }

    /// The same error with a hint of what to do.
    pub fn hinted(mut self, hint: impl Into<Option<String>>) -> Self {
        self.0.hint = hint.into().or(self.0.hint);
        self
    }

    /// The same error, found in a flag or a variable instead of a file.
    pub(crate) fn moved_to(mut self, origin: &str) -> Self {
        origin.clone_into(&mut self.0.origin);
        self.0.place = None;
        self
    }

    /// The file, flag or variable.
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// The line, from 1, if the error has a place in a text.
    pub fn line(&self) -> Option<usize> {
        self.0.place.as_ref().map(|place| place.line)
    }

    /// The column in characters, from 1, if the error has a place in a text.
    pub fn column(&self) -> Option<usize> {
        self.0.place.as_ref().map(|place| place.column)
    }

    /// What was found, and what was expected.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { origin, place, message, hint } = &*self.0;
        match place {
            None => write!(f, "{origin}: {message}")?,
            Some(place) => {
                writeln!(f, "{origin}:{}:{}: {message}", place.line, place.column)?;
                write_excerpt(f, place)?;
            }
        }
        match hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

/// For `unwrap` in tests and `?` in `main`: the text that a person reads.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for ConfigError {}

/// The line with its number and a caret below the column; of a long line the part around the column.
fn write_excerpt(f: &mut fmt::Formatter<'_>, place: &Place) -> fmt::Result {
    let number = place.line.to_string();
    let gutter = " ".repeat(number.len());
    let column = place.column - 1;
    let start = if column < EXCERPT { 0 } else { column - EXCERPT / 2 };
    // A tab or another control character would move the caret away from what it points to.
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let shown: String = place.text.chars().skip(start).take(EXCERPT).map(visible).collect();
    let caret = " ".repeat(column - start);
    writeln!(f, "{gutter} |\n{number} | {}", shown.trim_end())?;
    write!(f, "{gutter} | {caret}^")
}

/// `did you mean ...?` for the candidate that is nearest to `word`, if one is near.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    let near = candidates.into_iter().map(|candidate| (distance(word, candidate), candidate));
    let (_, best) = near.filter(|(distance, _)| *distance <= limit).min()?;
    Some(format!("did you mean `{best}`?"))
}

/// A list for a message: `` `a`, `b` or `c` ``.
pub(crate) fn one_of<'a>(candidates: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = candidates.into_iter().map(|candidate| format!("`{candidate}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

/// Insertions, deletions, substitutions and swaps of neighbours that lead from one word to the other,
/// regardless of case; words of more than 64 characters are not compared.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().take(65).collect();
    let b: Vec<char> = b.to_lowercase().chars().take(65).collect();
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let mut rows = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let substituted = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let swapped = if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    rows[i - 2][j - 2] + 1
                } else {
                    usize::MAX
                };
                substituted.min(swapped).min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1)
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_line_and_points_to_the_column() {
        let text = "queue:\n    limits:\n        conections: 5\n";
        let error = ConfigError::at("emta.yaml", text, &["queue", "limits", "conections"], "unknown", None);
        assert_eq!(
            error.hinted("did you mean `connections`?".to_owned()).to_string(),
            "emta.yaml:3:9: unknown\n  |\n3 |         conections: 5\n  |         ^\nhint: did you mean `connections`?"
        );
        assert_eq!(ConfigError::of("--seed", "no").to_string(), "--seed: no");
    }

    #[test]
    fn a_long_line_is_shown_around_the_column() {
        let text = format!("{}x: 1", " ".repeat(5000));
        let shown = ConfigError::at_line("f", &text, 1, 5001, "m").to_string();
        assert_eq!(shown, format!("f:1:5001: m\n  |\n1 | {0}x: 1\n  | {0}^", " ".repeat(50)));
        let shown = ConfigError::at_line("f", "\ta: b", 9, 2, "m").to_string();
        assert_eq!(shown, "f:9:2: m\n  |\n9 | \n  |  ^");
    }

    #[test]
    fn suggests_only_what_is_near() {
        let hint = |word| did_you_mean(word, ["connections", "messages_per_hour", "size"]);
        assert_eq!(hint("conections"), Some("did you mean `connections`?".to_owned()));
        assert_eq!(hint("szie"), Some("did you mean `size`?".to_owned()));
        assert_eq!(hint("Size"), Some("did you mean `size`?".to_owned()));
        assert_eq!(hint("colour"), None);
        assert_eq!(hint(&"x".repeat(100)), None);
        assert_eq!(one_of(["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
