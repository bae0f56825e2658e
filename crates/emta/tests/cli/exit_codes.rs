//! One exit code for each way to end, and a message that says what to do.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use crate::support::{Server, command, emta, interrupt, path};

/// Runs the program and compares exit code and what standard error says; standard output stays empty.
#[track_caller]
fn check(args: &[&str], code: i32, said: &[&str]) {
    let run = emta(args);
    assert_eq!(run.code, Some(code), "{args:?}: {run:#?}");
    for said in said {
        assert!(run.stderr.contains(said), "{args:?}: expected {said:?} in {}", run.stderr);
    }
    assert_eq!(run.stdout, "", "{args:?}");
}

#[test]
fn a_wrong_command_line_is_2() {
    check(&["fly"], 2, &["unrecognized subcommand"]);
    check(&["clock", "advance", "84x"], 2, &["`84x` is not a duration", "`84h`"]);
    check(&["clock", "to", "yesterday"], 2, &["`yesterday` is not a point in time"]);
    check(&["clock", "mode", "fast"], 2, &["`fast` is not a clock mode"]);
    check(&["demo", "--recipients", "0"], 2, &["1..=1000000"]);
    check(&["health", "--server", "nonsense"], 2, &["`nonsense` is not the address of a server"]);
    check(&["health", "--server", "https://emta.test"], 2, &["expected a URL such as `http://"]);
}

#[test]
fn a_wrong_configuration_is_3() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        path(&file).to_owned()
    };
    let broken = file("broken.yaml", "queue:\n  validity: [24h\n");
    check(&["up", "-c", &broken], 3, &["broken.yaml:"]);
    check(&["config", "check", "-c", &broken], 3, &["broken.yaml:"]);
    let unknown = file("unknown.yaml", "queue:\n  providers:\n    gmial: { retry: [5m] }\n");
    check(&["up", "-c", &unknown], 3, &["unknown.yaml:3:5", "gmial", "did you mean `gmail`?"]);
    check(&["up", "--clock", "fast"], 3, &["--clock", "`fast` is not a clock mode"]);
    check(&["up", "--smtp", "here"], 3, &["--smtp", "`here`"]);
    check(&["up", "--http", "0.0.0.0:0"], 3, &["--http", "token"]);
    check(&["demo", "--mode", "esf"], 3, &["--mode", "`esf`"]);
    check(&["up", "-c", "/there/is/none.yaml"], 3, &["there is no such file"]);
    let rules =
        file("rules.yaml", "rules:\n  - id: One\n    match: \"(\"\n    set: { class: mailbox_full }\n");
    check(&["rules", "check", &rules], 3, &["rules.yaml:3:"]);
    check(&["inmail", "--rules", &rules, "-"], 3, &["rules.yaml:3:"]);
}

#[test]
fn a_failed_test_of_a_rule_is_1() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    let text = "rules:\n  - id: Full\n    match: full\n    set: { class: mailbox_full }\n    tests:\n      \
                match: [\"452 mailbox full\", \"452 over quota\"]\n";
    std::fs::write(&file, text).unwrap();
    let run = emta(&["rules", "test", path(&file)]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stdout.contains("rule `Full`, tests.match[1]: expected to win `452 over quota`"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.ends_with("1 of 2 tests passed\n"), "{}", run.stdout);
    assert!(emta(&["rules", "check", path(&file)]).ok().ends_with("ok, 1 rule\n"));
    assert_eq!(emta(&["rules", "test"]).ok().lines().count(), 2, "the shipped rules pass their own tests");
}

#[test]
fn a_port_in_use_is_4() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for flag in ["--smtp", "--http", "--pop3", "--bounce-smtp"] {
        let args = ["up", "--ephemeral", "--data", ":memory:", flag, &address];
        let key = format!("listen.{}", flag.trim_start_matches('-').replace('-', "_"));
        check(&args, 4, &[&format!("cannot listen on `{address}`"), "hint: ", &key]);
    }
}

