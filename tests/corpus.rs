//! Real bounces, read with the eyes of the bounce mailbox and of `emta inmail`, and held against their labels.

#![expect(clippy::unwrap_used, reason = "what is wrong is told by a panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use emta_sandbox::inmail::reading;
use emta_tests::{Setup, corpus, program};
use serde_json::Value;

/// Mails of the corpus.
const MAILS: usize = 316;
/// Labelled recipients that are found, in percent. What is reached is a little more; less is a step back.
const FOUND: f64 = 95.0;

fn mails(folder: &Path) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(folder.join("mail")).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path)).collect()
}

/// The labelled recipients by file; those without a name are not looked for.
fn labels(folder: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(folder.join("labels.jsonl")).unwrap();
    let labels = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let labels = labels.filter_map(|label| {
        Some((label["file"].as_str()?.to_owned(), label["recipient"].as_str()?.to_ascii_lowercase()))
    });
    labels.collect()
}

/// Holds what was found by file against the labels.
fn check(folder: &Path, found: &BTreeMap<String, BTreeSet<String>>) {
    let labels = labels(folder);
    let (hits, missed): (Vec<_>, Vec<_>) = labels
        .iter()
        .partition(|(file, recipient)| found.get(file).is_some_and(|all| all.contains(recipient)));
    let percent = hits.len() as f64 * 100.0 / labels.len() as f64;
    eprintln!("{} of {} labelled recipients are found: {percent:.1} %", hits.len(), labels.len());
    assert!(percent >= FOUND, "{percent:.1} %; missed: {missed:#?}");
}

#[test]
fn the_bounce_mailbox_finds_the_recipients() {
    let Some(folder) = corpus("set-of-emails") else { return };
    let config = Setup::new().config().unwrap();
    let mails = mails(&folder);
    assert_eq!(mails.len(), MAILS);
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, path) in mails {
        let reading = reading::read(&fs::read(path).unwrap(), &config.rules.inbound_email);
        let names = reading.findings.into_iter().flat_map(|finding| [finding.recipient, finding.alias]);
        found.entry(name).or_default().extend(names.flatten().map(|name| name.to_ascii_lowercase()));
    }
    check(&folder, &found);
}

#[test]
fn the_command_reads_every_mail() {
    let Some(folder) = corpus("set-of-emails") else { return };
    let mails = folder.join("mail");
    let output = program::run(&["inmail", mails.to_str().unwrap()]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_some_and(|code| code <= 1), "{}: {errors}", output.status);
    assert!(errors.contains(&MAILS.to_string()), "a summary that counts the mails: {errors}");
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let Some(file) = object["file"].as_str() else { continue };
        let file = file.rsplit('/').next().unwrap().to_owned();
        for key in ["recipient", "alias"] {
            if let Some(name) = object[key].as_str() {
                found.entry(file.clone()).or_default().insert(name.to_ascii_lowercase());
            }
        }
    }
    check(&folder, &found);
}
