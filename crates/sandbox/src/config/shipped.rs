//! The files that the program brings along, so that it runs without any.

use super::source::TextFile;

/// One list of all of them: the path below `config/`, and the text.
macro_rules! shipped {
    ($($path:literal),* $(,)?) => {
        /// Paths below `config/` and texts.
        const FILES: &[(&str, &str)] = &[$(($path, include_str!(concat!("../../../../config/", $path)))),*];
    };
}

shipped![
    "emta.yaml",
];

/// The main file; it documents every option and sets each to its default.
pub fn main() -> TextFile {
    file("emta.yaml")
}

/// The providers.
pub(super) fn providers() -> Vec<TextFile> {
    FILES.iter().filter(|(path, _)| path.starts_with("providers/")).map(|(path, _)| file(path)).collect()
}

/// The MTA's rules for replies.
pub(super) fn mta_rules() -> TextFile {
    file("rules/mta.yaml")
}

/// The rules for mail that came back.
pub(super) fn inbound_email_rules() -> TextFile {
    file("rules/inbound-email.yaml")
}

/// The file at this path; every path that is asked for is in the list, which a test holds.
fn file(path: &str) -> TextFile {
    let text = FILES.iter().find(|(name, _)| *name == path).map_or("", |(_, text)| text);
    TextFile { name: format!("(shipped) {path}"), text: text.to_owned() }
}
