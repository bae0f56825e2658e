//! Bounces that are not RFC 3464: text for people, in the ways that mail programs have of writing it.
//!
//! Three ways of naming recipients cover nearly all programs: in a list ([`listed`]), in a transcript of the SMTP
//! session ([`transcript`]), in a sentence ([`inline`]). [`FORMATS`] says by which signs a program is known, and which
//! of the ways it uses. A new program is a new row; a new way is a new file.

mod found;
mod inline;
mod listed;
mod transcript;

use super::head::Head;
use super::report::{Action, RecipientReport};
use super::values::full_address;
use found::Found;

/// A mail that may be a bounce.
pub(super) struct Source<'a> {
    pub(super) head: &'a Head<'a>,
    /// Subject, decoded.
    pub(super) subject: &'a str,
    /// Text for people, without the returned message.
    pub(super) text: &'a str,
    /// The mail's own sender, and its recipient, who had sent the message: rarely the failed ones.
    pub(super) parties: [Option<&'a str>; 2],
}

/// A way of reading: adds to what was found.
type Reader = fn(&Source<'_>, &mut Found);

/// How the bounces of a program are known and read.
struct Format {
    name: &'static str,
    /// Any of these in the text says that it is this program's; compared octet by octet.
    signs: &'static [&'static str],
    /// Tried in turn until recipients are found.
    readers: &'static [Reader],
}

const LISTED: &[Reader] = &[listed::read, inline::read];
const SESSION: &[Reader] = &[transcript::read, listed::read, inline::read];
const ANY: &[Reader] = &[listed::read, transcript::read, inline::read];
const SENTENCE: &[Reader] = &[inline::read, listed::read];

/// The programs, the particular ones first.
const FORMATS: &[Format] = &[
    Format { name: "qmail", signs: &["qmail-send program", "This is the qmail"], readers: LISTED },
    Format {
        name: "exim",
        signs: &[
            "This message was created automatically by mail delivery software",
            "could not be delivered to all of its recipients",
        ],
        readers: LISTED,
    },
    Format {
        name: "postfix",
        signs: &["This is the mail system at host", "This is the Postfix program"],
        readers: LISTED,
    },
    Format { name: "dragonfly", signs: &["This is the DragonFly Mail Agent"], readers: SENTENCE },
    Format { name: "opensmtpd", signs: &["This is the MAILER-DAEMON, please DO NOT REPLY"], readers: LISTED },
    Format {
        name: "exchange",
        signs: &[
            "did not reach the following recipient",
            "MSEXCH:",
            "Delivery has failed to these recipients",
        ],
        readers: LISTED,
    },
    Format {
        name: "sendmail",
        signs: &[
            "Transcript of session follows",
            "The following addresses had",
            "While talking to ",
            "\n<<< ",
        ],
        readers: SESSION,
    },
    Format {
        name: "gmail",
        signs: &["Technical details of permanent failure", "Technical details of temporary failure"],
        readers: LISTED,
    },
    Format {
        name: "yahoo",
        signs: &["we were unable to deliver your message to the following"],
        readers: LISTED,
    },
    Format {
        name: "courier",
        signs: &["UNDELIVERABLE MAIL", "Your message to the following recipients cannot be delivered"],
        readers: LISTED,
    },
    Format {
        name: "notes",
        signs: &["could not be delivered to:\n", "------- Failure Reasons"],
        readers: LISTED,
    },
    Format {
        name: "imail",
        signs: &["undeliverable to ", "Body of message generated response:"],
        readers: SENTENCE,
    },
    Format { name: "james", signs: &["Error message below:"], readers: LISTED },
    Format {
        name: "generic",
        signs: &["could not be delivered to", "Could not be delivered to", "--- Non-Delivery Report ---"],
        readers: LISTED,
    },
    Format { name: "generic", signs: &[], readers: ANY },
];

/// What a text says.
pub(super) struct Reading {
    pub(super) format: &'static str,
    pub(super) recipients: Vec<RecipientReport>,
}

/// Reads a bounce; `None` if nothing about the mail says that it is one. The recipients may be empty.
pub(super) fn read(source: &Source<'_>) -> Option<Reading> {
    let format = FORMATS.iter().find(|format| {
        if format.signs.is_empty() {
            is_bounce(source)
        } else {
            format.signs.iter().any(|sign| contains(source.text, sign))
        }
    })?;
    let mut found = Found::new(source.parties);
    let named = failed_recipients(source.head);
    for reader in format.readers {
        reader(source, &mut found);
        if !found.is_empty() {
            break;
        }
        for address in &named {
            found.add(address, source.text.len());
        }
    }
    if named.len() < NAMED_AT_MOST {
        found.keep_named(&named);
    }
    let action = if is_warning(source) { Action::Delayed } else { Action::Failed };
    Some(Reading { format: format.name, recipients: found.into_recipients(source.text, action) })
}

/// Programs that write `X-Failed-Recipients` stop at this many addresses (Exim 4's limit).
const NAMED_AT_MOST: usize = 50;

/// Addresses of the `X-Failed-Recipients` field.
fn failed_recipients(head: &Head<'_>) -> Vec<String> {
    head.failed_recipients().split([',', ' ']).filter_map(full_address).take(NAMED_AT_MOST).collect()
}

/// Whether a mail without the signs of a known program is a bounce: its sender is a mail system, or it names failed
/// recipients in its header, or its subject says so and it must not be answered.
fn is_bounce(source: &Source<'_>) -> bool {
    !source.head.failed_recipients().is_empty()
        || source.head.sent_by_mail_system()
        || (source.head.null_sender() && has_any(source.subject, FAILURE_SUBJECTS))
        || has_any(source.subject, SURE_SUBJECTS)
}

/// Words of subjects that speak of failure, in lower case.
const FAILURE_SUBJECTS: &[&str] = &[
    "undeliver",
    "failure",
    "failed",
    "returned mail",
    "bounce",
    "rejected",
    "delivery",
    "not delivered",
    "delayed",
    "error",
];

/// Subjects that only bounces have, in lower case.
const SURE_SUBJECTS: &[&str] = &[
    "undeliverable:",
    "undelivered mail",
    "failure notice",
    "delivery status notification",
    "returned mail:",
    "mail delivery failed",
    "delivery failure",
    "mail delivery failure",
    "undeliverable mail",
    "undeliverable message",
    "mail system error",
    "delivery notification: delivery has failed",
];

/// Whether the bounce says that the message is still being tried.
fn is_warning(source: &Source<'_>) -> bool {
    const SUBJECTS: &[&str] = &["warning", "delayed", "(delay)", "still being retried", "still trying"];
    const TEXTS: &[&str] = &[
        "THIS IS A WARNING",
        "only a temporary failure report",
        "has not yet been delivered",
        "delivery attempts will continue",
        "You do not need to resend",
    ];
    has_any(source.subject, SUBJECTS) || TEXTS.iter().any(|text| contains(source.text, text))
}

fn has_any(subject: &str, words: &[&str]) -> bool {
    let subject = subject.to_lowercase();
    words.iter().any(|word| subject.contains(word))
}

fn contains(text: &str, needle: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), needle.as_bytes()).is_some()
}
