//! What the crate writes, it reads back; and nothing that is put into it can break out.

mod common;

use common::{AT, ORIGINAL, bounce_spec};
use emta_mail::EnhancedStatus;
use emta_mail::compose::{
    AutoReplySpec, BounceSpec, ComplaintSpec, Language, MAX_LINE, ReportFormat, auto_reply, bounce, complaint,
};
use emta_mail::header;
use emta_mail::inbound::{self, Action, MailKind};
use proptest::prelude::*;

fn check_bounce(spec: &BounceSpec<'_>) {
    let raw = bounce(spec);
    let mail = inbound::read(&raw);
    let shown = String::from_utf8_lossy(&raw);
    assert_eq!(mail.kind, MailKind::DeliveryReport, "{shown}");
    assert_eq!(mail.report_id.as_deref(), Some(spec.report_id), "{shown}");
    assert_eq!(mail.from.as_deref(), Some(spec.from), "{shown}");
    assert_eq!(mail.to.as_deref(), Some(spec.to), "{shown}");
    assert_eq!(mail.date, Some(spec.at), "{shown}");
    let [report] = mail.recipients.as_slice() else { panic!("{:?}\n{shown}", mail.recipients) };
    assert_eq!(report.final_recipient.as_deref(), Some(spec.final_recipient), "{shown}");
    assert_eq!(report.action, spec.action, "{shown}");
    assert_eq!(report.status, Some(spec.status), "{shown}");
    assert_eq!(report.diagnostic, spec.diagnostic, "{shown}");
    let original = mail.original.unwrap_or_else(|| panic!("no original\n{shown}"));
    assert_eq!(original.message_id.as_deref(), Some("m1@shop.example"), "{shown}");
    assert_eq!(original.header("X-Emta-Id"), Some("00000000000000ff"), "{shown}");
    let original_in_text = mail.text.contains("X-Emta-Id");
    assert!(!mail.text.is_empty() && original_in_text == (mail.sender_format == "json"), "{}", mail.text);
    if mail.sender_format == "rfc3464" {
        assert_eq!(report.original_recipient.as_deref(), spec.original_recipient, "{shown}");
        assert_eq!(report.remote_mta.as_deref(), spec.remote_mta, "{shown}");
        assert_eq!(report.last_attempt, Some(spec.at), "{shown}");
        assert_eq!(original.envelope_id.as_deref(), spec.envelope_id, "{shown}");
        assert_eq!(mail.reporting_mta.as_deref(), Some(spec.reporting_mta), "{shown}");
    }
}

#[test]
fn every_format_reports_every_action() {
    for format in ReportFormat::ALL {
        for action in Action::ALL {
            for return_full in [true, false] {
                let (class, diagnostic) = match action {
                    Action::Failed => (5, "550 5.2.1 Mailbox disabled (see rule 7)"),
                    Action::Delayed => (4, "452 4.2.1 Mailbox locked, try later"),
                    Action::Delivered | Action::Relayed | Action::Expanded => (2, "250 2.2.1 Queued"),
                };
                let status = EnhancedStatus::try_new(class, 2, 1).unwrap_or_else(|| unreachable!());
                let will_retry_until = Some(AT);
                check_bounce(&BounceSpec {
                    format,
                    action,
                    return_full,
                    status,
                    diagnostic,
                    will_retry_until,
                    ..bounce_spec()
                });
            }
        }
        assert_eq!(ReportFormat::from_name(format.name()), Some(format));
    }
}

/// The programs whose words are in their bounces, by the name that the reader has for them.
#[test]
fn a_program_is_known_by_its_words() {
    let mut known = 0;
    for format in ReportFormat::ALL {
        let mail = inbound::read(&bounce(&BounceSpec { format, ..bounce_spec() }));
        let expected = match format {
            ReportFormat::Rfc3464 => None,
            ReportFormat::EximReport => Some("exim"),
            ReportFormat::SendmailOld => Some("sendmail"),
            ReportFormat::Exchange2003 => Some("exchange"),
            ReportFormat::GmailOld => Some("gmail"),
            ReportFormat::Icloud => Some("messaging_server"),
            ReportFormat::AmazonSns => Some("amazon_ses"),
            ReportFormat::Proofpoint => Some("sendmail"),
            other => Some(other.name()),
        };
        assert_eq!(mail.program, expected, "{}", format.name());
        known += usize::from(mail.program.is_some());
    }
    assert!(known >= 25);
}

#[test]
fn plain_text_names_its_program_and_who_wrote_to_themselves() {
    for (format, name) in [(ReportFormat::Exim, "exim"), (ReportFormat::Qmail, "qmail")] {
        let spec = BounceSpec { format, to: "a@example.com", ..bounce_spec() };
        let mail = inbound::read(&bounce(&spec));
        assert_eq!(mail.sender_format, name);
        assert_eq!(mail.recipients[0].final_recipient.as_deref(), Some("a@example.com"));
    }
}

