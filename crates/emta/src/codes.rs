//! Which command ends with which exit code, as the command's own `--help` says.
//!
//! Every command ends with 0 if all is well and with 2 if its command line is wrong.

use std::fmt::Write as _;

use clap::Command;

use crate::exit::Exit;

/// A code, and when a command ends with it.
type Code = (Exit, &'static str);

const REFUSED: Code = (Exit::Findings, "the server refuses: there is no such thing, or not in this state");
const NO_SERVER: Code = (Exit::Environment, "no server answers, or it does not take the token");
const INTERRUPTED: Code = (Exit::Interrupted, "interrupted by Ctrl-C");
const CONFIGURATION: Code = (Exit::Configuration, "the configuration is wrong");
const RULES: Code = (Exit::Configuration, "a rule file or the configuration is wrong, or cannot be read");
const LABELS: Code = (Exit::Configuration, "a rule file, the labels or the configuration are wrong");
const CORPUS: Code = (Exit::Environment, "the corpus cannot be read");
const SOME_UNREADABLE: Code = (Exit::Partial, "something in the corpus could not be read; the rest is told");
const NOT_FROZEN: Code = (Exit::Findings, "the server refuses: the clock is not frozen, or moves already");
const STUCK: Code = (Exit::TimedOut, "it took longer than `--timeout`, or the clock is stuck");

/// The codes beside 0 and 2, by command.
const CODES: &[(&str, &[Code])] = &[
    (
        "up",
        &[
            CONFIGURATION,
            (Exit::Environment, "a port is in use, or the data folder cannot be used"),
            (Exit::Interrupted, "ended by a second Ctrl-C, before all was put away"),
        ],
    ),
    ("demo", &[CONFIGURATION, (Exit::Environment, "the data folder cannot be used"), INTERRUPTED]),
    (
        "simulate",
        &[
            (
                Exit::Configuration,
                "the scenario, the providers or the rules are wrong, or there is no such scenario",
            ),
            (Exit::Environment, "the folder is not empty, or cannot be written"),
            INTERRUPTED,
        ],
    ),
    ("clock status", &[NO_SERVER]),
    ("clock advance", &[NOT_FROZEN, NO_SERVER, STUCK, INTERRUPTED]),
    ("clock to", &[NOT_FROZEN, NO_SERVER, STUCK, INTERRUPTED]),
    ("clock step", &[NOT_FROZEN, NO_SERVER, STUCK]),
    ("clock settle", &[NO_SERVER, STUCK]),
    ("clock mode", &[NO_SERVER]),
    ("delivery create", &[(Exit::Environment, "a file cannot be read, or no server answers")]),
    ("delivery list", &[NO_SERVER]),
    ("delivery show", &[REFUSED, NO_SERVER]),
    ("delivery prepare", &[REFUSED, NO_SERVER]),
    ("delivery confirm", &[REFUSED, NO_SERVER]),
    ("delivery cancel", &[REFUSED, NO_SERVER]),
    ("delivery logs", &[REFUSED, NO_SERVER]),
    ("delivery kpis", &[REFUSED, NO_SERVER]),
    ("messages", &[NO_SERVER]),
    ("message", &[REFUSED, NO_SERVER]),
    ("queue", &[NO_SERVER]),
    ("events", &[NO_SERVER, INTERRUPTED]),
    ("bounces", &[NO_SERVER]),
    ("qualification", &[NO_SERVER]),
    ("qualification edit", &[REFUSED, NO_SERVER]),
    ("addresses", &[NO_SERVER]),
    ("addresses set", &[NO_SERVER]),
    ("providers", &[NO_SERVER]),
    ("health", &[NO_SERVER]),
    ("inmail", &[RULES, (Exit::Partial, "some inputs could not be read; the rest is told")]),
    ("bounce make", &[(Exit::Environment, "the original cannot be read")]),
    ("bounce formats", &[]),
    ("rules check", &[RULES]),
    (
        "rules test",
        &[(Exit::Findings, "a test fails"), RULES, (Exit::Environment, "the report cannot be written")],
    ),
    (
        "rules explain",
        &[
            (Exit::Findings, "the mail says nothing of any recipient"),
            RULES,
            (Exit::Environment, "the file cannot be read"),
        ],
    ),
    (
        "rules eval",
        &[
            (Exit::Findings, "less than the floor of the labels is right, or no text has a label"),
            LABELS,
            CORPUS,
            SOME_UNREADABLE,
        ],
    ),
    (
        "rules diff",
        &[
            (Exit::Findings, "a text whose label the old rules gave gets another verdict"),
            LABELS,
            CORPUS,
            SOME_UNREADABLE,
        ],
    ),
    ("rules lint", &[(Exit::Findings, "something is found"), LABELS, CORPUS, SOME_UNREADABLE]),
    ("rules suggest", &[LABELS, CORPUS, SOME_UNREADABLE]),
    (
        "rules import",
        &[
            (Exit::Configuration, "the file cannot be read, or nothing in it can be taken over"),
            (Exit::Partial, "something could not be taken over; the rest is printed"),
        ],
    ),
    (
        "rules export",
        &[RULES, (Exit::Partial, "the format cannot say something of the rules; the rest is printed")],
    ),
    ("config check", &[CONFIGURATION]),
    ("config print", &[CONFIGURATION]),
    ("config show-default", &[]),
];

/// The same command line; what each command ends with stands at the end of its help.
pub(crate) fn documented(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    names.iter().fold(command, |command, name| command.mut_subcommand(name, |inner| document(inner, name)))
}

fn document(command: Command, path: &str) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    let command = names.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |inner| document(inner, &format!("{path} {name}")))
    });
    let Some((_, codes)) = CODES.iter().find(|(command, _)| *command == path) else { return command };
    let mut help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    help.push_str("\n\nExit codes:\n");
    let always = [(Exit::Ok, Exit::Ok.meaning()), (Exit::Usage, Exit::Usage.meaning())];
    let mut codes: Vec<Code> = always.into_iter().chain(codes.iter().copied()).collect();
    codes.sort_by_key(|(exit, _)| *exit as u8);
    for (exit, meaning) in codes {
        // Writing to a String does not fail.
        let _ = writeln!(help, "  {:<4}{meaning}", exit as u8);
    }
    command.after_help(help.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// The paths of all commands that do something themselves.
    fn paths(command: &Command, path: &str, found: &mut Vec<String>) {
        let inner: Vec<_> = command.get_subcommands().filter(|inner| inner.get_name() != "help").collect();
        if !path.is_empty() && (inner.is_empty() || !command.is_subcommand_required_set()) {
            found.push(path.to_owned());
        }
        for inner in inner {
            paths(inner, format!("{path} {}", inner.get_name()).trim(), found);
        }
    }

    #[test]
    fn every_command_is_listed_once() {
        let mut commands = Vec::new();
        paths(&crate::Cli::command(), "", &mut commands);
        let mut listed: Vec<&str> = CODES.iter().map(|(command, _)| *command).collect();
        commands.sort();
        listed.sort_unstable();
        assert_eq!(listed, commands);
    }
}
