//! `emta`: a simulated Enhanced MTA, on one machine, on a clock that can be moved.
//!
//! A module for each command; `emta up` and `emta demo` run the system, `inmail`, `rules` and `config` work
//! offline, the others are clients of the HTTP API. Standard output is data, standard error is progress and
//! diagnostics.

mod addresses;
mod bounce;
mod client;
mod clock;
mod codes;
mod config;
mod delivery;
mod demo;
mod events;
mod exit;
mod health;
mod inmail;
mod kpis;
mod logging;
mod mailbox;
mod messages;
mod output;
mod progress;
mod providers;
mod queue;
mod rules;
mod runtime;
mod simulate;
mod up;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::exit::Exit;
use crate::output::Format;

/// A message is a few hundred small allocations, made on one thread and freed on another. The system's allocator grows
/// and trims its arenas for that, more than a system call a message.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A simulated Enhanced MTA: an SMTP relay, a retry queue with the 84-hour cap, simulated mailbox providers,
/// a bounce parser and rule engine, a feedback emitter and a reference campaign core, on a clock that can be
/// moved.
#[derive(Parser)]
#[command(name = "emta", version, max_term_width = 110, after_help = exit::help())]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Log more to standard error; twice for debugging, three times for everything.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// Start everything: relay, providers, bounce mailbox, campaign core and HTTP API.
    Up(up::Up),
    /// See it work: a whole campaign in one process, 84 hours in seconds.
    Demo(demo::Demo),
    /// Play a campaign of millions against the providers, without a socket: 84 hours in seconds.
    Simulate(simulate::Simulate),
    /// Show the clock, or move it.
    Clock(clock::Clock),
    /// Make, prepare, confirm and watch deliveries of the campaign core.
    Delivery(delivery::Delivery),
    /// List the messages that the MTA has taken.
    Messages(messages::Messages),
    /// Tell the story of one message.
    Message(messages::Message),
    /// Show what waits, for whom and until when.
    Queue(queue::Queue),
    /// Print the event log, follow it or export it, as NDJSON.
    Events(events::Events),
    /// List the mail that came back.
    Bounces(mailbox::Bounces),
    /// Show the Delivery log qualification table, or edit a row.
    Qualification(mailbox::Qualification),
    /// List the addresses that something was ever wrong with, or set an address's status.
    Addresses(addresses::Addresses),
    /// List the simulated mailbox providers.
    Providers(providers::Providers),
    /// Ask the server how it is and where it listens.
    Health(health::Health),
    /// Read and qualify mail that came back, offline: files, folders, mboxes.
    Inmail(inmail::InMail),
    /// Write bounces, complaints and automatic replies as other systems do.
    Bounce(bounce::Bounce),
    /// Check, test and explain rules, and tune them with evidence.
    Rules(rules::Rules),
    /// Check the configuration, or print it.
    Config(config::Config),
}

fn main() -> ExitCode {
    let matches = codes::documented(Cli::command()).get_matches();
    let format = output::wanted(&matches);
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    logging::start(cli.verbose);
    let outcome = match cli.command {
        Command::Up(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Simulate(command) => command.run(),
        Command::Clock(command) => command.run(),
        Command::Delivery(command) => command.run(),
        Command::Messages(command) => command.run(),
        Command::Message(command) => command.run(),
        Command::Queue(command) => command.run(),
        Command::Events(command) => command.run(),
        Command::Bounces(command) => command.run(),
        Command::Qualification(command) => command.run(),
        Command::Addresses(command) => command.run(),
        Command::Providers(command) => command.run(),
        Command::Health(command) => command.run(),
        Command::Inmail(command) => command.run(),
        Command::Bounce(command) => command.run(),
        Command::Rules(command) => command.run(),
        Command::Config(command) => command.run(),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            if !exit::is_closed_pipe(&error) {
                match format {
                    Format::Json => output::tell(exit::as_json(&error)),
                    Format::Table => output::tell(format_args!("error: {}", exit::describe(&error))),
                }
            }
            Exit::of(&error).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        codes::documented(Cli::command()).debug_assert();
    }

    /// Every command teaches by example.
    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example"), "{path}");
            assert!(help.contains(path.trim()), "{path}: no example shows the command itself");
            for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
                check(command, &path);
            }
        }
        check(&Cli::command(), "");
    }
}
