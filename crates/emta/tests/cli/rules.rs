//! `emta rules`: the tuning commands, on small files of their own.

mod tuning;

use serde_json::{Value, json};

use crate::support::{emta, path};

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
    assert!(ok.ends_with("ok, 1 rules\n"), "{ok}");
    assert!(yaml.contains("- 'over \"quota\"'") && yaml.contains(r"- '\bfull\b'"), "{yaml}");
    check("csv", "b.csv", "id,pattern,class\nFull,(,mailbox_full\n", 3, "b.csv:2: ");
    check("csv", "c.csv", "id,what\n", 3, "c.csv:1: `what` is not a column");
    assert_eq!(
        check("csv", "d.csv", "id,pattern,class\nFull,it's full,mailbox_full\n", 0, "").lines().count(),
        5
    );
}
