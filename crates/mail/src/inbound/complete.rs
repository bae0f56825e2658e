//! What the parts of a report leave open, from its other parts: the text for people, the returned message, the header.

use std::collections::{HashMap, HashSet};

use super::head::Head;
use super::report::{Action, FoundIn, InboundMail, RecipientReport};
use super::{dsn, formats, head, header, lexicon, mime, notice, original, plain_text, quoted, values};

/// Takes the diagnostic from the text for people where the report has none, as OpenSMTPD's, or the reply code, as
/// Sendmail's on programs that failed.
pub(super) fn from_text(mail: &mut InboundMail, head: &Head<'_>, human: &str, known: formats::Known) {
    let lacks = |report| lacks_address(report) || lacks_diagnostic(report) || lacks_code(report);
    if !mail.recipients.iter().any(lacks) {
        return;
    }
    if let Some(reading) = plain_text(mail, head, human, known, false) {
        if let ([report], [told]) = (mail.recipients.as_mut_slice(), reading.recipients.as_slice())
            && lacks_address(report)
            && told.found_in == FoundIn::List
        {
            report.final_recipient.clone_from(&told.final_recipient);
        }
        complete(mail, reading);
    }
}

/// The same for fields of a report that stand in the text below this one: only a text that says why is taken, for what a
/// transcript says last may say less than what stands above it.
pub(super) fn from_text_above(mail: &mut InboundMail, head: &Head<'_>, above: &str, known: formats::Known) {
    if mail.recipients.iter().any(lacks_diagnostic)
        && let Some(mut reading) = plain_text(mail, head, above, known, false)
    {
        let says_why = |told: &RecipientReport| {
            // Sendmail says this of whatever a mailer of its own says above it.
            let said = told.diagnostic.to_lowercase().replace("service unavailable", "");
            told.status.is_some() || lexicon::explains(&said)
        };
        reading.recipients.retain(says_why);
        complete(mail, reading);
    }
}

/// Adds the only recipient whom the header names among those of the report, and the report does not: it names the
/// program or the file that mail for the recipient goes to.
pub(super) fn with_failed_recipient(
    mail: &mut InboundMail,
    head: &Head<'_>,
    unnamed: Option<&RecipientReport>,
) {
    let failed = formats::failed_recipients(head);
    let is_named = |address: &&String| {
        mail.recipients.iter().flat_map(names).any(|name| name.eq_ignore_ascii_case(address))
    };
    let missing: Vec<&String> = failed.iter().filter(|address| !is_named(address)).collect();
    if let [address] = missing[..]
        && failed.len() == mail.recipients.len() + 1
    {
        let final_recipient = Some(address.clone());
        let found_in = FoundIn::FailedRecipients;
        let said = unnamed.cloned().unwrap_or_default();
        mail.recipients.push(RecipientReport { final_recipient, found_in, ..said });
    }
}

/// Adds the recipients that only the text for people names, where the mail ends within its report: those of a program
/// whose texts are known.
pub(super) fn with_lost(mail: &mut InboundMail, head: &Head<'_>, human: &str, known: formats::Known) {
    let reading = plain_text(mail, head, human, known, false).filter(formats::Reading::is_of_program);
    let named: HashSet<String> = mail.recipients.iter().flat_map(names).map(str::to_lowercase).collect();
    let is_lost = |told: &RecipientReport| {
        told.final_recipient.as_ref().is_some_and(|name| !named.contains(&name.to_lowercase()))
    };
    mail.recipients.extend(reading.into_iter().flat_map(|reading| reading.recipients).filter(is_lost));
}

/// A word in the place of an address: `unknown`.
fn lacks_address(report: &RecipientReport) -> bool {
    !names(report).any(|name| name.contains('@'))
}

/// The addresses of a report, the one that was tried first.
fn names(report: &RecipientReport) -> impl Iterator<Item = &str> {
    [&report.final_recipient, &report.original_recipient].into_iter().flatten().map(String::as_str)
}

/// No words say why; what went well needs none.
fn lacks_diagnostic(report: &RecipientReport) -> bool {
    !report.diagnostic.contains(char::is_alphabetic)
        && matches!(report.action, Action::Failed | Action::Delayed)
}

/// A report without reply code, and with a status that says nothing.
fn lacks_code(report: &RecipientReport) -> bool {
    report.reply_code.is_none()
        && report.status.is_some_and(|status| status.class() != 2 && status.subject() == 0)
}

/// Takes the reply from the message that a report returns, where no recipient has one: filters put the transcript of
/// the session into it.
pub(super) fn from_message(mail: &mut InboundMail, message: &[u8]) {
    let replied = |report: &RecipientReport| report.reply_code.is_some() || report.status.is_some();
    let has_transcript = || memchr::memmem::find(message, b"Transcript of").is_some();
    if mail.recipients.iter().any(replied) || !has_transcript() {
        return;
    }
    let (header, body) = header::split(message.trim_ascii_start());
    let head = Head::read(header);
    let text = head::human_text(&mime::parts(&head.content, body));
    let known = formats::Known::in_text(&text);
    if known.program().is_none() {
        return;
    }
    if let Some(mut reading) = plain_text(mail, &head, &text, known, false) {
        reading.recipients.retain(replied);
        mail.recipients
            .iter_mut()
            .filter(|report| {
                reading.recipients.iter().any(|told| told.final_recipient == report.final_recipient)
            })
            .for_each(|report| report.diagnostic.clear());
        complete(mail, reading);
    }
}

