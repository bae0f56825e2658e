//! Rule sets as CSV: one row for each pattern, one rule for the rows of one id that follow each other.
//!
//! `id`, `pattern` and either `class` or `type` and `reason` are enough; columns are known by their heading and may
//! come in any order. Lists within a cell are separated by `|`. Samples are not part of the table. Cells are separated
//! by commas, or by the semicolons or tabs that spreadsheets write in some countries.

use ::csv::{ReaderBuilder, StringRecord, WriterBuilder};
use emta_mail::{BounceClass, FailureReason, FailureType, Phase};

use super::export::Export;
use super::import::Import;
use crate::condition::{CodePattern, StatusPattern};
use crate::rule::{Assignment, Field, Pattern, RuleSpec, When};
use crate::set::{MAX_PATTERNS_PER_RULE, regex_problem};
use crate::subject::Kind;

/// All columns, as they are exported. `match_as` is `regex` (where it is empty, too), `literal`, or `everything` for a
/// rule with neither pattern nor conditions.
pub const COLUMNS: [&str; 14] = [
    "id",
    "pattern",
    "type",
    "reason",
    "class",
    "match_as",
    "look_at",
    "kinds",
    "phases",
    "codes",
    "statuses",
    "providers",
    "sender_formats",
    "note",
];

const LIST: char = '|';
/// What separates cells, the usual first.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// `match_as` of a rule that takes everything: an empty cell alone would make one of every row that lost its pattern.
const EVERYTHING: &str = "everything";

/// Writes the rules with a heading. What [`import_csv`] reads back is the same but for the samples and what is told to
/// be lost.
pub fn export_csv<'a>(rules: impl IntoIterator<Item = &'a RuleSpec>) -> Export {
    let mut export = Export::default();
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(COLUMNS);
    for spec in rules {
        for loss in losses(spec) {
            export.lose(spec, loss);
        }
        let regexes = spec.pattern.iter().flat_map(|p| &p.regexes).map(|regex| (regex.as_str(), "regex"));
        let literals = spec.pattern.iter().flat_map(|p| &p.literals).map(|text| (text.as_str(), "literal"));
        let mut patterns: Vec<_> = regexes.chain(literals).collect();
        if patterns.is_empty() {
            patterns.push(("", if spec.takes_everything() { EVERYTHING } else { "" }));
        }
        for (pattern, match_as) in patterns {
            let _ = writer.write_record(cells(spec, pattern, match_as));
        }
    }
    export.text =
        writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    export
}

/// What of a rule a table cannot say.
fn losses(spec: &RuleSpec) -> Vec<String> {
    let mut losses = Vec::new();
    if spec.id.trim() != spec.id {
        losses.push("the space around its `id` is lost".to_owned());
    }
    let lists = [("providers", &spec.when.providers), ("sender_formats", &spec.when.sender_formats)];
    for (name, words) in lists {
        let is_split = |word: &&String| word.contains(LIST) || word.trim() != *word;
        if let Some(word) = words.iter().find(is_split) {
            losses.push(format!("`when.{name}`: `{}` is read back as other words", shortened(word)));
        }
    }
    if spec.note.as_ref().is_some_and(|note| note.trim().is_empty()) {
        losses.push("its `note` of nothing but space is lost".to_owned());
    }
    losses
}

fn cells(spec: &RuleSpec, pattern: &str, match_as: &str) -> [String; 14] {
    let when = &spec.when;
    let owned = |text: &str| text.to_owned();
    let list = |words: Vec<&str>| words.join("|");
    [
        spec.id.clone(),
        owned(pattern),
        spec.set.failure_type.map_or("", FailureType::name).to_owned(),
        spec.set.reason.map_or("", FailureReason::name).to_owned(),
        spec.set.class.map_or("", BounceClass::name).to_owned(),
        owned(match_as),
        list(spec.look_at.iter().map(|field| field.name()).collect()),
        list(when.kinds.iter().map(|kind| kind.name()).collect()),
        list(when.phases.iter().map(|phase| phase.name()).collect()),
        when.codes.join("|"),
        when.statuses.join("|"),
        when.providers.join("|"),
        when.sender_formats.join("|"),
        spec.note.clone().unwrap_or_default(),
    ]
}

