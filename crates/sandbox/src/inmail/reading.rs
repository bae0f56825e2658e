//! What a mail that came back says, and how the Inbound email rules qualify it. Without storage or network: the bounce
//! mailbox and the offline command read with the same eyes.

use emta_mail::event::Verdict;
use emta_mail::inbound::{self, Action, FoundIn, InboundMail, MailKind, RecipientReport};
use emta_mail::{BounceClass, EnhancedStatus, FailureReason, FailureType};
use emta_qualify::tune::Case;
use emta_qualify::{Kind, MAX_BODY, RuleSet, Subject};

/// One mail, read and qualified.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What was read.
    pub mail: InboundMail,
    /// What it says of each recipient; one without recipient where it names none but speaks of a message.
    pub findings: Vec<Finding>,
}

impl Reading {
    /// One of the findings as a text to hold rules against, with everything that rules look at: at most [`MAX_BODY`]
    /// octets of the mail's text.
    pub fn case(&self, id: String, finding: &Finding) -> Case {
        let body = &self.mail.text;
        let body = body.get(..body.floor_char_boundary(MAX_BODY)).unwrap_or_default();
        Case {
            id,
            kind: finding.meaning.kind(),
            text: finding.text.clone(),
            code: finding.reply_code,
            status: finding.status,
            phase: None,
            provider: None,
            sender_format: Some(self.mail.sender_format.to_owned()),
            subject: Some(self.mail.subject.clone()),
            body: Some(body.to_owned()),
            expected: None,
        }
    }
}

/// What a mail says of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The recipient, where the mail names one.
    pub recipient: Option<String>,
    /// The recipient's other name in the report: the final one, where the original one is given too.
    pub alias: Option<String>,
    /// Where in the mail the recipient was found; `None` where the mail names none.
    pub found_in: Option<FoundIn>,
    /// What it means.
    pub meaning: Meaning,
    /// Enhanced status.
    pub status: Option<EnhancedStatus>,
    /// SMTP reply code.
    pub reply_code: Option<u16>,
    /// The text that was qualified.
    pub text: String,
    /// The rules' verdict; Not defined where the message was delivered.
    pub verdict: Verdict,
    /// No rule but the one that takes everything knows the text.
    pub to_qualify: bool,
}

/// What a finding means for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It was not delivered.
    Bounce,
    /// It is late; nothing is decided yet.
    Delayed,
    /// It was delivered, relayed or expanded.
    Delivered,
    /// The recipient complained.
    Complaint,
    /// The recipient wants no more mail.
    Unsubscribe,
    /// Something answered by itself.
    AutoReply,
}

impl Meaning {
    /// What rules take it for.
    const fn kind(self) -> Kind {
        match self {
            Self::Bounce | Self::Delayed | Self::Delivered => Kind::Bounce,
            Self::Complaint | Self::Unsubscribe => Kind::Complaint,
            Self::AutoReply => Kind::AutoReply,
        }
    }

    /// Its name in the output of `emta inmail` and in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Complaint => "complaint",
            Self::Unsubscribe => "unsubscribe",
            Self::AutoReply => "auto_reply",
        }
    }
}

/// Reads a mail and qualifies what it says.
pub fn read(raw: &[u8], rules: &RuleSet) -> Reading {
    let mail = inbound::read(raw);
    let findings = match mail.kind {
        MailKind::DeliveryReport => {
            mail.recipients.iter().map(|report| delivery(&mail, report, rules)).collect()
        }
        MailKind::Complaint => complaint(&mail, rules),
        MailKind::AutoReply | MailKind::ChallengeResponse => vec![answer(&mail, Meaning::AutoReply, rules)],
        MailKind::Unsubscribe => vec![unsubscribe(&mail)],
        MailKind::Other => Vec::new(),
    };
    Reading { mail, findings }
}

