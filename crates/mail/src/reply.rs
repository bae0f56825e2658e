//! SMTP replies, enhanced status codes, and the step of a session at which something was said.

use std::fmt;
use std::str::FromStr;

/// An enhanced mail system status code, `class.subject.detail` (RFC 3463 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnhancedStatus {
    class: u8,
    subject: u16,
    detail: u16,
}

/// What was wrong with a written enhanced status code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an enhanced status code; expected 2, 4 or 5, then two numbers of up to three digits: `5.1.1`"
)]
pub struct EnhancedStatusError(String);

impl EnhancedStatus {
    /// From its parts: class 2 (success), 4 (persistent transient failure) or 5 (permanent failure), subject and
    /// detail 0 to 999. `None` outside of these.
    pub const fn try_new(class: u8, subject: u16, detail: u16) -> Option<Self> {
        match class {
            2 | 4 | 5 if subject <= 999 && detail <= 999 => Some(Self { class, subject, detail }),
            _ => None,
        }
    }

    /// 2, 4 or 5.
    pub const fn class(self) -> u8 {
        self.class
    }

    /// The part of the mail system that it speaks of: 1 addressing, 2 mailbox, 3 mail system, 4 network and routing,
    /// 5 protocol, 6 content, 7 security or policy (RFC 3463 section 3).
    pub const fn subject(self) -> u16 {
        self.subject
    }

    /// The detail within the subject.
    pub const fn detail(self) -> u16 {
        self.detail
    }

    /// Whether it reports a permanent failure (class 5).
    pub const fn is_permanent(self) -> bool {
        self.class == 5
    }
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl FromStr for EnhancedStatus {
    type Err = EnhancedStatusError;
    fn from_str(text: &str) -> Result<Self, EnhancedStatusError> {
        let fail = || EnhancedStatusError(text.to_owned());
        let mut parts = text.split('.');
        let mut number = || -> Option<u16> {
            let part = parts.next()?;
            let digits = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten()
        };
        let (class, subject, detail) = (number(), number(), number());
        match (class, subject, detail, parts.next()) {
            (Some(class @ 0..=9), Some(subject), Some(detail), None) => {
                Self::try_new(class as u8, subject, detail).ok_or_else(fail)
            }
            _ => Err(fail()),
        }
    }
}

/// A server's answer to a command: a code, an enhanced status where one was given, and its lines of text
/// (RFC 5321 section 4.2, RFC 2034).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    code: u16,
    enhanced: Option<EnhancedStatus>,
    /// Lines separated by `\n`, without code, enhanced status and line ends.
    text: String,
}

/// What was wrong with a written reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an SMTP reply; expected a code from 200 to 599, then text: `550 5.1.1 User unknown`")]
pub struct ReplyError(String);

impl Reply {
    /// A reply with an enhanced status. Line breaks in `text` make it a reply of several lines; other control
    /// characters become spaces, a code outside 200 to 599 becomes the nearest end.
    pub fn new(code: u16, enhanced: Option<EnhancedStatus>, text: impl Into<String>) -> Self {
        let text: String = text.into();
        let text = if text.bytes().any(|b| b < b' ' && b != b'\n') {
            text.replace("\r\n", "\n").replace(|c: char| c < ' ' && c != '\n', " ")
        } else {
            text
        };
        Self { code: code.clamp(200, 599), enhanced, text }
    }

    /// A reply as it stands in configuration or in a log: `550 5.1.1 User unknown`; further lines after `\n` may
    /// repeat code and status, as on the wire.
    ///
    /// # Errors
    /// When it does not begin with a code from 200 to 599, or code and text are run together.
    pub fn parse(text: &str) -> Result<Self, ReplyError> {
        let fail = || ReplyError(text.to_owned());
        if !text.trim_end().contains('\n') {
            // Most have one line, and are read many times for each message.
            let (code, rest) = split_code(text.trim_end()).ok_or_else(fail)?;
            let (enhanced, rest) = split_enhanced(rest);
            return Ok(Self::new(code, enhanced, rest));
        }
        let mut lines = Vec::new();
        let mut head = None;
        for line in text.trim_end().lines() {
            let (code, rest) = split_code(line).map_or((None, line), |(code, rest)| (Some(code), rest));
            let (code, enhanced) = match (head, code) {
                (None, None) => return Err(fail()),
                (None, Some(code)) => (code, split_enhanced(rest).0),
                (Some((first, enhanced)), _) => (first, enhanced),
            };
            head = Some((code, enhanced));
            let (status, after) = split_enhanced(rest);
            lines.push(if status.is_some() && status == enhanced { after } else { rest });
        }
        let (code, enhanced) = head.ok_or_else(fail)?;
        Ok(Self::new(code, enhanced, lines.join("\n")))
    }

    /// The three-digit code, 200 to 599.
    pub const fn code(&self) -> u16 {
        self.code
    }

    /// The enhanced status code, where the server gave one.
    pub const fn enhanced(&self) -> Option<EnhancedStatus> {
        self.enhanced
    }

    /// The text without code and enhanced status; several lines are separated by `\n`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// 2yz or 3yz: the command did what it should.
    pub const fn is_positive(&self) -> bool {
        self.code < 400
    }

