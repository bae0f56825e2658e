//! `--help` teaches.

use crate::support::emta;

#[test]
fn lists_commands_variables_and_exit_codes() {
    let help = emta(&["--help"]).ok();
    let commands = [
        "up",
        "demo",
        "simulate",
        "clock",
        "delivery",
        "messages",
        "message",
        "queue",
        "events",
        "bounces",
        "qualification",
        "addresses",
        "providers",
        "health",
        "inmail",
        "rules",
        "config",
    ];
    for command in commands {
        assert!(help.lines().any(|line| line.trim_start().starts_with(&format!("{command} "))), "{command}");
    }
    for variable in ["EMTA_URL", "EMTA_TOKEN", "EMTA_CONFIG", "EMTA_LOG", "NO_COLOR"] {
        assert!(help.contains(variable), "{variable}");
    }
    for code in [
        "0   all is well",
        "1   findings",
        "2   the command line",
        "3   ",
        "4   ",
        "5   ",
        "6   ",
        "130 inter",
    ] {
        assert!(help.contains(&format!("\n  {code}")), "{code}");
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let commands: [&[&str]; 25] = [
        &["up"],
        &["simulate"],
        &["demo"],
        &["clock"],
        &["clock", "advance"],
        &["clock", "to"],
        &["clock", "step"],
        &["clock", "settle"],
        &["clock", "mode"],
        &["delivery"],
        &["delivery", "create"],
        &["delivery", "logs"],
        &["delivery", "kpis"],
        &["messages"],
        &["message"],
        &["queue"],
        &["events"],
        &["bounces"],
        &["qualification"],
        &["qualification", "edit"],
        &["addresses"],
        &["inmail"],
        &["rules"],
        &["rules", "test"],
        &["config"],
    ];
    for command in commands {
        let help = emta(&[command, &["--help"]].concat()).ok();
        assert!(help.contains("Example"), "{command:?}");
        assert!(help.contains(&format!("emta {}", command.join(" "))), "{command:?}");
    }
}

#[test]
fn the_shipped_main_file_is_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("emta.yaml");
    std::fs::write(&file, emta(&["config", "show-default"]).ok()).unwrap();
    let checked = emta(&["config", "check", "-c", file.to_str().unwrap()]).ok();
    assert!(checked.starts_with("ok: 9 providers, "), "{checked}");
    let printed = emta(&["config", "print", "--set", "queue.validity=24h"]).ok();
    assert!(printed.lines().any(|line| line.contains("validity: ") && line.contains("--set")), "{printed}");
}
