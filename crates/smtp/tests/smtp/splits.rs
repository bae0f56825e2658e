//! How the bytes are cut into pieces changes nothing, and no bytes at all lead to a panic.

use std::sync::Arc;

use emta_mail::Reply;
use emta_smtp::{
    Answer, AuthPolicy, ClientConfig, ClientInput, ClientOutput, ClientSession, Extensions, Job, Limits,
    Outcome, Request, ServerConfig, ServerInput, ServerOutput, ServerSession,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::script::summary;

/// Pieces of dialogue, right and wrong, from which streams are put together.
const SERVER_PIECES: &[&str] = &[
    "EHLO client.example\r\n",
    "HELO client.example\r\n",
    "MAIL FROM:<a@example.com>\r\n",
    "MAIL FROM:<> SIZE=10 BODY=8BITMIME RET=HDRS ENVID=x\r\n",
    "RCPT TO:<b@example.net>\r\n",
    "RCPT TO:<refused@example.net> NOTIFY=NEVER\r\n",
    "EHLO a\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n",
    "DATA\r\n",
    "Subject: x\r\n\r\nHello\r\n.\r\n",
    "..\r\n.\r\n",
    ".\r\n",
    "BDAT 5\r\nHello",
    "BDAT 7 LAST\r\nHello\r\n",
    "BDAT 30\r\nHello",
    "RSET\r\n",
    "STARTTLS\r\n",
    "AUTH LOGIN\r\n",
    "AUTH PLAIN AGEAYg==\r\n",
    "YQ==\r\n",
    "*\r\n",
    "a line that is far longer than a line may be, and goes on for a while after that\r\n",
    "QUIT\r\n",
    "GET / HTTP/1.1\r\n",
    "NOOP\n",
    "x\r",
    "\n.\n",
];

const CLIENT_PIECES: &[&str] = &[
    "220 mx.example.test ESMTP\r\n",
    "250-mx.example.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
    "250-mx.example.test\r\n250-STARTTLS\r\n250 CHUNKING\r\n",
    "250 2.0.0 Ok\r\n",
    "250 2.0.0 Ok\r\n250 2.0.0 Ok\r\n354 go\r\n",
    "354 go\r\n",
    "220 go\r\n",
    "450 4.2.1 later\r\n",
    "550-5.1.1 no\r\n550 5.1.1 such\r\n",
    "503 no\r\n",
    "502 no\r\n",
    "421 4.3.2 bye\r\n",
    "25",
    "hello\r\n",
    "250 a\n",
];

fn server_config() -> ServerConfig {
    let extensions = Extensions {
        starttls: true,
        auth: AuthPolicy::Optional,
        require_tls_for_auth: false,
        ..Extensions::default()
    };
    let limits = Limits { command_line: 64, text_line: 20, recipients: 2, message_size: 40, errors: 8 };
    ServerConfig { extensions, limits, ..ServerConfig::new("mx.example.test") }
}

/// All that a server says, asks and does about these pieces.
fn server_story(pieces: &[&[u8]]) -> String {
    let mut session = ServerSession::new(Arc::new(server_config()), false);
    let mut story = String::new();
    drain_server(&mut session, &mut story);
    for piece in pieces {
        session.handle(ServerInput::Bytes(piece));
        drain_server(&mut session, &mut story);
    }
    story + if session.is_idle() { "idle" } else { "busy" }
}

fn drain_server(session: &mut ServerSession, story: &mut String) {
    while let Some(output) = session.poll() {
        match output {
            ServerOutput::Send(bytes) => story.push_str(&String::from_utf8_lossy(&bytes)),
            ServerOutput::Ask(request) => {
                story.extend(["[", &summary(&request), "]\n"]);
                let refused = matches!(&request, Request::Rcpt(r) if r.recipient.local_part() == "refused");
                let no = Reply::new(550, None, "no");
                session.handle(ServerInput::Answer(if refused { Answer::Reply(no) } else { Answer::Accept }));
            }
            ServerOutput::StartTls => {
                story.push_str("[tls]\n");
            }
            ServerOutput::Close => story.push_str("[close]\n"),
        }
    }
}

/// All that a client with three jobs says and reports about these pieces, and that each job has one outcome.
fn client_story(config: &ClientConfig, pieces: &[&[u8]]) -> String {
    let mut session = ClientSession::new(Arc::new(config.clone()));
    let (mut story, mut keys) = (String::new(), Vec::new());
    for key in 0..3 {
        session.handle(ClientInput::Deliver(job(key)));
    }
    for piece in pieces {
        session.handle(ClientInput::Bytes(piece));
        drain_client(&mut session, &mut story, &mut keys);
    }
    session.handle(ClientInput::Closed);
    drain_client(&mut session, &mut story, &mut keys);
    keys.sort_unstable();
    assert_eq!(keys, [0, 1, 2], "one outcome for each job");
    story
}

fn drain_client(session: &mut ClientSession, story: &mut String, keys: &mut Vec<u64>) {
    while let Some(output) = session.poll() {
        match output {
            ClientOutput::Send(bytes) => story.push_str(&String::from_utf8_lossy(&bytes)),
            ClientOutput::StartTls => story.push_str("[tls]\n"),
            ClientOutput::Finished(Outcome { key, phase, reply }) => {
                keys.push(key);
                story.extend(["[", &key.to_string(), " ", phase.name(), " ", &reply.to_string(), "]\n"]);
            }
            ClientOutput::Close => story.push_str("[close]\n"),
        }
    }
}

fn job(key: u64) -> Job {
    let sender = "news@example.com".parse().unwrap();
    let envelope = emta_mail::Envelope::new(sender, "b@example.net".parse().unwrap());
    Job { key, envelope, content: vec!["Hello\r\n.\r\n".into()] }
}

/// The stream cut at these places.
fn cut<'a>(stream: &'a [u8], places: &[Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = places.iter().map(|place| place.index(stream.len() + 1)).collect();
    ends.push(stream.len());
    ends.sort_unstable();
    let starts = std::iter::once(0).chain(ends.clone());
    starts.zip(ends.iter()).map(|(start, end)| &stream[start..*end]).collect()
}

fn stream(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    vec(select(pieces), 0..20).prop_map(|pieces| pieces.concat().into_bytes())
}

fn client_config() -> impl Strategy<Value = ClientConfig> {
    any::<(bool, bool)>().prop_map(|(pipelining, chunking)| {
        let config = ClientConfig::new("mta.example");
        ClientConfig { pipelining, chunking, ..config }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn server_does_not_see_pieces(stream in stream(SERVER_PIECES), places in vec(any::<Index>(), 0..30)) {
        let whole = server_story(&[&stream]);
        prop_assert_eq!(&server_story(&cut(&stream, &places)), &whole);
        prop_assert_eq!(&server_story(&stream.chunks(1).collect::<Vec<_>>()), &whole);
    }

    #[test]
    fn client_does_not_see_pieces(
        config in client_config(),
        stream in stream(CLIENT_PIECES),
        places in vec(any::<Index>(), 0..30),
    ) {
        let stream = [b"220 mx\r\n".as_slice(), &stream].concat();
        let whole = client_story(&config, &[&stream]);
        prop_assert_eq!(&client_story(&config, &cut(&stream, &places)), &whole);
        prop_assert_eq!(&client_story(&config, &stream.chunks(1).collect::<Vec<_>>()), &whole);
    }

    #[test]
    fn random_bytes_end_well(bytes in vec(any::<u8>(), 0..2000), places in vec(any::<Index>(), 0..10)) {
        prop_assert_eq!(server_story(&cut(&bytes, &places)), server_story(&[&bytes]));
        let config = ClientConfig::new("mta.example");
        prop_assert_eq!(client_story(&config, &cut(&bytes, &places)), client_story(&config, &[&bytes]));
    }
}