/// Fills in what another reading tells of the recipients without diagnostic.
fn complete(mail: &mut InboundMail, reading: formats::Reading) {
    let mut told: HashMap<String, RecipientReport> = reading
        .recipients
        .into_iter()
        .filter_map(|report| Some((report.final_recipient.as_ref()?.to_lowercase(), report)))
        .collect();
    for report in mail.recipients.iter_mut().filter(|report| lacks_diagnostic(report) || lacks_code(report)) {
        let found = names(report).find_map(|name| told.remove(&name.to_lowercase()));
        let Some(found) = found else { continue };
        if !lacks_diagnostic(report) {
            let class = report.status.map(|status| u16::from(status.class()));
            report.reply_code = found.reply_code.filter(|code| Some(code / 100) == class);
            continue;
        }
        report.status = dsn::best_status(report.status, found.status);
        report.reply_code = found.reply_code.or(report.reply_code);
        report.smtp_command = found.smtp_command.or(report.smtp_command);
        report.remote_mta = report.remote_mta.take().or(found.remote_mta);
        if !found.diagnostic.is_empty() {
            report.diagnostic = found.diagnostic;
        }
    }
}

/// A report that names nobody, about a message to one recipient, with what the text says of it.
pub(super) fn recipient_of_original(mail: &InboundMail, human: &str) -> Option<RecipientReport> {
    let to = mail.original.as_ref()?.header("To").filter(|to| !to.contains(','))?;
    // A bounce that is returned was to the one whom this mail is to.
    let to = values::full_address(to).filter(|to| mail.to.as_ref() != Some(to))?;
    let found_in = FoundIn::Original;
    Some(RecipientReport { final_recipient: Some(to), found_in, ..formats::of_nobody(human) })
}

/// The recipient in a summary of the message's header within the text for people, where nothing else names one.
pub(super) fn recipient_in_summary(mail: &InboundMail, human: &str) -> Option<RecipientReport> {
    const LABELS: [&str; 16] = [
        "to:",
        "recipient:",
        "recipients:",
        "an:",
        "empfänger:",
        "à:",
        "à :",
        "pour:",
        "destinataire:",
        "para:",
        "destinatario:",
        "destinatário:",
        "aan:",
        "кому:",
        "宛先:",
        "收件人:",
    ];
    let named = |line: &str| {
        let line = line.trim_start();
        let start = line[..line.floor_char_boundary(LONGEST_LABEL)].to_lowercase();
        let value =
            LABELS.iter().find(|label| start.starts_with(*label)).and_then(|_| line.split_once(':'))?.1;
        values::full_address(value)
            .filter(|to| ![&mail.to, &mail.from].into_iter().flatten().any(|party| party == to))
    };
    let to = human.lines().take(SUMMARY_LINES).find_map(named)?;
    let found_in = FoundIn::Sentence;
    Some(RecipientReport { final_recipient: Some(to), found_in, ..formats::of_nobody(human) })
}

/// Octets of the beginning of a line in which it says what its value is.
const LONGEST_LABEL: usize = 24;

/// Lines of a text in which a summary of the message is looked for.
const SUMMARY_LINES: usize = 60;

/// Takes the recipient whose filter refused the message with the form of a receipt (RFC 5429 section 2.1.2).
pub(super) fn with_refusal(mail: &mut InboundMail, receipt: &[u8], human: &str) {
    let read = dsn::read(receipt);
    mail.recipients.extend(read.recipients.into_iter().take(1).map(|named| {
        let [final_recipient, original_recipient] = [named.final_recipient, named.original_recipient];
        RecipientReport { final_recipient, original_recipient, ..formats::of_nobody(human) }
    }));
    for report in &mut mail.recipients {
        notice::explain(report, human);
    }
    if let Some(message_id) = read.message_id {
        mail.original.get_or_insert_default().message_id.get_or_insert(message_id);
    }
}

/// What a report says of a recipient whom it does not name is said of those whom the text names.
pub(super) fn with_unnamed(mail: &mut InboundMail, unnamed: Option<RecipientReport>) {
    let Some(unnamed) = unnamed else { return };
    let unnamed = match mail.recipients.len() {
        0 | 1 => unnamed,
        several => dsn::shared_by(&unnamed, several),
    };
    let without = |report: &&mut RecipientReport| {
        report.found_in != FoundIn::StatusPart && report.status.is_none() && report.reply_code.is_none()
    };
    for report in mail.recipients.iter_mut().filter(without) {
        report.action = unnamed.action;
        report.status = unnamed.status;
        report.reply_code = unnamed.reply_code;
        report.smtp_command = report.smtp_command.or(unnamed.smtp_command);
        report.remote_mta = report.remote_mta.take().or_else(|| unnamed.remote_mta.clone());
        if !unnamed.diagnostic.is_empty() {
            report.diagnostic.clone_from(&unnamed.diagnostic);
        }
    }
}

/// The identifier of the message where the report returns nothing of it: from the text, or from what the mail answers.
pub(super) fn with_message_id(mail: &mut InboundMail, head: &Head<'_>, human: &str) {
    let known = |mail: &InboundMail| mail.original.as_ref().is_some_and(|o| o.message_id.is_some());
    if !known(mail)
        && let Some(id) =
            quoted::labelled_id(human).or_else(|| original::id_in_text(human)).or_else(|| head.answered())
    {
        mail.original.get_or_insert_default().message_id = Some(id);
    }
    // It looks like an address; where a text names others, it is none.
    let id = mail.original.as_ref().and_then(|original| original.message_id.as_deref());
    if let Some(id) = id.filter(|_| mail.recipients.len() > 1) {
        let is_id = |address: &String| address.eq_ignore_ascii_case(id);
        let in_text = |report: &RecipientReport| report.found_in >= FoundIn::List;
        let named = |report: &RecipientReport| report.final_recipient.as_ref().is_some_and(is_id);
        if !mail.recipients.iter().all(named) {
            mail.recipients.retain(|report| !(in_text(report) && named(report)));
        }
    }
}
