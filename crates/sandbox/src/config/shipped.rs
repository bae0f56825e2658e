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
    "providers/exchange.yaml",
    "providers/gmail.yaml",
    "providers/gmx.yaml",
    "providers/icloud.yaml",
    "providers/mailru.yaml",
    "providers/orange.yaml",
    "providers/outlook.yaml",
    "providers/smallbiz.yaml",
    "providers/yahoo.yaml",
    "rules/inbound-email.yaml",
    "rules/mta.yaml",
    "scenarios/everyday.yaml",
    "scenarios/list-hygiene.yaml",
    "scenarios/provider-outage.yaml",
    "scenarios/throttled.yaml",
    "scenarios/warm-up.yaml",
];

/// The main file; it documents every option and sets each to its default.
pub fn main() -> TextFile {
    file("emta.yaml")
}

/// The providers.
pub(super) fn providers() -> Vec<TextFile> {
    FILES.iter().filter(|(path, _)| path.starts_with("providers/")).map(|(path, _)| file(path)).collect()
}

/// Names of the scenarios.
pub fn scenarios() -> impl Iterator<Item = &'static str> {
    FILES.iter().filter_map(|(path, _)| path.strip_prefix("scenarios/")?.strip_suffix(".yaml"))
}

/// The scenario of this name.
pub fn scenario(name: &str) -> Option<TextFile> {
    scenarios().find(|known| *known == name).map(|name| file(&format!("scenarios/{name}.yaml")))
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_repository_is_shipped() {
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
        let names = |folder: &str| -> Vec<String> {
            let entries = fs::read_dir(config.join(folder)).unwrap();
            entries
                .map(|entry| format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap()))
                .collect()
        };
        let mut found = names("providers");
        found.extend(names("rules"));
        found.extend(names("scenarios"));
        found.push("emta.yaml".to_owned());
        found.sort();
        let mut listed: Vec<&str> = FILES.iter().map(|(path, _)| *path).collect();
        listed.sort_unstable();
        assert_eq!(listed, found);
    }

    #[test]
    fn what_is_asked_for_is_there() {
        for file in [main(), mta_rules(), inbound_email_rules()].into_iter().chain(providers()) {
            assert!(!file.text.is_empty(), "{}", file.name);
        }
    }
}
