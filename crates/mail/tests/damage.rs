//! Reports that were damaged on their way: every format that the crate writes, harmed in every way of a table, and in
//! pairs of ways. Where the recipient is still in the mail, it must be found.

mod common;

use common::bounce_spec;
use emta_mail::compose::{BounceSpec, ReportFormat, bounce};
use emta_mail::inbound::{self, MailKind};
use proptest::prelude::*;

/// A report on a@example.com, in LF.
fn report(format: ReportFormat) -> String {
    let raw = bounce(&BounceSpec { format, ..bounce_spec() });
    String::from_utf8_lossy(&raw).replace("\r\n", "\n")
}

/// A way of doing harm to a mail in LF.
type Harm = fn(&str) -> String;

/// The ways, each with the share of formats, in per cent, of which recipient and status must still be read. What was
/// reached; it may only grow.
const HARMS: [(&str, usize, Harm); 37] = [
    ("LF", 100, str::to_owned),
    ("CRLF", 100, |mail| mail.replace('\n', "\r\n")),
    ("CR", 100, |mail| mail.replace('\n', "\r")),
    ("CR CR LF", 100, |mail| mail.replace('\n', "\r\r\n")),
    ("LF and CRLF by turns", 100, |mail| {
        by_line(mail, |n, line| format!("{line}{}", if n % 2 == 0 { "\r" } else { "" }))
    }),
    ("spaces at the ends of lines", 100, |mail| by_line(mail, |_, line| format!("{line}  "))),
    ("a byte order mark and empty lines in front", 100, |mail| format!("\u{feff}\n\n{mail}")),
    ("the line of an mbox in front", 100, |mail| {
        format!("From MAILER-DAEMON Mon Jan  5 09:00:00 2026\n{mail}")
    }),
    ("a hundred trace fields in front", 100, |mail| {
        format!("{}{mail}", "Received: from x by y; Mon, 5 Jan 2026 09:00:00 +0000\n".repeat(100))
    }),
    ("a footer", 100, |mail| format!("{mail}\n-- \nScanned by nobody. Write to help@shop.example.\n")),
    ("names of fields in capitals", 100, |mail| {
        by_field(mail, |name, value| format!("{}:{value}", name.to_uppercase()))
    }),
    ("names of fields in lower case", 100, |mail| {
        by_field(mail, |name, value| format!("{}:{value}", name.to_lowercase()))
    }),
    ("no space behind names of fields", 100, |mail| {
        by_field(mail, |name, value| format!("{name}:{}", value.trim_start()))
    }),
    ("tabs behind names of fields", 100, |mail| {
        by_field(mail, |name, value| format!("{name}:\t{}", value.trim_start()))
    }),
    ("a space in front of colons", 100, |mail| by_field(mail, |name, value| format!("{name} :{value}"))),
    ("values in the next line", 100, |mail| by_field(mail, |name, value| format!("{name}:\n{value}"))),
    ("folded fields in one line", 100, |mail| {
        in_status(mail, |text| {
            text.replace(
                "
	", " ",
            )
            .replace(
                "
 ", " ",
            )
        })
    }),
    ("folds without their white space", 100, |mail| {
        in_status(mail, |text| text.replace("\n\t", "\n").replace("\n ", "\n"))
    }),
    ("every empty line twice", 100, |mail| mail.replace("\n\n", "\n\n\n")),
    ("an empty line behind every line of the report", 100, |mail| {
        in_status(mail, |text| text.replace('\n', "\n\n"))
    }),
    ("no empty line in the report", 100, |mail| in_status(mail, |text| text.replace("\n\n", "\n"))),
    ("cut off behind what it says", 100, |mail| mail[..end_of_words(mail)].to_owned()),
    ("cut off in the returned message", 100, |mail| {
        mail[..mail.floor_char_boundary(original_at(mail) + 20)].to_owned()
    }),
    ("no boundary at the end", 100, |mail| without_closing(mail)),
    ("another boundary in the header", 100, |mail| mail.replacen("boundary=\"", "boundary=\"x", 1)),
    ("no boundary in the header", 100, |mail| mail.replacen("boundary=", "border=", 1)),
    ("no Content-Type in the header", 100, |mail| mail.replacen("\nContent-Type:", "\nX-Content-Type:", 1)),
    ("the report is text", 100, |mail| mail.replace("message/delivery-status", "text/plain")),
    ("the report is a file", 100, |mail| mail.replace("message/delivery-status", "application/octet-stream")),
    ("the report is a message", 100, |mail| mail.replace("message/delivery-status", "message/rfc822")),
    ("the report is HTML", 100, |mail| mail.replace("message/delivery-status", "text/html")),
    ("the report twice", 100, |mail| {
        parts(mail, |parts| {
            let last = parts[1].clone();
            parts.insert(1, last);
        })
    }),
    ("the report first", 100, |mail| parts(mail, |parts| parts.swap(0, 1))),
    ("no text for people", 91, |mail| {
        parts(mail, |parts| {
            parts.remove(0);
        })
    }),
    ("a charset that does not exist", 100, |mail| charset(mail, "x-none")),
    ("UTF-16, which it is not", 100, |mail| charset(mail, "utf-16le")),
    ("base64, which it is not", 100, |mail| encoding(mail, "base64")),
];

