//! What a client reads from a provider, step by step: the provider's session behind the server's state machine.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as the test does")]

use std::sync::Arc;

use emta_mail::{Chance, EmailAddress, QueueId, Timestamp};
use emta_providers::{
    DomainPattern, DoorBehaviour, Outcome, ProviderSession, ProviderSpec, Providers, RecipientOutcome,
    RecipientPattern, Resolution,
};
use emta_smtp::server::{ServerInput, ServerOutput, ServerSession};

const ID: QueueId = QueueId::from_u64(0x00ab_cdef_0123_4567);
const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

fn providers(script: &str) -> Providers {
    let mut spec = ProviderSpec::new("acme", vec![DomainPattern::Any]);
    spec.mx = vec!["mx1.acme.test".parse().unwrap()];
    spec.recipients = vec![RecipientOutcome {
        recipient: RecipientPattern::Exact(EmailAddress::parse("ann@acme.test").unwrap()),
        outcome: Outcome::parse_script(script).unwrap(),
    }];
    Providers::try_new(Chance::new(1), vec![spec]).unwrap()
}

/// Plays a whole dialogue at a door, one command a line, and writes down what the server says; `(closed)` where it
/// hangs up.
fn play(providers: &mut Providers, door: usize, client: &str) -> Vec<String> {
    let door = providers.doors()[door].clone();
    let mut server = ServerSession::new(Arc::new(door.server), false);
    let mut session = ProviderSession::new(door.id);
    let mut said = String::new();
    let mut lines = client.lines();
    loop {
        while let Some(output) = server.poll() {
            match output {
                ServerOutput::Send(bytes) => said.push_str(&String::from_utf8(bytes).unwrap()),
                ServerOutput::Ask(request) => {
                    let answer = session.answer(providers, &request, NOW);
                    server.handle(ServerInput::Answer(answer));
                }
                ServerOutput::StartTls => unreachable!("no TLS here"),
                ServerOutput::Close => {
                    said.push_str("(closed)");
                    return said.lines().map(str::to_owned).collect();
                }
            }
        }
        match lines.next() {
            Some(line) => server.handle(ServerInput::Bytes(format!("{}\r\n", line.trim()).as_bytes())),
            None => return said.lines().map(str::to_owned).collect(),
        }
    }
}

/// The last thing that a client hears which delivers one message to `ann@acme.test`, after being sent there.
fn check(script: &str, attempt: u32, expected: &str) {
    let mut providers = providers(script);
    let ann = EmailAddress::parse("ann@acme.test").unwrap();
    let last = match providers.resolve(ID, &ann, attempt) {
        Resolution::Failed { phase, reply } => format!("{phase}: {reply}"),
        Resolution::Foreign(_) => unreachable!("no route is set"),
        Resolution::Mx { host, door } => {
            let found = providers.doors()[door.index()].clone();
            assert_eq!(found.host, host);
            match found.behaviour {
                DoorBehaviour::NotListening => "(refused)".to_owned(),
                DoorBehaviour::FailTls => {
                    assert!(found.server.extensions.starttls);
                    "(no handshake)".to_owned()
                }
                DoorBehaviour::Open
                | DoorBehaviour::RefuseGreeting { .. }
                | DoorBehaviour::RefuseEhlo { .. }
                | DoorBehaviour::HangUpAtGreeting
                | DoorBehaviour::HangUpAtEhlo => {
                    let dialogue = format!(
                        "EHLO mta.example\nMAIL FROM:<b@news.example> ENVID={ID}\nRCPT TO:<ann@acme.test>\nDATA\n\
                         Subject: hi\n\n.\n"
                    );
                    let said = play(&mut providers, door.index(), &dialogue);
                    let refused = |line: &&String| line.starts_with(['4', '5', '(']);
                    let first_refusal = said.iter().position(|line| refused(&line));
                    first_refusal.map_or_else(|| said.last().unwrap().clone(), |at| said[at..].join(" / "))
                }
            }
        }
    };
    assert!(last.starts_with(expected), "{script}, attempt {attempt}: {last}\nexpected: {expected}");
}

#[test]
fn every_step_has_its_answer() {
    check("250", 1, "250 2.0.0 Ok: queued as 00abcdef01234567");
    check(
        "250 2.6.0 <{id}> queued mail for {recipient}",
        1,
        "250 2.6.0 <00abcdef01234567> queued mail for ann@acme",
    );
    check(
        "greeting:554 5.7.1 {host} is not for you",
        1,
        "554 5.7.1 edge1.mx1.acme.test is not for you / (closed)",
    );
    check("greeting:421 4.3.2 too busy", 1, "421 4.3.2 too busy / (closed)");
    check("ehlo:550 5.7.1 who are you then disconnect", 1, "550 5.7.1 who are you / (closed)");
    check("mail:451 4.7.1 sender unknown", 1, "451 4.7.1 sender unknown / 503");
    check("550 5.1.1 <{recipient}>: no such user", 1, "550 5.1.1 <ann@acme.test>: no such user / ");
    check("data:451 4.3.0 later", 1, "451 4.3.0 later");
    check("message:554 5.7.1 spam", 1, "554 5.7.1 spam");
    check("message:421 4.7.28 rate", 1, "421 4.7.28 rate / (closed)");
    for step in ["greeting", "ehlo", "mail", "rcpt", "data", "message"] {
        check(&format!("disconnect@{step}"), 1, "(closed)");
    }
    check("dns", 1, "dns: 454 4.4.4 [internal] no MX or A for domain");
    check("timeout", 1, "connect: 421 4.4.1 [internal] connection timed out");
    check("refused", 1, "(refused)");
    check("tls", 1, "(no handshake)");
}

