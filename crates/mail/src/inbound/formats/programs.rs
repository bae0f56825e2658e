//! The programs and services whose words are known, and how the bounces of each name recipients.

use super::{Reader, inline, listed, transcript};
use crate::inbound::report::FoundIn;

/// How the bounces of a program are known and read.
pub(super) struct Format {
    pub(super) name: &'static str,
    /// Any of these in the text says that it is this program's; compared octet by octet.
    pub(super) signs: &'static [&'static str],
    /// Tried in turn until recipients are found.
    pub(super) readers: &'static [(Reader, FoundIn)],
}

const LIST: (Reader, FoundIn) = (listed::read, FoundIn::List);
const TALK: (Reader, FoundIn) = (transcript::read, FoundIn::Transcript);
const TOLD: (Reader, FoundIn) = (inline::read, FoundIn::Sentence);
const NAMES: (Reader, FoundIn) = (inline::read_local, FoundIn::Sentence);
const SELF: (Reader, FoundIn) = (inline::read_parties, FoundIn::Sentence);
const ANYWHERE: (Reader, FoundIn) = (inline::read_anywhere, FoundIn::Sentence);
const ANYWHERE_IF_FAILED: (Reader, FoundIn) = (inline::read_anywhere_if_failed, FoundIn::Sentence);

const LOCAL: (Reader, FoundIn) = (listed::read_local, FoundIn::List);

const OWN_USERS: &[(Reader, FoundIn)] = &[LIST, LOCAL, TOLD, ANYWHERE];
const LISTED: &[(Reader, FoundIn)] = &[LIST, TOLD, ANYWHERE];
const SESSION: &[(Reader, FoundIn)] = &[TALK, LIST, TOLD, ANYWHERE];
const ANY: &[(Reader, FoundIn)] = &[LIST, TALK, TOLD, NAMES, ANYWHERE_IF_FAILED];
const SENTENCE: &[(Reader, FoundIn)] = &[TOLD, LIST, ANYWHERE, SELF];

const fn format(
    name: &'static str,
    readers: &'static [(Reader, FoundIn)],
    signs: &'static [&'static str],
) -> Format {
    Format { name, signs, readers }
}

/// The name of mail that is a bounce by its header or its subject, but of no known program.
pub(super) const GENERIC: Format = format("generic", ANY, &[]);

/// Gmail's since 2016 in any language.
pub(super) const HEADLINED: Format = format("gmail", LISTED, &[]);

/// Yandex's Postfix, known by the name of its host.
pub(super) const YANDEX: Format = format("yandex", LISTED, &[]);

