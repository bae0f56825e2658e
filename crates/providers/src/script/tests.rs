use super::*;
use crate::action::ActionKind;
use crate::outcome::Step;

/// Writes an outcome down in a form in which every detail shows.
fn spell(outcome: &Outcome) -> String {
    let mut out: Vec<String> = (1..)
        .zip(outcome.attempts())
        .map(|(number, attempt)| match outcome.latency(number) {
            Some(latency) => format!("{} in {latency}", spell_attempt(attempt)),
            None => spell_attempt(attempt),
        })
        .collect();
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
fn attempts_take_their_time() {
    check("250 in 30s", "accept in 30s");
    check("250 2.0.0 OK in 200ms..2s", "accept(250 2.0.0 OK) in 200ms..2s");
    check("421 4.7.0 slow down in 2m x3, 250", "rcpt(421 4.7.0 slow down)! in 2m *3 | accept");
    let three_in_2m =
        "rcpt(421 4.3.2 Service not available, closing transmission channel)! in 2m *3 | accept";
    check("421x3 in 2m, 250", three_in_2m);
    check("421 in 2m x3, 250", three_in_2m);
    check("421 x3 in 2m, 250", three_in_2m);
    check("message:554 5.7.1 spam in 5s..40s", "message(554 5.7.1 spam) in 5s..40s");
    check("ehlo:550 bad name then disconnect in 1s", "ehlo(550 bad name)! in 1s");
    check("450 slow in 1s, 450 slow, 250 in 0s", "rcpt(450 slow) in 1s | rcpt(450 slow) | accept in 0s");
    check("disconnect@data in 10s, timeout", "disconnect@data in 10s | timeout");
    check(
        "dns in 30s, refused in 1s, timeout in 5m",
        "dns(454 4.4.4 [internal] no MX or A for domain) in 30s | refused in 1s | timeout in 5m",
    );
    check("dns:454 4.4.3 failure in 5s", "dns(454 4.4.3 failure) in 5s");
    check("250 in 1h; open", "accept in 1h | open  0..0s 1");
}

#[test]
fn in_is_a_word_of_the_text_too() {
    check("450 filed in vain", "rcpt(450 filed in vain)");
    check("450 try again in 5 minutes", "rcpt(450 try again in 5 minutes)");
    check("450 try again in 5m.", "rcpt(450 try again in 5m.)");
    check("450 wait in 5m or so", "rcpt(450 wait in 5m or so)");
    check("450 see you in 5", "rcpt(450 see you in 5)");
    check("450 sign in", "rcpt(450 sign in)");
    check("450 back within 5m", "rcpt(450 back within 5m)");
    check("450 \"try again in 5m\"", "rcpt(450 try again in 5m)");
    check("450 try again in \"5m\"", "rcpt(450 try again in 5m)");
    check("450 \"try again in 5m\" in 3s x2", "rcpt(450 try again in 5m) in 3s *2");
    check("450 try again in 5m in 3s", "rcpt(450 try again in 5m) in 3s");
    check("450 slow in 1s then disconnect", "rcpt(450 slow in 1s)!");
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
    check("250 in 1h1ms", "at character 8 of the script: found `1h1ms`, expected one delay of at most 1h...");
    check(
        "550 gone in 30d",
        "at character 13 of the script: found `30d`, expected one delay of at most 1h...",
    );
    check("250, 250 in 40s..5s", "at character 13 of the script: found `40s..5s`, expected one delay...");
    check("dns in soon", "at character 8 of the script: found `soon`, expected one delay...");
    check("disconnect@data in x2", "at character 19 of the script: found the end, expected one delay...");
    check("timeout in 1s in 2s", "at character 12 of the script: found `1s`, expected one delay...");
    check("disconnect@helo in 1s", "at character 12 of the script: found `helo`, expected a step...");
    check("in 1s", "at character 1 of the script: found `in 1s`, expected an attempt...");
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
            "with", "1%", "in", "30s", "\"", "rcpt:", "disconnect@", "é", "then disconnect", "..", "arf", "ooo"]), 0..12)) {
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