/// Reads rules; see the module for the columns. Enums are read by their name in rule files or by their label (`Mailbox
/// full`), classes by their number, too.
pub fn import_csv(text: &str) -> Import {
    let mut import = Import::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .delimiter(delimiter(text))
        .trim(::csv::Trim::Headers)
        .from_reader(text.as_bytes());
    let headings = match reader.headers() {
        Ok(headings) => headings.clone(),
        Err(error) => {
            import.problem(1, format!("not CSV: {error}"));
            return import;
        }
    };
    for heading in headings.iter().filter(|heading| column(heading).is_none()) {
        let expected = COLUMNS.join("`, `");
        import.problem(1, format!("`{heading}` is not a column; expected some of `{expected}`"));
    }
    for name in ["id", "pattern"] {
        if !headings.iter().any(|heading| column(heading) == Some(name)) {
            import.problem(1, format!("column `{name}` is missing"));
        }
    }
    if !import.problems.is_empty() {
        return import;
    }
    for record in reader.records() {
        let (line, row) = match record {
            Ok(record) => {
                let line = record.position().map_or(0, ::csv::Position::line);
                (line, Row { headings: &headings, record }.rule())
            }
            Err(error) => {
                let line = error.position().map_or(0, ::csv::Position::line);
                (line, Err(format!("not CSV: {error}")))
            }
        };
        let added = row.and_then(|rule| add(&mut import.rules, rule));
        if let Err(problem) = added {
            import.problem(usize::try_from(line).unwrap_or(usize::MAX), problem);
        }
    }
    import
}

/// What the first line separates its headings by: that which finds most columns.
fn delimiter(text: &str) -> u8 {
    let heading = text.lines().next().unwrap_or_default();
    let columns = |delimiter: &u8| {
        let names = heading.split(char::from(*delimiter)).map(|name| name.trim().trim_matches('"'));
        names.filter(|name| column(name).is_some()).count()
    };
    // The last of those that find as many is taken.
    DELIMITERS.into_iter().rev().max_by_key(columns).unwrap_or(b',')
}

/// The column that a heading names, in upper or lower case.
fn column(heading: &str) -> Option<&'static str> {
    COLUMNS.into_iter().find(|name| name.eq_ignore_ascii_case(heading))
}

/// Adds a rule, or its pattern to the rule before if it has the same id.
fn add(rules: &mut Vec<RuleSpec>, rule: RuleSpec) -> Result<(), String> {
    let same_id = rules.iter().rposition(|other| other.id == rule.id);
    let last = rules.len().checked_sub(1);
    let (Some(at), Some(pattern)) = (same_id, &rule.pattern) else {
        if same_id.is_some() {
            return Err(format!("another rule has the id `{}`; expected a pattern to add to it", rule.id));
        }
        rules.push(rule);
        return Ok(());
    };
    let Some(before) = rules.get_mut(at).filter(|_| Some(at) == last) else {
        return Err(format!("another rule has the id `{}`; expected its rows to follow each other", rule.id));
    };
    let (one, two) = (before.set, rule.set);
    if (one, &before.when, &before.look_at) != (two, &rule.when, &rule.look_at) {
        return Err(format!("the row says otherwise than the one before of the rule `{}`", rule.id));
    }
    let Some(all) = &mut before.pattern else {
        return Err(format!(
            "the rule `{}` has a row without a pattern; expected one row or patterns",
            rule.id
        ));
    };
    if all.regexes.len() + all.literals.len() >= MAX_PATTERNS_PER_RULE {
        return Err(format!("the rule `{}` has more than {MAX_PATTERNS_PER_RULE} patterns", rule.id));
    }
    all.regexes.extend(pattern.regexes.iter().cloned());
    all.literals.extend(pattern.literals.iter().cloned());
    Ok(())
}

struct Row<'a> {
    headings: &'a StringRecord,
    record: StringRecord,
}

