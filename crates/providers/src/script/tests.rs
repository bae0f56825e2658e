use super::*;
use crate::action::ActionKind;
use crate::outcome::Step;

/// Writes an outcome down in a form in which every detail shows.
fn spell(outcome: &Outcome) -> String {
    let mut out: Vec<String> = outcome.attempts().iter().map(spell_attempt).collect();
    out.dedup_by(|next, first| {
        *next == *first.split(" *").next().unwrap_or(first) && {
            let times = first.rsplit_once(" *").map_or(1, |(_, n)| n.parse::<u32>().unwrap_or(1));
            *first = format!("{next} *{}", times + 1);
            true
        }
    });
    out.extend(outcome.after().iter().map(|action| {
        let what = match &action.kind {
            ActionKind::Bounce { reply, format } | ActionKind::DelayReport { reply, format } => {
                format!("({reply}) {}", format.name())
            }
            ActionKind::Complaint { feedback_type, disclosure } => format!("{feedback_type} {disclosure:?}"),
            ActionKind::AutoReply { language } => language.name().to_owned(),
            ActionKind::Open => String::new(),
            ActionKind::Click { url } => url.clone(),
        };
        let (min, max) = (action.delay.min().as_secs(), action.delay.max().as_secs());
        format!("{} {what} {min}..{max}s {}", action.kind.name(), action.probability.get())
    }));
    out.join(" | ")
}

fn spell_attempt(attempt: &AttemptStep) -> String {
    match attempt {
        AttemptStep::Accept { reply: None } => "accept".to_owned(),
        AttemptStep::Accept { reply: Some(reply) } => format!("accept({reply})"),
        AttemptStep::Refuse { step, reply, then_disconnect } => {
            format!("{}({reply}){}", step.name(), if *then_disconnect { "!" } else { "" })
        }
        AttemptStep::Disconnect { step } => format!("disconnect@{}", step.name()),
        AttemptStep::DnsFailure { reply } => format!("dns({reply})"),
        AttemptStep::ConnectRefused => "refused".to_owned(),
        AttemptStep::ConnectTimeout => "timeout".to_owned(),
        AttemptStep::TlsFailure => "tls".to_owned(),
    }
}

/// Either the outcome spelled out, or the error.
fn check(script: &str, expected: &str) {
    let got = match parse(script) {
        Ok(outcome) => spell(&outcome),
        Err(error) => error.to_string(),
    };
    assert!(
        got == expected || (expected.ends_with("...") && got.starts_with(expected.trim_end_matches("..."))),
        "{script}\n   gives {got}\nexpected {expected}"
    );
}

#[test]
fn attempts() {
    check("250", "accept");
    check("250 2.0.0 OK gsmtp", "accept(250 2.0.0 OK gsmtp)");
    check("550", "rcpt(550 5.1.1 User unknown)");
    check("550 5.2.1", "rcpt(550 5.2.1 Mailbox disabled, not accepting messages)");
    check("550 no such user", "rcpt(550 no such user)");
    check("421x3, 250", "rcpt(421 4.3.2 Service not available, closing transmission channel)! *3 | accept");
    check("450 4.2.1 greylisted x2,250", "rcpt(450 4.2.1 greylisted) *2 | accept");
    check("rcpt:550 5.1.1 no such user", "rcpt(550 5.1.1 no such user)");
    check("message:554 5.7.1 spam", "message(554 5.7.1 spam)");
    check(
        "mail:450x2, data:451 4.3.0 later",
        "mail(450 4.2.1 Mailbox temporarily unavailable, try again later) *2 | data(451 4.3.0 later)",
    );
    check("greeting:554 5.7.1 go away", "greeting(554 5.7.1 go away)");
    check("ehlo:550 5.7.1 bad name then disconnect", "ehlo(550 5.7.1 bad name)!");
    check("554 \"5.7.1 no, really; then disconnect\"", "rcpt(554 5.7.1 no, really; then disconnect)");
    check("\"450 4.7.1 try x2\" x2", "rcpt(450 4.7.1 try x2) *2");
    check("550 see http://example.com/x?a=b:c", "rcpt(550 see http://example.com/x?a=b:c)");
    check("550 mailbox of max x", "rcpt(550 mailbox of max x)");
    check("550 5.1.1 no such box xyz", "rcpt(550 5.1.1 no such box xyz)");
}

#[test]
fn attempts_without_a_reply() {
    check("disconnect", "disconnect@rcpt");
    check("disconnect@data x2, 250", "disconnect@data *2 | accept");
    check("disconnect@message, 250", "disconnect@message | accept");
    check("dns", "dns(454 4.4.4 [internal] no MX or A for domain)");
    check("nxdomain", "dns(454 4.4.4 [internal] domain does not exist (NXDOMAIN))");
    check("nullmx", "dns(556 5.1.10 [internal] domain does not accept mail (null MX))");
    check("dns:454 4.4.3 [internal] server failure", "dns(454 4.4.3 [internal] server failure)");
    check("refused, timeout, tls, 250", "refused | timeout | tls | accept");
}

