//! Which literals must a text contain for a regex to match it?
//!
//! A small reader of regex syntax that is right by being shy: what it does not know, it answers with no demand ("try
//! the regex always"). It takes no part in matching; it only spares the regexes that cannot match. A property test
//! holds it to the truth: whatever a regex matches meets all its demands.

use std::cmp::Reverse;
use std::iter::Peekable;
use std::str::Chars;

/// Shorter literals are in too many texts to spare anything.
const MIN_LEN: usize = 3;
/// More alternatives than this spare too little.
const MAX_ALTERNATIVES: usize = 24;
/// Demands kept of a regex; the others are left out.
pub(crate) const MAX_DEMANDS: usize = 8;
/// Deepest nesting of groups.
const MAX_DEPTH: usize = 32;

/// Literals (ASCII, lower case, at least [`MIN_LEN`] long) of which at least one is, in upper or lower case, in every
/// ASCII text that the regex matches.
///
/// Texts beyond ASCII need care by the caller: `ſ` and the Kelvin sign match `s` and `k` without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AnyOf(pub(crate) Vec<String>);

/// What every text that the regex matches contains: one literal of each of these. Empty if nothing is demanded, or the
/// reader does not know.
pub(crate) fn demands(regex: &str) -> Vec<AnyOf> {
    let mut reader = Reader { chars: regex.chars().peekable(), depth: 0 };
    match reader.alternation() {
        // An unbalanced `)` ends the alternation early: the regex is wrong, and not ours to judge.
        Ok(found) if reader.chars.next().is_none() => found,
        Ok(_) | Err(Unknown) => Vec::new(),
    }
}

/// The reader met something that it does not know.
struct Unknown;

/// How often an element occurs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    Once,
    /// At least once, perhaps more often.
    More,
    /// Perhaps never.
    Optional,
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    depth: usize,
}

