//! Which literals must a text contain for a regex to match it, and which does every match begin with?
//!
//! Read from the syntax tree of the regex: parts that match few texts (`mailbox (is )?full`) are multiplied out, what
//! stands between parts that match many is a demand of its own. It takes no part in matching; it only spares the
//! regexes that cannot match. A property test holds it to the truth: whatever a regex matches meets all its demands.

use std::cmp::Reverse;

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, ClassBytesRange, ClassUnicodeRange, Hir, HirKind, Repetition};

/// Shorter literals are in too many texts to spare anything.
const MIN_LEN: usize = crate::grams::MIN_LITERAL;
/// Octets kept of a literal; bounds the automaton.
const MAX_LEN: usize = crate::grams::MAX_LITERAL;
/// More alternatives than this spare too little.
const MAX_ALTERNATIVES: usize = 128;
/// Characters of a class that are multiplied out.
const MAX_CLASS: usize = 12;
/// Demands kept of a regex; the others are left out.
pub(crate) const MAX_DEMANDS: usize = 8;

/// Literals (ASCII letters in lower case, at least [`MIN_LEN`] octets) of which at least one is, in upper or lower
/// case, in every text that the regex matches.
///
/// Some texts beyond ASCII need care by the caller: `ſ` and the Kelvin sign match `s` and `k` without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AnyOf(pub(crate) Vec<String>);

/// What every text that a regex matches contains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demands {
    /// One literal of each of these. Empty if nothing is demanded.
    pub(crate) all: Vec<AnyOf>,
    /// Every match begins with a literal of the first demand.
    pub(crate) starts_with_first: bool,
    /// Every match has a character beyond ASCII. Words in scripts with two cases are too many to be demanded as literals,
    /// but hardly any text has them.
    pub(crate) beyond_ascii: bool,
}

/// What every text that the regex matches contains: one literal of each of these. Empty if nothing is demanded, or it
/// is no regex.
pub(crate) fn demands(regex: &str) -> Vec<AnyOf> {
    let mut parser = ParserBuilder::new().case_insensitive(true).multi_line(true).build();
    parser.parse(regex).map_or_else(|_| Vec::new(), |hir| demands_of(&hir).all)
}

/// The same, of a regex that has been read without regard to case.
pub(crate) fn demands_of(hir: &Hir) -> Demands {
    let (starts, mut all) = match shape(hir) {
        Shape::Exact(words) => (Some(words.clone()), any_of(words).into_iter().collect()),
        Shape::Open { starts, demands, is_optional } => (starts.filter(|_| !is_optional), demands),
    };
    let starts_with_first = match starts.and_then(any_of) {
        None => false,
        Some(starts) => {
            all.retain(|demand| *demand != starts);
            all.insert(0, starts);
            true
        }
    };
    all.truncate(MAX_DEMANDS);
    Demands { all, starts_with_first, beyond_ascii: is_beyond_ascii(hir) }
}

/// All texts that the regex matches, ASCII letters in lower case, the one that it prefers first; `None` if they are too
/// many or what matches depends on what stands around it. Whether case matters is not looked at.
pub(crate) fn listed(hir: &Hir) -> Option<Vec<String>> {
    match shape(hir) {
        Shape::Exact(words) => Some(words),
        Shape::Open { .. } => None,
    }
}

/// Whether every text that the regex matches has a character beyond ASCII.
fn is_beyond_ascii(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => !literal.0.is_ascii(),
        HirKind::Class(Class::Unicode(class)) => class.iter().all(|range| !range.start().is_ascii()),
        HirKind::Class(Class::Bytes(class)) => class.iter().all(|range| !range.start().is_ascii()),
        HirKind::Repetition(repetition) => repetition.min > 0 && is_beyond_ascii(&repetition.sub),
        HirKind::Capture(capture) => is_beyond_ascii(&capture.sub),
        HirKind::Concat(parts) => parts.iter().any(is_beyond_ascii),
        HirKind::Alternation(branches) => branches.iter().all(is_beyond_ascii),
    }
}