#[test]
fn an_expired_message_keeps_the_status_of_the_report() {
    let status = EnhancedStatus::try_new(5, 4, 7).unwrap_or_else(|| unreachable!());
    let diagnostic = "554 5.4.7 [internal] message timeout (last transfail: 452 4.2.2 over quota)";
    for format in ReportFormat::ALL {
        check_bounce(&BounceSpec { format, status, diagnostic, ..bounce_spec() });
    }
}

fn complaint_spec() -> ComplaintSpec<'static> {
    ComplaintSpec {
        from: "fbl@provider.example",
        to: "fbl@shop.example",
        report_id: "c1@provider.example",
        feedback_type: "abuse",
        user_agent: "ExampleFBL/1.0",
        original_sender: "bounce@shop.example",
        original_recipient: Some("a@example.com"),
        arrival: AT,
        at: AT,
        reporting_mta: "mx.provider.example",
        source_ip: Some("192.0.2.1"),
        original: ORIGINAL,
    }
}

#[test]
fn complaints_are_read_back() {
    for feedback_type in ["abuse", "fraud", "not-spam", "opt-out"] {
        let mail = inbound::read(&complaint(&ComplaintSpec { feedback_type, ..complaint_spec() }));
        assert_eq!((mail.kind, mail.sender_format), (MailKind::Complaint, "rfc5965"));
        let feedback = mail.feedback.unwrap_or_default();
        assert_eq!(feedback.feedback_type, feedback_type);
        assert_eq!(feedback.user_agent.as_deref(), Some("ExampleFBL/1.0"));
        assert_eq!(feedback.original_mail_from.as_deref(), Some("bounce@shop.example"));
        assert_eq!(feedback.original_rcpt_to, ["a@example.com"]);
        assert_eq!(feedback.arrival_date, Some(AT));
        assert_eq!(feedback.source_ip.as_deref(), Some("192.0.2.1"));
        assert_eq!(mail.recipients[0].final_recipient.as_deref(), Some("a@example.com"));
        assert_eq!(mail.original.and_then(|o| o.message_id).as_deref(), Some("m1@shop.example"));
    }
}

#[test]
fn a_redacted_complaint_tells_no_recipient() {
    let raw = complaint(&ComplaintSpec { original_recipient: None, ..complaint_spec() });
    assert!(!String::from_utf8_lossy(&raw).contains("a@example.com"));
    let mail = inbound::read(&raw);
    assert_eq!(mail.kind, MailKind::Complaint);
    assert!(mail.recipients.is_empty());
    assert_eq!(mail.original.and_then(|o| o.message_id).as_deref(), Some("m1@shop.example"));
}

#[test]
fn automatic_replies_are_read_back() {
    for language in Language::ALL {
        let raw = auto_reply(&AutoReplySpec {
            from: "a@example.com",
            to: "bounce@shop.example",
            report_id: "v1@example.com",
            subject: "=?utf-8?Q?Caf=C3=A9?= offers",
            in_reply_to: Some("m1@shop.example"),
            at: AT,
            language,
            text: None,
        });
        let mail = inbound::read(&raw);
        assert_eq!((mail.kind, mail.sender_format), (MailKind::AutoReply, "rfc3834"), "{}", language.name());
        assert!(mail.subject.ends_with("Café offers"), "{}", mail.subject);
        assert_eq!(mail.recipients[0].final_recipient.as_deref(), Some("a@example.com"));
        assert_eq!(mail.recipients[0].action, Action::Delivered);
        assert_eq!(mail.original.and_then(|o| o.message_id).as_deref(), Some("m1@shop.example"));
        assert!(mail.text.lines().count() == 2, "{}", mail.text);
        assert_eq!(Language::from_name(language.name()), Some(language));
    }
}

/// Lines end in CRLF and are not too long, and the header has the fields it should have and no others.
fn check_sound(raw: &[u8]) {
    let (head, _) = header::split(raw);
    let known = [
        "Date",
        "From",
        "To",
        "Subject",
        "Message-ID",
        "Auto-Submitted",
        "X-Failed-Recipients",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
        "In-Reply-To",
        "References",
        "Precedence",
        "Content-Language",
    ];
    let mut names: Vec<_> = header::fields(head).map(|(name, _)| name.to_owned()).collect();
    assert!(names.iter().all(|name| known.contains(&name.as_str())), "{names:?}");
    names.sort();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
    assert!(raw.ends_with(b"\r\n"));
    for line in raw.split(|b| *b == b'\n') {
        assert!(line.len() <= MAX_LINE + 1, "{}", line.len());
        let content = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(line.is_empty() || content.len() < line.len(), "{:?}", String::from_utf8_lossy(line));
        assert!(!content.contains(&b'\r'), "{:?}", String::from_utf8_lossy(line));
    }
}

fn address() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9][a-z0-9+_-]{0,20}(\\.[a-z0-9]{1,5})?@[a-z]{1,10}\\.(example|test)",
        "[a-zé][a-zü0-9]{0,8}@(bücher|例え)\\.example",
    ]
}

