//! Challenges: a recipient's filter asks the sender to prove to be human, or to ask for admission.

use super::super::head::Head;
use super::super::quoted;
use super::{LOOKED_AT, beginning, beginning_of, is_reply};

/// How challenges ask to prove that the sender is human, in lower case.
const SUBJECTS: [&str; 17] = [
    "confirm your message",
    "please confirm your email to",
    "sender verification required",
    "confirmation required to deliver",
    "verify your email to",
    "verification required for your message",
    "please verify your message",
    "your message is awaiting verification",
    "your email requires verification",
    "to complete delivery of your message",
    "veuillez confirmer votre message",
    "bitte bestätigen sie ihre nachricht an",
    "bitte bestätigen sie ihre e-mail an",
    "verify you are a real person",
    "verify that you are human",
    "por favor confirme su mensaje",
    "please authenticate your message",
];

/// What challenges say in their text, in lower case, where another sign says that no person wrote it.
const TEXTS: [&str; 39] = [
    "you are a real",
    "you're a real",
    "my guest list",
    "was waitlisted",
    "click here to deliver your message",
    "only accept mail from senders",
    "prove that you are human",
    "prove you are human",
    "that you are a person",
    "that you are a human",
    "you are not a robot",
    "you're not a robot",
    "not an automated sender",
    "not a spammer",
    "kein roboter",
    "kein spam-versender",
    "pas un robot",
    "êtes humain",
    "no es un robot",
    "no eres un robot",
    "non sei un robot",
    "não é um robô",
    "geen robot",
    "не робот",
    "ロボットではない",
    "不是机器人",
    "verify that you are a real person",
    "confirm that you are a real person",
    "list of approved senders",
    "my approved senders",
    "add you to my allowed senders",
    "list of allowed senders",
    "your message is being held",
    "attached below is being held",
    "click here to authenticate",
    "to release your message for delivery",
    "confirm that you are human",
    "bestätigen sie, dass sie ein mensch sind",
    "confirmer que vous êtes une personne",
];

/// How challenges say that it is to be done but once, in lower case.
const ONCE: [&str; 36] = [
    "only once",
    " once.",
    " once:",
    "just once",
    "just this once",
    "one time",
    "one-time",
    "have to do this once",
    "need to do this once",
    "do this again",
    "future messages",
    "future emails",
    "future e-mails",
    "future mail",
    "subsequent messages",
    "from now on",
    "einmalig",
    "nur einmal",
    "künftige nachrichten",
    "zukünftige",
    "une seule fois",
    "prochains messages",
    "messages suivants",
    "una sola vez",
    "próximos mensajes",
    "futuros mensajes",
    "una sola volta",
    "una volta sola",
    "messaggi successivi",
    "uma única vez",
    "apenas uma vez",
    "próximas mensagens",
    "eenmalig",
    "maar één keer",
    "только один раз",
    "今後",
];

/// What the sender is to do, in lower case.
const DO: [&str; 29] = [
    "nachricht antworten",
    "mail antworten",
    "click",
    "link below",
    "following link",
    "this link",
    "reply to this",
    "replying to this",
    "visit ",
    "klick",
    "folgenden link",
    "antworten sie",
    "cliquez",
    "cliquer",
    "lien suivant",
    "répondez",
    "haga clic",
    "pulse ",
    "siguiente enlace",
    "responda",
    "clicca",
    "fare clic",
    "seguente link",
    "clique",
    "klik",
    "ссылк",
    "нажмите",
    "クリック",
    "点击",
];

/// Why, in lower case.
const WHY: [&str; 21] = [
    "spam",
    "junk",
    "unsolicited",
    "unwanted",
    "unerwünscht",
    "indésirable",
    "pourriel",
    "no deseado",
    "no solicitado",
    "indesiderat",
    "indesejad",
    "lixo eletrônico",
    "ongewenst",
    "спам",
    "нежелательн",
    "迷惑メール",
    "垃圾邮件",
    "verify",
    "verification",
    "confirm",
    "bestätig",
];

/// Whether the mail is a challenge: its subject says so, or the text of what is an answer.
pub(in super::super) fn is_challenge(head: &Head<'_>, subject: &str, text: &str) -> bool {
    let subject = subject.to_lowercase();
    if SUBJECTS.iter().any(|phrase| subject.contains(phrase)) {
        return true;
    }
    let answers = head.is_answer()
        || head.null_sender()
        || head.auto_submitted().eq_ignore_ascii_case("auto-replied")
        || (is_reply(&subject) && !quoted::quotes(beginning_of(text, LOOKED_AT)));
    answers && !head.of_list && !head.sent_by_mail_system() && {
        let text = beginning(text, LOOKED_AT);
        let has = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
        has(&TEXTS) || (has(&ONCE) && has(&DO) && has(&WHY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, text: &str, expected: bool) {
        let found = is_challenge(&Head::read(header.as_bytes()), "Re: Offers", text);
        assert_eq!(found, expected, "{header} {text}");
    }

    #[test]
    fn a_challenge_asks_once() {
        let person = "From: a@example.com\n";
        for text in [
            "Please prove that you are human.",
            "I am fighting spam. Just this once, click the link below so that I receive your mail.",
            "Gegen unerwünschte Mails: bitte klicken Sie einmalig auf https://else.example/c.",
            "Pour lutter contre le spam, cliquez une seule fois ici : https://else.example/c",
        ] {
            check(person, text, true);
            check("List-Id: <x>\n", text, false);
            check("From: MAILER-DAEMON@mx.example\n", text, false);
        }
        check(person, "Thanks, click the link below to see the photos.", false);
        check(person, "> Just this once, click here, no spam", true);
        check(person, "Agreed.\n> Just this once, click here, no spam", false);
    }
}
