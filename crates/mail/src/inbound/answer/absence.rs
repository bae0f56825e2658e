//! Absence in words alone, where no field of the header tells it.

use super::super::head::Head;
use super::super::{lexicon, quoted};
use super::{BEGINNING, LOOKED_AT, beginning, beginning_of};

/// Whether a subject in lower case begins as that of an automatic reply in a language of which no more is known.
pub(super) fn is_subject_elsewhere(lower: &str) -> bool {
    const SUBJECTS: [&str; 26] = [
        "ตอบกลับอัตโนมัติ",
        "การตอบกลับอัตโนมัติ",
        "رد تلقائي",
        "الرد التلقائي",
        "מענה אוטומטי",
        "תשובה אוטומטית",
        "پاسخ خودکار",
        "automatski odgovor",
        "аутоматски одговор",
        "automatická odpoveď",
        "samodejni odgovor",
        "автоматичен отговор",
        "автоматски одговор",
        "automaatvastus",
        "automaatne vastus",
        "automatinis atsakymas",
        "automātiskā atbilde",
        "automātiska atbilde",
        "trả lời tự động",
        "balasan otomatis",
        "jawapan automatik",
        "resposta automàtica",
        "erantzun automatikoa",
        "sjálfvirkt svar",
        "स्वचालित उत्तर",
        "avtomatik cavab",
    ];
    SUBJECTS.iter().any(|subject| lower.starts_with(subject))
}

/// Whether the text is a notice of absence by its words alone: it begins with the absence and says whom to ask in the
/// meantime, or when it will be read. People who write of it in a conversation ask something, or quote; shops that no longer
/// have something do not reply.
pub(super) fn is_notice_of_absence(head: &Head<'_>, replies: bool, text: &str) -> bool {
    if head.of_list || text.contains(['?', '？']) || quoted::quotes(beginning_of(text, LOOKED_AT)) {
        return false;
    }
    let lower = beginning(text, LOOKED_AT);
    let begins = beginning_of(&lower, BEGINNING);
    // Who has left names another address.
    let names_another = || lower.contains('@') || lexicon::says_meanwhile(&lower);
    let left = || {
        (lexicon::says_moved(begins) || (replies && LEFT.iter().any(|phrase| begins.contains(phrase))))
            && names_another()
            && !lexicon::says_failed(begins)
    };
    (lexicon::says_away(begins) && lexicon::says_meanwhile(&lower)) || left()
}

/// How texts say that somebody has left, is ill, or that nobody reads there any more, in lower case.
const LEFT: [&str; 88] = [
    "is no longer with",
    "am no longer with",
    "no longer works at",
    "no longer employed",
    "has left our company",
    "has left our organisation",
    "has left our organization",
    "have left my position",
    "have retired",
    "has retired",
    "is no longer in use",
    "is no longer active",
    "is no longer valid",
    "is no longer available",
    "is no longer used",
    "mailbox is no longer",
    "account is no longer",
    "my new address is",
    "unmonitored mailbox",
    "on sick leave",
    "currently out sick",
    "nicht mehr für uns tätig",
    "nicht mehr bei der firma",
    "nicht mehr in unserem",
    "nicht mehr bei uns",
    "arbeitet nicht mehr",
    "hat unser unternehmen verlassen",
    "hat das unternehmen verlassen",
    "adresse wird nicht mehr",
    "nicht mehr aktiv",
    "nicht mehr gültig",
    "im ruhestand",
    "in den ruhestand",
    "ne fait plus partie",
    "n'est plus active",
    "n'est plus utilisée",
    "n'est plus en service",
    "n'est plus valide",
    "a quitté notre",
    "retraite depuis",
    "ya no pertenece",
    "ya no forma parte",
    "ya no está activ",
    "ya no se utiliza",
    "ya no está en uso",
    "dejó de trabajar",
    "non è più attiv",
    "non è più in uso",
    "non è più valid",
    "non fa più parte",
    "ha lasciato la società",
    "ha cessato",
    "não está mais ativ",
    "não faz mais parte",
    "já não faz parte",
    "não pertence mais",
    "não é mais utilizad",
    "deixou a empresa",
    "niet meer in gebruik",
    "niet meer in dienst",
    "niet langer werkzaam",
    "niet meer actief",
    "används inte längre",
    "gått i pension",
    "inte längre kvar",
    "slutat på",
    "ikke længere ansat",
    "bruges ikke længere",
    "ikke lenger ansatt",
    "ikke lenger i bruk",
    "gått av med pensjon",
    "ei ole enää käytössä",
    "jäänyt eläkkeelle",
    "nie jest już aktyw",
    "nie jest już pracownik",
    "nie jest już używan",
    "již není aktivní",
    "již není zaměstnan",
    "již nepoužív",
    "больше не используется",
    "больше не действует",
    "уволилась",
    "не работает в компании",
    "退職いたし",
    "退職しました",
    "使用しておりません",
    "现已离职",
    "已停用",
];

/// Whether the text begins by calling itself an automatic reply, and goes on with nothing that failed.
pub(super) fn says_automatic(head: &Head<'_>, text: &str) -> bool {
    let begins = || {
        let lower = beginning(text, BEGINNING);
        AUTOMATIC_TEXTS.iter().any(|phrase| lower.contains(phrase)) && !lexicon::says_failed(&lower)
    };
    !head.of_list && begins()
}

/// How automatic replies call themselves in their first words, in lower case.
const AUTOMATIC_TEXTS: [&str; 44] = [
    "an automatic reply",
    "an automated reply",
    "an auto reply",
    "an auto-reply",
    "an autoreply",
    "an automatic response",
    "an automated response",
    "an auto response",
    "an auto-response",
    "an autoresponse",
    "an automatically generated reply",
    "an automatically generated response",
    "an auto-generated reply",
    "an auto-generated response",
    "this automatic reply",
    "this automated response",
    "eine automatische antwort",
    "eine automatisch erzeugte antwort",
    "eine automatisch generierte antwort",
    "une réponse automatique",
    "una respuesta automática",
    "una contestación automática",
    "una risposta automatica",
    "uma resposta automática",
    "een automatisch antwoord",
    "een automatische reactie",
    "ett automatiskt svar",
    "ett autosvar",
    "et automatisk svar",
    "et autosvar",
    "automaattinen vastaus",
    "автоматический ответ",
    "автоответ",
    "автоматична відповідь",
    "automatyczna odpowiedź",
    "automatická odpověď",
    "automatikus válasz",
    "αυτόματη απάντηση",
    "otomatik bir yanıt",
    "otomatik yanıt",
    "自動返信",
    "自动回复",
    "自動回覆",
    "자동 회신",
];
