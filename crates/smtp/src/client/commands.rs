//! What the server offers, and the commands that make use of it.

use std::fmt::Write as _;

use emta_mail::message::{Notify, Return};
use emta_mail::{EnhancedStatus, Envelope, Reply};

use super::exchange::Job;
use crate::xtext;

/// What the reply to EHLO offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offered {
    pub(super) starttls: bool,
    pub(super) pipelining: bool,
    pub(super) chunking: bool,
    eight_bit_mime: bool,
    smtputf8: bool,
    dsn: bool,
    /// SIZE, with the server's limit in octets; 0 for none.
    size: Option<u64>,
}

impl Offered {
    /// Reads the reply to EHLO; its first line is a greeting.
    pub(super) fn read(reply: &Reply) -> Self {
        let mut offered = Self::default();
        for line in reply.text().lines().skip(1) {
            let mut words = line.split_ascii_whitespace();
            match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
                "STARTTLS" => offered.starttls = true,
                "PIPELINING" => offered.pipelining = true,
                "CHUNKING" => offered.chunking = true,
                "8BITMIME" => offered.eight_bit_mime = true,
                "SMTPUTF8" => offered.smtputf8 = true,
                "DSN" => offered.dsn = true,
                "SIZE" => offered.size = Some(words.next().and_then(|n| n.parse().ok()).unwrap_or(0)),
                _ => {}
            }
        }
        offered
    }

    /// Why the message cannot go to this server at all.
    pub(super) fn refusal(&self, job: &Job) -> Option<Reply> {
        let envelope = &job.envelope;
        let ascii = envelope.sender.as_str().is_ascii() && envelope.recipient.as_str().is_ascii();
        let size = job.size();
        match self.size {
            _ if (envelope.smtputf8 || !ascii) && !self.smtputf8 => {
                Some(internal(553, 6, 7, "the message needs SMTPUTF8, which the server does not offer"))
            }
            _ if envelope.eight_bit && !self.eight_bit_mime => {
                Some(internal(554, 6, 3, "the message needs 8BITMIME, which the server does not offer"))
            }
            Some(limit) if limit > 0 && size > limit => {
                let text = format!("the message has {size} octets, the server takes {limit}");
                Some(internal(552, 3, 4, &text))
            }
            Some(_) | None => None,
        }
    }

    /// Appends the MAIL command.
    pub(super) fn write_mail(&self, job: &Job, out: &mut Vec<u8>) {
        let Envelope { sender, ret, envid, eight_bit, smtputf8, recipient, .. } = &job.envelope;
        let mut line = format!("MAIL FROM:<{sender}>");
        // Writing to a string cannot fail.
        if self.size.is_some() {
            let _ = write!(line, " SIZE={}", job.size());
        }
        if *eight_bit {
            line.push_str(" BODY=8BITMIME");
        }
        if *smtputf8 || !sender.as_str().is_ascii() || !recipient.as_str().is_ascii() {
            line.push_str(" SMTPUTF8");
        }
        if self.dsn {
            line.push_str(match ret {
                Some(Return::Full) => " RET=FULL",
                Some(Return::Headers) => " RET=HDRS",
                None => "",
            });
            if let Some(envid) = envid {
                let _ = write!(line, " ENVID={}", xtext::encode(envid));
            }
        }
        line.push_str("\r\n");
        out.extend_from_slice(line.as_bytes());
    }

    /// Appends the RCPT command.
    pub(super) fn write_rcpt(&self, job: &Job, out: &mut Vec<u8>) {
        let Envelope { recipient, notify, original_recipient, .. } = &job.envelope;
        let mut line = format!("RCPT TO:<{recipient}>");
        if self.dsn {
            if *notify != Notify::DEFAULT {
                let _ = write!(line, " NOTIFY={}", notify_value(*notify));
            }
            if let Some(original) = original_recipient {
                let _ = write!(line, " ORCPT={}", xtext::encode_address(original));
            }
        }
        line.push_str("\r\n");
        out.extend_from_slice(line.as_bytes());
    }
}

fn notify_value(notify: Notify) -> String {
    let words = [(notify.success, "SUCCESS"), (notify.failure, "FAILURE"), (notify.delay, "DELAY")];
    let words: Vec<&str> = words.into_iter().filter(|(wanted, _)| *wanted).map(|(_, word)| word).collect();
    if words.is_empty() { "NEVER".to_owned() } else { words.join(",") }
}

/// A reply that no server gave.
pub(super) fn internal(code: u16, subject: u16, detail: u16, text: &str) -> Reply {
    let class = u8::try_from(code / 100).unwrap_or(4);
    Reply::new(code, EnhancedStatus::try_new(class, subject, detail), format!("[internal] {text}"))
}
