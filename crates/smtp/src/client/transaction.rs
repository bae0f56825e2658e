//! One job's way through MAIL, RCPT and DATA or BDAT, in lock-step or pipelined.

use emta_mail::{Phase, Reply};

use super::exchange::Job;
use super::session::{ClientSession, malformed};
use crate::content::{self, Framing};

/// A job of which commands were sent.
#[derive(Debug)]
pub(super) struct Transaction {
    job: Job,
    step: Step,
    /// What decided: the reply to the message, or the first refusal before it. Replies to commands that were pipelined
    /// behind a refusal say nothing more.
    verdict: Option<(Phase, Reply)>,
    /// The server opened a transaction.
    opened: bool,
}

/// The command that the next reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Reset,
    Mail,
    Rcpt,
    Data,
    /// The final dot, or BDAT LAST.
    Message,
    /// The final dot of a message to nobody: RCPT was refused, but a DATA pipelined behind it was not.
    Discard,
}

impl Step {
    const fn phase(self) -> Phase {
        match self {
            Self::Reset | Self::Mail => Phase::Mail,
            Self::Rcpt => Phase::Rcpt,
            Self::Data => Phase::Data,
            Self::Message | Self::Discard => Phase::Message,
        }
    }
}

impl Transaction {
    pub(super) const fn key(&self) -> u64 {
        self.job.key
    }

    /// How the job ends when the session ends here.
    pub(super) fn lost(self, reply: Reply) -> (u64, Phase, Reply) {
        let (phase, reply) = self.verdict.unwrap_or((self.step.phase(), reply));
        (self.job.key, phase, reply)
    }

    fn decide(&mut self, reply: Reply) {
        let phase = self.step.phase();
        self.verdict.get_or_insert((phase, reply));
    }

    /// What the reply to the present step leads to.
    fn next(&mut self, reply: Reply, pipelines: bool, chunks: bool) -> Next {
        let class = reply.code() / 100;
        match self.step {
            Step::Reset => self.go_on(self.following(chunks), pipelines),
            Step::Mail | Step::Rcpt if class == 3 => Next::Malformed,
            Step::Mail | Step::Rcpt if class != 2 => {
                self.decide(reply);
                self.go_on(self.following(chunks), pipelines)
            }
            Step::Mail => {
                self.opened = true;
                self.go_on(self.following(chunks), pipelines)
            }
            Step::Rcpt => self.go_on(self.following(chunks), pipelines),
            Step::Data if reply.code() == 354 && self.verdict.is_some() => Next::Send(Step::Discard),
            Step::Data if reply.code() == 354 => Next::Send(Step::Message),
            Step::Data if reply.is_positive() => Next::Malformed,
            Step::Data => {
                self.decide(reply);
                Next::Finished { open: self.opened }
            }
            Step::Message if class == 3 => Next::Malformed,
            Step::Message => {
                // The final dot ends the transaction whatever the reply; after a refused BDAT only RSET does
                // (RFC 3030 section 2).
                let open = chunks && self.opened && (class != 2 || self.verdict.is_some());
                self.decide(reply);
                Next::Finished { open }
            }
            Step::Discard => Next::Finished { open: false },
        }
    }

    /// The step after this one when all goes well.
    const fn following(&self, chunks: bool) -> Step {
        match self.step {
            Step::Reset => Step::Mail,
            Step::Mail => Step::Rcpt,
            Step::Rcpt if chunks => Step::Message,
            Step::Rcpt => Step::Data,
            Step::Data | Step::Message | Step::Discard => Step::Message,
        }
    }

    /// In lock-step a refusal is the end; pipelined, the replies to what was already sent come first.
    const fn go_on(&self, step: Step, pipelines: bool) -> Next {
        if pipelines {
            Next::Await(step)
        } else if self.verdict.is_some() {
            Next::Finished { open: self.opened }
        } else {
            Next::Send(step)
        }
    }
}

