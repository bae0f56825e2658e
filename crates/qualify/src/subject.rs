//! What is qualified: the reply of a server, or a mail that came back.

use emta_mail::{EnhancedStatus, Phase};

use crate::rule::Field;

/// Octets of reply or diagnostic text that rules look at; what follows is not looked at.
pub const MAX_TEXT: usize = 8 * 1024;
/// Octets of a subject line that rules look at.
pub const MAX_SUBJECT: usize = 1024;
/// Octets of a mail's text that rules look at.
pub const MAX_BODY: usize = 64 * 1024;

/// What kind of thing came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A failure: a reply in the session or a report by mail.
    #[default]
    Bounce,
    /// A recipient's complaint (ARF, RFC 5965).
    Complaint,
    /// An automatic reply (RFC 3834).
    AutoReply,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Bounce, Self::Complaint, Self::AutoReply];

    /// Its name in rule files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Complaint => "complaint",
            Self::AutoReply => "auto_reply",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What a rule set is asked about. Everything but the text may be unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subject<'a> {
    /// What came back.
    pub kind: Kind,
    /// Reply or diagnostic text on one line, with code and enhanced status where it had them.
    pub text: &'a str,
    /// SMTP reply code, 200 to 599.
    pub code: Option<u16>,
    /// Enhanced status code.
    pub status: Option<EnhancedStatus>,
    /// Step of the session.
    pub phase: Option<Phase>,
    /// Name of the mailbox provider.
    pub provider: Option<&'a str>,
    /// Format of the report, as the reader of bounce mails names it.
    pub sender_format: Option<&'a str>,
    /// Subject line of the mail that came back.
    pub subject: Option<&'a str>,
    /// Its text.
    pub body: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// A subject from a raw reply (`550 5.1.1 <ann@example.com>: User unknown`, what [`Reply`](emta_mail::Reply)
    /// displays) or from a diagnostic that quotes one (`host mx.example said: 550 5.1.1 ...`).
    ///
    /// Code and enhanced status are those at the beginning; without a code there, the first code that follows a
    /// colon or a quotation mark. A status alone is taken wherever it stands.
    pub fn from_reply_line(text: &'a str, phase: Option<Phase>) -> Self {
        let looked_at = bounded(text, MAX_TEXT);
        let (code, status) = head(looked_at).unwrap_or_else(|| quoted_reply(looked_at));
        let status = status.or_else(|| looked_at.split(is_separator).find_map(status_word));
        Self { text, code, status, phase, ..Self::default() }
    }

    /// The part of a field that rules look at; `None` if the subject lacks the field.
    pub(crate) fn field(&self, field: Field) -> Option<&'a str> {
        match field {
            Field::Text => Some(bounded(self.text, MAX_TEXT)),
            Field::Subject => self.subject.map(|text| bounded(text, MAX_SUBJECT)),
            Field::Body => self.body.map(|text| bounded(text, MAX_BODY)),
        }
    }
}

/// The longest beginning of `text` that has at most `limit` octets.
pub(crate) fn bounded(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Code and status that `text` begins with: `550 5.1.1`, `550-5.1.1`, `550 #5.1.1`.
fn head(text: &str) -> Option<(Option<u16>, Option<EnhancedStatus>)> {
    let text = text.trim_start_matches([' ', '#']);
    let digits = text.get(..3).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    let code = digits.parse().ok().filter(|code| (200..600).contains(code))?;
    let rest = text.get(3..).filter(|rest| rest.is_empty() || rest.starts_with([' ', '-', ':', '\t']))?;
    let word = rest.trim_start_matches([' ', '-', ':', '#', '(', '\t']).split(is_separator).next();
    Some((Some(code), word.and_then(status_word)))
}

fn quoted_reply(text: &str) -> (Option<u16>, Option<EnhancedStatus>) {
    let after_mark =
        text.match_indices([':', '"', '\'', '[', '<', '(']).filter_map(|(at, _)| text.get(at + 1..));
    let code_is_failure = |found: &(Option<u16>, _)| found.0.is_some_and(|code| code >= 400);
    after_mark.filter_map(head).find(code_is_failure).unwrap_or((None, None))
}

/// A word that is an enhanced status; `5.1.1.` and `5.1.1:` count, an IP address does not.
fn status_word(word: &str) -> Option<EnhancedStatus> {
    word.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok()
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '<' | '>' | '"' | '\'' | ',' | ';' | '#' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, code: u16, status: &str) {
        let subject = Subject::from_reply_line(line, None);
        assert_eq!(subject.code.unwrap_or(0), code, "{line}");
        assert_eq!(subject.status.map_or(String::new(), |s| s.to_string()), status, "{line}");
    }

    #[test]
    fn finds_code_and_status_in_a_line() {
        check("550 5.1.1 <ann@example.com>: User unknown", 550, "5.1.1");
        check("550-5.1.1 The account does not exist.", 550, "5.1.1");
        check("503 #5.5.1 RCPT first", 503, "5.5.1");
        check("421 mx.example.net too busy", 421, "");
        check("250", 250, "");
        check("host mx.example.net[192.0.2.1] said: 550 5.2.2 full (in reply to RCPT TO)", 550, "5.2.2");
        check("after RCPT TO:<ann@example.com>: 452 4.2.2 over quota", 452, "4.2.2");
        check("Remote host said: no, status 5.7.1.", 0, "5.7.1");
        check("connect to 192.0.2.1:25: refused", 0, "");
        check("the year 2026 was 550 days long", 0, "");
        check("", 0, "");
        check("55", 0, "");
        check("5501 what", 0, "");
    }

    #[test]
    fn fields_end_at_their_bounds() {
        let long = "é".repeat(MAX_BODY);
        let subject = Subject { text: &long, subject: Some(&long), body: Some(&long), ..Subject::default() };
        for (field, limit) in
            [(Field::Text, MAX_TEXT), (Field::Subject, MAX_SUBJECT), (Field::Body, MAX_BODY)]
        {
            assert_eq!(subject.field(field).unwrap().len(), limit);
        }
        assert_eq!(bounded("aé", 2), "a");
        assert_eq!(bounded("aé", 3), "aé");
    }
}
