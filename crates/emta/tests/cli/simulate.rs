//! `emta simulate`: the same digest whatever the threads, files for people and programs, and clear refusals.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::support::{command, emta, interrupt, lines, path};

#[test]
fn the_same_seed_has_the_same_digest_on_any_threads() {
    let run = |threads: &str, seed: &str| {
        let args = ["simulate", "everyday", "--recipients", "600", "--format", "json"];
        emta(&[&args[..], &["--threads", threads, "--seed", seed]].concat()).json()
    };
    let digest = |threads, seed| run(threads, seed)["groups"][0]["runs"][0]["digest"].to_string();
    let first = digest("1", "5");
    assert_eq!(first.len(), 64 + 2, "{first}");
    assert_eq!(first, digest("2", "5"));
    assert_eq!(first, digest("1", "5"));
    assert_ne!(first, digest("1", "6"));
}

#[test]
fn a_folder_is_filled_and_never_by_accident() {
    let folder = tempfile::tempdir().unwrap();
    let out = path(folder.path());
    let args = ["simulate", "warm-up", "--recipients", "300", "--out", out];
    let told = emta(&args);
    assert!(told.stderr.ends_with(": report.html, summary.json, kpis.csv, events\n"), "{}", told.stderr);
    let told = told.ok();
    assert!(told.contains("digest of warm-up on seed 1: ") && told.contains("300 recipients"), "{told}");
    let events = std::fs::read_to_string(folder.path().join("events.ndjson")).unwrap();
    let accepted = lines(&events).iter().filter(|event| event["type"] == "message.accepted").count();
    assert_eq!(accepted, 300);
    for name in ["report.html", "summary.json", "kpis.csv"] {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
    let again = emta(&args);
    assert_eq!(again.code, Some(4), "{again:?}");
    assert!(again.stderr.contains("is not empty"), "{}", again.stderr);
}

#[test]
fn seeds_make_bands_and_two_scenarios_are_held_against_each_other() {
    let json = |args: &[&str]| {
        let args = [&["simulate", "--recipients", "300", "--format", "json"], args].concat();
        emta(&args).json()
    };
    let bands = json(&["everyday", "--seeds", "1..4"]);
    assert_eq!(bands["groups"][0]["runs"].as_array().unwrap().len(), 4);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("of two seeds");
    let told = emta(&["simulate", "everyday", "--recipients", "9", "--seeds", "1..2", "--out", path(&out)]);
    assert!(told.stderr.ends_with("kpis.csv; no events, since there are several seeds\n"), "{}", told.stderr);
    let summary = std::fs::read_to_string(out.join("summary.json")).unwrap();
    assert!(summary.contains(&format!("--seeds 1..2 --out '{}'", path(&out))), "{summary}");
    let both = json(&["--compare", "everyday", "throttled", "--set", "queue.validity=24h"]);
    let names = [0, 1].map(|group| both["groups"][group]["scenario"].to_string());
    assert_eq!(names, ["\"everyday\"", "\"throttled\""]);
    assert!(both["differences"].is_object());
}

#[test]
fn what_is_wrong_is_told_before_anything_is_run() {
    let check = |args: &[&str], code: i32, said: &str| {
        let run = emta(&[&["simulate"], args].concat());
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(run.stderr.contains(said), "{said} in {}", run.stderr);
    };
    check(&[], 2, "SCENARIO");
    check(&["everyday", "--threads", "0"], 2, "--threads");
    check(&["everyday", "--seeds", "5..1"], 2, "`5..1` are no seeds");
    check(&["everyday", "--compress"], 2, "--out");
    check(&["everydy"], 3, "did you mean `everyday`?");
    check(&["/there/is/none.yaml"], 3, "there is no such file");
    check(&["everyday", "--recipients", "0"], 3, "out of range");
    check(&["everyday", "--set", "queue.validity=85h"], 3, "--set queue.validity");
}

#[test]
fn ctrl_c_says_how_far_it_came() {
    let args = ["simulate", "everyday", "--recipients", "300000", "--threads", "1"];
    let mut child = command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    // The first line of progress: it runs, and listens.
    stderr.read_line(&mut line).unwrap();
    assert!(line.starts_with("+  0 h"), "{line}");
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let told: Vec<String> = stderr.lines().map(Result::unwrap).collect();
    assert!(told.iter().any(|line| line.starts_with("interrupted at +0 h of 252 h")), "{told:?}");
}