prop_compose! {
    fn codes()(class in 4u8..=5, subject in 0u16..=7, detail in 0u16..=30, tail in 0u16..=59) -> (EnhancedStatus, u16) {
        let status = EnhancedStatus::try_new(class, subject, detail).unwrap_or_else(|| unreachable!());
        (status, u16::from(class) * 100 + tail)
    }
}

const HEAD_PIECES: &[&str] = &[
    "Content-Type: multipart/report; boundary=b\n",
    "From: MAILER-DAEMON@mx.example\n",
    "From: é@x\n",
    "Subject: unsubscribe<é\n",
    "Auto-Submitted: auto-replied\n",
    "X-Failed-Recipients: a@example.com, é\n",
];

const BODY_PIECES: &[&str] = &[
    "--b\n",
    "--b--\n",
    "\n",
    "Content-Type: message/rfc822\n",
    "Content-Type: multipart/report; boundary=b\n",
    "Content-Type: message/delivery-status\n",
    "Content-Type: message/feedback-report\n",
    "Content-Type: text/html\n",
    "Content-Transfer-Encoding: base64\n",
    "Content-Transfer-Encoding: quoted-printable\n",
    "Final-Recipient: ",
    "<a@example.com>:",
    "b@example.com",
    "550-5.1.1",
    "550 5.1.1 ",
    "<<< ",
    ">>> RCPT To:",
    "(reason: ",
    "Remote host said:",
    " did not like our ",
    "SMTP error from remote mail server after ",
    "\nhost ",
    "Transcript of session",
    "This is the qmail",
    "From: x\n",
    "é",
    "=",
    "=3",
    " ",
];

fn mix(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(pieces), 0..40).prop_map(|chosen| chosen.concat())
}

proptest! {
    #[test]
    fn bounces_are_read_back(
        format in proptest::sample::select(&ReportFormat::ALL[..]),
        recipient in address(),
        original_recipient in proptest::option::of(address()),
        (status, reply) in codes(),
        words in "[A-Za-z]{1,12}( [A-Za-z0-9,;()#*/_-]{1,12}){0,60}",
        envelope_id in proptest::option::of("[!-~é]{1,30}"),
        return_full in any::<bool>(),
    ) {
        // Before a code, a number sign is the mark that Exchange puts there.
        let words = words.replace("#4", "# 4").replace("#5", "# 5");
        let diagnostic = format!("{reply} {status} {words}");
        let spec = BounceSpec {
            format, status, return_full,
            final_recipient: &recipient,
            original_recipient: original_recipient.as_deref(),
            diagnostic: &diagnostic,
            envelope_id: envelope_id.as_deref(),
            ..bounce_spec()
        };
        check_sound(&bounce(&spec));
        check_bounce(&spec);
    }

    #[test]
    fn nothing_breaks_out(
        format in proptest::sample::select(&ReportFormat::ALL[..]),
        action in proptest::sample::select(&Action::ALL[..]),
        texts in proptest::collection::vec("(\\PC|\r|\n|\r\nBcc: x@example.com\r\n|--=_emta|\0|\u{85}| |(long){300}){0,8}", 8),
        content in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\r'), Just(b'\n')], 0..300),
        repeats in 1usize..8,
        return_full in any::<bool>(),
    ) {
        let [a, b, c, d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7].map(|n| texts[n].as_str());
        let content = content.repeat(repeats);
        let written = [
            bounce(&BounceSpec {
                format, action, return_full,
                reporting_mta: a, remote_mta: Some(b), from: c, to: d, report_id: e, final_recipient: f,
                original_recipient: Some(g), diagnostic: h, envelope_id: Some(a), original: &content,
                ..bounce_spec()
            }),
            complaint(&ComplaintSpec {
                from: a, to: b, report_id: c, feedback_type: d, user_agent: e, original_sender: f,
                original_recipient: return_full.then_some(g), reporting_mta: h, source_ip: Some(a), original: &content,
                ..complaint_spec()
            }),
            auto_reply(&AutoReplySpec {
                from: a, to: b, report_id: c, subject: d, in_reply_to: Some(e), at: AT, language: Language::French,
                text: Some(f),
            }),
        ];
        for raw in &written {
            check_sound(raw);
            let _ = inbound::read(raw);
        }
    }

    #[test]
    fn a_bounce_that_was_torn_is_read(
        format in proptest::sample::select(&ReportFormat::ALL[..]),
        from in 0usize..2_000,
        length in 0usize..200,
        patch in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut raw = bounce(&BounceSpec { format, ..bounce_spec() });
        let from = from.min(raw.len());
        let to = (from + length).min(raw.len());
        raw.splice(from..to, patch);
        let _ = inbound::read(&raw);
    }

    #[test]
    fn any_mix_of_what_is_looked_for_is_read(head in mix(HEAD_PIECES), body in mix(BODY_PIECES)) {
        let _ = inbound::read(format!("{head}\n{body}").as_bytes());
    }

    #[test]
    fn any_garbage_is_read(raw in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = inbound::read(&raw);
    }
}
