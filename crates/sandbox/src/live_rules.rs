//! A rule set that can be replaced while it is in use. One that does not compile changes nothing.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use emta_qualify::RuleSet;

use crate::config::{ConfigError, TextFile, rules};

/// The rules in force, and the file that they were read from.
pub(crate) struct LiveRules(RwLock<(TextFile, Arc<RuleSet>)>);

impl LiveRules {
    pub(crate) fn new(file: TextFile, set: Arc<RuleSet>) -> Self {
        Self(RwLock::new((file, set)))
    }

    /// The rules in force.
    pub(crate) fn get(&self) -> Arc<RuleSet> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// The file in force.
    pub(crate) fn file(&self) -> TextFile {
        self.0.read().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Puts other rules in force; how many they are. They hold from the next text on.
    ///
    /// # Errors
    /// When they are wrong; the old ones stay.
    pub(crate) fn replace(&self, file: TextFile) -> Result<usize, ConfigError> {
        let set = Arc::new(rules::parse(&file.name, &file.text)?);
        let count = set.rules().len();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = (file, set);
        Ok(count)
    }

    /// Reads the file again, if the rules came from one and it has changed; how many rules there are now.
    ///
    /// # Errors
    /// When it cannot be read or is wrong; the old rules stay.
    pub(crate) fn reload(&self) -> Result<Option<usize>, ConfigError> {
        let current = self.file();
        let path = Path::new(&current.name);
        // What is part of the program, or was sent over the API, has no file.
        if !path.exists() {
            return Ok(None);
        }
        let file = TextFile::read(path)?;
        if file == current { Ok(None) } else { self.replace(file).map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> TextFile {
        TextFile { name: "rules.yaml".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_wrong_set_leaves_the_old_one_in_force() {
        let good =
            file("rules:\n  - id: one\n    match: unknown user\n    set: { class: invalid_recipient }\n");
        let set = Arc::new(rules::parse(&good.name, &good.text).unwrap());
        let live = LiveRules::new(good.clone(), set);
        let error = live
            .replace(file("rules:\n  - id: two\n    match: '('\n    set: { class: invalid_recipient }\n"))
            .unwrap_err();
        assert_eq!(error.line(), Some(3), "{error}");
        assert_eq!(live.file(), good);
        assert_eq!(live.get().rules().next().map(|rule| rule.id.as_str()), Some("one"));
        let other = good.text.replace("one", "three");
        assert_eq!(live.replace(file(&other)).unwrap(), 1);
        assert_eq!(live.get().rules().next().map(|rule| rule.id.as_str()), Some("three"));
    }
}
