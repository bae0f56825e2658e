//! Client and server against each other in memory, with all combinations of what one offers and the other wants.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use emta_mail::message::{Notify, Return};
use emta_mail::{EmailAddress, Envelope, Phase, Reply, ReversePath};
use emta_smtp::{
    Answer, ClientConfig, ClientInput, ClientOutput, ClientSession, Extensions, Job, Outcome, Request,
    ServerConfig, ServerInput, ServerOutput, ServerSession, TlsPolicy, Transaction,
};

/// What became of the jobs, and what the server got.
struct Story {
    outcomes: BTreeMap<u64, Outcome>,
    received: Vec<Transaction>,
    tls: bool,
}

/// Plays all jobs over one connection, in writes of at most `piece` octets.
fn play(client: ClientConfig, server: ServerConfig, jobs: &[Job], piece: usize) -> Story {
    let mut client = ClientSession::new(Arc::new(client));
    let mut server = ServerSession::new(Arc::new(server), false);
    let mut story = Story { outcomes: BTreeMap::new(), received: Vec::new(), tls: false };
    for job in jobs {
        client.handle(ClientInput::Deliver(job.clone()));
    }
    client.handle(ClientInput::Quit);
    let mut closed = false;
    while !closed {
        let mut quiet = true;
        while let Some(output) = server.poll() {
            quiet = false;
            match output {
                ServerOutput::Send(bytes) => {
                    bytes.chunks(piece).for_each(|piece| client.handle(ClientInput::Bytes(piece)));
                }
                ServerOutput::Ask(request) => {
                    let answer = decide(&request);
                    if let (Request::Message(transaction), Answer::Accept) = (request, &answer) {
                        story.received.push(transaction);
                    }
                    server.handle(ServerInput::Answer(answer));
                }
                ServerOutput::StartTls | ServerOutput::Close => {}
            }
        }
        while let Some(output) = client.poll() {
            quiet = false;
            match output {
                ClientOutput::Send(bytes) => {
                    bytes.chunks(piece).for_each(|piece| server.handle(ServerInput::Bytes(piece)));
                }
                ClientOutput::StartTls => {
                    story.tls = true;
                    server.handle(ServerInput::TlsStarted);
                    client.handle(ClientInput::TlsStarted);
                }
                ClientOutput::Finished(outcome) => {
                    let before = story.outcomes.insert(outcome.key, outcome);
                    assert_eq!(before, None, "one outcome for each job");
                }
                ClientOutput::Close => closed = true,
            }
        }
        assert!(closed || !quiet, "both wait for each other");
    }
    assert!(client.is_closed() && server.is_closed());
    story
}

/// The provider refuses whoever has the name of a step.
fn decide(request: &Request) -> Answer {
    let at = |address: &EmailAddress, step: &str| {
        let reply = Reply::parse(&format!("550 5.7.1 refused at {step}")).unwrap();
        if address.local_part() == step { Answer::Reply(reply) } else { Answer::Accept }
    };
    match request {
        Request::Mail(mail) => mail.sender.address().map_or(Answer::Accept, |sender| at(sender, "mail")),
        Request::Rcpt(rcpt) => at(&rcpt.recipient, "rcpt"),
        Request::Message(transaction) => at(&transaction.recipients[0].address, "message"),
        Request::Connect | Request::Ehlo { .. } | Request::Data | Request::Auth(_) => Answer::Accept,
    }
}

fn jobs() -> Vec<Job> {
    let contents = ["", "Hello\r\n", ".\r\n..\r\n.", "a\r\n\r\n.\r\nQUIT\r\n"];
    let recipients = ["ann", "rcpt", "bob", "message", "rcpt", "mail", "message", "eve"];
    let job = |(key, name): (usize, &&str)| {
        let sender = if *name == "mail" { "mail@example.com" } else { "news@example.com" };
        let sender = ReversePath::Address(EmailAddress::parse(sender).unwrap());
        let recipient = EmailAddress::parse(&format!("{name}@example.net")).unwrap();
        let envelope = Envelope {
            ret: Some(Return::Full),
            envid: Some("id+1".to_owned()),
            notify: Notify::NEVER,
            original_recipient: Some("o=x@example.org".to_owned()),
            eight_bit: key == 2,
            smtputf8: key == 7,
            ..Envelope::new(sender, recipient)
        };
        let content = contents[key % contents.len()];
        let (head, tail) = content.split_at(content.len() / 2);
        Job { key: key as u64, envelope, content: vec![Bytes::from(head), Bytes::from(tail)] }
    };
    recipients.iter().enumerate().map(job).collect()
}

