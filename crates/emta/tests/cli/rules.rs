//! `emta rules`: the tuning commands, on small files of their own.

mod tuning;

use serde_json::{Value, json};

use crate::support::{emta, fed, path};

/// Rules and texts in a folder that goes away.
pub(crate) struct Files(tempfile::TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Writes a file; its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let file = self.0.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        path(&file).to_owned()
    }
}

pub(crate) const RULES: &str = r#"rules:
    - id: Full
      when: { codes: [4xx, 5xx] }
      match: ['over ?quota', "mailbox (is )?full"]
      set: { type: soft, reason: mailbox_full }
      tests:
          match: ["552 5.2.2 over quota"]
          no_match: ["550 5.1.1 user unknown"]
    - id: Unknown
      match: "user unknown"
      set: { type: hard, reason: user_unknown }
      tests:
          match: ["550 5.1.1 user unknown"]
          no_match: ["552 5.2.2 over quota"]
"#;

#[test]
fn explain_tells_every_step() {
    let files = Files::new();
    let rules = files.write("rules.yaml", RULES);
    let text = "550 5.1.1 <ann@example.com>: user unknown";
    let told = emta(&["rules", "explain", "--rules", &rules, text]).ok();
    assert!(told.contains("    1  Full: none of 2 patterns found in text\n"), "{told}");
    assert!(told.contains("*   2  Unknown: match[0] `user unknown` found in text at 29..41"), "{told}");
    assert!(told.contains("verdict     hard / user_unknown, by Unknown\n"), "{told}");
    let told = emta(&["rules", "explain", "--rules", &rules, "--format", "json", text]).json();
    assert_eq!((&told[0]["winner"], &told[0]["rule"]), (&json!(1), &json!("Unknown")));
    assert_eq!(told[0]["steps"][1]["detail"]["span"], json!([29, 41]));
    let told = emta(&["rules", "explain", "--rules", &rules, "over quota"]).ok();
    assert!(told.contains("Full: `when.codes` wants 4xx or 5xx, there is none"), "{told}");
    assert!(told.contains("verdict     ignored / unreachable, by (no rule), to qualify"), "{told}");
    let told = emta(&["rules", "explain", "--rules", &rules, "--mta", "--matches", "over quota"]).ok();
    assert!(!told.contains("Full"), "{told}");
    assert!(told.contains("verdict     soft / unreachable, class undetermined"), "{told}");
}

#[test]
fn explain_reads_mails_and_lines() {
    let files = Files::new();
    let rules = files.write("rules.yaml", RULES);
    let mail = files.write("bounce.eml", &tuning::mail("ann@example.com", "552 5.2.2 over quota"));
    let told = emta(&["rules", "explain", "--rules", &rules, "--format", "json", &mail]).json();
    assert_eq!((&told[0]["case"], &told[0]["rule"]), (&json!("ann@example.com"), &json!("Full")));
    let lines = files.write("lines.txt", "550 user unknown\n\n452 over quota\n");
    let told = emta(&["rules", "explain", "--rules", &rules, "--format", "json", &lines]).json();
    let rules_of: Vec<&Value> = told.as_array().unwrap().iter().map(|told| &told["rule"]).collect();
    assert_eq!(rules_of, ["Unknown", "Full"]);
    let ordinary = files.write("hello.eml", "From: ann@example.com\nSubject: Hello\n\nHow are you?\n");
    assert_eq!(emta(&["rules", "explain", &ordinary]).code, Some(1));
}

