use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::server::{Answer, AuthPolicy};

const LIMITS: Limits =
    Limits { command_line: 80, text_line: 100, recipients: 3, message_size: 500, errors: u32::MAX };

const PIECES: &[&str] = &[
    "EHLO client.example\r\nMAIL FROM:<a@example.com>\r\n",
    "RCPT TO:<b@example.net>\r\n",
    "DATA\r\n",
    "\r\n.\r\n",
    "BDAT 3000\r\n",
    "BDAT 3000 LAST\r\n",
    "AUTH LOGIN\r\n",
    "RSET\r\n",
    "a text of some length, without any end of line; ",
    "\r\n",
];

fn check(config: ServerConfig, pieces: &[&str]) {
    let mut session = ServerSession::new(Arc::new(config), false);
    for piece in pieces {
        while let Some(output) = session.poll() {
            if let ServerOutput::Ask(_) = output {
                session.handle(ServerInput::Answer(Answer::Accept));
            }
        }
        for _ in 0..40 {
            session.handle(ServerInput::Bytes(piece.as_bytes()));
            if let State::Asking(_) = session.state {
                break;
            }
            let limit =
                if let State::Sasl(_) = session.state { Limits::AUTH_LINE } else { LIMITS.command_line };
            assert!(session.backlog.len() < limit, "{} octets unread", session.backlog.len());
        }
        let recipients = session.transaction.as_ref().map_or(0, |t| t.recipients.len());
        assert!(recipients <= LIMITS.recipients);
    }
}

proptest! {
    #[test]
    fn holds_no_more_than_the_limits(pieces in vec(select(PIECES), 0..40)) {
        let mut config = ServerConfig::new("mx.example.test");
        config.limits = LIMITS;
        config.extensions.auth = AuthPolicy::Optional;
        config.extensions.require_tls_for_auth = false;
        check(config, &pieces);
    }
}

#[test]
fn a_handshake_is_not_disturbed() {
    for input in [ServerInput::Timeout, ServerInput::Shutdown] {
        let mut config = ServerConfig::new("mx.example.test");
        config.extensions.starttls = true;
        let mut session = ServerSession::new(Arc::new(config), false);
        session.handle(ServerInput::Answer(Answer::Accept));
        session.handle(ServerInput::Bytes(b"STARTTLS\r\n"));
        while session.poll().is_some_and(|output| output != ServerOutput::StartTls) {}
        session.handle(input);
        assert_eq!((session.poll(), session.poll()), (Some(ServerOutput::Close), None));
    }
}
