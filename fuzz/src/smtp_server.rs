//! What an SMTP client sends: the server says, asks and does the same however it is cut into pieces.

use std::sync::Arc;

use emta_mail::Reply;
use emta_smtp::{
    Answer, AuthPolicy, Extensions, Limits, Request, ServerConfig, ServerInput, ServerOutput, ServerSession,
};

/// Plays the stream as it was cut, whole, and octet by octet.
pub fn check(bytes: &[u8]) {
    let Some((pieces, stream)) = crate::pieces(bytes) else { return };
    let whole = story(&[stream]);
    assert_eq!(story(&pieces), whole);
    assert_eq!(story(&stream.chunks(1).collect::<Vec<_>>()), whole);
}

/// All that is said, asked and done.
fn story(pieces: &[&[u8]]) -> String {
    // Small, so that short streams reach the limits.
    let limits = Limits { command_line: 64, text_line: 40, recipients: 3, message_size: 200, errors: 8 };
    let extensions = Extensions {
        starttls: true,
        auth: AuthPolicy::Optional,
        require_tls_for_auth: false,
        ..Extensions::default()
    };
    let config = ServerConfig { extensions, limits, ..ServerConfig::new("mx.example.test") };
    let mut session = ServerSession::new(Arc::new(config), false);
    let mut story = String::new();
    drain(&mut session, &mut story);
    for piece in pieces {
        session.handle(ServerInput::Bytes(piece));
        drain(&mut session, &mut story);
    }
    story + if session.is_idle() { "idle" } else { "busy" }
}

fn drain(session: &mut ServerSession, story: &mut String) {
    while let Some(output) = session.poll() {
        match output {
            ServerOutput::Send(bytes) => story.push_str(&String::from_utf8_lossy(&bytes)),
            ServerOutput::Ask(request) => {
                story.extend([&format!("{request:?}"), "\n"]);
                session.handle(ServerInput::Answer(answer(&request)));
            }
            ServerOutput::StartTls => story.push_str("[tls]\n"),
            ServerOutput::Close => story.push_str("[close]\n"),
        }
    }
}

fn answer(request: &Request) -> Answer {
    match request {
        Request::Message(transaction) => {
            assert!(!transaction.recipients.is_empty(), "a message to nobody");
            Answer::Accept
        }
        Request::Rcpt(rcpt) if rcpt.recipient.local_part() == "no" => {
            Answer::Reply(Reply::new(550, None, "no"))
        }
        Request::Connect
        | Request::Ehlo { .. }
        | Request::Mail(_)
        | Request::Rcpt(_)
        | Request::Data
        | Request::Auth(_) => Answer::Accept,
    }
}
