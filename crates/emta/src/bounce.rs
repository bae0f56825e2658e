//! `emta bounce`: writes the mails that come back, to try other readers with.

mod formats;
mod usual;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use emta_mail::chance::Hasher;
use emta_mail::compose::{
    AutoReplySpec, BounceSpec, ComplaintSpec, Language, ReportFormat, auto_reply, bounce, complaint,
};
use emta_mail::header;
use emta_mail::inbound::Action;
use emta_mail::{EmailAddress, EnhancedStatus, Reply, Timestamp};

use crate::exit::{Exit, UsageError};
use crate::inmail::files;
use crate::output::{self, OutputArgs};

/// The year in which mails are written that no date is asked for: 2026.
const FIRST_DATE: Timestamp = Timestamp::from_seconds(1_767_225_600);
/// Seconds of that year.
const DATES: u64 = 365 * 86_400;
/// How long a message had been tried when the report is written.
const TRIED: Duration = Duration::from_hours(4);
/// How long it will be tried after a report of its delay.
const TO_BE_TRIED: Duration = Duration::from_hours(80);

/// Write bounces, complaints and automatic replies as other systems do.
#[derive(Args)]
#[command(after_help = "Examples:
  emta bounce formats
  emta bounce make --format exim --to bounces@news.example --recipient ann@example.com | emta inmail -")]
pub(crate) struct Bounce {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Write one mail to standard output; the same arguments give the same bytes.
    Make(Box<Make>),
    /// List the formats that bounces can be written in, and as what `emta inmail` reads each.
    #[command(after_help = "Example:\n  emta bounce formats --format json | jq -r '.[].name'")]
    Formats(OutputArgs),
}

impl Bounce {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self.what {
            What::Make(make) => make.run(),
            What::Formats(OutputArgs { format }) => formats::formats(format),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A bounce or another delivery status notification.
    Dsn,
    /// A complaint (RFC 5965).
    Arf,
    /// The answer of a recipient who is away (RFC 3834).
    AutoReply,
}

impl Kind {
    /// Its value of `--kind`.
    const fn name(self) -> &'static str {
        match self {
            Self::Dsn => "dsn",
            Self::Arf => "arf",
            Self::AutoReply => "auto-reply",
        }
    }

    /// Over its flags in `--help`.
    const fn heading(self) -> &'static str {
        match self {
            Self::Dsn => "Bounces (--kind dsn)",
            Self::Arf => "Complaints (--kind arf)",
            Self::AutoReply => "Automatic replies (--kind auto-reply)",
        }
    }
}

#[derive(Args)]
#[command(after_help = "Examples:
  emta bounce make --format postfix --to bounces@news.example --recipient ann@example.com
  emta bounce make --format gmail --to bounces@news.example --recipient ann@example.com \\
      --diagnostic '552 5.2.2 The mailbox is over quota' --original sent.eml --full
  emta bounce make --to bounces@news.example --recipient ann@example.com --action delayed
  emta bounce make --kind arf --to fbl@news.example --recipient ann@example.com --redact
  emta bounce make --kind auto-reply --language de --to news@news.example --recipient ann@example.com")]
struct Make {
    /// What to write.
    #[arg(long, value_enum, default_value_t = Kind::Dsn)]
    kind: Kind,
    /// Recipient of the mail: the envelope sender of the message that it speaks of.
    #[arg(long, value_name = "ADDR", value_parser = EmailAddress::parse)]
    to: EmailAddress,
    /// The recipient that it speaks of.
    #[arg(long, value_name = "ADDR", value_parser = EmailAddress::parse)]
    recipient: EmailAddress,
    /// Sender of the mail; by default MAILER-DAEMON at the reporting host, or the recipient of an automatic reply.
    #[arg(long, value_name = "ADDR", value_parser = EmailAddress::parse)]
    from: Option<EmailAddress>,
    /// Decides what is not chosen here: Message-ID and dates.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// When it is written; a time in 2026 that the seed chooses, by default.
    #[arg(long, value_name = "RFC3339", value_parser = Timestamp::parse_rfc3339)]
    date: Option<Timestamp>,
    /// When the message had arrived; four hours before `--date` by default.
    #[arg(long, value_name = "RFC3339", value_parser = Timestamp::parse_rfc3339)]
    arrival: Option<Timestamp>,
    /// Message-ID of the mail, without angle brackets; the seed chooses one by default.
    #[arg(long, value_name = "ID")]
    report_id: Option<String>,
    /// The message that it speaks of; a short one by default; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    original: Option<PathBuf>,
    /// The host that reports; `mx.` and the recipient's domain by default.
    #[arg(long, value_name = "HOST")]
    reporting_mta: Option<String>,

