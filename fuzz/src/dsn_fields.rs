//! Well formed reports in which recipients stand among fields of any kind: none of them may be lost.
//!
//! libFuzzer chooses names, values, order and encoding; what it chose is written as a `multipart/report` (RFC 3464).

use std::fmt::Write as _;

use arbitrary::Arbitrary;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emta_mail::EnhancedStatus;
use emta_mail::inbound::{Action, InboundMail, MAX_SCANNED, MailKind, RecipientReport};

/// What no part of a report may hold.
const BOUNDARY: &str = "=_boundary_of_the_report";
/// Recipients that are written, well formed or not.
const GROUPS: usize = 64;
/// Fields of a group that are written; far below the number that is read.
const FIELDS: usize = 40;
/// Pieces of a value that are written.
const PIECES: usize = 8;

/// A report as it is made up.
#[derive(Debug, Arbitrary)]
pub struct Report {
    crlf: bool,
    encoding: Encoding,
    text: Vec<u8>,
    message: Vec<Field>,
    groups: Vec<Group>,
    original: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Encoding {
    None,
    Base64,
    QuotedPrintable,
}

#[derive(Debug, Arbitrary)]
enum Group {
    /// A recipient that is well formed, with these fields around it.
    Recipient(Recipient),
    /// Anything.
    Odd(Vec<Field>),
}

#[derive(Debug, Arbitrary)]
struct Recipient {
    before: Vec<Field>,
    /// An empty line stands after the fields before it.
    torn: bool,
    action: Option<u8>,
    diagnostic: bool,
    after: Vec<Field>,
}

#[derive(Debug, Arbitrary)]
struct Field {
    name: Name,
    value: Vec<Piece>,
}

#[derive(Debug, Arbitrary)]
enum Name {
    Known(u8),
    Other(Vec<u8>),
}

/// A piece of a value; a value never begins another line that is not folded.
#[derive(Debug, Arbitrary)]
enum Piece {
    Bytes(Vec<u8>),
    Odd(u8),
    Fold,
    Repeated(u8, u16),
}

/// All but `Final-Recipient`, which comes last and may stand in odd groups only.
const NAMES: [&str; 14] = [
    "Action",
    "Status",
    "Diagnostic-Code",
    "Original-Recipient",
    "X-Actual-Recipient",
    "Remote-MTA",
    "Last-Attempt-Date",
    "Will-Retry-Until",
    "Reporting-MTA",
    "Arrival-Date",
    "Original-Envelope-Id",
    "Content-Type",
    "X-Display-Name",
    "Final-Recipient",
];

const VALUES: [&str; 28] = [
    "",
    "rfc822;",
    "rfc822; <>",
    "rfc822; r0@example.com",
    "<r1@example.com>",
    "someone@example.net",
    "unknown; \"",
    "@",
    "<",
    ">",
    ";;;;",
    "::::",
    "5.1",
    "5.1.1 (x)",
    "999.999.999",
    "4.4.7",
    "failed",
    "exploded",
    "delayed (5.1.1)",
    "Mon, 45 Jan 2026 99:99:99 +9999",
    "Mon, 5 Jan 99999 00:00:00 -0000",
    "smtp; 550-5.1.1 one 550 5.2.2 two",
    "x-unix; \u{feff}\u{2028}é",
    "dns; mx.example.test (192.0.2.1)",
    "+2B+ZZ+",
    "=?utf-8?B?w6k=?=",
    "=?utf-8?Q?=0A=0AFinal-Recipient:?=",
    "a,b;c:d",
];

/// A recipient that must be found.
struct Expected {
    address: String,
    action: Option<Action>,
    diagnostic: bool,
}

/// Writes the report, reads it, and looks for every recipient that is well formed.
pub fn check(report: &Report) {
    let (status, expected) = status_part(report);
    if let Some(raw) = written(report, &status) {
        let mail = crate::mail::check_mail(&raw);
        nobody_is_lost(&expected, &mail, &raw);
    }
}

fn nobody_is_lost(expected: &[Expected], mail: &InboundMail, raw: &[u8]) {
    let shown = || String::from_utf8_lossy(raw);
    assert!(
        expected.is_empty() || mail.kind == MailKind::DeliveryReport,
        "{} is no report:\n{}",
        mail.kind,
        shown()
    );
    let mut read = mail.recipients.iter();
    for recipient in expected {
        // An odd group may have the address of a recipient too, so that the first of its name need not be the one.
        let is_it = |report: &RecipientReport| {
            let said = (report.diagnostic.as_str(), report.reply_code, report.status);
            let expected = ("550 5.1.1 no such user", Some(550), EnhancedStatus::try_new(5, 1, 1));
            report.final_recipient.as_ref() == Some(&recipient.address)
                && recipient.action.is_none_or(|action| report.action == action)
                && (!recipient.diagnostic || said == expected)
        };
        assert!(
            read.any(is_it),
            "`{}` is lost, or its {:?} or what was said of it ({}):\n{}\n{:#?}",
            recipient.address,
            recipient.action,
            recipient.diagnostic,
            shown(),
            mail.recipients
        );
    }
}

/// The `message/delivery-status` part with line feeds, and who is in it.
fn status_part(report: &Report) -> (Vec<u8>, Vec<Expected>) {
    let mut out = b"Reporting-MTA: dns; mta.example\n".to_vec();
    write_fields(&mut out, &report.message, NAMES.len() - 1);
    let mut expected = Vec::new();
    for (number, group) in report.groups.iter().take(GROUPS).enumerate() {
        out.push(b'\n');
        match group {
            Group::Odd(fields) => {
                write_fields(&mut out, fields, NAMES.len());
            }
            Group::Recipient(recipient) => {
                expected.push(write_recipient(&mut out, recipient, format!("r{number}@example.com")));
            }
        }
    }
    (out, expected)
}

fn write_recipient(out: &mut Vec<u8>, recipient: &Recipient, address: String) -> Expected {
    let mut others = write_fields(out, &recipient.before, NAMES.len() - 1);
    if recipient.torn {
        out.push(b'\n');
    }
    out.extend_from_slice(format!("Final-Recipient: rfc822; {address}\n").as_bytes());
    let action = recipient.action.map(|action| Action::ALL[usize::from(action) % Action::ALL.len()]);
    if let Some(action) = action {
        out.extend_from_slice(format!("Action: {action}\n").as_bytes());
    }
    if recipient.diagnostic {
        out.extend_from_slice(b"Diagnostic-Code: smtp; 550 5.1.1 no such user\n");
    }
    others.extend(write_fields(out, &recipient.after, NAMES.len() - 1));
    // What it says of itself counts where no other field says the same thing, or makes two groups of one.
    let only = |name: &str| !others.iter().any(|other| other.eq_ignore_ascii_case(name));
    let whole = !recipient.torn && only("Original-Recipient") && only("Final-Recipient");
    Expected {
        address,
        action: action.filter(|_| whole && only("Action")),
        diagnostic: recipient.diagnostic && whole && only("Diagnostic-Code"),
    }
}

/// Writes fields of these names, or of any other; returns the names.
fn write_fields(out: &mut Vec<u8>, fields: &[Field], known: usize) -> Vec<String> {
    fields.iter().take(FIELDS).map(|field| write_field(out, field, known)).collect()
}

fn write_field(out: &mut Vec<u8>, field: &Field, known: usize) -> String {
    let name = match &field.name {
        Name::Known(number) => NAMES[usize::from(*number) % known].to_owned(),
        Name::Other(bytes) => {
            let graphic = bytes.iter().filter(|b| b.is_ascii_graphic() && **b != b':');
            let mut name: String = graphic.map(|b| char::from(*b)).collect();
            if name.eq_ignore_ascii_case("Final-Recipient") {
                name.insert_str(0, "X-");
            }
            name
        }
    };
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    for piece in field.value.iter().take(PIECES) {
        match piece {
            Piece::Bytes(bytes) => out.extend(bytes.iter().filter(|b| **b != b'\n')),
            Piece::Odd(number) => {
                out.extend_from_slice(VALUES[usize::from(*number) % VALUES.len()].as_bytes());
            }
            Piece::Fold => out.extend_from_slice(b"\n "),
            Piece::Repeated(byte, times) => {
                let byte = if *byte == b'\n' { b' ' } else { *byte };
                out.extend(std::iter::repeat_n(byte, usize::from(times % 2_000)));
            }
        }
    }
    out.push(b'\n');
    name
}

/// The whole mail; `None` if what was made up is too long to be read, or ends a part by itself.
fn written(report: &Report, status: &[u8]) -> Option<Vec<u8>> {
    let empty = Vec::new();
    let original = report.original.as_ref().unwrap_or(&empty);
    for part in [&report.text, status, original] {
        if part.len() > MAX_SCANNED / 4 || memmem(part, BOUNDARY.as_bytes()) {
            return None;
        }
    }
    let (encoding, status) = encoded(report.encoding, status);
    let mut out = format!(
        "From: MAILER-DAEMON@mta.example\nTo: bounce@shop.example\nSubject: Undelivered mail\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status;\n boundary=\"{BOUNDARY}\"\n\n\
         --{BOUNDARY}\nContent-Type: text/plain; charset=utf-8\n\n"
    )
    .into_bytes();
    out.extend_from_slice(&report.text);
    out.extend_from_slice(
        format!("\n--{BOUNDARY}\nContent-Type: message/delivery-status\n{encoding}\n").as_bytes(),
    );
    out.extend_from_slice(&status);
    if report.original.is_some() {
        out.extend_from_slice(format!("\n--{BOUNDARY}\nContent-Type: message/rfc822\n\n").as_bytes());
        out.extend_from_slice(original);
    }
    out.extend_from_slice(format!("\n--{BOUNDARY}--\n").as_bytes());
    Some(if report.crlf { with_crlf(&out) } else { out })
}

/// The part in its encoding, and the field that says which.
fn encoded(encoding: Encoding, part: &[u8]) -> (&'static str, Vec<u8>) {
    match encoding {
        Encoding::None => ("", part.to_vec()),
        Encoding::Base64 => {
            let text = STANDARD.encode(part).into_bytes();
            ("Content-Transfer-Encoding: base64\n", text.chunks(76).collect::<Vec<_>>().join(&b'\n'))
        }
        Encoding::QuotedPrintable => {
            let mut text = String::new();
            for byte in part {
                match byte {
                    b'\n' => text.push('\n'),
                    b'!'..=b'<' | b'>'..=b'~' => text.push(char::from(*byte)),
                    other => write!(text, "={other:02X}").unwrap_or_default(),
                }
            }
            ("Content-Transfer-Encoding: quoted-printable\n", text.into_bytes())
        }
    }
}

fn with_crlf(text: &[u8]) -> Vec<u8> {
    text.split(|b| *b == b'\n').collect::<Vec<_>>().join(b"\r\n".as_slice())
}

fn memmem(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
