//! POP3 commands.

/// A command that is well-formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Capa,
    User(String),
    Pass(String),
    Stls,
    Stat,
    List(Option<usize>),
    Uidl(Option<usize>),
    Retr(usize),
    /// Number, and how many lines of the body.
    Top(usize, u64),
    Dele(usize),
    Noop,
    Rset,
    Quit,
}

/// Why a line is no command, in the words of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Syntax(pub(super) &'static str);

const NUMBER: Syntax = Syntax("expected the number of a message, from 1");
const ALONE: Syntax = Syntax("expected no argument");

/// Reads a line with its line end; case does not count (RFC 1939 section 3).
pub(super) fn parse(line: &[u8]) -> Result<Command, Syntax> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = std::str::from_utf8(line).map_err(|_| Syntax("expected ASCII or UTF-8"))?;
    let (keyword, argument) = line.split_once(' ').unwrap_or((line, ""));
    let alone = |command| if argument.trim().is_empty() { Ok(command) } else { Err(ALONE) };
    match keyword.to_ascii_uppercase().as_str() {
        "CAPA" => alone(Command::Capa),
        "STLS" => alone(Command::Stls),
        "STAT" => alone(Command::Stat),
        "NOOP" => alone(Command::Noop),
        "RSET" => alone(Command::Rset),
        "QUIT" => alone(Command::Quit),
        "USER" => match argument.trim() {
            "" => Err(Syntax("expected a user name")),
            name => Ok(Command::User(name.to_owned())),
        },
        // Everything after the space is the password, spaces too.
        "PASS" => Ok(Command::Pass(argument.to_owned())),
        "LIST" => optional_number(argument).map(Command::List),
        "UIDL" => optional_number(argument).map(Command::Uidl),
        "RETR" => number(argument).map(Command::Retr),
        "DELE" => number(argument).map(Command::Dele),
        "TOP" => {
            let (message, lines) = argument.trim().split_once(' ').ok_or(NUMBER)?;
            let lines = lines.trim().parse().map_err(|_| Syntax("expected a number of lines"))?;
            Ok(Command::Top(number(message)?, lines))
        }
        "APOP" | "AUTH" => Err(Syntax("log in with USER and PASS")),
        _ => Err(Syntax("unknown command")),
    }
}

fn number(text: &str) -> Result<usize, Syntax> {
    text.trim().parse().ok().filter(|number| *number > 0).ok_or(NUMBER)
}

fn optional_number(text: &str) -> Result<Option<usize>, Syntax> {
    if text.trim().is_empty() { Ok(None) } else { number(text).map(Some) }
}