fn by_line(mail: &str, change: impl Fn(usize, &str) -> String) -> String {
    mail.lines().enumerate().map(|(n, line)| change(n, line) + "\n").collect()
}

/// Changes the lines that are fields of a header or of a report.
fn by_field(mail: &str, change: impl Fn(&str, &str) -> String) -> String {
    by_line(mail, |_, line| match line.split_once(':') {
        Some((name, value))
            if !value.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') =>
        {
            change(name, value)
        }
        Some(_) | None => line.to_owned(),
    })
}

/// Where the returned message begins; the end of a mail that returns none as it was.
fn original_at(mail: &str) -> usize {
    mail.find("From: Shop").unwrap_or_else(|| mail.floor_char_boundary(mail.len().saturating_sub(20)))
}

/// Where the line ends that names the recipient or tells the reply, whichever is later.
fn end_of_words(mail: &str) -> usize {
    let before = &mail[..original_at(mail)];
    let last =
        ["a@example.com", "User unknown", "Status: 5"].iter().filter_map(|word| before.rfind(word)).max();
    let last = last.unwrap_or(before.len());
    before[last..].find('\n').map_or(before.len(), |end| last + end + 1)
}

/// Changes the fields of the delivery status, where there is such a part.
fn in_status(mail: &str, change: impl Fn(&str) -> String) -> String {
    parts(mail, |parts| {
        for part in parts.iter_mut().filter(|part| part.contains("message/delivery-status")) {
            if let Some((header, content)) = part.split_once("\n\n") {
                *part = format!("{header}\n\n{}", change(content));
            }
        }
    })
}

/// Changes the parts of a multipart that has two or more; other mails stay.
fn parts(mail: &str, change: impl Fn(&mut Vec<String>)) -> String {
    let boundary = mail.split_once("boundary=\"").and_then(|(_, rest)| rest.split_once('"'));
    let Some((boundary, _)) = boundary else { return mail.to_owned() };
    let line = format!("--{boundary}\n");
    let mut pieces = mail.split(&line);
    let head = pieces.next().unwrap_or_default().to_owned();
    let mut parts: Vec<String> = pieces.map(str::to_owned).collect();
    let Some(end) =
        parts.last_mut().and_then(|last| last.find(&format!("--{boundary}--")).map(|at| last.split_off(at)))
    else {
        return mail.to_owned();
    };
    if parts.len() < 2 {
        return mail.to_owned();
    }
    change(&mut parts);
    parts.iter().fold(head, |mail, part| mail + &line + part) + &end
}

fn without_closing(mail: &str) -> String {
    mail.rfind("--\n")
        .and_then(|end| mail[..end].rfind("\n--"))
        .map_or(mail.to_owned(), |at| mail[..=at].to_owned())
}