/// The programs. Where the words of one are among those of another, the particular one is first.
pub(super) const PROGRAMS: &[Format] = &[
    // Services that speak with the words of the program that they run.
    format("mail_ru", LISTED, &["сервером Mail.Ru", "mail.ru mail delivery", "mailer-daemon@corp.mail.ru"]),
    format(
        "yandex",
        LISTED,
        &["mail system at host yandex", "Yandex mail system", "почтовая система на узле"],
    ),
    format("zoho", LISTED, &["ERROR_CODE :", "Zoho Mail", ", ResponseCode "]),
    format("facebook", LISTED, &["This message was created automatically by Facebook"]),
    format("verizon", LISTED, &["Message could not be delivered to mobile", "Error: Invalid user address"]),
    format(
        "messagelabs",
        LISTED,
        &[
            "mail delivery agent at messagelabs",
            "mail delivery agent at Symantec",
            "MessageLabs",
            "Symantec.cloud",
        ],
    ),
    format(
        "gmx",
        LISTED,
        &["SMTP error from remote server after", "--- The header of the original message is following"],
    ),
    format(
        "web_de",
        LISTED,
        &["automatisch vom Mailserver erzeugt", "Dies ist eine automatisch erzeugte Nachricht"],
    ),
    format("yahoo", LISTED, &["we were unable to deliver your message to the following"]),
    format(
        "aol",
        OWN_USERS,
        &[
            "could not be delivered because they are not accepting",
            "The mail you sent could not be delivered to:",
        ],
    ),
    format("google_groups", SENTENCE, &["the group you tried to contact", "Google Groups"]),
    format("laposte", LISTED, &["Le message suivant n'a pas pu", "Ceci est le système de messagerie"]),
    format("docomo", LISTED, &["docomo.ne.jp のメールシステム", "docomo のメールサーバー"]),
    // Programs.
    format("qmail", LISTED, &["qmail-send program", "This is the qmail"]),
    format(
        "exim",
        LISTED,
        &[
            "This message was created automatically by mail delivery software",
            "could not be delivered to all of its recipients",
            "recipient addresses that were\nincorrectly constructed",
        ],
    ),
    format("postfix", LISTED, &["This is the mail system at host", "This is the Postfix program"]),
    format("dragonfly", SENTENCE, &["This is the DragonFly Mail Agent"]),
    format("opensmtpd", LISTED, &["This is the MAILER-DAEMON, please DO NOT REPLY"]),
    format("exchange", LISTED, &["did not reach the following recipient", "MSEXCH:"]),
    format(
        "office365",
        LISTED,
        &["Office 365", "couldn't be delivered to the recipients listed", "prod.outlook.com"],
    ),
    format(
        "exchange",
        LISTED,
        &[
            "Delivery has failed to these recipients",
            "Diagnostic information for administrators",
            "Fehler bei der Nachrichtenzustellung an folgende Empfänger",
            "Diagnoseinformationen für Administratoren",
            "Échec de la remise pour les destinataires",
            "Informations de diagnostic pour les administrateurs",
            "Información de diagnóstico para administradores",
            "Informazioni di diagnostica per gli amministratori",
            "Informações de diagnóstico para administradores",
            "Diagnostische gegevens voor beheerders",
            "Диагностические сведения для администраторов",
            "Informacje diagnostyczne dla administratorów",
            "Diagnostikinformation för administratörer",
            "Diagnosticeringsoplysninger til administratorer",
            "Diagnoseinformasjon for administratorer",
            "Diagnostické informace pro správce",
            "Yöneticiler için tanılama bilgileri",
            "관리자를 위한 진단 정보",
            "管理者向けの診断情報",
            "管理员的诊断信息",
        ],
    ),
    format(
        "gmail",
        LISTED,
        &[
            "Technical details of permanent failure",
            "Technical details of temporary failure",
            "** Address not found **",
            "** Message not delivered **",
            "** Message blocked **",
            "** Delivery incomplete **",
            "永続的な障害の技術的な詳細",
            "Technische Details zum dauerhaften Fehler",
            "Détails techniques de l'échec définitif",
        ],
    ),
    format(
        "outlook_com",
        LISTED,
        &[
            "This is an automatically generated Delivery Status Notification",
            "Dies ist eine automatisch erstellte Benachrichtigung",
            "Ceci est une notification automatique de l'état de remise",
            "Ceci est une notification d'état de remise",
            "Esta es una notificación automática del estado de entrega",
            "Ésta es una notificación automática",
            "Notifica automatica sullo stato del recapito",
        ],
    ),
    format("biglobe", LISTED, &["Non-delivered information ---"]),
    format("smail", LISTED, &["Failed addresses follow: ---", "- Failed addresses follow"]),
    format("x5", LISTED, &["The following addresses had permanent delivery errors"]),
    format("groupwise", SESSION, &["The attached file had the following undeliverable recipient"]),
    // Its older versions name the recipients as others do.
    format("sendmail", SESSION, &["----- Transcript of session follows -----"]),
    format("mcafee", LISTED, &["The following addresses had delivery problems"]),
    format("x1", LISTED, &["The following addresses had delivery errors"]),
    format("interscan", SESSION, &["Sent >>> ", "Sent <<< ", "InterScan"]),
    format(
        "mdaemon",
        SESSION,
        &["\n--> ", "\n<-- ", ": --> ", ": <-- ", "--- Session Transcript", "MDaemon"],
    ),
    format(
        "ezweb",
        SESSION,
        &[
            "was rejected by a remote mail server",
            "recipients was rejected by a remote",
            "The user(s) account is",
            "KDDI mail system",
        ],
    ),
    format("kddi", LISTED, &["Your mail sent on:", "Your mail attempted to be delivered on:"]),
    format(
        "courier",
        LISTED,
        &[
            "UNDELIVERABLE MAIL",
            "running the Courier mail server",
            "Your message to the following recipients cannot be delivered",
        ],
    ),
    format(
        "sendmail",
        SESSION,
        &["Transcript of session follows", "The following addresses had", "While talking to ", "\n<<< "],
    ),
    format(
        "messaging_server",
        LISTED,
        &["This report relates to a message you sent with the following header fields"],
    ),
    format(
        "amazon_ses",
        LISTED,
        &["An error occurred while trying to deliver the mail to the following recipients"],
    ),
    format("notes", LISTED, &["could not be delivered to:\n", "------- Failure Reasons"]),
    format(
        "domino",
        LISTED,
        &[
            "Domino Directory",
            "Domino-Verzeichnis",
            "Directorio Domino",
            "Annuaire Domino",
            "annuaire Domino",
            "Rubrica Domino",
            "Domino ディレクトリ",
            "Name & Address Book",
            "was not delivered to:\n",
            "was not delivered to:\r\n",
        ],
    ),
    format(
        "groupwise",
        LISTED,
        &["The message that you sent was undeliverable to the following", "GWIA", "GroupWise"],
    ),
    format("mailenable", LISTED, &["Recipient: [SMTP:", "MailEnable"]),
    format("mailmarshal", LISTED, &["The following recipients were affected", "MailMarshal"]),
    format("barracuda", LISTED, &["blocked by our Spam Firewall", "Barracuda"]),
    format("mimecast", LISTED, &["Mimecast"]),
    format("proofpoint", LISTED, &["Proofpoint"]),
    format("powermta", LISTED, &["inform you on the delivery status of a"]),
    format("surfcontrol", LISTED, &["SurfControl", "Your message could not be sent."]),
    format("mailfoundry", LISTED, &["Unable to deliver message to: <"]),
    format("mfilter", LISTED, &["-------server message", "----Server Message----"]),
    format("x2", LISTED, &["Unable to deliver message to the following address"]),
    format("x3", LISTED, &["\nSMTP.RCPT: ", "\nSMTP.DATA: ", "\nRouting: Could not find"]),
    format("x6", SENTENCE, &["We had trouble delivering your message. Full details follow"]),
    format("sendgrid", LISTED, &["automatically generated message from SendGrid"]),
    format("amazon_workmail", LISTED, &["Technical report:\n", "Technical report:\r\n", "Amazon WorkMail"]),
    format("ironport", LISTED, &["The reason for the problem:"]),
    format("kerio", LISTED, &["Kerio Connect", "Kerio MailServer"]),
    format("mercury", LISTED, &["Mercury/32", "Mercury Mail Transport"]),
    format("hmailserver", LISTED, &["hMailServer sent:"]),
    format("communigate", LISTED, &["Failed to deliver to '"]),
    format("xmail", LISTED, &["XMail bounce: Rcpt="]),
    format("james", LISTED, &["Error message below:", "This is the James mail server"]),
    format(
        "imail",
        SENTENCE,
        &[
            "undeliverable to ",
            "Body of message generated response:",
            "Delivery failed 20 attempts",
            "User mailbox exceeds allowed size: ",
            "nknown user: ",
        ],
    ),
    // The heirs of qmail, who introduce themselves in words of their own.
    format(
        "qmail",
        LISTED,
        &["--- Below this line is a copy of the m", "--- Enclosed are the original headers"],
    ),
    format("openwave", LISTED, &["This Message was undeliverable due to the following reason"]),
    format(
        "exchange",
        LISTED,
        &[
            "did not reach some or all of the intended",
            "hat einige oder alle",
            "n'est pas parvenu à certains",
            "no llegó a algunos",
            "no ha llegado a algunos",
            "non ha raggiunto alcuni",
            "não chegou a alguns",
            "heeft sommige of alle",
            "nådde inte några eller",
            "не доставлено некоторым",
            "nie dotarła do niektórych",
        ],
    ),
    format(
        "generic",
        LISTED,
        &["could not be delivered to", "Could not be delivered to", "--- Non-Delivery Report ---"],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sign_is_behind_one_that_it_contains() {
        for (at, format) in PROGRAMS.iter().enumerate() {
            for earlier in &PROGRAMS[..at] {
                for (sign, short) in
                    format.signs.iter().flat_map(|sign| earlier.signs.iter().map(move |short| (sign, short)))
                {
                    assert!(!sign.contains(short), "{}: {sign} is taken for {}", format.name, earlier.name);
                }
            }
            assert!(format.name == "generic" || !format.signs.is_empty());
        }
    }
}
