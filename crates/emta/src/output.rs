//! Data on standard output: tables for people, JSON for programs. Words about it on standard error.

use std::fmt;
use std::io::{self, BufWriter, StdoutLock, Write as _};

use clap::{ArgMatches, Args, ValueEnum};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::Value;

/// Characters of a cell, beyond which it is cut.
const MAX_CELL: usize = 72;
/// What stands for a value that is not there.
const NOTHING: &str = "-";

/// How lists are printed.
#[derive(Args)]
pub(crate) struct OutputArgs {
    /// How to print: `table` for people, `json` for programs.
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT", global = true)]
    pub(crate) format: Format,
}

/// How lists are printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns.
    Table,
    /// The API's JSON.
    Json,
}

/// A column of a table of JSON objects.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    title: &'static str,
    path: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Time,
}

impl Column {
    /// Any value, at this JSON pointer.
    pub(crate) const fn new(title: &'static str, path: &'static str) -> Self {
        Self { title, path, kind: Kind::Text }
    }

    /// A point in virtual time, at this JSON pointer.
    pub(crate) const fn time(title: &'static str, path: &'static str) -> Self {
        Self { title, path, kind: Kind::Time }
    }

    fn cell(&self, item: &Value) -> String {
        match (item.pointer(self.path), self.kind) {
            (None, _) => NOTHING.to_owned(),
            (Some(value), Kind::Text) => text(value),
            (Some(value), Kind::Time) => time(value),
        }
    }
}

/// The format that a command line asks for, whichever command it is.
pub(crate) fn wanted(matches: &ArgMatches) -> Format {
    let mut command = matches;
    while let Some((_, inner)) = command.subcommand() {
        command = inner;
    }
    // `--format` of some commands has other values beside.
    let mut given = command.try_get_raw("format").ok().flatten().into_iter().flatten();
    if given.any(|format| format == "json") { Format::Json } else { Format::Table }
}

/// A line on standard error; that nobody reads there any more is no reason to end.
pub(crate) fn tell(line: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// A line on standard error about something that is not as it should be.
pub(crate) fn warn(what: impl fmt::Display) {
    tell(format_args!("warning: {what}"));
}

/// Standard output, for many lines.
pub(crate) fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(io::stdout().lock())
}

/// Prints a list.
pub(crate) fn list(format: Format, items: &[Value], columns: &[Column]) -> anyhow::Result<()> {
    match format {
        Format::Json => json(&Value::from(items)),
        Format::Table => {
            let titles: Vec<&str> = columns.iter().map(|column| column.title).collect();
            let rows = items.iter().map(|item| columns.iter().map(|column| column.cell(item)).collect());
            print(&table(&titles, rows))
        }
    }
}

/// Prints one object, a line for each column.
pub(crate) fn object(format: Format, item: &Value, columns: &[Column]) -> anyhow::Result<()> {
    match format {
        Format::Json => json(item),
        Format::Table => {
            let mut out = stdout();
            let width = columns.iter().map(|column| column.title.chars().count()).max().unwrap_or(0);
            for column in columns {
                writeln!(out, "{:<width$}  {}", column.title, column.cell(item))?;
            }
            Ok(out.flush()?)
        }
    }
}

/// Prints JSON for programs and people.
pub(crate) fn json(value: &Value) -> anyhow::Result<()> {
    print(&format!("{value:#}"))
}

/// Prints exactly this, such as a mail or a table whose last cell may be space.
pub(crate) fn write(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = stdout();
    out.write_all(bytes)?;
    Ok(out.flush()?)
}

/// Prints text and a line end.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = stdout();
    writeln!(out, "{}", text.trim_end())?;
    Ok(out.flush()?)
}

/// A table; columns of numbers are aligned to the right.
pub(crate) fn table(titles: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|row| row.iter().map(|cell| short(cell)).collect()).collect();
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(titles.iter().map(|title| title.to_uppercase()));
    let is_number =
        |cell: &String| cell == NOTHING || cell.starts_with(|c: char| c.is_ascii_digit() || c == '+');
    let is_digits = |cell: &String| !cell.contains(['-', ':']) || cell == NOTHING;
    for (index, column) in table.column_iter_mut().enumerate() {
        let numeric =
            rows.iter().filter_map(|row| row.get(index)).all(|cell| is_number(cell) && is_digits(cell));
        column.set_cell_alignment(if numeric { CellAlignment::Right } else { CellAlignment::Left });
        column.set_padding((0, 2));
    }
    table.add_rows(rows);
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// A value as a cell shows it. What came by mail may hold control characters that a terminal would obey.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) if text.is_empty() => NOTHING.to_owned(),
        Value::String(text) => text.replace(char::is_control, " "),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(entries) if entries.is_empty() => NOTHING.to_owned(),
        Value::Object(entries) => {
            entries.iter().map(|(key, value)| format!("{key} {}", text(value))).collect::<Vec<_>>().join(", ")
        }
        Value::Number(_) => value.to_string(),
    }
}

/// A point in time without what is the same for all: `2026-01-05 09:00:00`.
pub(crate) fn time(value: &Value) -> String {
    let shown = text(value);
    shown.strip_suffix(".000Z").map_or(shown.clone(), |whole| whole.replace('T', " "))
}

fn short(cell: &str) -> String {
    match cell.char_indices().nth(MAX_CELL) {
        Some((end, _)) => format!("{}…", cell[..end].trim_end()),
        None => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_are_cut_at_the_bound_and_harmless() {
        assert_eq!(short(&"é".repeat(MAX_CELL)), "é".repeat(MAX_CELL));
        assert_eq!(short(&"é".repeat(MAX_CELL + 1)), format!("{}…", "é".repeat(MAX_CELL)));
        assert_eq!(text(&json!("a\u{1b}[31mb")), "a [31mb");
        assert_eq!(text(&json!(["a", null, true, 3])), "a, -, yes, 3");
        assert_eq!(text(&json!({ "queue": 1, "webhook": 2 })), "queue 1, webhook 2");
        assert_eq!(time(&json!("2026-01-05T09:00:00.000Z")), "2026-01-05 09:00:00");
        assert_eq!(time(&json!("2026-01-05T09:00:00.250Z")), "2026-01-05T09:00:00.250Z");
        assert_eq!(time(&Value::Null), "-");
    }

    #[test]
    fn numbers_are_aligned_to_the_right() {
        let rows = [["a".to_owned(), "5".to_owned()], ["bb".to_owned(), "1200".to_owned()]];
        assert_eq!(table(&["name", "count"], rows.map(Vec::from)), "NAME  COUNT\na         5\nbb     1200\n");
    }
}
