//! Automatic replies of recipients who are away (RFC 3834).

use super::writer::{Writer, bare};
use crate::header;
use crate::time::Timestamp;

/// An automatic reply to be written.
#[derive(Clone, Copy, Debug)]
pub struct AutoReplySpec<'a> {
    /// The recipient who is away.
    pub from: &'a str,
    /// Recipient of the reply: the envelope sender of the message.
    pub to: &'a str,
    /// `Message-ID` of the reply, without angle brackets.
    pub report_id: &'a str,
    /// Subject of the message it answers, decoded or not.
    pub subject: &'a str,
    /// `Message-ID` of the message it answers, without angle brackets.
    pub in_reply_to: Option<&'a str>,
    /// When the reply is written.
    pub at: Timestamp,
    /// The language of subject and text.
    pub language: Language,
    /// The text; `None` for one that fits the language.
    pub text: Option<&'a str>,
}

macro_rules! languages {
    ($($(#[$meta:meta])* $variant:ident = $code:literal, $prefix:literal, $text:literal;)*) => {
        /// The language of an automatic reply.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Language {
            $($(#[$meta])* $variant,)*
        }

        impl Language {
            /// All languages.
            pub const ALL: [Self; [$($code),*].len()] = [$(Self::$variant),*];

            /// Its code (ISO 639-1), its name in configuration.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What stands before the subject of the message that is answered.
            const fn prefix(self) -> &'static str {
                match self { $(Self::$variant => $prefix,)* }
            }

            const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

languages! {
    /// English.
    #[default]
    English = "en", "Automatic reply: ",
        "I am out of the office and will read my mail when I am back.\nYour message is not forwarded.";
    /// German.
    German = "de", "Automatische Antwort: ",
        "Ich bin nicht im Büro und lese meine Nachrichten nach meiner Rückkehr.\nIhre Nachricht wird nicht weitergeleitet.";
    /// French.
    French = "fr", "Réponse automatique : ",
        "Je suis absent du bureau et lirai mes messages à mon retour.\nVotre message n'est pas transféré.";
    /// Spanish.
    Spanish = "es", "Respuesta automática: ",
        "Estoy fuera de la oficina y leeré mi correo a mi regreso.\nSu mensaje no se reenvía.";
    /// Italian.
    Italian = "it", "Risposta automatica: ",
        "Sono fuori ufficio e leggerò la posta al mio ritorno.\nIl messaggio non viene inoltrato.";
    /// Portuguese.
    Portuguese = "pt", "Resposta automática: ",
        "Estou fora do escritório e lerei as mensagens quando voltar.\nA sua mensagem não é reencaminhada.";
    /// Dutch.
    Dutch = "nl", "Automatisch antwoord: ",
        "Ik ben niet op kantoor en lees mijn berichten na mijn terugkeer.\nUw bericht wordt niet doorgestuurd.";
    /// Swedish.
    Swedish = "sv", "Autosvar: ",
        "Jag är inte på kontoret och läser min post när jag är tillbaka.\nMeddelandet vidarebefordras inte.";
    /// Russian.
    Russian = "ru", "Автоматический ответ: ",
        "Меня нет в офисе; я прочту почту, когда вернусь.\nВаше письмо не пересылается.";
    /// Polish.
    Polish = "pl", "Odpowiedź automatyczna: ",
        "Jestem poza biurem i przeczytam pocztę po powrocie.\nWiadomość nie jest przekazywana dalej.";
    /// Japanese.
    Japanese = "ja", "自動応答: ",
        "ただいま不在にしており、戻り次第メールを拝見します。\nこのメールは転送されません。";
    /// Chinese.
    Chinese = "zh", "自动回复: ",
        "我目前不在办公室，回来后会查看邮件。\n您的邮件不会被转发。";
}

impl Language {
    /// The language of this code.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }
}

/// Writes an automatic reply.
pub fn auto_reply(spec: &AutoReplySpec<'_>) -> Vec<u8> {
    let text = spec.text.unwrap_or(spec.language.text());
    let mut mail = Writer::with_capacity(1024 + text.len());
    mail.field("Date", &spec.at.rfc5322());
    mail.field("From", &bare(spec.from));
    mail.field("To", &bare(spec.to));
    mail.text_field("Subject", &format!("{}{}", spec.language.prefix(), header::decode(spec.subject)));
    mail.field("Message-ID", &format!("<{}>", bare(spec.report_id)));
    if let Some(message_id) = spec.in_reply_to.map(bare) {
        mail.field("In-Reply-To", &format!("<{message_id}>"));
        mail.field("References", &format!("<{message_id}>"));
    }
    mail.field("Auto-Submitted", "auto-replied (vacation)");
    mail.field("Precedence", "bulk");
    mail.field("MIME-Version", "1.0");
    mail.field("Content-Language", spec.language.name());
    mail.field("Content-Type", "text/plain; charset=utf-8");
    if !text.is_ascii() {
        mail.field("Content-Transfer-Encoding", "8bit");
    }
    mail.blank();
    mail.lines(text);
    mail.into_bytes()
}
