//! One action after the acceptance: `dsn=5.1.1 as exim after 6h with 10%`.

use std::str::FromStr;

use emta_mail::compose::{Language, ReportFormat};
use emta_mail::{EnhancedStatus, Reply};

use super::ScriptError;
use super::piece::Piece;
use super::standard::{standard_for_status, with_standard_text};
use crate::action::{ActionKind, Delay, Disclosure, LaterAction, Probability};

const ACTION: &str = "an action, such as `dsn=5.1.1 after 6h`, `delayed=4.4.1 after 4h`, `arf after 2h`, \
                      `ooo=fr after 5m`, `open after 10m with 25%` or `click=https://www.example/ after 12m` (text with semicolons goes in double quotes)";

const DELAY: &str = "a delay, such as `6h`, or `1h..8h` with the shorter one first";
const PROBABILITY: &str = "a probability, such as `25%` or `0.25`";

const NAMES: [&str; 6] = ["dsn", "delayed", "arf", "ooo", "open", "click"];

/// Whether it begins as an action does; a script may begin with one.
pub(super) fn is_action(piece: Piece<'_>) -> bool {
    NAMES.contains(&name_of(piece).text)
}

fn name_of(piece: Piece<'_>) -> Piece<'_> {
    piece.head(piece.text.bytes().take_while(u8::is_ascii_lowercase).count())
}

/// The words of an action that its clauses begin with.
fn is_keyword(word: &str) -> bool {
    matches!(word, "as" | "after" | "with")
}

pub(super) fn parse(piece: Piece<'_>) -> Result<LaterAction, ScriptError> {
    if !is_action(piece) {
        return Err(piece.error(ACTION));
    }
    let name = name_of(piece);
    let words = piece.words()?;
    let clauses_at = words.iter().position(|word| is_keyword(word.text)).unwrap_or(words.len());
    let value_end = words.get(clauses_at).map_or(piece.text.len(), |word| word.offset - piece.offset);
    let value = piece.head(value_end).skip(name.text.len()).trim();
    let value = match value.text.strip_prefix('=') {
        Some(_) => Some(value.skip(1).trim()),
        None if value.text.is_empty() => None,
        None => return Err(value.error("`=` and a value, `as`, `after`, `with` or `;`")),
    };
    let clauses = Clauses::parse(words.get(clauses_at..).unwrap_or(&[]), piece)?;
    Ok(LaterAction {
        kind: kind(name, value, &clauses)?,
        delay: clauses.delay,
        probability: clauses.probability,
    })
}

struct Clauses<'a> {
    format: Option<(Piece<'a>, ReportFormat)>,
    delay: Delay,
    probability: Probability,
}

impl<'a> Clauses<'a> {
    fn parse(words: &[Piece<'a>], whole: Piece<'a>) -> Result<Self, ScriptError> {
        let mut clauses = Self { format: None, delay: Delay::NONE, probability: Probability::ALWAYS };
        let mut words = words.iter().copied();
        while let Some(keyword) = words.next() {
            let value = words.next().unwrap_or(whole.skip(whole.text.len()));
            match keyword.text {
                "as" => clauses.format = Some((value, format(value)?)),
                "after" => clauses.delay = read(value, DELAY)?,
                "with" => clauses.probability = read(value, PROBABILITY)?,
                _ => return Err(keyword.error("`as`, `after`, `with` or `;`")),
            }
        }
        Ok(clauses)
    }
}

fn kind(name: Piece<'_>, value: Option<Piece<'_>>, clauses: &Clauses<'_>) -> Result<ActionKind, ScriptError> {
    let format = clauses.format.map_or(ReportFormat::Rfc3464, |(_, format)| format);
    let no_format = || match clauses.format {
        Some((word, _)) => Err(word.error("no format: only `dsn` and `delayed` have one")),
        None => Ok(()),
    };
    match name.text {
        "dsn" => Ok(ActionKind::Bounce { reply: report_reply(value, "550 5.1.1 User unknown")?, format }),
        "delayed" => {
            let reply = report_reply(value, "451 4.4.1 Connection timed out")?;
            Ok(ActionKind::DelayReport { reply, format })
        }
        "arf" => {
            no_format()?;
            complaint(value)
        }
        "ooo" => {
            no_format()?;
            let language = match value {
                Some(word) => Language::from_name(word.text).ok_or_else(|| {
                    word.error(format!("a language: {}", names(Language::ALL.iter().map(|l| l.name()))))
                })?,
                None => Language::English,
            };
            Ok(ActionKind::AutoReply { language })
        }
        "open" => {
            no_format()?;
            match value {
                Some(value) => Err(value.error("no value after `open`")),
                None => Ok(ActionKind::Open),
            }
        }
        "click" => {
            no_format()?;
            Ok(ActionKind::Click { url: value.map_or_else(String::new, Piece::unquoted) })
        }
        _ => Err(name.error(ACTION)),
    }
}

/// `arf`, `arf=fraud`, `arf=abuse redacted`.
fn complaint(value: Option<Piece<'_>>) -> Result<ActionKind, ScriptError> {
    let mut feedback_type = "abuse".to_owned();
    let mut disclosure = Disclosure::Named;
    for word in value.map_or_else(|| Ok(Vec::new()), Piece::words)? {
        if word.text == "redacted" {
            disclosure = Disclosure::Redacted;
        } else if !word.text.is_empty() && word.text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
            word.text.clone_into(&mut feedback_type);
        } else {
            return Err(word.error("a feedback type such as `abuse`, or `redacted`"));
        }
    }
    Ok(ActionKind::Complaint { feedback_type, disclosure })
}

/// `5.1.1`, `552`, `552 5.2.2 mailbox full`.
fn report_reply(value: Option<Piece<'_>>, default: &str) -> Result<Reply, ScriptError> {
    let Some(value) = value else {
        return Ok(Reply::parse(default).unwrap_or_else(|_| Reply::new(550, None, default)));
    };
    let text = value.unquoted();
    if let Ok(status) = text.parse::<EnhancedStatus>() {
        return Ok(standard_for_status(status));
    }
    // `5.2.2 mailbox full`: the code follows from the status.
    if let Some((status, said)) = text.split_once(' ')
        && let Ok(status) = status.parse::<EnhancedStatus>()
    {
        return Ok(Reply::new(standard_for_status(status).code(), Some(status), said.trim()));
    }
    let reply = Reply::parse(&text).ok().filter(|reply| !reply.is_positive());
    let reply = reply.ok_or_else(|| {
        value.error("a status or a reply, such as `5.1.1`, `5.2.2 mailbox full` or `552 5.2.2 mailbox full`")
    })?;
    Ok(with_standard_text(reply))
}

fn format(word: Piece<'_>) -> Result<ReportFormat, ScriptError> {
    ReportFormat::from_name(word.text).ok_or_else(|| {
        word.error(format!("a report format: {}", names(ReportFormat::ALL.iter().map(|f| f.name()))))
    })
}

fn names(all: impl Iterator<Item = &'static str>) -> String {
    all.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn read<T: FromStr>(word: Piece<'_>, expected: &str) -> Result<T, ScriptError> {
    word.text.parse().map_err(|_| word.error(expected))
}
