//! What `--help` says of exit codes is what the commands end with: every code of every command is shown here.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use crate::exit_codes::second_ctrl_c;
use crate::rules::{Files, RULES};
use crate::support::{Run, Server, command, emta, interrupt};

/// A command, and a code that it ended with.
type Shown = BTreeSet<(String, i32)>;

/// The command of these arguments: its words, of two where the first has subcommands.
fn name(args: &[&str]) -> String {
    const GROUPS: [&str; 5] = ["clock", "delivery", "bounce", "rules", "config"];
    let inner = args.get(1).copied().unwrap_or_default();
    let is_group = GROUPS.contains(&args[0])
        || matches!((args[0], inner), ("qualification", "edit") | ("addresses", "set"));
    if is_group { format!("{} {inner}", args[0]) } else { args[0].to_owned() }
}

#[track_caller]
fn check(shown: &mut Shown, args: &[&str], code: i32, run: impl Fn(&[&str]) -> Run) {
    let run = run(args);
    assert_eq!(run.code, Some(code), "{args:?}: {run:#?}");
    shown.insert((name(args), code));
}

/// All commands, with arguments that they can be given.
const COMMANDS: [&[&str]; 43] = [
    &["up"],
    &["demo"],
    &["simulate", "everyday"],
    &["clock", "status"],
    &["clock", "advance", "1h"],
    &["clock", "to", "2026-02-05T09:00:00Z"],
    &["clock", "step"],
    &["clock", "settle"],
    &["clock", "mode", "frozen"],
    &["delivery", "create", "--label", "x", "--recipients", "list.csv"],
    &["delivery", "list"],
    &["delivery", "show", "9"],
    &["delivery", "prepare", "9"],
    &["delivery", "confirm", "9"],
    &["delivery", "cancel", "9"],
    &["delivery", "logs", "9"],
    &["delivery", "kpis", "9"],
    &["messages"],
    &["message", "0123456789abcdef"],
    &["queue"],
    &["events"],
    &["bounces"],
    &["qualification"],
    &["qualification", "edit", "0123456789abcdef0123456789abcdef", "--status", "keep"],
    &["addresses"],
    &["addresses", "set", "ann@gmail.test", "denylisted"],
    &["providers"],
    &["health"],
    &["inmail", "x.eml"],
    &["bounce", "make", "--to", "bounces@news.example", "--recipient", "ann@example.com"],
    &["bounce", "formats"],
    &["rules", "check"],
    &["rules", "test"],
    &["rules", "explain", "550 user unknown"],
    &["rules", "eval", "/there/is/none"],
    &["rules", "diff", "a.yaml", "b.yaml", "--corpus", "x"],
    &["rules", "lint"],
    &["rules", "suggest", "--corpus", "/there/is/none"],
    &["rules", "import", "csv", "x.csv"],
    &["rules", "export"],
    &["config", "check"],
    &["config", "print"],
    &["config", "show-default"],
];

fn is_client(args: &[&str]) -> bool {
    !matches!(args[0], "up" | "demo" | "simulate" | "inmail" | "bounce" | "rules" | "config")
}

/// The codes that the help of a command lists.
fn documented(args: &[&str]) -> Shown {
    let name = name(args);
    let words: Vec<&str> = name.split(' ').chain(["--help"]).collect();
    let help = emta(&words).ok();
    let codes = help.split_once("\nExit codes:\n").unwrap_or_else(|| panic!("{name}: {help}")).1;
    let codes = codes.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok());
    codes.map(|code| (name.clone(), code)).collect()
}

#[test]
fn every_code_of_every_command_is_shown() {
    let mut shown = Shown::new();
    for args in COMMANDS {
        check(&mut shown, &[args, &["--no-such-flag"]].concat(), 2, emta);
    }
    offline(&mut shown);
    rules(&mut shown);
    clients(&mut shown);
    clocks(&mut shown);
    programs(&mut shown);
    let documented: Shown = COMMANDS.iter().flat_map(|args| documented(args)).collect();
    let missing: Vec<_> = documented.difference(&shown).collect();
    let unknown: Vec<_> = shown.difference(&documented).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "not shown: {missing:?}; not documented: {unknown:?}");
}

fn offline(shown: &mut Shown) {
    let files = Files::new();
    let mail = files.write("1.eml", "From: ann@example.com\r\nSubject: Hello\r\n\r\nHi\r\n");
    let mut check = |args: &[&str], code: i32| check(shown, args, code, emta);
    check(&["inmail", &mail], 0);
    check(&["inmail", &mail, "--rules", "/there/is/none"], 3);
    check(&["inmail", &mail, "/there/is/none"], 6);
    let make = ["bounce", "make", "--to", "bounces@news.example", "--recipient", "ann@example.com"];
    check(&make, 0);
    check(&[&make[..], &["--original", "/there/is/none"]].concat(), 4);
    check(&["bounce", "formats"], 0);
    for what in ["check", "print"] {
        check(&["config", what], 0);
        check(&["config", what, "-c", "/there/is/none"], 3);
    }
    check(&["config", "show-default"], 0);
}