#[test]
fn tests_are_reported_to_ci_servers() {
    let files = Files::new();
    let bad = RULES.replace(r#"match: ["550 5.1.1 user unknown"]"#, r#"match: ["550 <who> & \"what\""]"#);
    let (rules, report) = (files.write("rules.yaml", &bad), files.write("report.xml", ""));
    let run = emta(&["rules", "test", &rules, "--junit", &report, "--coverage"]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(run.stdout.ends_with("3 of 4 tests passed\n"), "{}", run.stdout);
    assert!(
        run.stdout.contains("rule `Full`, match[1]: no test has `mailbox (is )?full`\n"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("2 of 2 rules have a `match` test, 1 of 3 patterns are in one"),
        "{}",
        run.stdout
    );
    let report = std::fs::read_to_string(report).unwrap();
    assert!(report.contains("<testsuites tests=\"4\" failures=\"1\">"), "{report}");
    assert!(report.contains("classname=\"Full\" name=\"tests.match[0]\"/>"), "{report}");
    assert!(report.contains("`550 &lt;who&gt; &amp; &quot;what&quot;`"), "{report}");
    let told =
        emta(&["rules", "test", &files.write("good.yaml", RULES), "--format", "json", "--coverage"]).json();
    assert_eq!((&told[0]["passed"], &told[0]["coverage"]["patterns_in_tests"]), (&json!(4), &json!(2)));
}

/// What is exported is a rule file that says the same, and the table leads back to it.
#[test]
fn rules_are_exported_and_imported() {
    let files = Files::new();
    for side in [&["--mta"][..], &[]] {
        let yaml = emta(&[&["rules", "export", "--format", "yaml"], side].concat()).ok();
        let copy = files.write("copy.yaml", &yaml);
        let again = emta(&["rules", "export", &copy, "--format", "yaml"]).ok();
        assert_eq!(yaml, again);
        assert_eq!(emta(&["rules", "test", &copy]).code, Some(0));
    }
    let rules = files.write("rules.yaml", RULES);
    let table = emta(&["rules", "export", &rules]).ok();
    let imported = emta(&["rules", "import", "csv", &files.write("rules.csv", &table)]).ok();
    assert_eq!(table, emta(&["rules", "export", &files.write("back.yaml", &imported)]).ok());
}

/// The shipped rules survive a table, the one that takes everything too; JSON is a rule file, samples and all.
#[test]
fn shipped_rules_come_back_from_a_table_and_from_json() {
    let files = Files::new();
    for side in [&["--mta"][..], &[]] {
        let export = |args: &[&str]| emta(&[&["rules", "export"], args].concat());
        let run = export(side);
        assert!(run.stderr.contains("the samples of "), "{}", run.stderr);
        let table = files.write("rules.csv", &run.ok());
        let back = files.write("back.yaml", &emta(&["rules", "import", "csv", &table]).ok());
        let (rules, mut expected) = (
            export(&[&back, "--format", "json"]).json(),
            export(&[&["--format", "json"], side].concat()).json(),
        );
        for rule in expected["rules"].as_array_mut().unwrap() {
            rule.as_object_mut().unwrap().remove("tests");
        }
        assert_eq!(rules, expected);
        let json = files.write("rules.json", &export(&[&["--format", "json"], side].concat()).ok());
        let yaml = export(&[&["--format", "yaml"], side].concat()).ok();
        assert_eq!(export(&[&json, "--format", "yaml"]).ok(), yaml);
    }
}

#[test]
fn rules_for_kumomta_tell_what_they_lose() {
    let files = Files::new();
    let rules = files.write("rules.yaml", RULES);
    let run = emta(&["rules", "export", &rules, "--format", "kumomta"]);
    assert_eq!(run.code, Some(6), "{run:#?}");
    assert_eq!(run.stdout, "[rules]\nInvalidRecipient = [\n  '(?im)user unknown',\n]\n");
    assert!(run.stderr.contains("warning: rule `Full`: left out: it has `when.codes`"), "{}", run.stderr);
    let again = emta(&["rules", "import", "kumomta", &files.write("rules.toml", &run.stdout)]).ok();
    assert!(again.contains("- \"user unknown\"\n"), "{again}");
    let exact = files.write("exact.yaml", &again);
    assert_eq!(emta(&["rules", "export", &exact, "--format", "kumomta"]).ok(), run.stdout);
}

/// Errors are data: file, line, column, what is wrong and what to do.
#[test]
fn errors_are_json_for_programs() {
    let files = Files::new();
    let good = files.write("good.yaml", RULES);
    let bad = files.write("bad.yaml", &RULES.replace("user_unknown", "user_unknwon"));
    let run = emta(&["rules", "check", &bad, &good, "--format", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(3), ""));
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&told[1]["ok"], &told[1]["rules"], &told[1]["error"]),
        (&json!(true), &json!(2), &Value::Null)
    );
    let error = &told[0]["error"];
    assert_eq!((&told[0]["ok"], &error["line"], &error["column"]), (&json!(false), &json!(11), &json!(34)));
    assert_eq!((&error["file"], error.get("hint")), (&json!(bad), Some(&Value::Null)));
    let run = emta(&["rules", "check", &bad, &good]);
    assert!(run.stderr.starts_with(&format!("error: {bad}:11:34: ")), "{run:#?}");
    assert_eq!(run.stdout, format!("{good}: ok, 2 rules\n"), "the others are checked too");

    let check = |args: &[&str], code: i32, place: Value, message: &str| {
        let run = emta(&[args, &["--format", "json"]].concat());
        assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""), "{run:#?}");
        let told: Value = serde_json::from_str(run.stderr.lines().last().unwrap()).unwrap();
        let error = &told["error"];
        assert_eq!(told["exit_code"], code);
        assert_eq!(json!([error["file"], error["line"], error["column"]]), place, "{told}");
        assert!(error["message"].as_str().unwrap().contains(message), "{told}");
    };
    for args in [&["rules", "export", &bad][..], &["rules", "lint", &bad], &["rules", "test", &bad]] {
        check(args, 3, json!([bad, 11, 34]), "unknown");
    }
    let table = files.write("a.csv", "id,pattern,class\nFull,(,22\n");
    check(
        &["rules", "import", "csv", &table],
        3,
        json!([table, 2, 1]),
        "no rule could be taken over: `pattern`",
    );
    check(&["rules", "eval", "/there/is/none"], 4, json!([null, null, null]), "cannot be read");
    check(&["rules", "explain", "bounce.eml"], 4, json!([null, null, null]), "`bounce.eml` is no file");
    let table = files.write("b.csv", "id,pattern,class\nFull,full,22\nOdd,(,22\n");
    let run = emta(&["rules", "import", "csv", &table, "--format", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(6), ""));
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        told["rules"],
        json!([{ "id": "Full", "match": ["full"], "set": { "class": "mailbox_full" } }])
    );
    assert_eq!(told["warnings"][0]["line"], 3);
}