#[test]
fn no_server_is_4() {
    // Taken and given back: nobody listens there now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{address}");
    let said = format!("no server answers at `{url}`");
    for args in [&["health"][..], &["clock", "advance", "84h"], &["messages"], &["events"]] {
        check(&[args, &["--server", &url]].concat(), 4, &[&said, "hint: start one with `emta up`"]);
    }
}

#[test]
fn what_the_server_refuses_is_1_2_or_4() {
    let server = Server::start(&["--token", "s3cret"]);
    let with = |args: &[&str]| server.emta(&[args, &["--token", "s3cret"]].concat());
    assert_eq!(with(&["health"]).code, Some(0));
    assert_eq!(with(&["delivery", "show", "9"]).code, Some(1));
    assert_eq!(with(&["messages", "--status", "lost"]).code, Some(2));
    assert_eq!(with(&["clock", "mode", "auto"]).code, Some(0));
    assert_eq!(with(&["clock", "advance", "1h"]).code, Some(1));
    let refused = server.emta(&["health"]);
    assert_eq!(refused.code, Some(4));
    assert!(refused.stderr.contains("Authorization"), "{}", refused.stderr);
}

#[test]
fn ctrl_c_is_130_for_who_waits_and_0_for_the_server() {
    let server = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.csv");
    std::fs::write(&list, "email\nann@gmail.test\n").unwrap();
    server.emta(&["delivery", "create", "--label", "x", "--recipients", path(&list), "--confirm"]).ok();
    let mut follow = server.command(&["events", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(follow.stdout.take().unwrap()).read_line(&mut line).unwrap();
    interrupt(&follow);
    assert_eq!(follow.wait().unwrap().code(), Some(130));
    assert_eq!(server.interrupt(), Some(0));
    assert_eq!(Server::start(&[]).close(), Some(0), "the end of standard input ends it too");
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    assert_eq!(second_ctrl_c(), Some(130));
}

/// A client that never ends its request holds up an orderly end for a while; a second Ctrl-C does not wait
/// for it. The exit code.
pub(crate) fn second_ctrl_c() -> Option<i32> {
    let server = Server::start(&[]);
    let mut slow = TcpStream::connect(server.url().strip_prefix("http://").unwrap()).unwrap();
    let head =
        b"POST /api/v1/clock/advance HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    slow.write_all(&[head, &b"Content-Length: 9\r\n\r\n"[..]].concat()).unwrap();
    assert_eq!(server.emta(&["health"]).code, Some(0), "the request before it has arrived");
    server.interrupt_twice()
}

#[test]
fn who_closes_our_output_has_seen_enough() {
    let mut child =
        command(&["config", "print"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// Warnings and errors that nobody hears are no reason to end otherwise.
#[test]
fn who_closes_our_standard_error_has_heard_enough() {
    for (args, code) in [(&["inmail", "/there/is/none"][..], 6), (&["rules", "check", "/there/is/none"], 3)] {
        let mut child = command(args);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(
            child.stdout(Stdio::null()).stderr(writer).status().unwrap().code(),
            Some(code),
            "{args:?}"
        );
    }
}

/// A letter is not the name of its file.
#[test]
fn a_text_and_a_file_of_text_are_two_things() {
    let folder = tempfile::tempdir().unwrap();
    let letter = folder.path().join("letter.txt");
    std::fs::write(&letter, "Dear {{name}}").unwrap();
    let letter = path(&letter);
    let create = ["delivery", "create", "--label", "x", "--recipients", letter];
    for named in [letter, "lettre.txt", "there/is/none.HTML"] {
        let refused = [&create[..], &["--text", named]].concat();
        check(&refused, 2, &["names a file", &format!("hint: `--text-file {named}`")]);
    }
    check(
        &[&create[..], &["--text-file", "/there/is/none"]].concat(),
        4,
        &["`/there/is/none` cannot be read"],
    );
    check(&[&create[..], &["--text", "Hi", "--text-file", letter]].concat(), 2, &["cannot be used with"]);
}