    /// In whose manner, `rfc3464` by default; `emta bounce formats` lists them.
    #[arg(long, value_name = "FORMAT", value_parser = report_format(), hide_possible_values = true,
        help_heading = Kind::Dsn.heading())]
    format: Option<ReportFormat>,
    /// What became of the message; `failed` by default.
    #[arg(long, value_parser = action(), help_heading = Kind::Dsn.heading())]
    action: Option<Action>,
    /// Enhanced status; by default that of the diagnostic text, else one that fits the action.
    #[arg(long, value_name = "D.D.D", help_heading = Kind::Dsn.heading())]
    status: Option<EnhancedStatus>,
    /// The reply that ended the attempt; one that fits the status by default.
    #[arg(long, value_name = "TEXT", help_heading = Kind::Dsn.heading())]
    diagnostic: Option<String>,
    /// The recipient as the sender had written it (ORCPT).
    #[arg(long, value_name = "ADDR", value_parser = EmailAddress::parse, help_heading = Kind::Dsn.heading())]
    original_recipient: Option<EmailAddress>,
    /// The host that had refused the message, if it is not the reporting one.
    #[arg(long, value_name = "HOST", help_heading = Kind::Dsn.heading())]
    remote_mta: Option<String>,
    /// The sender's identifier of the transaction (ENVID).
    #[arg(long, value_name = "ID", help_heading = Kind::Dsn.heading())]
    envelope_id: Option<String>,
    /// Until when a delayed message is tried; 80 hours after `--date` by default.
    #[arg(long, value_name = "RFC3339", value_parser = Timestamp::parse_rfc3339, help_heading = Kind::Dsn.heading())]
    retry_until: Option<Timestamp>,
    /// Return the whole message, not only its header.
    #[arg(long, help_heading = Kind::Dsn.heading())]
    full: bool,

    /// What the complaint is: abuse, fraud, not-spam, opt-out, virus, other; `abuse` by default.
    #[arg(long, value_name = "TYPE", help_heading = Kind::Arf.heading())]
    feedback_type: Option<String>,
    /// The address that the message had come from.
    #[arg(long, value_name = "IP", help_heading = Kind::Arf.heading())]
    source_ip: Option<std::net::IpAddr>,
    /// Do not tell who complains.
    #[arg(long, help_heading = Kind::Arf.heading())]
    redact: bool,

    /// In which language; `en` by default.
    #[arg(long, value_parser = language(), help_heading = Kind::AutoReply.heading())]
    language: Option<Language>,
    /// The text; one that fits the language by default.
    #[arg(long, value_name = "TEXT", help_heading = Kind::AutoReply.heading())]
    text: Option<String>,
}

impl Make {
    fn run(&self) -> anyhow::Result<Exit> {
        self.refuse_flags_of_other_kinds()?;
        let original = match &self.original {
            None => self.own_original().into_bytes(),
            Some(path) => files::read(path)
                .map_err(|why| anyhow::anyhow!("`{}` cannot be read: {why}", path.display()))?,
        };
        let mail = match self.kind {
            Kind::Dsn => self.bounce(&original),
            Kind::Arf => self.complaint(&original),
            Kind::AutoReply => self.auto_reply(&original),
        };
        output::write(&mail)?;
        Ok(Exit::Ok)
    }

    /// A flag that would change nothing is a mistake.
    fn refuse_flags_of_other_kinds(&self) -> Result<(), UsageError> {
        let flags = [
            ("--format", Kind::Dsn, self.format.is_some()),
            ("--action", Kind::Dsn, self.action.is_some()),
            ("--status", Kind::Dsn, self.status.is_some()),
            ("--diagnostic", Kind::Dsn, self.diagnostic.is_some()),
            ("--original-recipient", Kind::Dsn, self.original_recipient.is_some()),
            ("--remote-mta", Kind::Dsn, self.remote_mta.is_some()),
            ("--envelope-id", Kind::Dsn, self.envelope_id.is_some()),
            ("--retry-until", Kind::Dsn, self.retry_until.is_some()),
            ("--full", Kind::Dsn, self.full),
            ("--feedback-type", Kind::Arf, self.feedback_type.is_some()),
            ("--source-ip", Kind::Arf, self.source_ip.is_some()),
            ("--redact", Kind::Arf, self.redact),
            ("--language", Kind::AutoReply, self.language.is_some()),
            ("--text", Kind::AutoReply, self.text.is_some()),
        ];
        let foreign = flags.iter().filter(|(_, kind, is_given)| *is_given && *kind != self.kind);
        let told: Vec<String> =
            foreign.map(|(flag, kind, _)| format!("`{flag}` belongs to `--kind {}`", kind.name())).collect();
        if told.is_empty() {
            return Ok(());
        }
        Err(UsageError(format!(
            "{}; this is `--kind {}`\nhint: leave it out, or choose the other kind",
            told.join(", "),
            self.kind.name()
        )))
    }

