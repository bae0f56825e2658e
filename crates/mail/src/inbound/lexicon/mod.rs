//! The words with which mail systems and people say that mail failed, waits, arrived, or that nobody is there, in the
//! languages that mail is written in.
//!
//! All phrases are in lower case and are compared with text in lower case. The phrases that programs send are theirs;
//! a new language is a new row of [`LANGUAGES`], in the file of its family.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

mod asian;
mod eastern;
mod germanic;
mod nordic;
mod romance;
mod slavic;

/// The words of one language.
pub(super) struct Words {
    /// Its code (ISO 639-1).
    #[cfg_attr(not(test), expect(dead_code, reason = "names the row for whoever reads or tests it"))]
    code: &'static str,
    /// In subjects, and in sentences that name a recipient: the message was not delivered.
    failed: &'static [&'static str],
    /// In subjects and texts: it is still being tried.
    delayed: &'static [&'static str],
    /// Subjects of automatic replies begin with these.
    away_subject: &'static [&'static str],
    /// In subjects anywhere, and in texts that also have another sign of an automatic reply.
    away: &'static [&'static str],
    /// What only an absent person's text goes on with: whom to ask in the meantime, when it will be read.
    meanwhile: &'static [&'static str],
    /// Subjects of notices that an address has changed have these.
    moved: &'static [&'static str],
}

const LANGUAGES: [&Words; 22] = [
    &germanic::ENGLISH,
    &germanic::GERMAN,
    &germanic::DUTCH,
    &nordic::SWEDISH,
    &nordic::DANISH,
    &nordic::NORWEGIAN,
    &nordic::FINNISH,
    &romance::FRENCH,
    &romance::SPANISH,
    &romance::ITALIAN,
    &romance::PORTUGUESE,
    &romance::ROMANIAN,
    &slavic::RUSSIAN,
    &slavic::UKRAINIAN,
    &slavic::POLISH,
    &slavic::CZECH,
    &eastern::HUNGARIAN,
    &eastern::GREEK,
    &eastern::TURKISH,
    &asian::JAPANESE,
    &asian::CHINESE,
    &asian::KOREAN,
];

/// Whether a text in lower case says that a message was not delivered.
pub(super) fn says_failed(lower: &str) -> bool {
    static PHRASES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| phrases(|words| words.failed));
    says(&PHRASES, lower)
}

/// Whether a text in lower case says that a message is still being tried.
pub(super) fn says_delayed(lower: &str) -> bool {
    static PHRASES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| phrases(|words| words.delayed));
    says(&PHRASES, lower)
}

/// Whether a subject in lower case, without the prefix of replies, is that of an automatic reply.
pub(super) fn is_away_subject(lower: &str) -> bool {
    LANGUAGES.iter().any(|words| words.away_subject.iter().any(|phrase| lower.starts_with(phrase)))
}

/// Whether a text in lower case says that the recipient is away.
pub(super) fn says_away(lower: &str) -> bool {
    static PHRASES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| phrases(|words| words.away));
    says(&PHRASES, lower)
}

/// Whether a text in lower case says what to do while its writer is away.
pub(super) fn says_meanwhile(lower: &str) -> bool {
    static PHRASES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| phrases(|words| words.meanwhile));
    says(&PHRASES, lower)
}

/// Whether a subject in lower case says that an address has changed.
pub(super) fn says_moved(lower: &str) -> bool {
    static PHRASES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| phrases(|words| words.moved));
    says(&PHRASES, lower)
}

/// The phrases of all languages in one automaton: one pass over a text looks for all.
fn phrases(which: impl Fn(&Words) -> &'static [&'static str]) -> Option<AhoCorasick> {
    let phrases = LANGUAGES.iter().flat_map(|words| which(words));
    // It fails for more phrases than fit into 32 bits.
    AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(phrases).ok()
}

fn says(phrases: &LazyLock<Option<AhoCorasick>>, text: &str) -> bool {
    phrases.as_ref().is_some_and(|phrases| phrases.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_phrases_are_in_lower_case_and_not_too_short() {
        for words in LANGUAGES {
            let Words { code, failed, delayed, away_subject, away, meanwhile, moved } = *words;
            for list in [failed, delayed, away_subject, away, meanwhile, moved] {
                assert!(!list.is_empty(), "{code}");
                for (at, phrase) in list.iter().enumerate() {
                    assert!(!list[..at].contains(phrase), "{code}: {phrase} twice");
                    assert_eq!(**phrase, phrase.to_lowercase(), "{code}");
                    assert!(phrase.len() >= 4, "{code}: {phrase}");
                }
            }
        }
    }

    #[test]
    fn one_phrase_alone_is_no_notice_of_absence() {
        for words in LANGUAGES {
            for phrase in words.meanwhile {
                let within = words.away.iter().find(|away| away.contains(phrase));
                assert_eq!(within, None, "{}: {phrase}", words.code);
            }
        }
    }

    #[test]
    fn languages_have_codes_of_their_own() {
        let mut codes: Vec<_> = LANGUAGES.iter().map(|words| words.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), LANGUAGES.len());
    }
}
