//! What an SMTP server sends: the client says the same however it is cut into pieces, and every job has one outcome.

use std::sync::Arc;

use emta_mail::{EmailAddress, Envelope, ReversePath};
use emta_smtp::{ClientConfig, ClientInput, ClientOutput, ClientSession, Job, Outcome};

/// Jobs of a session.
const JOBS: u64 = 3;

/// Plays the stream as it was cut, whole, and octet by octet; the first octet chooses what the client may use.
pub fn check(bytes: &[u8]) {
    let Some((options, bytes)) = bytes.split_first() else { return };
    let Some((pieces, stream)) = crate::pieces(bytes) else { return };
    let (pipelining, chunking) = (options & 1 != 0, options & 2 != 0);
    let config = Arc::new(ClientConfig { pipelining, chunking, ..ClientConfig::new("mta.example") });
    let whole = story(&config, &[stream]);
    assert_eq!(story(&config, &pieces), whole);
    assert_eq!(story(&config, &stream.chunks(1).collect::<Vec<_>>()), whole);
}

/// All that is said and reported.
fn story(config: &Arc<ClientConfig>, pieces: &[&[u8]]) -> String {
    let mut session = ClientSession::new(Arc::clone(config));
    let (mut story, mut keys) = (String::new(), Vec::new());
    (0..JOBS).for_each(|key| session.handle(ClientInput::Deliver(job(key))));
    for piece in pieces {
        session.handle(ClientInput::Bytes(piece));
        drain(&mut session, &mut story, &mut keys);
    }
    session.handle(ClientInput::Closed);
    drain(&mut session, &mut story, &mut keys);
    keys.sort_unstable();
    assert!(keys.into_iter().eq(0..JOBS), "one outcome for each job:\n{story}");
    story
}

fn drain(session: &mut ClientSession, story: &mut String, keys: &mut Vec<u64>) {
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
    let address = |text| EmailAddress::parse(text).expect("a constant that is an address");
    let sender = ReversePath::Address(address("news@example.com"));
    let envelope = Envelope::new(sender, address("b@example.net"));
    Job { key, envelope, content: vec!["Hello\r\n.\r\n".into()] }
}