impl Row<'_> {
    /// The cell below a heading; `None` if it is empty, or only space.
    fn cell(&self, name: &str) -> Option<&str> {
        self.written(name).filter(|cell| !cell.trim().is_empty())
    }

    /// The cell below a heading, even if it is only space.
    fn written(&self, name: &str) -> Option<&str> {
        let at = self.headings.iter().position(|heading| column(heading) == Some(name))?;
        self.record.get(at).filter(|cell| !cell.is_empty())
    }

    fn list(&self, name: &str) -> Vec<&str> {
        self.cell(name).into_iter().flat_map(|cell| cell.split(LIST)).map(str::trim).collect()
    }

    fn rule(&self) -> Result<RuleSpec, String> {
        let id = self.cell("id").ok_or("`id` is empty; expected a name such as `User_unknown`")?;
        let set = Assignment {
            class: self.cell("class").map(class).transpose()?,
            failure_type: self.cell("type").map(failure_type).transpose()?,
            reason: self.cell("reason").map(reason).transpose()?,
        };
        if set.class.is_none() && (set.failure_type.is_none() || set.reason.is_none()) {
            return Err("expected a `class`, or `type` and `reason`".to_owned());
        }
        let when = When {
            providers: self.list("providers").into_iter().map(str::to_owned).collect(),
            phases: self.each("phases", Phase::from_name)?,
            codes: self.each("codes", |code| code.parse::<CodePattern>().ok().map(|_| code.to_owned()))?,
            statuses: self.each("statuses", |s| s.parse::<StatusPattern>().ok().map(|_| s.to_owned()))?,
            kinds: self.each("kinds", Kind::from_name)?,
            sender_formats: self.list("sender_formats").into_iter().map(str::to_owned).collect(),
        };
        let takes_everything = self.cell("match_as").is_some_and(|how| how.trim() == EVERYTHING);
        let pattern = if takes_everything { None } else { self.pattern()? };
        let has_conditions = when != When::default();
        if takes_everything && (has_conditions || self.cell("pattern").is_some()) {
            return Err(format!(
                "`match_as` is `{EVERYTHING}`; expected neither a pattern nor conditions then"
            ));
        }
        if !takes_everything && !has_conditions && pattern.is_none() {
            return Err(format!(
                "`pattern` is empty; expected one, or conditions, or `{EVERYTHING}` in `match_as`"
            ));
        }
        Ok(RuleSpec {
            id: id.trim().to_owned(),
            when,
            look_at: self.each("look_at", Field::from_name)?,
            pattern,
            set,
            note: self.cell("note").map(str::to_owned),
            ..RuleSpec::default()
        })
    }

    fn pattern(&self) -> Result<Option<Pattern>, String> {
        let how = self.cell("match_as").map(str::trim);
        // A pattern of space is one only where somebody says how it is meant.
        let text = if how.is_some() { self.written("pattern") } else { self.cell("pattern") };
        let Some(text) = text else { return Ok(None) };
        match how.unwrap_or("regex") {
            "literal" => Ok(Some(Pattern { regexes: Vec::new(), literals: vec![text.to_owned()] })),
            "regex" => match regex_problem(text) {
                Some(problem) => Err(format!("`pattern`: `{}` {problem}", shortened(text))),
                None => Ok(Some(Pattern { regexes: vec![text.to_owned()], literals: Vec::new() })),
            },
            other => {
                Err(format!("`match_as`: `{}` is not `regex`, `literal` or `{EVERYTHING}`", shortened(other)))
            }
        }
    }

    fn each<T>(&self, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
        let one =
            |word: &str| read(word).ok_or_else(|| format!("`{name}`: cannot read `{}`", shortened(word)));
        self.list(name).into_iter().map(one).collect()
    }
}

fn failure_type(word: &str) -> Result<FailureType, String> {
    let named = |value: &&FailureType| is_called(word, value.name(), value.label());
    FailureType::ALL.iter().find(named).copied().ok_or_else(|| {
        let names: Vec<_> = FailureType::ALL.iter().map(|value| value.name()).collect();
        format!("`{}` is not a failure type; expected one of `{}`", shortened(word), names.join("`, `"))
    })
}

fn reason(word: &str) -> Result<FailureReason, String> {
    let named = |value: &&FailureReason| is_called(word, value.name(), value.label());
    FailureReason::ALL.iter().find(named).copied().ok_or_else(|| {
        let names: Vec<_> = FailureReason::ALL.iter().map(|value| value.name()).collect();
        format!("`{}` is not a failure reason; expected one of `{}`", shortened(word), names.join("`, `"))
    })
}

fn class(word: &str) -> Result<BounceClass, String> {
    let by_number = word.trim().parse().ok().and_then(BounceClass::from_code);
    let named = |value: &&BounceClass| is_called(word, value.name(), value.label());
    by_number.or_else(|| BounceClass::ALL.iter().find(named).copied()).ok_or_else(|| {
        format!("`{}` is not a bounce class; expected a name such as `mailbox_full`, or 22", shortened(word))
    })
}

fn is_called(word: &str, name: &str, label: &str) -> bool {
    let word = word.trim();
    word.eq_ignore_ascii_case(name) || word.eq_ignore_ascii_case(label)
}

pub(super) fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
