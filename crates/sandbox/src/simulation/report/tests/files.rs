//! Events, summary, KPIs, and the folder that they are written to.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use emta_mail::{DeliveryEvent, EventKind};
use emta_store::MessageFacts;
use flate2::read::GzDecoder;
use serde_json::Value;

use super::super::{EventSink, Group, OutDir, OutError, Study, Summary, encode, tables, write_line};
use super::{bands, comparison, facts, policies, run, seeds, story};
use crate::simulation::figures::{Figures, Indicator, Outcome};
use crate::simulation::{Lines, Told};
use crate::wire::WireEvent;

/// Tells an event as a shard does.
fn take(sink: &mut EventSink, event: &DeliveryEvent, facts: Option<&MessageFacts>) -> io::Result<()> {
    let (mut encoded, mut line) = (Vec::new(), Vec::new());
    encode(event, &mut encoded);
    if let Some(facts) = facts {
        write_line(event, facts, &mut line);
    }
    sink.take(Told { encoded: &encoded, line: &line })
}

#[test]
fn lines_are_the_events_and_the_digest_is_the_same_without_them() {
    let events = story::events(1, 300, 0.5);
    let folder = tempfile::tempdir().unwrap();
    let out = OutDir::create(folder.path(), false).unwrap();
    let told = |mut sink: EventSink| {
        for (event, ..) in &events {
            take(&mut sink, event, Some(&facts())).unwrap();
        }
        sink.finish().unwrap()
    };
    let plain = told(out.events(None, false).unwrap());
    let packed = told(out.events(Some("2"), true).unwrap());
    let silent = told(EventSink::digest_only());
    assert_eq!((plain, packed), (silent, silent));
    assert_eq!(silent.events, events.len() as u64);

    let text = fs::read_to_string(folder.path().join("events.ndjson")).unwrap();
    let mut unpacked = String::new();
    let file = File::open(folder.path().join("events-2.ndjson.gz")).unwrap();
    GzDecoder::new(file).read_to_string(&mut unpacked).unwrap();
    assert_eq!(unpacked, text);
    let lines: Vec<WireEvent> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected: Vec<WireEvent> =
        events.iter().map(|(event, ..)| WireEvent::new(event, (&facts()).into())).collect();
    assert_eq!(lines, expected);
}

#[test]
fn any_difference_makes_another_digest() {
    let digest = |events: &[story::Told]| {
        let mut sink = EventSink::digest_only();
        for (event, ..) in events {
            take(&mut sink, event, None).unwrap();
        }
        sink.finish().unwrap().digest
    };
    let events = story::events(1, 200, 0.5);
    let whole = digest(&events);
    assert_eq!(digest(&events.clone()), whole);
    assert_eq!(whole.to_string().len(), 64);
    let mut swapped = events.clone();
    swapped.swap(0, 1);
    assert_ne!(digest(&swapped), whole, "order");
    assert_ne!(digest(&events[1..]), whole, "one less");
    let mut changed = events;
    let text = changed.iter_mut().find_map(|(event, ..)| match &mut event.kind {
        EventKind::Delivered { attempt } => Some(&mut attempt.mx),
        _ => None,
    });
    text.unwrap().push('x');
    assert_ne!(digest(&changed), whole, "one letter");
}

#[test]
fn an_event_without_a_line_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = OutDir::create(folder.path(), false).unwrap().events(None, false).unwrap();
    let (event, ..) = &story::events(1, 1, 0.5)[0];
    assert_eq!((sink.lines(), EventSink::digest_only().lines()), (Lines::Written, Lines::Omitted));
    let error = take(&mut sink, event, None).unwrap_err().to_string();
    assert_eq!(error, "an event without a line is to be written");
}

fn written(study: &Study<'_>) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    OutDir::create(folder.path(), false).unwrap().write(study).unwrap();
    let names = ["kpis.csv", "report.html", "summary.json"];
    names.map(|name| (name.to_owned(), fs::read_to_string(folder.path().join(name)).unwrap())).into()
}

#[test]
fn the_same_run_gives_the_same_files() {
    let (policies, seeds) = (policies(), seeds());
    for study in [comparison(&policies), bands(&seeds)] {
        assert_eq!(written(&study), written(&study));
    }
}

#[test]
fn kpis_stand_side_by_side_hour_by_hour() {
    let figures = story::figures("everyday", 1, 1_000, 0.5);
    let files = written(&Study::new(Group::new("everyday", run(&figures)), "emta simulate everyday.yaml"));
    let mut reader = csv::Reader::from_reader(files[0].1.as_bytes());
    let titles = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), figures.hours());
    let cell = |hour: usize, title: &str| {
        let column = titles.iter().position(|known| known == title).unwrap();
        rows[hour].get(column).unwrap().to_owned()
    };
    assert_eq!((cell(0, "hour"), cell(0, "until")), ("0".to_owned(), "2026-01-05T10:00:00.000Z".to_owned()));
    let last = figures.hours() - 1;
    for mode in emta_campaign::Mode::ALL {
        let delivered = figures.kpis(mode, last).of(Indicator::Delivered).to_string();
        assert_eq!(cell(last, &format!("delivered.{}", mode.name())), delivered);
    }
    assert_eq!(cell(last, "accepted"), "1000");
    assert_eq!(cell(last, "queued"), figures.total().queued().to_string());
}

