//! Flags and environment variables: values at dotted paths that beat those of the file.

use super::error::{ConfigError, did_you_mean};
use super::shape::Main;
use super::yaml::{self, Tree};

/// Variables that begin with `EMTA_` but belong to the program, not to the configuration.
pub const PROGRAM_VARIABLES: [&str; 3] = ["EMTA_CONFIG", "EMTA_LOG", "EMTA_URL"];

/// What container platforms put into the environment where a service is called `emta`, such as
/// `EMTA_PORT_1025_TCP` and `EMTA_SERVICE_HOST`.
const FOREIGN_PREFIXES: [&str; 2] = ["EMTA_PORT", "EMTA_SERVICE_"];

/// Longest value of a flag or a variable, in octets.
const MAX_VALUE: usize = 64 * 1024;

/// A value that a flag or an environment variable sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Where: keys with dots between them, such as `queue.limits.connections`.
    pub path: String,
    /// The value as YAML: `24h`, `[20m, 40m]`, `null`. What is not YAML is taken as a text.
    pub value: String,
    /// The flag or variable, for errors.
    pub origin: String,
}

impl Override {
    /// One that a flag of its own sets, such as `--seed 7`.
    pub fn flag(flag: &str, path: &str, value: impl Into<String>) -> Self {
        Self { path: path.to_owned(), value: value.into(), origin: flag.to_owned() }
    }

    /// One in the form `queue.validity=24h`, as `--set` takes it.
    ///
    /// # Errors
    /// When there is no `=`, or nothing before it.
    pub fn parse(assignment: &str) -> Result<Self, ConfigError> {
        match assignment.split_once('=') {
            Some((path, value)) if !path.trim().is_empty() => {
                let path = path.trim();
                Ok(Self::flag(&format!("--set {path}"), path, value))
            }
            Some(_) | None => Err(ConfigError::of(
                "--set",
                format!(
                    "`{assignment}` is not an assignment, expected `path=value` such as `queue.validity=24h`"
                ),
            )),
        }
    }
}

/// What the environment sets: `EMTA_QUEUE_VALIDITY` is `queue.validity`, for every path that the defaults
/// have.
///
/// # Errors When a variable begins with `EMTA_` and is none of them: a misspelt variable that does nothing
/// costs hours.
pub(super) fn from_environment(
    variables: impl Iterator<Item = (String, String)>,
    defaults: &Tree,
) -> Result<Vec<Override>, ConfigError> {
    let known: Vec<(String, String)> =
        defaults.paths().into_iter().map(|path| (variable(&path), path)).collect();
    let mut overrides = Vec::new();
    for (name, value) in variables {
        let foreign = FOREIGN_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        if !name.starts_with("EMTA_") || foreign || PROGRAM_VARIABLES.contains(&name.as_str()) {
            continue;
        }
        let Some((_, path)) = known.iter().find(|(variable, _)| *variable == name) else {
            let candidates = known.iter().map(|(variable, _)| variable.as_str()).chain(PROGRAM_VARIABLES);
            let message = "unknown variable, expected the name of an option, such as `EMTA_QUEUE_VALIDITY`";
            return Err(ConfigError::of(&name, message).hinted(did_you_mean(&name, candidates)));
        };
        overrides.push(Override { path: path.clone(), value, origin: name });
    }
    // The environment has no order; a part must come after the whole that it is a part of.
    overrides.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(overrides)
}

/// The variable of a path.
fn variable(path: &str) -> String {
    format!("EMTA_{}", path.replace('.', "_").to_uppercase())
}

/// Puts the value at its place.
///
/// # Errors
/// When the path is unknown or the value is not of its kind; the error names the flag or variable.
pub(super) fn apply(tree: &mut Tree, set: &Override) -> Result<(), ConfigError> {
    if set.value.len() > MAX_VALUE || set.path.len() > MAX_VALUE {
        let message = format!("the value has {} octets, expected at most {MAX_VALUE}", set.value.len());
        return Err(ConfigError::of(&set.origin, message));
    }
    let path: Vec<&str> = set.path.split('.').collect();
    let quoted = serde_json::Value::from(set.value.as_str()).to_string();
    // As YAML first, so that `null`, numbers and lists are what they look like; then as a text, for a token
    // that happens to begin with `@`. Where neither is right, the first error is the telling one.
    let plain = if set.value.contains('\n') { &quoted } else { &set.value };
    let read = |value: &str| yaml::parse::<Main>(&set.origin, &document(&path, value));
    let main = read(plain).or_else(|error| read(&quoted).map_err(|_| error));
    let main = main.map_err(|error| error.moved_to(&set.origin))?;
    // Through the shape and back, so that `1234` for a password is a text in the tree too.
    let shaped = Tree::of(&main);
    if let Some(value) = shaped.get(&path) {
        tree.set(&path, value);
    }
    Ok(())
}

/// A YAML document with one value at the path.
fn document(path: &[&str], value: &str) -> String {
    let line =
        |(depth, key): (usize, &&str)| format!("{}{}:", "  ".repeat(depth), serde_json::Value::from(*key));
    let keys: Vec<String> = path.iter().enumerate().map(line).collect();
    format!("{} {value}\n", keys.join("\n"))
}