fn rules(shown: &mut Shown) {
    let files = Files::new();
    let good = files.write("good.yaml", RULES);
    let worse = files.write("worse.yaml", &RULES.replace("type: hard", "type: soft"));
    let failing = files.write("failing.yaml", &RULES.replace("[\"552 5.2.2 over quota\"]", "[\"552 what\"]"));
    let shadowed =
        "    - id: Late\n      match: [\"user unknown here\"]\n      set: { type: soft, reason: refused }\n";
    let shadowed = files.write("shadowed.yaml", &format!("{RULES}{shadowed}"));
    let lines = files.write("lines.txt", "550 user unknown\n");
    let partial = files.write("lines.jsonl", "{\"text\": \"550 user unknown\"}\n{}\n");
    let labels = |reason: &str| {
        let label =
            format!("{{\"line\": 1, \"campaign\": {{\"type\": \"hard\", \"reason\": \"{reason}\"}}}}\n");
        files.write(&format!("{reason}.labels"), &label)
    };
    let (right, wrong) = (labels("user_unknown"), labels("refused"));
    let none = "/there/is/none";
    let mut check = |args: &[&str], code: i32| check(shown, &[&["rules"], args].concat(), code, emta);
    check(&["check", &good], 0);
    check(&["check", none], 3);
    check(&["test", &good], 0);
    check(&["test", &failing], 1);
    check(&["test", none], 3);
    check(&["test", &good, "--junit", "/there/is/none/report.xml"], 4);
    check(&["explain", "550 user unknown"], 0);
    check(&["explain", &files.write("hello.eml", "From: ann@example.com\nSubject: Hello\n\nHi\n")], 1);
    check(&["explain", "550 user unknown", "--rules", none], 3);
    check(&["explain", none], 4);
    check(&["eval", &lines, "--labels", &right, "--rules", &good], 0);
    check(&["eval", &lines, "--labels", &wrong, "--rules", &good], 1);
    check(&["eval", &files.write("empty.txt", ""), "--labels", &right, "--rules", &good], 1);
    check(&["eval", &lines, "--labels", none], 3);
    check(&["eval", none], 4);
    check(&["eval", &partial, "--labels", &right, "--rules", &good], 6);
    let diff = |old: &str,
                new: &str,
                corpus: &str,
                more: &[&str],
                code: i32,
                check: &mut dyn FnMut(&[&str], i32)| {
        check(&[&["diff", old, new, "--corpus", corpus], more].concat(), code);
    };
    diff(&good, &good, &lines, &[], 0, &mut check);
    diff(&good, &worse, &lines, &["--labels", &right], 1, &mut check);
    diff(&good, none, &lines, &[], 3, &mut check);
    diff(&good, &good, none, &[], 4, &mut check);
    diff(&good, &good, &partial, &[], 6, &mut check);
    check(&["lint", &good], 0);
    check(&["lint", "--rules", &shadowed], 1);
    check(&["lint", none], 3);
    check(&["lint", &good, "--corpus", none], 4);
    check(&["lint", &good, "--corpus", &partial], 6);
    check(&["suggest", "--corpus", &lines], 0);
    check(&["suggest", "--corpus", &lines, "--rules", none], 3);
    check(&["suggest", "--corpus", none], 4);
    check(&["suggest", "--corpus", &partial], 6);
    check(&["import", "csv", &files.write("a.csv", "id,pattern,class\nFull,full,22\n")], 0);
    check(&["import", "csv", none], 3);
    check(&["import", "csv", &files.write("b.csv", "id,pattern,class\nFull,full,22\nOdd,(,22\n")], 6);
    check(&["export", &good], 0);
    check(&["export", none], 3);
    check(&["export", &good, "--format", "kumomta"], 6);
}

fn clients(shown: &mut Shown) {
    // Taken and given back: nobody listens there now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = format!("http://{address}");
    let server = Server::start(&[]);
    let files = Files::new();
    let list = files.write("list.csv", "email\nann@gmail.test\n");
    let create = ["delivery", "create", "--label", "x", "--recipients", &list];
    for args in COMMANDS.into_iter().filter(|args| is_client(args)) {
        check(shown, &[args, &["--server", &nowhere]].concat(), 4, emta);
    }
    let mut check = |args: &[&str], code: i32| check(shown, args, code, |args| server.emta(args));
    check(&["delivery", "create", "--label", "x", "--recipients", "/there/is/none"], 4);
    for step in ["show", "prepare", "confirm", "cancel", "logs", "kpis"] {
        check(&["delivery", step, "9"], 1);
    }
    check(&["message", "0123456789abcdef"], 1);
    check(&["qualification", "edit", "0123456789abcdef0123456789abcdef", "--status", "keep"], 1);
    check(&create, 0);
    for step in ["list", "show", "prepare", "confirm", "logs", "kpis", "cancel"] {
        let args = ["delivery", step, "1"];
        check(if step == "list" { &args[..2] } else { &args }, 0);
    }
    check(&["clock", "settle"], 0);
    let messages = server.emta(&["messages", "--format", "json"]).json();
    check(&["message", messages[0]["queue_id"].as_str().unwrap()], 0);
    for args in COMMANDS
        .into_iter()
        .filter(|args| is_client(args) && !matches!(args[0], "clock" | "delivery" | "message"))
    {
        if args.len() == 1 || args[0] == "addresses" {
            check(args, 0);
        }
    }
    let mut relay = TcpStream::connect(server.ready["bounce_smtp"].as_str().unwrap()).unwrap();
    let mail =
        emta(&["bounce", "make", "--to", "bounces@news.example", "--recipient", "ann@example.com"]).ok();
    let talk = format!(
        "EHLO mx.example.com\r\nMAIL FROM:<>\r\nRCPT TO:<bounces@news.example>\r\nDATA\r\n{mail}.\r\nQUIT\r\n"
    );
    relay.write_all(talk.as_bytes()).unwrap();
    relay.read_to_string(&mut String::new()).unwrap();
    let rows = server.emta(&["qualification", "--format", "json"]).json();
    let digest = rows[0]["digest"].as_str().unwrap();
    check(&["qualification", "edit", digest, "--status", "keep"], 0);
}

