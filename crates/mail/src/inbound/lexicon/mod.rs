//! The words with which mail systems and people say that mail failed, waits, arrived, or that nobody is there, in the
//! languages that mail is written in.
//!
//! All phrases are in lower case and are compared with text in lower case. The phrases that programs send are theirs;
//! a new language is a new row of [`LANGUAGES`], in the file of its family.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

mod asian;
mod causes;
mod eastern;
mod germanic;
mod labels;
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

/// What says that a message was not delivered.
static FAILED: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| phrases(|words| words.failed));
/// What says why.
static CAUSES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| small(causes::CAUSES));

/// Whether a text in lower case says that a message was not delivered.
pub(super) fn says_failed(lower: &str) -> bool {
    says(&FAILED, lower)
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

/// Whether a text in lower case says why a message was not delivered.
pub(super) fn explains(lower: &str) -> bool {
    says(&CAUSES, lower)
}

/// What a label announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// One who did not get the message.
    Recipient,
    /// One to whom the message was sent.
    To,
    /// The sender, an identifier, a server, one who may be asked.
    Other,
    /// The reason.
    Reason,
}

/// What the words before a colon or an address announce, in lower case and without marks; `None` if they tell nothing.
pub(super) fn label(lower: &str) -> Option<Label> {
    static REASON: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| small(labels::REASON));
    static OTHERS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| small(labels::OTHERS));
    let is_earlier = || labels::EARLIER.iter().any(|words| lower.contains(words));
    if labels::TO.contains(&lower) || is_earlier() {
        Some(Label::To)
    } else if says(&OTHERS, lower) {
        Some(Label::Other)
    } else if says(&REASON, lower) {
        Some(Label::Reason)
    } else if says(&RECIPIENT, lower) {
        Some(Label::Recipient)
    } else {
        None
    }
}

static RECIPIENT: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| small(labels::RECIPIENT));

/// Whether the words before a colon announce one who did not get the message.
pub(super) fn is_recipient_label(lower: &str) -> bool {
    says(&RECIPIENT, lower) && label(lower) == Some(Label::Recipient)
}

/// Where the last words end that name somebody to be asked, in a text in lower case that stands before an address.
pub(super) fn asked_until(lower: &str) -> Option<usize> {
    static PHRASES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| small(labels::ASKED));
    PHRASES.as_ref()?.find_iter(lower).last().map(|found| found.end())
}

/// Where the last words end that say that a message was delivered, in a text in lower case that stands before an address.
pub(super) fn delivered_until(lower: &str) -> Option<usize> {
    const NOT: [&str; 9] = ["not", "n't", "nicht", "niet", "no", "non", "não", "nao", "pas"];
    static PHRASES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| small(labels::DELIVERED));
    let found = PHRASES.as_ref()?.find_iter(lower).last()?;
    let before = lower[..found.start()].trim_end();
    (!NOT.iter().any(|not| before.ends_with(not))).then_some(found.end())
}

/// Whether a text in lower case that follows an address says what one may ask there.
pub(super) fn is_asked_behind(lower: &str) -> bool {
    labels::ASKED_BEHIND.iter().any(|phrase| lower.contains(phrase))
}

/// Where the last words end that say that a message was not delivered or why, in a text in lower case.
pub(super) fn failed_until(lower: &str) -> Option<usize> {
    let last = |phrases: &AhoCorasick| phrases.find_iter(lower).last().map(|found| found.end());
    FAILED.as_ref().and_then(last).max(CAUSES.as_ref().and_then(last))
}

/// The phrases of all languages in one automaton: one pass over a text looks for all.
fn phrases(which: impl Fn(&Words) -> &'static [&'static str]) -> Option<AhoCorasick> {
    automaton(LANGUAGES.iter().flat_map(|words| which(words)))
}

fn automaton<'a>(phrases: impl IntoIterator<Item = &'a &'static str>) -> Option<AhoCorasick> {
    // It fails for more phrases than fit into 32 bits.
    AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(with_plain(phrases)).ok()
}

/// An automaton for short texts: it is slower by the octet, but it takes little to build.
fn small(phrases: &[&'static str]) -> Option<AhoCorasick> {
    AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(with_plain(phrases)).ok()
}

/// The phrases, and what old programs make of them, who have no letters but those of ASCII.
fn with_plain<'a>(phrases: impl IntoIterator<Item = &'a &'static str>) -> Vec<String> {
    let mut all = Vec::new();
    for phrase in phrases {
        all.push((*phrase).to_owned());
        let plain: String = phrase.chars().map(plain_letter).collect();
        if plain.is_ascii() && plain != *phrase && plain.len() >= SHORTEST_PLAIN {
            all.push(plain);
        }
    }
    all
}

/// Without their marks, shorter words may be others.
const SHORTEST_PLAIN: usize = 9;

/// The letter without its mark.
fn plain_letter(c: char) -> char {
    match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ą' | 'ă' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'ď' => 'd',
        'è' | 'é' | 'ê' | 'ë' | 'ę' | 'ě' => 'e',
        'ì' | 'í' | 'î' | 'ï' | 'ı' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ő' | 'ø' => 'o',
        'ř' => 'r',
        'ś' | 'š' | 'ş' | 'ș' => 's',
        'ť' | 'ț' => 't',
        'ù' | 'ú' | 'û' | 'ü' | 'ů' | 'ű' => 'u',
        'ý' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        'ğ' => 'g',
        '’' => '\'',
        c => c,
    }
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
    fn lists_without_a_language_are_in_lower_case_too() {
        for list in [
            causes::CAUSES,
            labels::RECIPIENT,
            labels::TO,
            labels::OTHERS,
            labels::REASON,
            labels::ASKED,
            labels::ASKED_BEHIND,
            labels::DELIVERED,
        ] {
            for (at, phrase) in list.iter().enumerate() {
                assert!(!list[..at].contains(phrase), "{phrase} twice");
                assert_eq!(**phrase, phrase.to_lowercase());
            }
        }
    }

    #[test]
    fn labels_announce() {
        for (words, expected) in [
            ("empfänger", Some(Label::Recipient)),
            ("送信先メールアドレス", Some(Label::Recipient)),
            ("to", Some(Label::To)),
            ("absender", Some(Label::Other)),
            ("エラー内容", Some(Label::Reason)),
            ("the weather", None),
        ] {
            assert_eq!(label(words), expected, "{words}");
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