fn delivery(mail: &InboundMail, report: &RecipientReport, rules: &RuleSet) -> Finding {
    let text = if report.diagnostic.is_empty() {
        report.status.map_or_else(|| mail.subject.clone(), |status| status.to_string())
    } else {
        report.diagnostic.clone()
    };
    let meaning = match report.action {
        Action::Failed => Meaning::Bounce,
        Action::Delayed => Meaning::Delayed,
        Action::Delivered | Action::Relayed | Action::Expanded => Meaning::Delivered,
    };
    let (verdict, to_qualify) = if meaning == Meaning::Delivered {
        let (failure_type, reason) = (FailureType::NotDefined, FailureReason::NotDefined);
        (Verdict { class: None, failure_type, reason, rule: None }, false)
    } else {
        qualify(mail, Kind::Bounce, &text, report.reply_code, report.status, rules)
    };
    let recipient = report.address().map(str::to_owned);
    let found_in = recipient.as_ref().map(|_| report.found_in);
    let alias = report.final_recipient.clone().filter(|alias| Some(alias) != recipient.as_ref());
    Finding {
        recipient,
        alias,
        found_in,
        meaning,
        status: report.status,
        reply_code: report.reply_code,
        text,
        verdict,
        to_qualify,
    }
}

fn complaint(mail: &InboundMail, rules: &RuleSet) -> Vec<Finding> {
    let feedback = mail.feedback.clone().unwrap_or_default();
    let text = first_line(&mail.text).unwrap_or(&mail.subject).to_owned();
    let (verdict, to_qualify) = qualify(mail, Kind::Complaint, &text, None, None, rules);
    let mut recipients: Vec<_> =
        mail.recipients.iter().filter_map(|r| r.address().map(str::to_owned)).collect();
    if recipients.is_empty() {
        recipients = feedback.original_rcpt_to;
    }
    let one = |recipient: Option<String>| Finding {
        found_in: recipient.as_ref().map(|_| FoundIn::FeedbackPart),
        recipient,
        alias: None,
        meaning: Meaning::Complaint,
        status: None,
        reply_code: None,
        text: text.clone(),
        verdict: verdict.clone(),
        to_qualify,
    };
    if recipients.is_empty() {
        return vec![one(None)];
    }
    recipients.into_iter().map(|recipient| one(Some(recipient))).collect()
}

fn answer(mail: &InboundMail, meaning: Meaning, rules: &RuleSet) -> Finding {
    let text = if mail.subject.is_empty() { first_line(&mail.text).unwrap_or("") } else { &mail.subject };
    let (verdict, to_qualify) = qualify(mail, Kind::AutoReply, text, None, None, rules);
    let recipient = mail.recipients.first().and_then(RecipientReport::address).or(mail.from.as_deref());
    Finding {
        recipient: recipient.map(str::to_owned),
        alias: None,
        found_in: recipient.map(|_| FoundIn::Sender),
        meaning,
        status: None,
        reply_code: None,
        text: text.to_owned(),
        verdict,
        to_qualify,
    }
}

/// A mailed unsubscription needs no rule: it says what it wants (facts 4.7).
fn unsubscribe(mail: &InboundMail) -> Finding {
    let (failure_type, reason) = BounceClass::Unsubscribe.default_verdict();
    Finding {
        recipient: mail.from.clone(),
        alias: None,
        found_in: mail.from.as_ref().map(|_| FoundIn::Sender),
        meaning: Meaning::Unsubscribe,
        status: None,
        reply_code: None,
        text: mail.subject.clone(),
        verdict: Verdict { class: None, failure_type, reason, rule: None },
        to_qualify: false,
    }
}

fn qualify(
    mail: &InboundMail,
    kind: Kind,
    text: &str,
    code: Option<u16>,
    status: Option<EnhancedStatus>,
    rules: &RuleSet,
) -> (Verdict, bool) {
    let subject = Subject {
        kind,
        text,
        code,
        status,
        phase: None,
        provider: None,
        sender_format: Some(mail.sender_format),
        subject: Some(&mail.subject),
        body: Some(&mail.text),
    };
    match rules.winner(&subject) {
        Some(winner) => (winner.verdict.clone(), winner.rule.takes_everything()),
        None => (emta_qualify::unmatched_mail(), true),
    }
}

fn first_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).find(|line| !line.is_empty())
}