#[test]
fn the_summary_says_what_was_counted() {
    let policies = policies();
    let summary = serde_json::to_value(Summary::new(&comparison(&policies))).unwrap();
    let total = |index: usize, outcome| policies[index].total().of(outcome);
    let at = |path: &str| summary.pointer(path).unwrap_or_else(|| panic!("{path} is missing")).clone();
    assert_eq!(at("/groups/1/scenario"), "slow <&>");
    assert_eq!(at("/groups/0/key_figures/delivered/value"), total(0, Outcome::Delivered));
    assert_eq!(at("/groups/1/key_figures/expired/value"), total(1, Outcome::Expired));
    let difference = total(1, Outcome::Expired) as i64 - total(0, Outcome::Expired) as i64;
    assert!(difference > 0, "the slow policy loses mail");
    assert_eq!(at("/differences/expired/absolute"), difference);
    assert_eq!(at("/groups/0/kpis/efs-v8/targeted"), 2000);
    assert_eq!(at("/groups/0/by_provider/gamma & <delta>/accepted"), 286);
    assert_eq!(at("/groups/0/survival/0"), 1);
    assert_eq!(at("/groups/0/runs/0/seed"), 1);

    let seeds = seeds();
    let summary = serde_json::to_value(Summary::new(&bands(&seeds))).unwrap();
    assert_eq!(summary.pointer("/differences"), None);
    let spread = summary.pointer("/groups/0/key_figures/hard_bounces/value").unwrap();
    let [low, middle, high] = ["p5", "median", "p95"].map(|name| spread[name].as_f64().unwrap());
    assert!(low < middle && middle < high, "{spread}");
    assert_eq!(summary.pointer("/groups/0/key_figures/accepted/value"), Some(&Value::from(1000)));
}

#[test]
fn tables_have_a_cell_for_each_title() {
    let (policies, seeds) = (policies(), seeds());
    let empty = Figures::new(policies[0].setting().clone());
    for study in [
        Study::new(Group::new("nothing", run(&empty)), ""),
        Study::comparison(Group::new("nothing", run(&empty)), Group::new("quick", run(&policies[0])), ""),
        comparison(&policies),
        bands(&seeds),
    ] {
        for table in tables::all(&study) {
            for row in &table.rows {
                assert_eq!(row.len(), table.titles.len(), "{}: {row:?}", table.caption);
            }
        }
    }
}

#[test]
fn differences_are_absolute_and_in_percent() {
    let policies = policies();
    let table = tables::differences(&comparison(&policies)).unwrap();
    assert_eq!(table.titles, ["Figure", "quick", "slow <&>", "Difference", "In percent"]);
    let row = |label: &str| table.rows.iter().find(|row| row[0] == label).unwrap().clone();
    assert_eq!(row("Accepted by the relay")[1..], ["2,000", "2,000", "0", "0.00 %"]);
    let age = row("99 % had left the queue after");
    assert!(age[3].starts_with('+') && age[4].starts_with('+'), "{age:?}");
}

#[test]
fn what_is_there_is_not_written_over_unless_told() {
    let folder = tempfile::tempdir().unwrap();
    let check = |path: &Path, force: bool, expected: Option<&str>| {
        let error = OutDir::create(path, force).err();
        let text = error.map(|error| error.to_string().replace(&folder.path().display().to_string(), "TEMP"));
        match expected {
            None => assert_eq!(text, None),
            Some(expected) => assert_eq!(text.unwrap().lines().next(), Some(expected)),
        }
    };
    check(folder.path(), false, None);
    check(&folder.path().join("new/folder"), false, None);
    let not_empty = "`TEMP` is not empty; expected an empty folder or one that does not exist";
    check(folder.path(), false, Some(not_empty));
    for name in ["summary.json", "events.ndjson", "events-a.ndjson.gz"] {
        fs::write(folder.path().join(name), "of an older run").unwrap();
    }
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    check(folder.path(), true, None);
    let mut left: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["new", "notes.txt"], "old files of ours are gone, others are not touched");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let no_folder = "`TEMP/file` is not a folder; expected an empty folder or one that does not exist";
    check(&file, false, Some(no_folder));
    check(&file, true, Some(no_folder));
    let below = OutDir::create(&file.join("below"), true);
    assert!(matches!(below, Err(OutError::Io { .. })), "{below:?}");
}
