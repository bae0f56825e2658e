//! The session without a socket.

use proptest::prelude::*;

use super::Shelf;
use crate::pop3::session::{Input, MAX_BACKLOG, MAX_ERRORS, MAX_LINE, MAX_LOGINS, Output, Session, Tls};

/// Feeds pieces of bytes; gives all that was sent, with `<close>` and `<tls>` for the signals.
fn play<'a>(mailbox: &Shelf, tls: Tls, pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut session = Session::new(tls);
    let mut sent = Vec::new();
    let drain = |session: &mut Session, sent: &mut Vec<u8>| {
        while let Some(output) = session.poll() {
            match output {
                Output::Send(bytes) => sent.extend_from_slice(&bytes),
                Output::Ask(request) => session.handle(Input::Answer(mailbox.answer(request))),
                Output::StartTls => {
                    sent.extend_from_slice(b"<tls>\r\n");
                    session.handle(Input::TlsStarted);
                }
                Output::Close => sent.extend_from_slice(b"<close>\r\n"),
            }
        }
    };
    drain(&mut session, &mut sent);
    for piece in pieces {
        session.handle(Input::Bytes(piece));
        drain(&mut session, &mut sent);
    }
    String::from_utf8(sent).unwrap()
}

/// A transcript: `C:` lines are sent one by one, the other lines are what must come, without line ends.
#[track_caller]
fn check(mailbox: &Shelf, tls: Tls, transcript: &str) {
    let lines: Vec<&str> = transcript.trim().lines().map(str::trim).collect();
    let sent: Vec<String> =
        lines.iter().filter_map(|line| line.strip_prefix("C: ")).map(|line| format!("{line}\r\n")).collect();
    let expected: Vec<&str> = lines.iter().filter(|line| !line.starts_with("C: ")).copied().collect();
    let got = play(mailbox, tls, sent.iter().map(String::as_bytes));
    assert_eq!(got.lines().collect::<Vec<_>>(), expected, "{transcript}");
}

const LOGIN: &str = "
    +OK emta POP3 ready
    C: USER bounce
    +OK now the password
    C: PASS se cret
    +OK 2 messages (59 octets)";

#[test]
fn reads_and_deletes() {
    let mailbox = Shelf::default();
    check(
        &mailbox,
        Tls::Off,
        &format!(
            "{LOGIN}
            C: STAT
            +OK 2 59
            C: LIST
            +OK
            1 35
            2 24
            .
            C: list 2
            +OK 2 24
            C: UIDL
            +OK
            1 aa
            2 bb
            .
            C: UIDL 1
            +OK 1 aa
            C: RETR 1
            +OK 35 octets
            Subject: one

            first
            ..dot
            last
            .
            C: TOP 1 1
            +OK the top follows
            Subject: one

            first
            .
            C: DELE 1
            +OK message 1 will be deleted
            C: DELE 1
            -ERR there is no message 1
            C: RETR 1
            -ERR there is no message 1
            C: LIST
            +OK
            2 24
            .
            C: STAT
            +OK 1 24
            C: RSET
            +OK 2 messages (59 octets)
            C: DELE 2
            +OK message 2 will be deleted
            C: NOOP
            +OK
            C: QUIT
            +OK good bye
            <close>"
        ),
    );
    assert_eq!(mailbox.names(), ["aa"]);
}

#[test]
fn deletes_only_at_quit() {
    let mailbox = Shelf::default();
    for end in [Input::Timeout, Input::Shutdown] {
        let mut session = Session::new(Tls::Off);
        session.handle(Input::Bytes(b"USER bounce\r\nPASS se cret\r\nDELE 1\r\n"));
        let mut closed = false;
        let mut end = Some(end);
        while !closed {
            match session.poll() {
                Some(Output::Ask(request)) => session.handle(Input::Answer(mailbox.answer(request))),
                Some(Output::Close) => closed = true,
                Some(Output::Send(_) | Output::StartTls) => {}
                None => session.handle(end.take().expect("the end is told once")),
            }
        }
        session.handle(Input::Bytes(b"QUIT\r\n"));
        assert_eq!(session.poll(), None);
        assert_eq!(mailbox.names(), ["aa", "bb"]);
    }
}

#[test]
fn refuses_what_comes_at_the_wrong_time() {
    check(
        &Shelf::default(),
        Tls::Off,
        "
        +OK emta POP3 ready
        C: STAT
        -ERR log in first, with USER and PASS
        C: PASS x
        -ERR USER comes before PASS
        C: STLS
        -ERR TLS is not offered here
        C: AUTH PLAIN
        -ERR log in with USER and PASS
        C: HELO
        -ERR unknown command
        C: USER
        -ERR expected a user name
        C: QUIT now
        -ERR expected no argument
        C: QUIT
        +OK good bye
        <close>
        C: NOOP",
    );
    check(
        &Shelf::default(),
        Tls::Off,
        &format!(
            "{LOGIN}
            C: USER bounce
            -ERR you are logged in already
            C: RETR
            -ERR expected the number of a message, from 1
            C: RETR 0
            -ERR expected the number of a message, from 1
            C: RETR 99999999999999999999999
            -ERR expected the number of a message, from 1
            C: RETR 3
            -ERR there is no message 3
            C: TOP 1
            -ERR expected the number of a message, from 1
            C: TOP 1 x
            -ERR expected a number of lines
            C: QUIT
            +OK good bye
            <close>"
        ),
    );
}

