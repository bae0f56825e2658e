//! A mail, or a file of many: whatever its bytes are, what is reported of it is clean, bounded and the same each time.

use emta_mail::inbound::{
    self, InboundMail, MAX_DIAGNOSTIC, MAX_ORIGINAL_FIELDS, MAX_RECIPIENTS, MAX_TEXT, MAX_VALUE, MailKind,
    mbox,
};
use emta_mail::{EnhancedStatus, header};

/// Octets that reading may make of one octet: three for a character that is replaced, in text, diagnostic, subject
/// and header of the message.
const GROWTH: usize = 16;
/// Octets that a report may have beyond that: a diagnostic that all recipients share, and short values.
const ALLOWANCE: usize = 64 * 1024;

/// Reads the bytes as one mail and as a file of many.
pub fn check(bytes: &[u8]) {
    check_mail(bytes);
    let whole = bytes.as_ptr_range();
    let mut end = whole.start;
    for mail in mbox::split(bytes) {
        let place = mail.as_ptr_range();
        assert!(
            end <= place.start && place.end <= whole.end,
            "a mail lies outside of its file, or in another"
        );
        end = place.end;
        check_mail(mail);
    }
    for (name, value) in header::fields(bytes) {
        assert!(!name.is_empty() && !value.contains(['\n', '\r']), "a field that is not on one line");
        let _ = header::decode(&value);
    }
}

/// Reads one mail twice and looks at what is reported of it.
pub fn check_mail(raw: &[u8]) -> InboundMail {
    let mail = inbound::read(raw);
    assert!(mail == inbound::read(raw), "the same mail was read in two ways");
    assert!(mail.recipients.len() <= MAX_RECIPIENTS);
    assert!(mail.text.len() <= MAX_TEXT);
    assert_eq!(
        mail.kind == MailKind::Complaint,
        mail.feedback.is_some(),
        "a complaint says what it is about"
    );
    for report in &mail.recipients {
        assert!(report.address().is_some(), "a recipient without an address");
        [&report.final_recipient, &report.original_recipient]
            .into_iter()
            .flatten()
            .for_each(|it| address(it));
        assert!(report.diagnostic.len() <= MAX_DIAGNOSTIC);
        assert!(!report.diagnostic.contains(char::is_control), "a diagnostic that is not on one line");
        assert!(report.reply_code.is_none_or(|code| (200..600).contains(&code)), "{:?}", report.reply_code);
        assert_eq!(
            report.status.map(|status| status.to_string().parse::<EnhancedStatus>()),
            report.status.map(Ok)
        );
    }
    [&mail.from, &mail.to].into_iter().flatten().for_each(|it| address(it));
    let original = mail.original.as_ref();
    let ids = [&mail.report_id, &mail.reporting_mta].into_iter().flatten();
    ids.chain(original.and_then(|original| original.message_id.as_ref())).for_each(|it| value(it));
    assert!(original.is_none_or(|original| original.headers.len() <= MAX_ORIGINAL_FIELDS));
    let size = octets(&mail);
    assert!(size <= GROWTH * raw.len() + ALLOWANCE, "{} octets became {size}", raw.len());
    mail
}

fn address(text: &str) {
    value(text);
    assert!(!text.starts_with('<') && !text.ends_with('>'), "`{text}` still has its brackets");
}

fn value(text: &str) {
    assert!(!text.is_empty() && text.len() <= MAX_VALUE, "a value of {} octets", text.len());
    assert!(!text.contains(char::is_control), "{text:?} is not on one line");
}

/// Octets of everything that is reported.
fn octets(mail: &InboundMail) -> usize {
    let one = |value: &Option<String>| value.as_ref().map_or(0, String::len);
    let own = [&mail.report_id, &mail.from, &mail.to, &mail.reporting_mta].map(one).iter().sum::<usize>();
    let recipients = mail.recipients.iter().map(|report| {
        let values = [&report.final_recipient, &report.original_recipient, &report.remote_mta];
        report.diagnostic.len() + values.map(one).iter().sum::<usize>()
    });
    let original = mail.original.as_ref().map_or(0, |original| {
        let fields = original.headers.iter().map(|(name, value)| name.len() + value.len());
        fields.sum::<usize>() + one(&original.message_id) + one(&original.envelope_id)
    });
    let feedback = mail.feedback.as_ref().map_or(0, |feedback| {
        let values = [&feedback.user_agent, &feedback.original_mail_from, &feedback.source_ip];
        let recipients = feedback.original_rcpt_to.iter().map(String::len).sum::<usize>();
        feedback.feedback_type.len() + recipients + values.map(one).iter().sum::<usize>()
    });
    mail.subject.len() + mail.text.len() + own + recipients.sum::<usize>() + original + feedback
}
