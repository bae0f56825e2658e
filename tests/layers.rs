//! The layer table of the design, held against what the crates really use.

#![expect(clippy::unwrap_used, reason = "what is wrong is told by a panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use emta_tests::api::text;
use emta_tests::project;
use serde_json::Value;

/// Every crate and its layer; a crate may use crates of lower layers only.
const LAYERS: [(&str, u8); 11] = [
    ("emta-mail", 0),
    ("emta-smtp", 1),
    ("emta-qualify", 1),
    ("emta-queue", 2),
    ("emta-providers", 2),
    ("emta-campaign", 2),
    ("emta-store", 3),
    ("emta-sandbox", 4),
    ("emta", 5),
    ("emta-testkit", 5),
    ("emta-tests", 6),
];

/// The last layer without sockets, files, tasks, clocks and wire formats.
const PURE: u8 = 2;

/// Crates that bring what the pure layers must not know.
const IMPURE: [&str; 16] = [
    "axum",
    "clap",
    "getrandom",
    "indicatif",
    "lettre",
    "rand",
    "reqwest",
    "rusqlite",
    "rustls",
    "serde_yaml",
    "tempfile",
    "tokio",
    "tokio-postgres",
    "tokio-rustls",
    "tokio-util",
    "tracing",
];

/// Words of a source file that reach past the pure layers; each with where they may stand nevertheless.
const RESERVED: [(&str, &[&str]); 6] = [
    ("serde_yaml", &["sandbox/src/config/yaml/"]),
    ("SystemTime::now", &["sandbox/src/clock/wall.rs"]),
    // How long a group of writes has waited is no policy: it changes when rows are on disk, not what they say.
    ("Instant::now", &["sandbox/src/clock/wall.rs", "store/src/sqlite/inbox.rs"]),
    ("tokio::time::", &["sandbox/src/clock/wall.rs"]),
    ("thread::sleep", &[]),
    ("tokio::spawn(", &[]),
];

/// Words that no source file of a pure layer has outside its tests.
const NOT_PURE: [&str; 7] =
    ["std::fs", "std::thread", "std::process", "TcpStream", "TcpListener", "UdpSocket", "std::env::"];

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(project())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn layer(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(known, _)| *known == name).map(|(_, layer)| *layer)
}

/// Names of what a package uses outside its tests.
fn dependencies(package: &Value) -> Vec<&str> {
    let all = package["dependencies"].as_array().unwrap().iter();
    all.filter(|dependency| dependency["kind"] != "dev").map(|dependency| text(dependency, "name")).collect()
}

/// The source files below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn a_crate_uses_only_crates_of_lower_layers() {
    for package in packages() {
        let name = text(&package, "name");
        let Some(own) = layer(name) else { panic!("`{name}` has no layer: give it a place in the table") };
        for used in dependencies(&package) {
            if let Some(below) = layer(used) {
                assert!(below < own, "`{name}` (layer {own}) uses `{used}` (layer {below})");
            }
        }
    }
}

#[test]
fn the_cores_are_pure() {
    for package in packages() {
        let name = text(&package, "name");
        if layer(name).is_some_and(|layer| layer <= PURE) {
            let impure: Vec<_> =
                dependencies(&package).into_iter().filter(|used| IMPURE.contains(used)).collect();
            assert!(impure.is_empty(), "`{name}` is a pure core and uses {impure:?}");
        }
    }
}

#[test]
fn yaml_belongs_to_the_configuration() {
    for package in packages() {
        let name = text(&package, "name");
        let yaml = dependencies(&package).contains(&"serde_yaml");
        assert!(!yaml || name == "emta-sandbox", "`{name}` uses serde_yaml");
    }
}

/// The code of a file without its comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_reserved_stands_where_it_belongs() {
    let crates = project().join("crates");
    let mut files = Vec::new();
    sources(&crates, &mut files);
    assert!(files.len() > 100, "the sources are not where they were");
    let pure = LAYERS.iter().filter(|(_, layer)| *layer <= PURE);
    let pure: Vec<_> = pure.map(|(name, _)| format!("{}/src/", name.trim_start_matches("emta-"))).collect();
    let mut wrong = Vec::new();
    for file in files {
        let place = file.strip_prefix(&crates).unwrap().to_string_lossy().into_owned();
        // A test may measure how long something takes, and says so to clippy.
        if !place.contains("/src/") {
            continue;
        }
        let code = code(&file);
        for (word, homes) in RESERVED {
            if code.contains(word) && !homes.iter().any(|home| place.starts_with(home)) {
                wrong.push(format!("{place}: `{word}` belongs to {homes:?}"));
            }
        }
        let core = code.split("#[cfg(test)]").next().unwrap_or("");
        if pure.iter().any(|folder| place.starts_with(folder)) && !place.ends_with("tests.rs") {
            let found = NOT_PURE.iter().filter(|word| core.contains(**word));
            wrong.extend(found.map(|word| format!("{place}: `{word}` in a pure core")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