/// What a part of a regex matches.
enum Shape {
    /// One of these texts, without regard to case; at most [`MAX_ALTERNATIVES`].
    Exact(Vec<String>),
    /// More than can be listed.
    Open {
        /// One of these is how it begins, if that is known.
        starts: Option<Vec<String>>,
        demands: Vec<AnyOf>,
        /// Or it is not there at all.
        is_optional: bool,
    },
}

impl Shape {
    const UNKNOWN: Self = Self::Open { starts: None, demands: Vec::new(), is_optional: false };
}

fn shape(hir: &Hir) -> Shape {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Shape::Exact(vec![String::new()]),
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0)
            .map_or(Shape::UNKNOWN, |text| Shape::Exact(vec![text.to_ascii_lowercase()])),
        HirKind::Class(class) => characters(class).map_or(Shape::UNKNOWN, Shape::Exact),
        HirKind::Repetition(repetition) => repeated(repetition),
        HirKind::Capture(capture) => shape(&capture.sub),
        HirKind::Concat(parts) => sequence(parts),
        HirKind::Alternation(branches) => alternation(branches),
    }
}

/// The characters of a small class, ASCII letters in lower case.
fn characters(class: &Class) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut add = |c: char| {
        let c = c.to_ascii_lowercase().to_string();
        if !found.contains(&c) {
            found.push(c);
        }
    };
    match class {
        Class::Unicode(class) => {
            let count: usize = class.iter().map(ClassUnicodeRange::len).sum();
            if count > MAX_CLASS {
                return None;
            }
            class.iter().flat_map(|range| range.start()..=range.end()).for_each(&mut add);
        }
        Class::Bytes(class) => {
            let count: usize = class.iter().map(ClassBytesRange::len).sum();
            if count > MAX_CLASS || !class.is_ascii() {
                return None;
            }
            class.iter().flat_map(|range| range.start()..=range.end()).for_each(|b| add(char::from(b)));
        }
    }
    // Where case does not matter, these stand beside `s` and `k`: the caller's care.
    if found.iter().any(|c| c.is_ascii()) {
        found.retain(|c| !matches!(c.as_str(), "\u{17f}" | "\u{212a}"));
    }
    Some(found)
}

fn repeated(repetition: &Repetition) -> Shape {
    let optional = |starts| Shape::Open { starts, demands: Vec::new(), is_optional: true };
    match (shape(&repetition.sub), repetition.min, repetition.max) {
        (Shape::Exact(mut words), 0, Some(1)) if words.len() < MAX_ALTERNATIVES => {
            words.push(String::new());
            Shape::Exact(words)
        }
        (Shape::Exact(words), 0, _) => optional(Some(words)),
        (Shape::Open { starts, .. }, 0, _) => optional(starts),
        (Shape::Exact(words), 1, Some(1)) => Shape::Exact(words),
        (Shape::Exact(words), _, _) => Shape::Open {
            demands: any_of(words.clone()).into_iter().collect(),
            starts: Some(words),
            is_optional: false,
        },
        (open @ Shape::Open { .. }, _, _) => open,
    }
}

fn alternation(branches: &[Hir]) -> Shape {
    let shapes: Vec<Shape> = branches.iter().map(shape).collect();
    let mut exact = Vec::new();
    let mut starts = Some(Vec::new());
    let mut demand = Some(Vec::new());
    let mut is_exact = true;
    for shape in shapes {
        let (starts_here, demand_here) = match shape {
            Shape::Exact(words) => {
                exact.extend(words.iter().cloned());
                (Some(words.clone()), any_of(words))
            }
            Shape::Open { starts, demands, is_optional } => {
                is_exact = false;
                (starts.filter(|_| !is_optional), best(demands))
            }
        };
        starts = joined(starts, starts_here);
        // Whatever branch matches, its best demand is met.
        demand = joined(demand, demand_here.map(|AnyOf(words)| words));
    }
    if is_exact && exact.len() <= MAX_ALTERNATIVES {
        return Shape::Exact(exact);
    }
    Shape::Open { starts, demands: demand.and_then(any_of).into_iter().collect(), is_optional: false }
}