/// What moves the clock.
const MOVES: [&[&str]; 4] = [
    &["clock", "advance", "1h"],
    &["clock", "to", "2026-02-05T09:00:00Z"],
    &["clock", "step"],
    &["clock", "settle"],
];

fn clocks(shown: &mut Shown) {
    let server = Server::start(&[]);
    for args in MOVES.into_iter().chain([&["clock", "status"][..], &["clock", "mode", "frozen"]]) {
        check(shown, args, 0, |args| server.emta(args));
    }
    server.emta(&["clock", "mode", "real"]).ok();
    for args in &MOVES[..3] {
        check(shown, args, 1, |args| server.emta(args));
    }
    for args in MOVES {
        let (client, server) = held();
        check(shown, &[args, &["--timeout", "100ms"]].concat(), 5, |args| server.emta(args));
        drop(client);
    }
    for args in &MOVES[..2] {
        let (client, server) = held();
        let mut child = server.command(args).stderr(Stdio::piped()).spawn().unwrap();
        // The first line of progress: it waits, and hears Ctrl-C.
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        interrupt(&child);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{args:?}: {line}");
        shown.insert((name(args), 130));
        drop(client);
    }
}

/// A clock that does not move: a client has begun a transaction. The client is to be dropped first.
fn held() -> (BufReader<TcpStream>, Server) {
    let server = Server::start(&[]);
    let mut client = BufReader::new(TcpStream::connect(server.ready["smtp"].as_str().unwrap()).unwrap());
    client.get_mut().write_all(b"HELO me.example\r\nMAIL FROM:<a@news.example>\r\n").unwrap();
    for _ in 0..3 {
        client.read_line(&mut String::new()).unwrap();
    }
    (client, server)
}

/// What runs until it is told to end.
fn programs(shown: &mut Shown) {
    let files = Files::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    check(shown, &["up", "-c", "/there/is/none"], 3, emta);
    check(shown, &["up", "--ephemeral", "--data", ":memory:", "--smtp", &port], 4, emta);
    check(shown, &["demo", "--recipients", "1"], 0, emta);
    check(shown, &["demo", "--mode", "esf"], 3, emta);
    check(shown, &["demo", "--data", &format!("{}/x", files.write("file", ""))], 4, emta);
    check(shown, &["simulate", "everyday", "--recipients", "1"], 0, emta);
    check(shown, &["simulate", "everydy"], 3, emta);
    let taken_folder = files.write("taken", "");
    check(shown, &["simulate", "everyday", "--recipients", "1", "--out", &taken_folder], 4, emta);

    let mut demo = command(&["demo", "--recipients", "20000"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(demo.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("relayed") {
        line.clear();
        assert_ne!(told.read_line(&mut line).unwrap(), 0, "it ended before it was interrupted");
    }
    interrupt(&demo);
    assert_eq!(demo.wait().unwrap().code(), Some(130));
    shown.insert(("demo".to_owned(), 130));

    let args = ["simulate", "everyday", "--recipients", "300000"];
    let mut simulate = command(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // The first line of progress: it runs, and listens.
    let mut told = BufReader::new(simulate.stderr.take().unwrap());
    told.read_line(&mut line).unwrap();
    interrupt(&simulate);
    assert_eq!(simulate.wait().unwrap().code(), Some(130));
    shown.insert(("simulate".to_owned(), 130));

    let server = Server::start(&[]);
    let list = files.write("list.csv", "email\nann@gmail.test\n");
    server.emta(&["delivery", "create", "--label", "x", "--recipients", &list, "--confirm"]).ok();
    let mut follow = server.command(&["events", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    BufReader::new(follow.stdout.take().unwrap()).read_line(&mut line).unwrap();
    interrupt(&follow);
    assert_eq!(follow.wait().unwrap().code(), Some(130));
    shown.insert(("events".to_owned(), 130));
    assert_eq!(server.interrupt(), Some(0));
    shown.insert(("up".to_owned(), 0));
    assert_eq!(second_ctrl_c(), Some(130));
    shown.insert(("up".to_owned(), 130));
}
