//! Transcripts as tests: a line of a script is one thing said, expected or done.
//!
//! Both: `C:` the client says, `S:` the server says (a `*` at the end of an expected line stands for any rest; lower case
//! `c:` and `s:` say it without CRLF; `\r`, `\n`, `\t`, `\0` and `\\` are escapes), `T:` TLS is asked for and starts,
//! `X:` the session closes, `!: timeout|closed|shutdown|quit` happens.
//!
//! Server: `A:` answers the next question (`close`, `close <reply>`, `<reply>`; unanswered ones are accepted), `Q:` was
//! the last question, `I: true|false` whether the session is idle.
//!
//! Client: `D: <key> <recipient> [options]` a job, `F: <key> <phase> <reply>` an outcome, `t: <reason>` TLS is asked
//! for and fails.

use std::collections::VecDeque;
use std::sync::Arc;

use emta_mail::{EmailAddress, Envelope, Reply, ReversePath};
use emta_smtp::{
    Answer, ClientConfig, ClientInput, ClientOutput, ClientSession, Job, Request, ServerConfig, ServerInput,
    ServerOutput, ServerSession,
};

/// Plays a script against a server.
pub(crate) fn check_server(config: ServerConfig, script: &str) {
    let mut play = ServerPlay {
        session: ServerSession::new(Arc::new(config), false),
        answers: VecDeque::new(),
        question: String::new(),
        said: VecDeque::new(),
    };
    for (at, (mark, text)) in lines(script) {
        if mark != "A" {
            play.pump();
        }
        match mark {
            "C" => play.session.handle(ServerInput::Bytes(&[&unescape(text)[..], b"\r\n"].concat())),
            "c" => play.session.handle(ServerInput::Bytes(&unescape(text))),
            "S" => expect(&mut play.said, text, at),
            "A" => play.answers.push_back(answer(text)),
            "Q" => assert_eq!(play.question, text, "line {at}"),
            "I" => assert_eq!(play.session.is_idle().to_string(), text, "line {at}"),
            "T" => {
                expect(&mut play.said, "(tls)", at);
                play.session.handle(ServerInput::TlsStarted);
            }
            "X" => expect(&mut play.said, "(close)", at),
            "!" => play.session.handle(match text {
                "timeout" => ServerInput::Timeout,
                "closed" => ServerInput::Closed,
                "shutdown" => ServerInput::Shutdown,
                _ => panic!("line {at}: {text}"),
            }),
            _ => panic!("line {at}: {mark}"),
        }
    }
    play.pump();
    assert!(play.said.is_empty(), "also said: {:#?}", play.said);
}

struct ServerPlay {
    session: ServerSession,
    answers: VecDeque<Answer>,
    question: String,
    said: VecDeque<String>,
}

impl ServerPlay {
    fn pump(&mut self) {
        while let Some(output) = self.session.poll() {
            match output {
                ServerOutput::Send(bytes) => say(&mut self.said, &bytes),
                ServerOutput::Ask(request) => {
                    self.question = summary(&request);
                    let answer = self.answers.pop_front().unwrap_or(Answer::Accept);
                    self.session.handle(ServerInput::Answer(answer));
                }
                ServerOutput::StartTls => self.said.push_back("(tls)".to_owned()),
                ServerOutput::Close => self.said.push_back("(close)".to_owned()),
            }
        }
    }
}

/// A question in a few words.
pub(crate) fn summary(request: &Request) -> String {
    match request {
        Request::Connect => "connect".to_owned(),
        Request::Ehlo { domain, extended } => format!("{} {domain}", if *extended { "ehlo" } else { "helo" }),
        Request::Mail(mail) => format!("mail <{}>", mail.sender),
        Request::Rcpt(rcpt) => format!("rcpt <{}>", rcpt.recipient),
        Request::Data => "data".to_owned(),
        Request::Message(t) => {
            let recipients: Vec<&str> = t.recipients.iter().map(|r| r.address.as_str()).collect();
            let content = String::from_utf8_lossy(&t.content);
            format!("{} from {} <{}> to {}: {content:?}", t.protocol, t.helo, t.sender, recipients.join(","))
        }
        Request::Auth(c) => {
            format!("auth {:?} {:?} {:?} {:?}", c.mechanism, c.identity, c.username, c.password)
        }
    }
}

fn answer(text: &str) -> Answer {
    match text.strip_prefix("close") {
        Some("") => Answer::Close,
        Some(reply) => Answer::ReplyAndClose(Reply::parse(reply.trim()).unwrap()),
        None => Answer::Reply(Reply::parse(text).unwrap()),
    }
}