/// Both lists, if there are both and they are not too long together.
fn joined(first: Option<Vec<String>>, second: Option<Vec<String>>) -> Option<Vec<String>> {
    let mut first = first?;
    first.extend(second?);
    (first.len() <= MAX_ALTERNATIVES).then_some(first)
}

fn sequence(parts: &[Hir]) -> Shape {
    let shapes: Vec<Shape> = parts.iter().map(shape).collect();
    let starts = beginnings(&shapes);
    let mut demands = Vec::new();
    // What the parts since the last open one match together.
    let mut run = vec![String::new()];
    let mut is_exact = true;
    for shape in shapes {
        match shape {
            Shape::Exact(words) => {
                if let Some(longer) = product(&run, &words) {
                    run = longer;
                } else {
                    is_exact = false;
                    demands.extend(any_of(std::mem::replace(&mut run, words)));
                }
            }
            Shape::Open { starts, demands: inner, is_optional } => {
                is_exact = false;
                let before = std::mem::replace(&mut run, vec![String::new()]);
                let starts = starts.filter(|_| !is_optional);
                let longer = starts.and_then(|starts| product(&before, &starts));
                demands.extend(any_of(longer.unwrap_or(before)));
                demands.extend(inner);
            }
        }
    }
    if is_exact {
        return Shape::Exact(run);
    }
    demands.extend(any_of(run));
    Shape::Open { starts, demands, is_optional: false }
}

/// How texts begin that these match one behind the other.
fn beginnings(shapes: &[Shape]) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut run = vec![String::new()];
    for shape in shapes {
        let (words, goes_on) = match shape {
            Shape::Exact(words) => (words, true),
            Shape::Open { starts: Some(starts), is_optional, .. } => (starts, *is_optional),
            Shape::Open { starts: None, .. } => break,
        };
        let longer = product(&run, words).filter(|longer| found.len() + longer.len() <= MAX_ALTERNATIVES);
        let Some(longer) = longer else { break };
        if let Shape::Open { is_optional: true, .. } = shape {
            // It may be left out: then the run goes on with what follows.
            found.extend(longer);
        } else {
            run = longer;
        }
        if !goes_on {
            break;
        }
    }
    found.extend(run);
    (found.len() <= MAX_ALTERNATIVES).then_some(found)
}

/// Each text of the first list followed by each of the second, unless they are too many.
fn product(first: &[String], second: &[String]) -> Option<Vec<String>> {
    let count = first.len() * second.len();
    let both = || first.iter().flat_map(|a| second.iter().map(move |b| format!("{a}{b}")));
    (count <= MAX_ALTERNATIVES).then(|| both().collect())
}

/// A demand of these texts; none if one of them is too short, or there is none. A text that begins with another one
/// is left out, since the other is there whenever it is.
fn any_of(mut words: Vec<String>) -> Option<AnyOf> {
    for word in &mut words {
        let mut end = MAX_LEN.min(word.len());
        while !word.is_char_boundary(end) {
            end -= 1;
        }
        word.truncate(end);
    }
    words.sort();
    words.dedup_by(|later, earlier| later.starts_with(earlier.as_str()));
    (!words.is_empty() && words.iter().all(|word| word.len() >= MIN_LEN)).then_some(AnyOf(words))
}

/// The demand that the fewest texts meet: its shortest literal is the longest, spaces not counted (`in ` is more common
/// than `rbl`), then it has the fewest literals.
fn best(demands: Vec<AnyOf>) -> Option<AnyOf> {
    let length = |word: &String| word.bytes().filter(|octet| *octet != b' ').count();
    let shortest = |demand: &AnyOf| demand.0.iter().map(length).min().unwrap_or(0);
    demands.into_iter().max_by_key(|demand| (shortest(demand), Reverse(demand.0.len())))
}

#[cfg(test)]
mod tests;