impl Reader<'_> {
    /// Reads up to the end or to an unmatched `)`.
    fn alternation(&mut self) -> Result<Vec<AnyOf>, Unknown> {
        let first = self.sequence()?;
        if self.chars.peek() != Some(&'|') {
            return Ok(first);
        }
        // Whatever branch matches, its best demand is met.
        let mut all = best(first);
        while self.chars.next_if_eq(&'|').is_some() {
            all = match (all, best(self.sequence()?)) {
                (Some(mut all), Some(branch)) => {
                    all.0.extend(branch.0);
                    (all.0.len() <= MAX_ALTERNATIVES).then_some(all)
                }
                (None, _) | (_, None) => None,
            };
        }
        Ok(all.into_iter().collect())
    }

    fn sequence(&mut self) -> Result<Vec<AnyOf>, Unknown> {
        let mut demands = Vec::new();
        let mut run = String::new();
        while let Some(c) = self.chars.next_if(|c| !matches!(c, '|' | ')')) {
            let element = match c {
                '(' => match self.group()? {
                    Group::Flags => continue,
                    Group::Around(inner) => Element::Group(inner),
                },
                '[' => {
                    self.class()?;
                    Element::Other
                }
                '\\' => self.escape()?,
                '.' | '^' | '$' => Element::Other,
                '*' | '+' | '?' | '{' => return Err(Unknown),
                c if c.is_ascii() => Element::Literal(c),
                _ => Element::Other,
            };
            let times = self.quantifier()?;
            match (element, times) {
                (Element::Literal(c), Times::Once) => run.push(c.to_ascii_lowercase()),
                (Element::Literal(c), Times::More) => {
                    run.push(c.to_ascii_lowercase());
                    demands.extend(take_run(&mut run));
                }
                (Element::Group(inner), Times::Once | Times::More) => {
                    demands.extend(take_run(&mut run));
                    demands.extend(inner);
                }
                (Element::Literal(_) | Element::Group(_), Times::Optional) | (Element::Other, _) => {
                    demands.extend(take_run(&mut run));
                }
            }
            demands.truncate(MAX_DEMANDS);
        }
        demands.extend(take_run(&mut run));
        demands.truncate(MAX_DEMANDS);
        Ok(demands)
    }

    /// After `(`.
    fn group(&mut self) -> Result<Group, Unknown> {
        if self.chars.next_if_eq(&'?').is_some() {
            self.chars.next_if_eq(&'P');
            if self.chars.next_if_eq(&'<').is_some() {
                while self.chars.next().ok_or(Unknown)? != '>' {}
            } else {
                loop {
                    match self.chars.next() {
                        Some(':') => break,
                        Some(')') => return Ok(Group::Flags),
                        // Flags that change nothing about literals; `x` and `u` do.
                        Some('i' | 'm' | 's' | 'U' | 'R' | '-') => {}
                        _ => return Err(Unknown),
                    }
                }
            }
        }
        if self.depth == MAX_DEPTH {
            return Err(Unknown);
        }
        self.depth += 1;
        let inner = self.alternation()?;
        self.depth -= 1;
        self.chars.next_if_eq(&')').ok_or(Unknown)?;
        Ok(Group::Around(inner))
    }

    /// After `[`: skips a class, nested ones included.
    fn class(&mut self) -> Result<(), Unknown> {
        let mut depth = 1;
        self.class_start();
        while depth > 0 {
            match self.chars.next().ok_or(Unknown)? {
                '\\' => {
                    self.chars.next().ok_or(Unknown)?;
                }
                '[' => {
                    depth += 1;
                    self.class_start();
                }
                ']' => depth -= 1,
                _ => {}
            }
        }
        Ok(())
    }

    /// `]` right after `[` or `[^` stands for itself.
    fn class_start(&mut self) {
        self.chars.next_if_eq(&'^');
        self.chars.next_if_eq(&']');
    }

    /// After a backslash.
    fn escape(&mut self) -> Result<Element, Unknown> {
        match self.chars.next().ok_or(Unknown)? {
            'b' if self.chars.peek() == Some(&'{') => Err(Unknown),
            'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'b' | 'B' | 'A' | 'z' | '<' | '>' => Ok(Element::Other),
            'n' | 't' | 'r' | 'f' | 'v' | 'a' => Ok(Element::Other),
            c if c.is_ascii_punctuation() => Ok(Element::Literal(c)),
            _ => Err(Unknown),
        }
    }

    fn quantifier(&mut self) -> Result<Times, Unknown> {
        let times = match self.chars.peek() {
            Some('*' | '?') => Times::Optional,
            Some('+') => Times::More,
            Some('{') => return self.repetition(),
            _ => return Ok(Times::Once),
        };
        self.chars.next();
        self.chars.next_if_eq(&'?');
        self.no_second_quantifier()?;
        Ok(times)
    }

    /// `{n}`, `{n,}`, `{n,m}`, `{,m}`.
    fn repetition(&mut self) -> Result<Times, Unknown> {
        self.chars.next();
        let mut least = String::new();
        while let Some(digit) = self.chars.next_if(char::is_ascii_digit) {
            least.push(digit);
        }
        loop {
            match self.chars.next() {
                Some('}') => break,
                Some(c) if c == ',' || c.is_ascii_digit() => {}
                _ => return Err(Unknown),
            }
        }
        self.chars.next_if_eq(&'?');
        self.no_second_quantifier()?;
        Ok(if least.bytes().all(|b| b == b'0') { Times::Optional } else { Times::More })
    }

    fn no_second_quantifier(&mut self) -> Result<(), Unknown> {
        match self.chars.peek() {
            Some('*' | '+' | '?' | '{') => Err(Unknown),
            _ => Ok(()),
        }
    }
}

enum Element {
    /// An ASCII character that stands for itself.
    Literal(char),
    /// A group with its demands.
    Group(Vec<AnyOf>),
    /// Anything else: a class, an assertion, a character beyond ASCII.
    Other,
}

enum Group {
    /// It only sets flags: `(?i)`.
    Flags,
    /// It groups something that has these demands.
    Around(Vec<AnyOf>),
}

fn take_run(run: &mut String) -> Option<AnyOf> {
    let literal = std::mem::take(run);
    (literal.len() >= MIN_LEN).then(|| AnyOf(vec![literal]))
}

