//! In whose style bounces are written.

use super::style::Style;
use super::styles::{desktop, filters, gateways, google, microsoft, mobile, portals, services, unix};

macro_rules! formats {
    ($($(#[$meta:meta])* $variant:ident = $name:literal, $style:expr;)*) => {
        /// In whose style a bounce is written.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ReportFormat {
            $($(#[$meta])* $variant,)*
        }

        impl ReportFormat {
            /// All formats.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// Its name in configuration.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            pub(super) const fn style(self) -> &'static Style {
                match self { $(Self::$variant => &$style,)* }
            }
        }
    };
}

formats! {
    /// The MTA's own: RFC 3464 with a short text.
    #[default]
    Rfc3464 = "rfc3464", unix::RFC3464;
    /// Postfix: RFC 3464 with fields of its own.
    Postfix = "postfix", unix::POSTFIX;
    /// Exim before it wrote RFC 3464: plain text, the address also in `X-Failed-Recipients`.
    Exim = "exim", unix::EXIM;
    /// qmail: plain text (QSBMF).
    Qmail = "qmail", unix::QMAIL;
    /// sendmail: RFC 3464 with a transcript of the session.
    Sendmail = "sendmail", unix::SENDMAIL;
    /// Microsoft Exchange since 2007: RFC 3464 with text for administrators.
    Exchange = "exchange", microsoft::EXCHANGE;
    /// Gmail: RFC 3464 with a headline, the address also in `X-Failed-Recipients`.
    Gmail = "gmail", google::GMAIL;
    /// sendmail 5: plain text with a transcript, before there were reports.
    SendmailOld = "sendmail_old", unix::SENDMAIL_OLD;
    /// Exim since 4.84: RFC 3464 with the same text.
    EximReport = "exim_report", unix::EXIM_REPORT;
    /// Courier: RFC 3464 with a transcript of its own.
    Courier = "courier", unix::COURIER;
    /// OpenSMTPD: RFC 3464, the list in the text.
    Opensmtpd = "opensmtpd", unix::OPENSMTPD;
    /// DragonFly Mail Agent: plain text.
    Dragonfly = "dragonfly", unix::DRAGONFLY;
    /// Microsoft Exchange 2003: text and the message, no report.
    Exchange2003 = "exchange_2003", microsoft::EXCHANGE_2003;
    /// Office 365: RFC 3464 with HTML for people.
    Office365 = "office365", microsoft::OFFICE_365;
    /// Outlook.com and Hotmail: RFC 3464 with a short text.
    OutlookCom = "outlook_com", microsoft::OUTLOOK_COM;
    /// Gmail until 2015: plain text, the address also in `X-Failed-Recipients`.
    GmailOld = "gmail_old", google::GMAIL_OLD;
    /// Google Groups: plain text about a group.
    GoogleGroups = "google_groups", google::GROUPS;
    /// Yahoo: plain text in qmail's manner.
    Yahoo = "yahoo", portals::YAHOO;
    /// AOL: RFC 3464.
    Aol = "aol", portals::AOL;
    /// iCloud (Oracle Messaging Server): RFC 3464 with the reason in the text.
    Icloud = "icloud", portals::ICLOUD;
    /// GMX and 1&1: plain text in Exim's manner.
    Gmx = "gmx", portals::GMX;
    /// web.de and T-Online: plain text in German.
    WebDe = "web_de", portals::WEB_DE;
    /// Laposte, Orange and Free: RFC 3464 with text in French.
    Laposte = "laposte", portals::LAPOSTE;
    /// Mail.ru: plain text in Russian.
    MailRu = "mail_ru", portals::MAIL_RU;
    /// Yandex: RFC 3464 in Postfix's manner.
    Yandex = "yandex", portals::YANDEX;
    /// Amazon SES: RFC 3464.
    AmazonSes = "amazon_ses", services::AMAZON_SES;
    /// Amazon SNS: a notification in JSON.
    AmazonSns = "amazon_sns", services::AMAZON_SNS;
    /// Zoho: plain text with codes of its own.
    Zoho = "zoho", services::ZOHO;
    /// PowerMTA: RFC 3464 with the bounce category.
    Powermta = "powermta", services::POWERMTA;
    /// SendGrid: RFC 3464.
    Sendgrid = "sendgrid", services::SENDGRID;
    /// IBM Domino: RFC 3464.
    Domino = "domino", desktop::DOMINO;
    /// Lotus Notes: plain text.
    Notes = "notes", desktop::NOTES;
    /// Novell GroupWise: text and the message.
    Groupwise = "groupwise", desktop::GROUPWISE;
    /// MailEnable: plain text.
    Mailenable = "mailenable", desktop::MAILENABLE;
    /// Ipswitch IMail: plain text in two lines.
    Imail = "imail", desktop::IMAIL;
    /// hMailServer: plain text.
    Hmailserver = "hmailserver", desktop::HMAILSERVER;
    /// Apache James: text and the message.
    James = "james", desktop::JAMES;
    /// KDDI and EZweb: plain text with a transcript.
    Ezweb = "ezweb", mobile::EZWEB;
    /// NTT docomo: plain text in Japanese, in ISO-2022-JP.
    Docomo = "docomo", mobile::DOCOMO;
    /// Barracuda: RFC 3464 of a filter.
    Barracuda = "barracuda", filters::BARRACUDA;
    /// Mimecast: RFC 3464 of a filter.
    Mimecast = "mimecast", filters::MIMECAST;
    /// Proofpoint: RFC 3464 in sendmail's manner.
    Proofpoint = "proofpoint", filters::PROOFPOINT;
    /// Symantec.cloud, MessageLabs: plain text.
    Messagelabs = "messagelabs", filters::MESSAGELABS;
    /// MailMarshal: text and the message.
    Mailmarshal = "mailmarshal", filters::MAILMARSHAL;
    /// XMail: plain text with a line for programs.
    Xmail = "xmail", gateways::XMAIL;
    /// MDaemon: plain text with a transcript.
    Mdaemon = "mdaemon", gateways::MDAEMON;
    /// Trend Micro InterScan: plain text with a transcript whose arrows point the other way.
    Interscan = "interscan", gateways::INTERSCAN;
}

impl ReportFormat {
    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}