#[test]
fn every_attempt_has_its_answer() {
    let script =
        "dns, refused, greeting:421 busy, 450 4.2.1 wait x2, disconnect@data, message:451 4.3.0 later, 250";
    for (attempt, expected) in (1..).zip([
        "dns: ",
        "(refused)",
        "421 busy",
        "450 4.2.1",
        "450 4.2.1",
        "(closed)",
        "451 4.3.0",
        "250",
        "250",
    ]) {
        check(script, attempt, expected);
    }
}

#[test]
fn a_client_without_the_simulated_dns_is_counted() {
    let mut providers = providers("450 4.2.1 wait x2, 250; open after 1h");
    let dialogue =
        "EHLO x.example\nMAIL FROM:<b@news.example>\nRCPT TO:<ann@acme.test>\nDATA\nSubject: hi\n\n.";
    for expected in ["450 4.2.1 wait", "450 4.2.1 wait"] {
        assert!(play(&mut providers, 0, dialogue).contains(&expected.to_owned()));
        assert_eq!(providers.waiting(), 0);
    }
    let said = play(&mut providers, 0, dialogue);
    assert!(said.last().unwrap().starts_with("250 2.0.0 Ok: queued as "), "{said:?}");
    assert_eq!(providers.deadline(), Some(Timestamp::from_seconds(1_003_600)));
    // Accepted is forgotten: the next message to the same recipient starts at its first attempt.
    assert!(play(&mut providers, 0, dialogue).contains(&"450 4.2.1 wait".to_owned()));
}

#[test]
fn a_client_without_the_simulated_dns_meets_at_rcpt_what_came_before() {
    for (script, expected) in [
        ("greeting:554 5.7.1 no", "554 5.7.1 no"),
        ("mail:451 4.7.1 no", "451 4.7.1 no"),
        ("refused", "(closed)"),
    ] {
        let said =
            play(&mut providers(script), 0, "EHLO x.example\nMAIL FROM:<>\nRCPT TO:<ann@acme.test>\nRSET");
        assert!(said.contains(&expected.to_owned()), "{script}: {said:?}");
    }
}

#[test]
fn recipients_of_one_transaction_have_their_own_fates() {
    let mut providers = providers("550 5.1.1 gone");
    let said = play(
        &mut providers,
        0,
        "EHLO x.example\nMAIL FROM:<b@news.example>\nRCPT TO:<ann@acme.test>\nRCPT TO:<bob@acme.test>\n\
         RCPT TO:<bounce+452+4.2.2+full@acme.test>\nRCPT TO:<carl+complaint@acme.test>\nDATA\nSubject: hi\n\n.",
    );
    let replies: Vec<&str> = said.iter().filter(|l| !l.starts_with("250-")).map(|l| &l[..9]).collect();
    assert_eq!(
        replies[3..],
        ["550 5.1.1", "250 2.1.5", "452 4.2.2", "250 2.1.5", "354 end w", "250 2.0.0"],
        "{said:?}"
    );
    let later = providers.poll(Timestamp::MAX).unwrap();
    assert_eq!((later.kind.name(), later.recipient.as_str()), ("arf", "carl+complaint@acme.test"));
    assert_eq!(providers.poll(Timestamp::MAX), None);
}

#[test]
fn providers_take_mail_for_their_own_users_only() {
    let specs =
        ["one", "two"].map(|name| ProviderSpec::new(name, vec![format!("{name}.test").parse().unwrap()]));
    let mut providers = Providers::try_new(Chance::new(1), specs.to_vec()).unwrap();
    let said = play(&mut providers, 0, "EHLO x.example\nMAIL FROM:<>\nRCPT TO:<a@two.test>");
    assert_eq!(said.last().unwrap(), "554 5.7.1 <a@two.test>: Relay access denied");
}

#[test]
fn greetings_are_the_providers_own() {
    let mut spec = ProviderSpec::new("acme", vec![DomainPattern::Any]);
    spec.greeting = Some("{host} ESMTP ready".to_owned());
    let mut providers = Providers::try_new(Chance::new(1), vec![spec]).unwrap();
    assert_eq!(play(&mut providers, 0, "")[0], "220 mx.acme.test ESMTP ready");
}