    fn bounce(&self, original: &[u8]) -> Vec<u8> {
        let format = self.format.unwrap_or(ReportFormat::Rfc3464);
        let action = self.action.unwrap_or(Action::Failed);
        let status = self.status.or_else(|| self.told_status()).unwrap_or_else(|| usual::status(action));
        let diagnostic = self.diagnostic.clone().unwrap_or_else(|| usual::reply(status));
        let at = self.at();
        let spec = BounceSpec {
            format,
            reporting_mta: &self.reporting_mta(),
            remote_mta: self.remote_mta.as_deref(),
            from: &self.sender(),
            to: self.to.as_str(),
            report_id: &self.report_id(),
            final_recipient: self.recipient.as_str(),
            original_recipient: self.original_recipient.as_ref().map(EmailAddress::as_str),
            action,
            status,
            diagnostic: &diagnostic,
            arrival: self.arrival(),
            at,
            will_retry_until: Some(self.retry_until.unwrap_or_else(|| later(at, TO_BE_TRIED))),
            envelope_id: self.envelope_id.as_deref(),
            original,
            return_full: self.full,
        };
        let mail = bounce(&spec);
        let own = ReportFormat::Rfc3464;
        if format != own && mail == bounce(&BounceSpec { format: own, ..spec }) {
            let format = format.name();
            output::warn(format_args!(
                "`{format}` cannot say that mail is {action}, or lacks the characters; wrote `rfc3464`"
            ));
        }
        mail
    }

    fn complaint(&self, original: &[u8]) -> Vec<u8> {
        let source_ip = self.source_ip.map(|ip| ip.to_string());
        complaint(&ComplaintSpec {
            from: &self.sender(),
            to: self.to.as_str(),
            report_id: &self.report_id(),
            feedback_type: self.feedback_type.as_deref().unwrap_or("abuse"),
            user_agent: concat!("emta/", env!("CARGO_PKG_VERSION")),
            original_sender: self.to.as_str(),
            original_recipient: (!self.redact).then_some(self.recipient.as_str()),
            arrival: self.arrival(),
            at: self.at(),
            reporting_mta: &self.reporting_mta(),
            source_ip: source_ip.as_deref(),
            original,
        })
    }

    fn auto_reply(&self, original: &[u8]) -> Vec<u8> {
        let message_id = header::find(original, "Message-ID");
        let message_id = message_id.as_deref().map(|id| id.trim().trim_matches(['<', '>']));
        auto_reply(&AutoReplySpec {
            from: self.from.as_ref().unwrap_or(&self.recipient).as_str(),
            to: self.to.as_str(),
            report_id: &self.report_id(),
            subject: &header::find(original, "Subject").unwrap_or_default(),
            in_reply_to: message_id,
            at: self.at(),
            language: self.language.unwrap_or_default(),
            text: self.text.as_deref(),
        })
    }

    /// The message that is spoken of where none is given.
    fn own_original(&self) -> String {
        format!(
            "Date: {}\r\nFrom: {to}\r\nTo: {}\r\nSubject: Newsletter\r\nMessage-ID: <{:016x}@{}>\r\n\r\nHello\r\n",
            self.arrival().rfc5322(),
            self.original_recipient.as_ref().unwrap_or(&self.recipient),
            self.bits("original"),
            self.to.domain_str(),
            to = self.to,
        )
    }

    fn told_status(&self) -> Option<EnhancedStatus> {
        Reply::parse(self.diagnostic.as_deref()?).ok()?.enhanced()
    }

    fn reporting_mta(&self) -> String {
        self.reporting_mta.clone().unwrap_or_else(|| format!("mx.{}", self.recipient.domain_str()))
    }

    fn sender(&self) -> String {
        match &self.from {
            Some(from) => from.to_string(),
            None => format!("MAILER-DAEMON@{}", self.reporting_mta()),
        }
    }

    fn report_id(&self) -> String {
        let id = || format!("{:016x}@{}", self.bits("report"), self.reporting_mta());
        self.report_id.clone().unwrap_or_else(id)
    }

    fn at(&self) -> Timestamp {
        let chosen = || later(FIRST_DATE, Duration::from_secs(self.bits("date") % DATES));
        self.date.unwrap_or_else(chosen)
    }

    fn arrival(&self) -> Timestamp {
        let earlier = || Timestamp::from_millis(self.at().as_millis().saturating_sub(millis(TRIED)));
        self.arrival.unwrap_or_else(earlier)
    }

    fn bits(&self, purpose: &str) -> u64 {
        Hasher::new()
            .u64(self.seed)
            .bytes(purpose.as_bytes())
            .bytes(self.recipient.as_str().as_bytes())
            .finish()
    }
}

fn later(at: Timestamp, span: Duration) -> Timestamp {
    Timestamp::from_millis(at.as_millis().saturating_add(millis(span)))
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn report_format() -> impl TypedValueParser<Value = ReportFormat> {
    PossibleValuesParser::new(ReportFormat::ALL.map(ReportFormat::name))
        .try_map(|name| ReportFormat::from_name(&name).ok_or("expected a format of `emta bounce formats`"))
}

fn action() -> impl TypedValueParser<Value = Action> {
    PossibleValuesParser::new(Action::ALL.map(Action::name))
        .try_map(|name| Action::from_name(&name).ok_or("expected an action of RFC 3464"))
}

fn language() -> impl TypedValueParser<Value = Language> {
    PossibleValuesParser::new(Language::ALL.map(Language::name))
        .try_map(|name| Language::from_name(&name).ok_or("expected a code of ISO 639-1"))
}