/// Plays a script against a client.
pub(crate) fn check_client(config: ClientConfig, script: &str) {
    let mut session = ClientSession::new(Arc::new(config));
    let mut said = VecDeque::new();
    for (at, (mark, text)) in lines(script) {
        pump_client(&mut session, &mut said);
        match mark {
            "S" => session.handle(ClientInput::Bytes(&[&unescape(text)[..], b"\r\n"].concat())),
            "s" => session.handle(ClientInput::Bytes(&unescape(text))),
            "C" => expect(&mut said, text, at),
            "D" => session.handle(ClientInput::Deliver(job(text))),
            "F" => expect(&mut said, &format!("(finished) {text}"), at),
            "T" => {
                expect(&mut said, "(tls)", at);
                session.handle(ClientInput::TlsStarted);
            }
            "t" => {
                expect(&mut said, "(tls)", at);
                session.handle(ClientInput::TlsFailed(text));
            }
            "X" => expect(&mut said, "(close)", at),
            "!" => session.handle(match text {
                "timeout" => ClientInput::Timeout,
                "closed" => ClientInput::Closed,
                "quit" => ClientInput::Quit,
                _ => panic!("line {at}: {text}"),
            }),
            _ => panic!("line {at}: {mark}"),
        }
    }
    pump_client(&mut session, &mut said);
    assert!(said.is_empty(), "also said: {said:#?}");
}

fn pump_client(session: &mut ClientSession, said: &mut VecDeque<String>) {
    while let Some(output) = session.poll() {
        match output {
            ClientOutput::Send(bytes) => say(said, &bytes),
            ClientOutput::StartTls => said.push_back("(tls)".to_owned()),
            ClientOutput::Finished(o) => {
                said.push_back(format!("(finished) {} {} {}", o.key, o.phase, o.reply));
            }
            ClientOutput::Close => said.push_back("(close)".to_owned()),
        }
    }
}

/// `<key> <recipient> [null] [8bit] [utf8] [full|hdrs] [envid=..] [never|success] [orcpt=..] [body=..]`
fn job(text: &str) -> Job {
    let mut words = text.split(' ');
    let key = words.next().unwrap().parse().unwrap();
    let recipient = EmailAddress::parse(words.next().unwrap()).unwrap();
    let sender = ReversePath::Address(EmailAddress::parse("news@example.com").unwrap());
    let mut envelope = Envelope::new(sender, recipient);
    let mut content = b"Hello\r\n".to_vec();
    for word in words {
        match word.split_once('=').unwrap_or((word, "")) {
            ("null", _) => envelope.sender = ReversePath::Null,
            ("8bit", _) => envelope.eight_bit = true,
            ("utf8", _) => envelope.smtputf8 = true,
            ("hdrs", _) => envelope.ret = Some(emta_mail::message::Return::Headers),
            ("full", _) => envelope.ret = Some(emta_mail::message::Return::Full),
            ("envid", id) => envelope.envid = Some(id.to_owned()),
            ("never", _) => envelope.notify = emta_mail::message::Notify::NEVER,
            ("success", _) => envelope.notify.success = true,
            ("orcpt", address) => envelope.original_recipient = Some(address.to_owned()),
            ("body", body) => content = unescape(body),
            _ => panic!("{word}"),
        }
    }
    Job { key, envelope, content: vec![content.into()] }
}

/// The lines of a script that are a server's reply to EHLO.
pub(crate) fn ehlo_reply(keywords: &[&str]) -> String {
    let lines = ["mx.example.test greets you"].iter().chain(keywords);
    let last = keywords.len();
    let line =
        |(at, line): (usize, &&str)| ["S: 250", if at == last { " " } else { "-" }, *line, "\n"].concat();
    lines.enumerate().map(line).collect()
}

fn lines(script: &str) -> impl Iterator<Item = (usize, (&str, &str))> {
    let lines = script.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
    lines.map(|(at, line)| (at, line.split_once(':').map(|(mark, text)| (mark, text.trim_start())).unwrap()))
}

fn say(said: &mut VecDeque<String>, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_suffix("\r\n").expect("what is sent ends a line");
    said.extend(text.split("\r\n").map(str::to_owned));
}

fn expect(said: &mut VecDeque<String>, expected: &str, at: usize) {
    let got = said.pop_front().unwrap_or_else(|| "(nothing)".to_owned());
    let fits = match expected.strip_suffix('*') {
        Some(start) => got.starts_with(start),
        None => got == expected,
    };
    assert!(fits, "line {at}: expected `{expected}`, got `{got}`, then {said:?}");
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'r') => b'\r',
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'0') => 0,
                Some(b'\\') => b'\\',
                other => panic!("escape {other:?} in {text}"),
            },
            other => other,
        });
    }
    out
}