/// What must come of each job of [`jobs`], whatever was offered.
fn check(story: &Story, extensions: Extensions, expect_tls: bool) {
    assert_eq!(story.tls, expect_tls);
    let mut delivered = Vec::new();
    for job in jobs() {
        let outcome = &story.outcomes[&job.key];
        let expected = match (job.envelope.recipient.local_part(), job.key) {
            (_, 2) if !extensions.eight_bit_mime => (Phase::Mail, 554),
            (_, 7) if !extensions.smtputf8 => (Phase::Mail, 553),
            ("mail", _) => (Phase::Mail, 550),
            ("rcpt", _) => (Phase::Rcpt, 550),
            ("message", _) => (Phase::Message, 550),
            _ => {
                delivered.push(job);
                (Phase::Message, 250)
            }
        };
        assert_eq!((outcome.phase, outcome.reply.code()), expected, "{outcome:?}");
    }
    assert_eq!(story.received.len(), delivered.len());
    for (transaction, job) in story.received.iter().zip(&delivered) {
        let mut content = job.content.concat();
        if !content.is_empty() && !content.ends_with(b"\r\n") {
            content.extend_from_slice(b"\r\n");
        }
        assert_eq!(transaction.content, content);
        assert_eq!(transaction.sender, job.envelope.sender);
        assert_eq!(transaction.recipients[0].address, job.envelope.recipient);
        assert_eq!(transaction.eight_bit, job.envelope.eight_bit);
        assert_eq!(transaction.protocol.starts_with("UTF8SMTP"), job.envelope.smtputf8);
        assert_eq!(transaction.protocol.ends_with('S'), expect_tls);
        let dsn = (transaction.ret, transaction.envid.as_deref(), transaction.recipients[0].notify);
        let original = transaction.recipients[0].original_recipient.as_deref();
        if extensions.dsn {
            assert_eq!(dsn, (Some(Return::Full), Some("id+1"), Notify::NEVER));
            assert_eq!(original, Some("o=x@example.org"));
        } else {
            assert_eq!((dsn, original), ((None, None, Notify::DEFAULT), None));
        }
    }
}

#[test]
fn every_combination() {
    let jobs = jobs();
    for bits in 0u32..1 << 11 {
        let bit = |n: u32| bits & (1 << n) != 0;
        let extensions = Extensions {
            starttls: bit(0),
            pipelining: bit(1),
            eight_bit_mime: bit(2),
            smtputf8: bit(3),
            size: bit(4),
            enhanced_status_codes: bit(5),
            dsn: bit(6),
            chunking: bit(7),
            ..Extensions::default()
        };
        let tls = if bit(8) { TlsPolicy::Opportunistic } else { TlsPolicy::Never };
        let client =
            ClientConfig { tls, pipelining: bit(9), chunking: bit(10), ..ClientConfig::new("mta.example") };
        let server = ServerConfig { extensions, ..ServerConfig::new("mx.example.test") };
        let piece = if bit(5) { usize::MAX } else { 7 };
        let story = play(client, server, &jobs, piece);
        check(&story, extensions, bit(0) && bit(8));
    }
}

#[test]
fn tls_required() {
    let client = ClientConfig { tls: TlsPolicy::Required, ..ClientConfig::new("mta.example") };
    let mut server = ServerConfig::new("mx.example.test");
    let story = play(client.clone(), server.clone(), &jobs(), 100);
    assert!(story.outcomes.values().all(|o| o.phase == Phase::StartTls && o.reply.is_transient()));
    assert_eq!((story.outcomes.len(), story.received.len()), (jobs().len(), 0));
    server.extensions.starttls = true;
    check(&play(client, server.clone(), &jobs(), 100), server.extensions, true);
}

#[test]
fn many_refusals_on_one_connection_are_no_abuse() {
    let job = |key| Job { key, ..jobs().remove(1) };
    let jobs: Vec<Job> = (0..100).map(job).collect();
    let story = play(ClientConfig::new("mta.example"), ServerConfig::new("mx.example.test"), &jobs, 100);
    assert!(story.outcomes.values().all(|o| (o.phase, o.reply.code()) == (Phase::Rcpt, 550)));
    assert_eq!(story.outcomes.len(), jobs.len());
}