/// Who mends a file wants to know all of it.
#[test]
fn check_tells_every_problem() {
    let files = Files::new();
    let bad = RULES.replace("user_unknown", "user_unknwon").replace("over ?quota", "(").replace("4xx", "9xx");
    let bad = files.write("bad.yaml", &bad);
    let run = emta(&["rules", "check", &bad]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""));
    let places: Vec<&str> = run.stderr.lines().filter_map(|line| line.strip_prefix("error: ")).collect();
    let expected = ["3:23: rule `Full`", "4:15: rule `Full`", "11:34: `user_unknwon`"];
    assert_eq!(places.len(), expected.len(), "{}", run.stderr);
    for (told, place) in places.iter().zip(expected) {
        assert!(told.starts_with(&format!("{bad}:{place}")), "{told}");
    }
    let caret = "\n   |\n11 |       set: { type: hard, reason: user_unknwon }\n   |                                  ^\n";
    assert!(run.stderr.contains(caret), "{}", run.stderr);
    assert!(run.stderr.ends_with(&format!("\n{bad}: 3 problems\n")), "{}", run.stderr);
    let told: Value =
        serde_json::from_str(&emta(&["rules", "check", &bad, "--format", "json"]).stdout).unwrap();
    let lines: Vec<&Value> =
        told[0]["errors"].as_array().unwrap().iter().map(|error| &error["line"]).collect();
    assert_eq!((lines, &told[0]["error"]), (vec![&json!(3), &json!(4), &json!(11)], &told[0]["errors"][0]));

    let main = files.write("emta.yaml", &format!("rules: {{ mta: {bad} }}\n"));
    let of_configuration = emta(&["rules", "check", "-c", &main]);
    assert_eq!((of_configuration.code, of_configuration.stderr), (Some(3), run.stderr));
}

