//! The transaction that a session is in: from MAIL until the reply to the message.

use emta_mail::Reply;

use super::config::Limits;
use super::exchange::{MailCommand, RcptCommand, Recipient, Transaction};
use super::replies::reply;
use crate::content::{ContentProblem, ContentReader, Framing};

/// A transaction under way.
#[derive(Debug)]
pub(super) struct OpenTransaction {
    pub(super) mail: MailCommand,
    pub(super) recipients: Vec<Recipient>,
    /// A RCPT was refused.
    pub(super) refused: bool,
    pub(super) chunks: Chunks,
}

/// How far a message that comes by BDAT is.
#[derive(Debug)]
pub(super) enum Chunks {
    /// No BDAT yet.
    None,
    /// Chunks are being gathered.
    Open(ContentReader),
    /// A chunk was refused; the client has to send RSET (RFC 3030 section 2).
    Failed,
}

impl OpenTransaction {
    pub(super) const fn new(mail: MailCommand) -> Self {
        Self { mail, recipients: Vec::new(), refused: false, chunks: Chunks::None }
    }

    pub(super) fn add(&mut self, rcpt: RcptCommand) {
        let RcptCommand { recipient, notify, original_recipient } = rcpt;
        self.recipients.push(Recipient { address: recipient, notify, original_recipient });
    }

    /// The whole transaction, once its content was read to the end.
    ///
    /// # Errors
    /// With the reply to send, where the content passed a limit.
    pub(super) fn complete(
        self,
        content: ContentReader,
        by: &Sender,
        limits: &Limits,
    ) -> Result<Transaction, Reply> {
        let MailCommand { sender, size: _, eight_bit, smtputf8, ret, envid } = self.mail;
        let content = content.finish().map_err(|problem| match problem {
            ContentProblem::TooLarge => too_large(limits),
            ContentProblem::LineTooLong => {
                reply(554, 6, 0, format!("a line of the message is longer than {} octets", limits.text_line))
            }
        })?;
        let (protocol, helo) = (by.protocol(smtputf8), by.helo.clone());
        let recipients = self.recipients;
        Ok(Transaction { sender, recipients, ret, envid, eight_bit, smtputf8, content, protocol, helo })
    }
}

/// A reader for the content of one message.
pub(super) const fn reader(framing: Framing, limits: &Limits) -> ContentReader {
    ContentReader::new(framing, limits.text_line, limits.message_size)
}

/// The reply to a message over the limit.
pub(super) fn too_large(limits: &Limits) -> Reply {
    reply(552, 3, 4, format!("message is larger than {} octets", limits.message_size))
}

/// How the client presents itself.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) helo: String,
    pub(super) extended: bool,
    pub(super) tls: bool,
    pub(super) authenticated: bool,
}

impl Sender {
    /// The protocol's registered name (RFC 3848, RFC 6531 section 4.3).
    fn protocol(&self, smtputf8: bool) -> &'static str {
        match (self.extended, smtputf8, self.tls, self.authenticated) {
            (false, _, _, _) => "SMTP",
            (true, false, false, false) => "ESMTP",
            (true, false, false, true) => "ESMTPA",
            (true, false, true, false) => "ESMTPS",
            (true, false, true, true) => "ESMTPSA",
            (true, true, false, false) => "UTF8SMTP",
            (true, true, false, true) => "UTF8SMTPA",
            (true, true, true, false) => "UTF8SMTPS",
            (true, true, true, true) => "UTF8SMTPSA",
        }
    }
}