#[test]
fn capabilities_and_tls() {
    let capabilities = |stls: &str| {
        format!(
            "C: CAPA\n+OK\nUSER\nTOP\nUIDL\nRESP-CODES\nAUTH-RESP-CODE\nPIPELINING\nEXPIRE NEVER\n{stls}IMPLEMENTATION emta\n."
        )
    };
    check(&Shelf::default(), Tls::Off, &format!("+OK emta POP3 ready\n{}", capabilities("")));
    let script = format!(
        "+OK emta POP3 ready\n{}\nC: STLS\n+OK begin TLS\n<tls>\n{}",
        capabilities("STLS\n"),
        capabilities("")
    );
    check(&Shelf::default(), Tls::Offered, &script);
    // What is sent together with STLS is not carried out afterwards.
    let sent = play(&Shelf::default(), Tls::Offered, [&b"STLS\r\nUSER bounce\r\n"[..], b"NOOP\r\n"]);
    assert!(sent.ends_with("<tls>\r\n-ERR log in first, with USER and PASS\r\n"), "{sent}");
}

#[test]
fn logins_that_fail() {
    let mailbox = Shelf { broken: true, ..Shelf::default() };
    check(
        &mailbox,
        Tls::Off,
        "
        +OK emta POP3 ready
        C: USER busy
        +OK now the password
        C: PASS x
        -ERR [IN-USE] another session has the mailbox
        C: USER bounce
        +OK now the password
        C: PASS se cret
        -ERR [SYS/TEMP] the mailbox cannot be read for now
        C: PASS se cret
        -ERR USER comes before PASS",
    );
    let attempt =
        "C: USER bounce\n+OK now the password\nC: PASS secret\n-ERR [AUTH] user name or password are wrong\n";
    let attempts = attempt.repeat(MAX_LOGINS as usize);
    check(&mailbox, Tls::Off, &format!("+OK emta POP3 ready\n{attempts}<close>"));
}

#[test]
fn errors_and_lines_at_the_bound() {
    let errors = |count: u32| play(&Shelf::default(), Tls::Off, vec![&b"X\r\n"[..]; count as usize]);
    assert!(!errors(MAX_ERRORS).contains("<close>"));
    assert!(errors(MAX_ERRORS + 1).ends_with("-ERR unknown command\r\n<close>\r\n"));

    let line = |length: usize| format!("USER {}\r\n", "x".repeat(length - 7));
    let reply = |length| play(&Shelf::default(), Tls::Off, [line(length).as_bytes(), b"NOOP\r\n"]);
    assert!(reply(MAX_LINE).contains("+OK now the password"));
    assert!(reply(MAX_LINE + 1).contains(
        "\r\n-ERR a command line has at most 255 octets\r\n-ERR log in first, with USER and PASS\r\n"
    ));

    // A session whose question is open does not want to hear more, however much is sent.
    let mut session = Session::new(Tls::Off);
    assert!(session.wants_bytes());
    session.handle(Input::Bytes(b"USER bounce\r\nPASS x\r\n"));
    while !matches!(session.poll(), Some(Output::Ask(_))) {}
    assert!(!session.wants_bytes());
    let mut session = Session::new(Tls::Off);
    session.handle(Input::Bytes(&vec![b'x'; MAX_BACKLOG]));
    assert!(!session.wants_bytes());
    while session.poll().is_some() {}
    assert!(session.wants_bytes(), "a line without end is not kept");
}

proptest! {
    #[test]
    fn any_split_gives_the_same(cuts in prop::collection::vec(0..200_usize, 0..8)) {
        let script = format!(
            "USER bounce\r\nPASS se cret\r\nLIST\r\n{}\r\nTOP 1 1\nDELE 1\r\nRETR 2\r\n\r\nQUIT\r\nNOOP\r\n",
            "x".repeat(300)
        );
        let whole = play(&Shelf::default(), Tls::Off, [script.as_bytes()]);
        let mut rest = script.as_bytes();
        let mut pieces = Vec::new();
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        prop_assert_eq!(play(&Shelf::default(), Tls::Off, pieces), whole);
    }

    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut session = Session::new(Tls::Offered);
        session.handle(Input::Bytes(&bytes));
        while session.poll().is_some() {}
    }
}