#[test]
fn actions() {
    check(
        "421x3, 250; dsn=5.1.1 after 6h",
        "rcpt(421 4.3.2 Service not available, closing transmission channel)! *3 | accept | \
         dsn (550 5.1.1 User unknown) rfc3464 21600..21600s 1",
    );
    check(
        "250; arf after 2h; ooo after 5m; open after 10m; click after 12m",
        "accept | arf abuse Named 7200..7200s 1 | ooo en 300..300s 1 | open  600..600s 1 | click  720..720s 1",
    );
    check(
        "dsn=552 5.2.2 over quota as exim after 1h..8h with 12.5%",
        "accept | dsn (552 5.2.2 over quota) exim 3600..28800s 0.125",
    );
    check("dsn", "accept | dsn (550 5.1.1 User unknown) rfc3464 0..0s 1");
    check("dsn=4.4.7", "accept | dsn (450 4.4.7 Delivery time expired) rfc3464 0..0s 1");
    check("dsn=5.2.2 the box is full", "accept | dsn (552 5.2.2 the box is full) rfc3464 0..0s 1");
    check(
        "dsn=\"550 5.1.1 gone after 6h, with all; mail\" with 1%",
        "accept | dsn (550 5.1.1 gone after 6h, with all; mail) rfc3464 0..0s 0.01",
    );
    check("delayed after 4h", "accept | delayed (451 4.4.1 Connection timed out) rfc3464 14400..14400s 1");
    check("arf=fraud redacted after 1d", "accept | arf fraud Redacted 86400..86400s 1");
    check("ooo=fr with 0.5", "accept | ooo fr 0..0s 0.5");
    check("click=https://www.example.com/a?b=c", "accept | click https://www.example.com/a?b=c 0..0s 1");
}

#[test]
fn mistakes_are_named_and_placed() {
    check("", "at character 1 of the script: found the end, expected an attempt, such as `250`...");
    check("250,", "at character 5 of the script: found the end, expected an attempt...");
    check(
        "251x, 250",
        "at character 5 of the script: found the end, expected how often, a number from 1 to 1100",
    );
    check("421x0", "at character 5 of the script: found `0`, expected how often, a number from 1 to 1100");
    check("421x1101", "at character 5 of the script: found `1101`, expected how often...");
    check(
        "421x1100, 250",
        "at character 11 of the script: found `250`, expected at most 1100 attempts in all",
    );
    check("250, bounce", "at character 6 of the script: found `bounce`, expected an attempt...");
    check("999", "at character 1 of the script: found `999`, expected a reply code from 200 to 599");
    check("354", "at character 1 of the script: found `354`, expected a reply that refuses...");
    check("rcpt:250", "at character 6 of the script: found `250`, expected a reply that refuses...");
    check("helo:550", "at character 1 of the script: found `helo`, expected a step: `greeting`...");
    check("disconnect@starttls", "at character 12 of the script: found `starttls`, expected a step...");
    check("250; bounce", "at character 6 of the script: found `bounce`, expected an action...");
    check("250;", "at character 5 of the script: found the end, expected an action...");
    check("250; open after", "at character 16 of the script: found the end, expected a delay...");
    check("250; open after 6", "at character 17 of the script: found `6`, expected a delay...");
    check(
        "250; open after 8h..1h",
        "at character 17 of the script: found `8h..1h`, expected a delay, such as `6h`, or `1h..8h` with the shorter one first",
    );
    check("250; open with 101%", "at character 16 of the script: found `101%`, expected a probability...");
    check("250; open=1", "at character 11 of the script: found `1`, expected no value after `open`");
    check("250; open soon", "at character 11 of the script: found `soon`, expected `=` and a value...");
    check(
        "250; open after 1h soon",
        "at character 20 of the script: found `soon`, expected `as`, `after`...",
    );
    check("250; dsn=oops", "at character 10 of the script: found `oops`, expected a status or a reply...");
    check(
        "250; dsn as lotus",
        "at character 13 of the script: found `lotus`, expected a report format: `rfc3464`...",
    );
    check("250; arf as exim", "at character 13 of the script: found `exim`, expected no format...");
    check(
        "250; ooo=tlh",
        "at character 10 of the script: found `tlh`, expected a language: `en`, `de`, `fr`...",
    );
    check("550 \"no", "at character 5 of the script: found `\"no`, expected a closing `\"`");
    check(
        "550; open",
        "at character 1 of the script: found `550; open`, expected the outcome has actions...",
    );
}

#[test]
fn a_script_has_a_length() {
    let of = |length: usize| format!("550 {}", "x".repeat(length - 4));
    assert!(parse(&of(MAX_SCRIPT)).is_ok());
    let error = parse(&of(MAX_SCRIPT + 1)).unwrap_err();
    assert_eq!(error.expected, "at most 4096 octets, not 4097");
}

proptest::proptest! {
    #[test]
    fn no_text_is_too_odd(text in "\\PC{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_near_script_is_too_odd(words in proptest::collection::vec(
        proptest::sample::select(vec!["250", "421x3", "x2", ",", ";", " ", "dsn", "=", "5.1.1", "after", "6h", "as",
            "with", "1%", "\"", "rcpt:", "disconnect@", "é", "then disconnect", "..", "arf", "ooo"]), 0..12)) {
        if let Err(error) = parse(&words.concat()) {
            proptest::prop_assert!(error.offset <= words.concat().len());
        }
    }

    #[test]
    fn every_step_has_a_name(index in 0..Step::ALL.len()) {
        let step = Step::ALL[index];
        proptest::prop_assert_eq!(Step::from_name(step.name()), Some(step));
    }
}
