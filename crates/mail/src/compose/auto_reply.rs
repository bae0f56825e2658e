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

/// The language of an automatic reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
}

impl Language {
    /// All languages.
    pub const ALL: [Self; 4] = [Self::English, Self::German, Self::French, Self::Spanish];

    /// Its code (ISO 639-1), its name in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
        }
    }

    /// The language of this code.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::English => "Automatic reply: ",
            Self::German => "Automatische Antwort: ",
            Self::French => "Réponse automatique : ",
            Self::Spanish => "Respuesta automática: ",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::English => {
                "I am out of the office and will read my mail when I am back.\nYour message is not forwarded."
            }
            Self::German => {
                "Ich bin nicht im Büro und lese meine Nachrichten nach meiner Rückkehr.\nIhre Nachricht wird nicht weitergeleitet."
            }
            Self::French => {
                "Je suis absent du bureau et lirai mes messages à mon retour.\nVotre message n'est pas transféré."
            }
            Self::Spanish => {
                "Estoy fuera de la oficina y leeré mi correo a mi regreso.\nSu mensaje no se reenvía."
            }
        }
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