/// Says of every text that it is in this charset.
fn charset(mail: &str, name: &str) -> String {
    let typed = mail.replace("charset=utf-8", "charset=us-ascii");
    if typed.contains("charset=us-ascii") {
        typed.replace("charset=us-ascii", &format!("charset={name}"))
    } else {
        mail.replacen("text/plain", &format!("text/plain; charset={name}"), 1)
    }
}

/// Says of the first part, or the mail, that it is in this transfer encoding.
fn encoding(mail: &str, name: &str) -> String {
    mail.replacen(
        "\nContent-Type: text/plain",
        &format!("\nContent-Transfer-Encoding: {name}\nContent-Type: text/plain"),
        1,
    )
}

/// What is wrong with the reading of a mail, if anything.
fn wrong(mail: &[u8]) -> Option<String> {
    let read = inbound::read(mail);
    let told: Vec<String> = read
        .recipients
        .iter()
        .map(|r| {
            let status = r.status.map(|status| status.to_string());
            format!(
                "{} {} {} {}",
                r.address().unwrap_or("-"),
                r.action,
                status.unwrap_or_default(),
                r.diagnostic
            )
        })
        .collect();
    let ok = read.kind == MailKind::DeliveryReport
        && told.len() == 1
        && told[0].starts_with("a@example.com failed 5.1.1");
    (!ok).then(|| format!("{} [{}] {told:?}", read.kind, read.sender_format))
}

#[test]
fn one_harm_at_a_time() {
    let mut low = Vec::new();
    for (name, floor, harm) in HARMS {
        let mut missed = Vec::new();
        for format in ReportFormat::ALL {
            if let Some(wrong) = wrong(harm(&report(format)).as_bytes()) {
                missed.push(format!("    {}: {wrong}", format.name()));
            }
        }
        let all = ReportFormat::ALL.len();
        let reached = (all - missed.len()) * 100 / all;
        if reached < floor {
            low.push(format!("{name}: {reached} % of {all}, expected {floor} %\n{}", missed.join("\n")));
        }
    }
    assert!(low.is_empty(), "{}", low.join("\n"));
}

/// One of so many pairs of harms is tried on a format.
const EVERY: usize = 6;

/// Share of the pairs of harms, in per mille, after which recipient and status are still read.
const FLOOR_OF_PAIRS: usize = 980;

#[test]
fn two_harms_at_a_time() {
    let (mut all, mut missed) = (0, Vec::new());
    for (n, format) in ReportFormat::ALL.into_iter().enumerate() {
        let mail = report(format);
        for (m, (first, _, harm)) in HARMS.into_iter().enumerate() {
            let once = harm(&mail);
            // Each format meets each harm, not each pair of them: that would be 64,000 mails.
            for (second, _, again) in HARMS.into_iter().skip((n + m) % EVERY).step_by(EVERY) {
                all += 1;
                if wrong(again(&once).as_bytes()).is_some() {
                    missed.push(format!("{}: {first}; {second}", format.name()));
                }
            }
        }
    }
    let reached = (all - missed.len()) * 1000 / all;
    println!("{reached} of 1,000 pairs of harms are survived");
    assert!(
        reached >= FLOOR_OF_PAIRS,
        "{reached} per mille, expected {FLOOR_OF_PAIRS}; for one:\n{}",
        missed.join("\n")
    );
}

proptest! {
    /// Any line may be missing, doubled or swapped with its neighbour, and the mail be cut anywhere.
    #[test]
    fn any_lines_are_read(
        format in 0..ReportFormat::ALL.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..4u8), 0..8),
        harm in 0..HARMS.len(),
    ) {
        let mail = report(ReportFormat::ALL[format]);
        let mut lines: Vec<&str> = mail.lines().collect();
        for (place, change) in changes {
            if lines.is_empty() {
                break;
            }
            let at = place.index(lines.len());
            match change {
                0 => drop(lines.remove(at)),
                1 => lines.insert(at, lines[at]),
                2 => lines.swap(at, at.saturating_sub(1)),
                _ => lines.truncate(at),
            }
        }
        let read = inbound::read(HARMS[harm].2(&lines.join("\n")).as_bytes());
        prop_assert!(read.recipients.len() <= 8, "{:?}", read.recipients);
    }
}
