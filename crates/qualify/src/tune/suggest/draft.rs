//! From a normalised text to a regex that takes in all texts of its form, and to a text of that form.

/// Words of the text that a regex is made of; what follows tells less.
const MAX_WORDS: usize = 12;
/// Fewer words say too little to be looked for anywhere: then they must be the end of the text.
const MIN_WORDS: usize = 3;
/// Letters and digits that a regex must hold on to.
const MIN_LETTERS: usize = 4;

/// Placeholders of the normalisation, each with what it stands for in a made-up text.
const PLACEHOLDERS: [(&str, &str); 4] = [
    ("#ID#", "A1B2C3D4E5"),
    ("#DOMAIN#", "mx.example.com"),
    ("#MESSAGE#", "a message"),
    ("*", "ann@example.com"),
];

/// Regexes for the text, from the narrowest to the widest; none if it has no words.
pub(super) fn regexes(normalised: &str) -> Vec<String> {
    let words = trimmed(normalised);
    let in_words = joined(&words, r"\S+");
    let across_words = joined(&words, ".{1,200}?");
    // What has no placeholder stands in the text as it is, whatever the normalisation took out around it.
    let literal = longest_literal(&words);
    let mut regexes = Vec::new();
    for regex in [in_words, across_words, literal].into_iter().flatten() {
        if !regexes.contains(&regex) {
            regexes.push(regex);
        }
    }
    regexes
}

/// A text of the form, without anybody's address.
pub(super) fn imagined(normalised: &str) -> String {
    PLACEHOLDERS
        .iter()
        .fold(normalised.to_owned(), |text, (placeholder, value)| text.replace(placeholder, value))
}

/// The words without code and status in front and without placeholders at the ends.
fn trimmed(normalised: &str) -> Vec<&str> {
    let is_code = |word: &&str| !word.chars().any(char::is_alphabetic);
    let is_empty = |word: &&str| letters(word) == 0;
    let words: Vec<&str> =
        normalised.split(' ').skip_while(|word| is_code(word) || is_empty(word)).take(MAX_WORDS).collect();
    let end = words.iter().rposition(|word| !is_empty(word)).map_or(0, |last| last + 1);
    words.get(..end).unwrap_or_default().to_vec()
}

/// Letters and digits beside the placeholders.
fn letters(word: &str) -> usize {
    pieces(word)
        .iter()
        .map(|piece| piece.map_or(0, |text| text.chars().filter(|c| c.is_alphanumeric()).count()))
        .sum()
}

/// The text between placeholders, and `None` for each of them.
fn pieces(word: &str) -> Vec<Option<&str>> {
    let mut pieces = Vec::new();
    let mut rest = word;
    loop {
        let next = PLACEHOLDERS
            .iter()
            .filter_map(|(placeholder, _)| Some((rest.find(placeholder)?, placeholder.len())))
            .min();
        let Some((at, length)) = next else { break };
        pieces.push(rest.get(..at).filter(|text| !text.is_empty()));
        // `None` for an empty text before it says the same as the placeholder itself.
        if at > 0 {
            pieces.push(None);
        }
        rest = rest.get(at + length..).unwrap_or_default();
    }
    pieces.extend((!rest.is_empty()).then_some(Some(rest)));
    pieces
}

fn joined(words: &[&str], placeholder: &str) -> Option<String> {
    let word = |word: &&str| -> String {
        pieces(word).into_iter().map(|piece| piece.map_or_else(|| placeholder.to_owned(), literal)).collect()
    };
    anchored(words, &words.iter().map(word).collect::<Vec<_>>().join(r"\s+"))
}

fn longest_literal(words: &[&str]) -> Option<String> {
    let runs = words.split(|word| pieces(word).contains(&None));
    let best = runs.max_by_key(|run| run.iter().map(|word| letters(word)).sum::<usize>())?;
    anchored(best, &best.iter().map(|word| literal(word)).collect::<Vec<_>>().join(r"\s+"))
}

/// With word boundaries where the text begins and ends with a letter or digit.
fn anchored(words: &[&str], regex: &str) -> Option<String> {
    let count: usize = words.iter().map(|word| letters(word)).sum();
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let before = if is_word(words.first().and_then(|word| word.chars().next())) { r"\b" } else { "" };
    let after = if is_word(words.last().and_then(|word| word.chars().next_back())) { r"\b" } else { "" };
    let after = if words.len() < MIN_WORDS { r"\W*$" } else { after };
    (count >= MIN_LETTERS).then(|| format!("{before}{regex}{after}"))
}

/// The text as a regex; a number may be another number.
fn literal(text: &str) -> String {
    if text.bytes().all(|b| b.is_ascii_digit()) { r"\d+".to_owned() } else { regex::escape(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(normalised: &str, expected: &[&str]) {
        assert_eq!(regexes(normalised), expected, "{normalised}");
    }

    #[test]
    fn placeholders_become_wide() {
        check(
            "550 5.7.1 <*>: mail to #DOMAIN# is held",
            &[
                r"\bmail\s+to\s+\S+\s+is\s+held\b",
                r"\bmail\s+to\s+.{1,200}?\s+is\s+held\b",
                r"\bis\s+held\W*$",
            ],
        );
        check(
            "451 queue=#ID# stuck",
            &[r"\bqueue=\S+\s+stuck\W*$", r"\bqueue=.{1,200}?\s+stuck\W*$", r"\bstuck\W*$"],
        );
        check("550 only 30 left #ID#", &[r"\bonly\s+\d+\s+left\b"]);
        check("550 (code) sorry.", &[r"\(code\)\s+sorry\.\W*$"]);
    }

    #[test]
    fn what_has_no_words_has_no_regex() {
        for text in ["", "550", "550 5.1.1", "5.0.0 *", "#ID# #DOMAIN#", "550 no"] {
            check(text, &[]);
        }
    }

    #[test]
    fn long_texts_are_cut() {
        let words = |count: usize| vec!["word"; count].join(" ");
        assert_eq!(regexes(&words(MAX_WORDS + 1)), regexes(&words(MAX_WORDS)));
    }

    #[test]
    fn made_up_texts_name_nobody() {
        assert_eq!(
            imagined("550 <*> at #DOMAIN#: #ID#"),
            "550 <ann@example.com> at mx.example.com: A1B2C3D4E5"
        );
    }
}
