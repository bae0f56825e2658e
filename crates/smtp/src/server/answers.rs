//! What an answer changes, and the standard replies to what was accepted.

use emta_mail::Reply;

use super::config::Extensions;
use super::exchange::Answer;
use super::replies::{keywords, plain, reply};
use super::session::{Asked, Fate, Hello, ServerSession, State};
use super::transaction::{Chunks, OpenTransaction, reader};
use crate::content::Framing;

impl ServerSession {
    pub(super) fn answer(&mut self, asked: Asked, answer: Answer) {
        match answer {
            Answer::Accept => self.accept(asked, None),
            Answer::Reply(reply) if reply.is_positive() => self.accept(asked, Some(reply)),
            Answer::Reply(reply) => self.refuse(&asked, reply),
            Answer::ReplyAndClose(reply) => {
                self.send(&reply);
                self.close();
            }
            Answer::Close => self.close(),
        }
    }

    /// Goes on, with the owner's reply where there is one.
    fn accept(&mut self, asked: Asked, custom: Option<Reply>) {
        let standard = match asked {
            Asked::Connect => self.greeting(),
            Asked::Hello(hello) => return self.accept_hello(hello, custom.as_ref()),
            Asked::Mail(mail) => {
                self.transaction = Some(OpenTransaction::new(mail));
                reply(250, 1, 0, "Ok")
            }
            Asked::Rcpt(rcpt) => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.add(rcpt);
                }
                reply(250, 1, 5, "Ok")
            }
            Asked::Data => {
                self.state = State::Content(reader(Framing::Dots, &self.config.limits));
                let go_on = custom.filter(|reply| reply.code() == 354);
                return self.send(&go_on.unwrap_or_else(|| plain(354, "end with <CRLF>.<CRLF>")));
            }
            Asked::FirstChunk(chunk) => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.chunks = Chunks::Open(reader(Framing::Octets, &self.config.limits));
                }
                self.state = State::Chunk { chunk, fate: Fate::Kept };
                return;
            }
            Asked::Message => reply(250, 0, 0, "Ok"),
            Asked::Auth => {
                self.authenticated = true;
                reply(235, 7, 0, "authentication successful")
            }
        };
        match custom {
            Some(custom) => self.send(&custom),
            None => self.say(&standard),
        }
    }

    fn accept_hello(&mut self, hello: Hello, custom: Option<&Reply>) {
        self.transaction = None;
        let standard = format!("{} greets you", self.config.hostname);
        let mut text = custom.map_or(standard, |reply| reply.text().to_owned());
        if hello.extended {
            self.offered = self.config.extensions;
            text.push_str(&keywords(&self.offered, &self.config.limits, self.tls));
        } else {
            self.offered = Extensions::NONE;
        }
        self.hello = Some(hello);
        self.send(&plain(250, text));
    }

    fn refuse(&mut self, asked: &Asked, refusal: Reply) {
        match asked {
            Asked::Connect => self.refused = true,
            Asked::Rcpt(_) => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.refused = true;
                }
            }
            Asked::FirstChunk(chunk) => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.chunks = Chunks::Failed;
                }
                self.state = State::Chunk { chunk: *chunk, fate: Fate::Refused(refusal) };
                return;
            }
            Asked::Hello(_) | Asked::Mail(_) | Asked::Data | Asked::Message | Asked::Auth => {}
        }
        self.send(&refusal);
    }
}
