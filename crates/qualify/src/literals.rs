//! Which literals must a text contain for a regex to match it?
//!
//! A small reader of regex syntax that is right by being shy: what it does not know, it answers with `None` ("try the
//! regex always"). It takes no part in matching; it only spares the regexes that cannot match. A property test holds
//! it to the truth: whatever a regex matches contains one of its literals.

use std::iter::Peekable;
use std::str::Chars;

/// Shorter literals are in too many texts to spare anything.
const MIN_LEN: usize = 3;
/// More alternatives than this spare too little.
const MAX_ALTERNATIVES: usize = 24;
/// Deepest nesting of groups.
const MAX_DEPTH: usize = 32;

/// Texts (ASCII, lower case, at least [`MIN_LEN`] long) of which at least one is, in upper or lower case, in every
/// ASCII text that the regex matches; `None` if there are no such texts or the reader does not know.
///
/// Texts beyond ASCII need care by the caller: `ſ` and the Kelvin sign match `s` and `k` without regard to case.
pub(crate) fn required(regex: &str) -> Option<Vec<String>> {
    let mut reader = Reader { chars: regex.chars().peekable(), depth: 0 };
    let found = reader.alternation().ok()?;
    // An unbalanced `)` ends the alternation early: the regex is wrong, and not ours to judge.
    if reader.chars.next().is_some() { None } else { found.map(|set| set.0) }
}

/// The reader met something that it does not know.
struct Unknown;

/// Literals of which one is required.
#[derive(Clone)]
struct AnyOf(Vec<String>);

impl AnyOf {
    /// Better sets have longer shortest members, then fewer.
    fn better_than(&self, other: &Self) -> bool {
        let rank =
            |set: &Self| (set.0.iter().map(String::len).min().unwrap_or(0), std::cmp::Reverse(set.0.len()));
        rank(self) > rank(other)
    }
}

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
    fn alternation(&mut self) -> Result<Option<AnyOf>, Unknown> {
        let mut all = Some(AnyOf(Vec::new()));
        loop {
            let branch = self.sequence()?;
            all = match (all, branch) {
                (Some(mut all), Some(branch)) => {
                    all.0.extend(branch.0);
                    (all.0.len() <= MAX_ALTERNATIVES).then_some(all)
                }
                (None, _) | (_, None) => None,
            };
            if self.chars.next_if_eq(&'|').is_none() {
                return Ok(all);
            }
        }
    }

    fn sequence(&mut self) -> Result<Option<AnyOf>, Unknown> {
        let mut best: Option<AnyOf> = None;
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
                    offer(&mut best, take_run(&mut run));
                }
                (Element::Group(inner), Times::Once | Times::More) => {
                    offer(&mut best, take_run(&mut run));
                    offer(&mut best, inner);
                }
                (Element::Literal(_) | Element::Group(_), Times::Optional) | (Element::Other, _) => {
                    offer(&mut best, take_run(&mut run));
                }
            }
        }
        offer(&mut best, take_run(&mut run));
        Ok(best)
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
    /// A group with the literals that it requires.
    Group(Option<AnyOf>),
    /// Anything else: a class, an assertion, a character beyond ASCII.
    Other,
}

enum Group {
    /// It only sets flags: `(?i)`.
    Flags,
    /// It groups something, which requires these literals.
    Around(Option<AnyOf>),
}

fn take_run(run: &mut String) -> Option<AnyOf> {
    let literal = std::mem::take(run);
    (literal.len() >= MIN_LEN).then(|| AnyOf(vec![literal]))
}

fn offer(best: &mut Option<AnyOf>, candidate: Option<AnyOf>) {
    if let Some(candidate) = candidate
        && best.as_ref().is_none_or(|best| candidate.better_than(best))
    {
        *best = Some(candidate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(regex: &str, expected: &[&str]) {
        assert_eq!(required(regex).unwrap_or_default(), expected, "{regex}");
    }

    #[test]
    fn reads_what_it_knows() {
        check("User unknown", &["user unknown"]);
        check(r"5\.1\.1\b.*user (is )?unknown", &["unknown"]);
        check("(?:over|exceeded) quota", &[" quota"]);
        check("(?:over quota|mailbox full)", &["over quota", "mailbox full"]);
        check("mailbox (?P<why>is full|full)", &["mailbox "]);
        check("quotas? exceeded", &[" exceeded"]);
        check("abc+def", &["abc"]);
        check("(?i)spam", &["spam"]);
        check("[]abc]xyz[^]0-9[:alpha:]]*", &["xyz"]);
        check(r"abc{2,3}defg", &["defg"]);
        check("boîte pleine", &["te pleine"]);
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
            check(regex, &[]);
        }
        check(&format!("{}abc{}", "(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH)), &["abc"]);
        check(&format!("{}abc{}", "(".repeat(MAX_DEPTH + 1), ")".repeat(MAX_DEPTH + 1)), &[]);
        let many = |count| vec!["abcd"; count].join("|");
        assert_eq!(required(&many(MAX_ALTERNATIVES)).unwrap().len(), MAX_ALTERNATIVES);
        assert_eq!(required(&many(MAX_ALTERNATIVES + 1)), None);
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
        fn whatever_matches_contains_one(
            (regex, text) in regexes().prop_flat_map(|regex| {
                let text = proptest::string::string_regex(&regex).unwrap();
                (Just(regex), text)
            })
        ) {
            if let Some(literals) = required(&regex) {
                let text = text.to_lowercase();
                prop_assert!(literals.iter().any(|l| text.contains(l)), "{literals:?}");
            }
        }

        #[test]
        fn never_panics(regex in any::<String>()) {
            required(&regex);
        }
    }
}
