//! Whether a mail is a bounce by what it says, where no program is known and its header does not tell.

use super::evidence::{Evidence, LABELLED, STRONG};
use super::{Source, has_any, subject_says_failed};
use crate::inbound::values::full_address;
use crate::inbound::{answer, lexicon};

/// Whether what a machine answers is by its subject and its text that a message failed.
pub(in crate::inbound) fn answers_with_failure(source: &Source<'_>) -> bool {
    let lower = source.subject.to_lowercase();
    let says =
        || subject_says_failed(&lower) || lexicon::says_delayed(&lower) || has_any(&lower, FAILURE_WORDS);
    says() && tells_of_failure(source)
}

/// Whether a mail is a bounce by what it says: a machine sends it, or it returns a message of the one whom it is to, and
/// it names somebody else as a recipient who failed.
pub(super) fn tells_of_failure(source: &Source<'_>) -> bool {
    let lower = source.subject.to_lowercase();
    let head = source.head;
    if answer::is_reply(&lower) || head.of_list || lexicon::is_away_subject(&lower) {
        return false;
    }
    let subject_says = subject_says_failed(&lower) || lexicon::says_delayed(&lower);
    let returns = || {
        let sender = source.original.and_then(|original| original.header("From")).and_then(full_address);
        sender.is_some_and(|sender| source.parties[1].is_some_and(|to| to.eq_ignore_ascii_case(&sender)))
    };
    let by_machine = head.sent_by_machine();
    let needed = match (subject_says, by_machine) {
        (true, true) => 1,
        (true, false) if returns() => STRONG,
        (true, false) if !head.is_answer() => LABELLED,
        (false, true) if head.null_sender() || has_any(&lower, FAILURE_WORDS) => STRONG,
        (false, _) if returns() => STRONG + 1,
        (true | false, _) => return false,
    };
    let is_party =
        |address: &str| source.parties.iter().flatten().any(|party| party.eq_ignore_ascii_case(address));
    let evidence = Evidence::of(source.text, source.original);
    evidence.at_least(needed).any(|address| !is_party(address))
}

/// Words of subjects of machines that tell of a failure, of mail or of anything else, in lower case.
const FAILURE_WORDS: &[&str] = &[
    "fail",
    "undeliver",
    "not sent",
    "not deliver",
    "returned",
    "rejected",
    "problem",
    "error",
    "fehl",
    "gescheitert",
    "echec",
    "échec",
    "erreur",
    "fallo",
    "fallid",
    "devuel",
    "errore",
    "mancat",
    "falha",
    "erro ",
    "devolvid",
    "mislukt",
    "fout",
    "misslyck",
    "mislyk",
    "virhe",
    "błąd",
    "chyba",
    "hiba",
    "hata",
    "ошибк",
    "сбой",
    "失敗",
    "失败",
    "エラー",
    "실패",
    "반송",
];
