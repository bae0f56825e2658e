//! One message in, one message out, one bounce read, one text qualified: what `scripts/bench/counts.sh` counts the
//! instructions of, under callgrind. Counts do not depend on how busy the machine is, as times do.
//!
//! Each function whose name begins with `count_` is collected, and does its work [`TIMES`] times, after it was done before
//! once: tables that are made at the first use are not counted.

#[path = "bench_bounce/everyday.rs"]
mod everyday;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use emta_mail::compose::ReportFormat;
use emta_mail::{EmailAddress, Envelope, inbound};
use emta_qualify::RuleSet;
use emta_qualify::tune::Case;
use emta_sandbox::config::rules;
use emta_smtp::client::TlsPolicy;
use emta_smtp::{
    Answer, ClientConfig, ClientInput, ClientOutput, ClientSession, Job, ServerConfig, ServerInput,
    ServerOutput, ServerSession,
};

type Failure = Box<dyn std::error::Error>;

/// How often each is done; `scripts/bench/counts.sh` divides by it.
const TIMES: u64 = 100;

fn main() -> Result<(), Failure> {
    let content = content();
    let mut server = server();
    let transaction = transaction(&content);
    take(&mut server, &transaction);
    count_message_in(&mut server, &transaction);

    let mut client = client();
    let job = job(content)?;
    send(&mut client, &job);
    count_message_out(&mut client, &job);

    let mail = everyday::bounce_of(ReportFormat::Postfix);
    black_box(inbound::read(&mail));
    count_bounce_read(&mail);

    let set = rules::parse("mta.yaml", &std::fs::read_to_string(Path::new("config/rules/mta.yaml"))?)?;
    let case = Case::line("line", "552 5.2.2 <ann@example.com>: the mailbox is over its quota".to_owned());
    black_box(set.qualify(&case.as_subject()));
    count_text_qualified(&set, &case);
    Ok(())
}

#[inline(never)]
fn count_message_in(server: &mut ServerSession, transaction: &[u8]) {
    for _ in 0..TIMES {
        take(server, transaction);
    }
}

#[inline(never)]
fn count_message_out(client: &mut ClientSession, job: &Job) {
    for _ in 0..TIMES {
        send(client, job);
    }
}

#[inline(never)]
fn count_bounce_read(mail: &[u8]) {
    for _ in 0..TIMES {
        black_box(inbound::read(black_box(mail)));
    }
}

#[inline(never)]
fn count_text_qualified(set: &RuleSet, case: &Case) {
    for _ in 0..TIMES {
        black_box(set.qualify(&black_box(case).as_subject()));
    }
}

fn content() -> String {
    let line = "All work and no play makes a message of the usual length, once more with feeling.\r\n";
    let header = "From: news@source.test\r\nSubject: load\r\nMessage-ID: <1@source.test>\r\n\r\n";
    format!("{header}{}", line.repeat(48))
}

/// A session that has said EHLO.
fn server() -> ServerSession {
    let mut server = ServerSession::new(Arc::new(ServerConfig::new("relay.test")), false);
    take(&mut server, b"EHLO source.test\r\n");
    server
}

fn transaction(content: &str) -> Vec<u8> {
    format!("MAIL FROM:<bounce@source.test>\r\nRCPT TO:<ann@example.com>\r\nDATA\r\n{content}.\r\n")
        .into_bytes()
}

fn take(server: &mut ServerSession, bytes: &[u8]) {
    server.handle(ServerInput::Bytes(bytes));
    while let Some(output) = server.poll() {
        match output {
            ServerOutput::Ask(request) => {
                black_box(request);
                server.handle(ServerInput::Answer(Answer::Accept));
            }
            ServerOutput::Send(bytes) => drop(black_box(bytes)),
            ServerOutput::StartTls | ServerOutput::Close => {}
        }
    }
}

/// A session that has been greeted.
fn client() -> ClientSession {
    let config = ClientConfig { tls: TlsPolicy::Never, ..ClientConfig::new("mta.test") };
    let mut client = ClientSession::new(Arc::new(config));
    hear(&mut client, b"220 sink.test\r\n");
    hear(&mut client, b"250-sink.test\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES\r\n");
    client
}

fn job(content: String) -> Result<Job, Failure> {
    let envelope = Envelope::new("bounce@source.test".parse()?, EmailAddress::parse("ann@example.com")?);
    Ok(Job { key: 1, envelope, content: vec![Bytes::from(content)] })
}

fn send(client: &mut ClientSession, job: &Job) {
    client.handle(ClientInput::Deliver(job.clone()));
    hear(client, b"");
    hear(client, b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n");
    hear(client, b"250 2.0.0 Ok: queued\r\n");
}

fn hear(client: &mut ClientSession, bytes: &[u8]) {
    client.handle(ClientInput::Bytes(bytes));
    while let Some(output) = client.poll() {
        match output {
            ClientOutput::Send(bytes) => drop(black_box(bytes)),
            ClientOutput::Finished(outcome) => drop(black_box(outcome)),
            ClientOutput::StartTls | ClientOutput::Close => {}
        }
    }
}