    /// 4yz: it may work later.
    pub const fn is_transient(&self) -> bool {
        self.code >= 400 && self.code < 500
    }

    /// 5yz: it will not work.
    pub const fn is_permanent(&self) -> bool {
        self.code >= 500
    }

    /// The bytes to send, with `code-` on all lines but the last, the enhanced status on each, and CRLF.
    pub fn wire(&self) -> String {
        let mut out = String::with_capacity(self.text.len() + 16);
        let mut lines = self.text.split('\n').peekable();
        while let Some(line) = lines.next() {
            push_number(&mut out, self.code);
            out.push(if lines.peek().is_some() { '-' } else { ' ' });
            if let Some(EnhancedStatus { class, subject, detail }) = self.enhanced {
                for (number, end) in [(u16::from(class), '.'), (subject, '.'), (detail, ' ')] {
                    push_number(&mut out, number);
                    out.push(end);
                }
            }
            out.push_str(line);
            out.push_str("\r\n");
        }
        out
    }
}

/// On one line, as logs and `Diagnostic-Code` fields write it: `550 5.1.1 User unknown`.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        for line in self.text.split('\n').filter(|l| !l.is_empty()) {
            write!(f, " {line}")?;
        }
        Ok(())
    }
}

fn split_code(line: &str) -> Option<(u16, &str)> {
    let digits = line.get(..3).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    let code = digits.parse().ok().filter(|c| (200..600).contains(c))?;
    match line.as_bytes().get(3) {
        None => Some((code, "")),
        Some(b' ' | b'-') => Some((code, &line[4..])),
        Some(_) => None,
    }
}

/// Writes a number of up to three digits; `to_string` takes ten times as long.
fn push_number(out: &mut String, number: u16) {
    let digit = |number: u16| char::from(b'0' + (number % 10) as u8);
    if number >= 100 {
        out.push(digit(number / 100));
    }
    if number >= 10 {
        out.push(digit(number / 10));
    }
    out.push(digit(number));
}

fn split_enhanced(text: &str) -> (Option<EnhancedStatus>, &str) {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return (None, text);
    }
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word.parse() {
        Ok(status) => (Some(status), rest),
        Err(_) => (None, text),
    }
}

/// The step at which an attempt ended, in the order of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Looking up the destination's MX hosts.
    Dns,
    /// Opening the connection.
    Connect,
    /// The server's greeting.
    Greeting,
    /// EHLO or HELO.
    Ehlo,
    /// STARTTLS and the handshake.
    StartTls,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, or BDAT before its last chunk.
    Data,
    /// The content: everything up to the reply after the final dot or last chunk.
    Message,
}

impl Phase {
    /// All steps, in order.
    pub const ALL: [Self; 10] = [
        Self::Dns,
        Self::Connect,
        Self::Greeting,
        Self::Ehlo,
        Self::StartTls,
        Self::Auth,
        Self::Mail,
        Self::Rcpt,
        Self::Data,
        Self::Message,
    ];

    /// Its name in configuration, events and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Ehlo => "ehlo",
            Self::StartTls => "starttls",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Message => "message",
        }
    }

    /// The step of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.name() == name)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_replies() {
        let reply = Reply::parse("550 5.1.1 User unknown").unwrap();
        assert_eq!((reply.code(), reply.text()), (550, "User unknown"));
        assert_eq!(reply.enhanced().unwrap().to_string(), "5.1.1");
        assert_eq!(reply.wire(), "550 5.1.1 User unknown\r\n");

        let long =
            Reply::parse("550-5.1.1 The account does not exist.\n550 5.1.1 See the help pages.").unwrap();
        assert_eq!(long.text(), "The account does not exist.\nSee the help pages.");
        assert_eq!(long.wire(), "550-5.1.1 The account does not exist.\r\n550 5.1.1 See the help pages.\r\n");
        assert_eq!(long.to_string(), "550 5.1.1 The account does not exist. See the help pages.");

        assert_eq!(Reply::parse("250").unwrap().wire(), "250 \r\n");
        assert_eq!(Reply::parse("421 4.7.0 [TS01] try later").unwrap().text(), "[TS01] try later");
        assert_eq!(Reply::parse("552 192.0.2.1 is full").unwrap().enhanced(), None);
        for text in ["", "OK", "25", "999 no", "199 no", "550User"] {
            assert!(Reply::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_reply_cannot_carry_another_reply() {
        let reply = Reply::new(250, None, "ok\r\nfine\r250 forged");
        assert_eq!(reply.wire(), "250-ok\r\n250 fine 250 forged\r\n");
    }

    #[test]
    fn enhanced_status_at_the_bounds() {
        for text in ["2.0.0", "4.999.999", "5.7.26"] {
            assert_eq!(text.parse::<EnhancedStatus>().unwrap().to_string(), text);
        }
        for text in ["", "5", "5.1", "5.1.1.1", "3.0.0", "5.1000.0", "5.1.x", "5..1", "5.1.+1", "500.1.1"] {
            assert!(text.parse::<EnhancedStatus>().is_err(), "{text}");
        }
    }
}