/// The demand that the fewest texts meet: its shortest literal is the longest, then it has the fewest literals.
fn best(demands: Vec<AnyOf>) -> Option<AnyOf> {
    let shortest = |demand: &AnyOf| demand.0.iter().map(String::len).min().unwrap_or(0);
    demands.into_iter().max_by_key(|demand| (shortest(demand), Reverse(demand.0.len())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Demands are separated by spaces in the table, their literals by `|`; `_` is a space.
    #[track_caller]
    fn check(regex: &str, expected: &str) {
        let told: Vec<String> =
            demands(regex).iter().map(|AnyOf(words)| words.join("|").replace(' ', "_")).collect();
        assert_eq!(told.join(" "), expected, "{regex}");
    }

    #[test]
    fn reads_what_it_knows() {
        check("User unknown", "user_unknown");
        check(r"5\.1\.1\b.*user (is )?unknown", "5.1.1 user_ unknown");
        check("(?:over|exceeded) quota", "over|exceeded _quota");
        check("(?:over quota|mailbox full)", "over_quota|mailbox_full");
        check("mailbox (?P<why>is full|full)", "mailbox_ is_full|full");
        check("(one two.*three|four)", "one_two|four");
        check("quotas? exceeded", "quota _exceeded");
        check("abc+def", "abc def");
        check("(?i)spam", "spam");
        check("[]abc]xyz[^]0-9[:alpha:]]*", "xyz");
        check("abc{2,3}defg", "abc defg");
        check("boîte pleine", "te_pleine");
    }

    #[test]
    fn is_silent_about_the_rest() {
        for regex in [
            "",
            ".*",
            "ab",
            "(?:abc)?",
            "abc|",
            "abc|d",
            "abc*",
            "(?:abc){0,2}",
            "(?x)a b c",
            r"\x41bcd",
            r"\bab\b",
            "abc)",
            "(abc",
            "[abc",
            r"abc\",
            "abc**",
            "abc|[def]",
            r"\pLabc",
            "(?u:abc)",
            r"\b{start}abc",
        ] {
            check(regex, "");
        }
        check(&format!("{}abc{}", "(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH)), "abc");
        check(&format!("{}abc{}", "(".repeat(MAX_DEPTH + 1), ")".repeat(MAX_DEPTH + 1)), "");
        let many = |count| demands(&vec!["abcd"; count].join("|"));
        assert_eq!(many(MAX_ALTERNATIVES), [AnyOf(vec!["abcd".to_owned(); MAX_ALTERNATIVES])]);
        assert_eq!(many(MAX_ALTERNATIVES + 1), []);
        assert_eq!(demands(&["abcd"; MAX_DEMANDS].join(".")).len(), MAX_DEMANDS);
        assert_eq!(demands(&["abcd"; MAX_DEMANDS + 1].join(".")).len(), MAX_DEMANDS);
    }

    /// Regexes of the kind that rules have.
    fn regexes() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "[a-z ]{1,6}",
            Just(r"\d".to_owned()),
            Just(r"\.".to_owned()),
            Just("[^a-c]".to_owned()),
            Just("[]x]".to_owned()),
            Just(r"\s".to_owned()),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
                prop::collection::vec(inner.clone(), 1..4).prop_map(|p| format!("(?:{})", p.join("|"))),
                (inner, prop::sample::select(vec!["?", "*", "+", "{2}", "{0,2}", "{1,}?", "??"]))
                    .prop_map(|(part, times)| format!("({part}){times}")),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_matches_meets_all(
            (regex, text) in regexes().prop_flat_map(|regex| {
                let text = proptest::string::string_regex(&regex).unwrap();
                (Just(regex), text)
            })
        ) {
            let text = text.to_lowercase();
            for AnyOf(literals) in demands(&regex) {
                prop_assert!(literals.iter().any(|l| text.contains(l)), "{literals:?}");
            }
        }

        #[test]
        fn never_panics(regex in any::<String>()) {
            demands(&regex);
        }
    }
}
