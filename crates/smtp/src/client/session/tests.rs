use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const PIECES: &[&str] = &[
    "220 mx.example.test\r\n",
    "250-a\r\n",
    "250 a\r\n",
    "354 go\r\n",
    "250-a text of some length; ",
    "\r\n",
];

proptest! {
    #[test]
    fn holds_no_more_than_a_line(pieces in vec(select(PIECES), 0..20)) {
        let mut session = ClientSession::new(Arc::new(ClientConfig::new("mta.example")));
        for piece in pieces {
            for _ in 0..100 {
                session.handle(ClientInput::Bytes(piece.as_bytes()));
                // Longest line of a reply.
                prop_assert!(session.input.len() < 2048);
            }
            while session.poll().is_some() {}
        }
    }
}

#[test]
fn wants_as_many_jobs_as_keep_it_busy() {
    let mut session = ClientSession::new(Arc::new(ClientConfig::new("mta.example")));
    let envelope = |to: &str| emta_mail::Envelope::new("".parse().unwrap(), to.parse().unwrap());
    for key in 0..ClientSession::IN_FLIGHT as u64 {
        assert!(session.wants_job());
        let job = Job { key, envelope: envelope("b@example.net"), content: Vec::new() };
        session.handle(ClientInput::Deliver(job));
    }
    assert!(!session.wants_job() && !session.is_idle());
    session.handle(ClientInput::Closed);
    assert!(!session.wants_job() && session.is_idle() && session.is_closed());
}