/// What editors, shells and hands make of rule files.
#[test]
fn rule_files_as_they_come() {
    let files = Files::new();
    let check = |bytes: &[u8], code: i32, said: &str| {
        let file = files.write("rules.yaml", "");
        std::fs::write(&file, bytes).unwrap();
        let run = emta(&["rules", "check", &file]);
        assert_eq!(run.code, Some(code), "{run:#?}");
        assert!(format!("{}{}", run.stdout, run.stderr).contains(said), "{said}: {run:#?}");
    };
    check(RULES.replace('\n', "\r\n").as_bytes(), 0, "ok, 2 rules");
    check(format!("\u{feff}{RULES}").as_bytes(), 0, "ok, 2 rules");
    check(RULES.replace("      set", "\tset").as_bytes(), 3, "rules.yaml:5:1: a tab in the indentation");
    check(b"# nothing yet\n", 3, "the file is empty, expected rules");
    check(b"rules:\n  - id: caf\xe9\n", 3, "rules.yaml:2:12: octet `0xe9` is not UTF-8");
    check(b"\xff\xfer\0u\0l\0", 3, "is UTF-16, expected UTF-8");
    check(b"\x7fELF\0\xff", 3, "is not a text");
    let folder = files.write("folder/x", "").replace("/x", "");
    let run = emta(&["rules", "check", &folder, "/there/is/none.yaml"]);
    assert!(run.stderr.contains("Is a directory") && run.stderr.contains("No such file"), "{run:#?}");
    assert_eq!(fed(&["rules", "check", "-"], RULES.as_bytes()).ok(), "<stdin>: ok, 2 rules\n");
    let twice = fed(&["rules", "eval", "-", "--rules", "-"], RULES.as_bytes());
    assert!(twice.stderr.contains("standard input is taken"), "{twice:#?}");
}

#[test]
fn what_is_no_text_is_told() {
    let files = Files::new();
    let rules = files.write("rules.yaml", RULES);
    let odd = files.write("odd.bin", "\0\u{1}\u{2}");
    for args in
        [&["rules", "explain", &odd][..], &["rules", "explain", "bounces/1.eml"], &["rules", "explain", ""]]
    {
        let run = emta(&[args, &["--rules", &rules]].concat());
        assert!(run.code == Some(4) || run.code == Some(2), "{run:#?}");
    }
    let run = emta(&["rules", "suggest", "--corpus", &odd, "--rules", &rules]);
    assert_eq!(run.code, Some(6), "{run:#?}");
    assert!(run.stderr.contains("neither a mail nor a text"), "{run:#?}");
}

/// The first lines show what is wrong with all of them.
#[test]
fn a_corpus_in_the_wrong_form_does_not_flood_the_screen() {
    let files = Files::new();
    let lines = files.write("lines.jsonl", &"{\"line\": \"550 no\"}\n".repeat(300));
    let run = emta(&["rules", "eval", &lines, "--mta"]);
    let told: Vec<&str> = run.stderr.lines().filter(|line| line.contains("cannot be read")).collect();
    assert_eq!(told.len(), 11, "{}", run.stderr);
    let first = "warning: `lines.jsonl:1` cannot be read: `text` is missing, expected a reply line";
    assert_eq!((told[0], told[10]), (first, "warning: 290 more cannot be read"));
    assert_eq!(run.code, Some(6));
}

#[test]
fn import_tells_what_it_leaves_out() {
    let files = Files::new();
    let check = |format: &str, name: &str, text: &str, code: i32, said: &str| {
        let file = files.write(name, text);
        let run = emta(&["rules", "import", format, &file]);
        assert_eq!(run.code, Some(code), "{run:#?}");
        assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
        run.stdout
    };
    let toml =
        "[rules]\nQuotaIssues = [\n  'it''s|over \"quota\"',\n  \"\\\\bfull\\\\b\",\n]\nMagic = ['x']\n";
    let toml = toml.replace("it''s|", "");
    let yaml = check("kumomta", "a.toml", &toml, 6, "a.toml:6: `Magic` is not a class of KumoMTA");
    let ok = emta(&["rules", "check", &files.write("a.yaml", &yaml)]).ok();
    assert!(ok.ends_with("ok, 1 rule\n"), "{ok}");
    assert!(yaml.contains("- 'over \"quota\"'") && yaml.contains(r"- '\bfull\b'"), "{yaml}");
    check("csv", "b.csv", "id,pattern,class\nFull,(,mailbox_full\n", 3, "b.csv:2: ");
    check("csv", "c.csv", "id,what\n", 3, "c.csv:1: `what` is not a column");
    assert_eq!(
        check("csv", "d.csv", "id,pattern,class\nFull,it's full,mailbox_full\n", 0, "").lines().count(),
        5
    );
}