/// What a transaction goes on with after a reply.
enum Next {
    /// Wait for the reply to what was already sent.
    Await(Step),
    /// Send the command, then wait for its reply.
    Send(Step),
    /// It is over; whether the server still has a transaction open.
    Finished { open: bool },
    /// That was no reply to this command.
    Malformed,
}

impl ClientSession {
    fn pipelines(&self) -> bool {
        self.config.pipelining && self.offered.pipelining
    }

    fn chunks(&self) -> bool {
        self.config.chunking && self.offered.chunking
    }

    /// Begins as many waiting jobs as may be under way.
    pub(super) fn begin_jobs(&mut self) {
        while self.may_begin() {
            let Some(job) = self.waiting.pop_front() else { return };
            match self.offered.refusal(&job) {
                Some(refusal) => self.finish(job.key, Phase::Mail, refusal),
                None => self.begin(job),
            }
        }
    }

    /// One at a time; but once a message's content is on its way nothing can be left open, so that the next one's
    /// commands may follow in the same group (RFC 2920 section 3.1). BDAT needs no round trip of its own, so there is
    /// nothing to gain there, and a refused chunk would have to be reset first.
    fn may_begin(&self) -> bool {
        match self.active.front().map(|first| first.step) {
            None => true,
            Some(Step::Message | Step::Discard) => {
                self.active.len() < Self::IN_FLIGHT && self.pipelines() && !self.chunks()
            }
            Some(Step::Reset | Step::Mail | Step::Rcpt | Step::Data) => false,
        }
    }

    fn begin(&mut self, job: Job) {
        let reset = std::mem::take(&mut self.needs_reset);
        let first = if reset { Step::Reset } else { Step::Mail };
        let transaction = Transaction { job, step: first, verdict: None, opened: false };
        if reset {
            self.send_command(Step::Reset, &transaction.job);
        }
        if self.pipelines() {
            self.send_command(Step::Mail, &transaction.job);
            self.send_command(Step::Rcpt, &transaction.job);
            self.send_command(if self.chunks() { Step::Message } else { Step::Data }, &transaction.job);
        } else if !reset {
            self.send_command(Step::Mail, &transaction.job);
        }
        self.active.push_back(transaction);
    }

    /// A reply while no handshake is under way.
    pub(super) fn transaction_reply(&mut self, reply: Reply) {
        let (pipelines, chunks) = (self.pipelines(), self.chunks());
        let Some(mut first) = self.active.pop_front() else {
            // Nothing was asked. 421 is said unasked before closing; anything else cannot be understood.
            return self.lose(malformed());
        };
        if reply.code() == 421 {
            self.active.push_front(first);
            return self.lose(reply);
        }
        match first.next(reply, pipelines, chunks) {
            Next::Await(step) => {
                first.step = step;
                self.active.push_front(first);
            }
            Next::Send(step) => {
                first.step = step;
                self.send_command(step, &first.job);
                self.active.push_front(first);
            }
            Next::Finished { open } => {
                self.needs_reset = open;
                if let Some((phase, reply)) = first.verdict {
                    self.finish(first.job.key, phase, reply);
                }
            }
            Next::Malformed => {
                self.active.push_front(first);
                self.lose(malformed());
            }
        }
    }

    fn send_command(&mut self, step: Step, job: &Job) {
        let (offered, chunks) = (self.offered, self.chunks());
        let mut out = self.unsent();
        match step {
            Step::Reset => out.extend_from_slice(b"RSET\r\n"),
            Step::Mail => offered.write_mail(job, &mut out),
            Step::Rcpt => offered.write_rcpt(job, &mut out),
            Step::Data => out.extend_from_slice(b"DATA\r\n"),
            Step::Message if chunks => {
                let mut octets = Vec::new();
                content::write(&job.content, Framing::Octets, &mut octets);
                out.extend_from_slice(format!("BDAT {} LAST\r\n", octets.len()).as_bytes());
                out.extend_from_slice(&octets);
            }
            Step::Message => content::write(&job.content, Framing::Dots, &mut out),
            Step::Discard => out.extend_from_slice(b".\r\n"),
        }
        self.send(out);
    }
}
