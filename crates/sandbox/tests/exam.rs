//! The shipped rules against replies that were written down from knowledge of mail servers, before the rules were
//! looked at: what each kind of refusal looks like across servers, providers and languages.
//!
//! `exam/*.txt` have a heading for each meaning, the bounce classes that fit, and a reply a line.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use emta_mail::event::Verdict;
use emta_mail::{BounceClass, FailureReason, FailureType};
use emta_qualify::tune::{Case, Meaning, coverage, evaluate};
use emta_qualify::{RuleSet, Subject, unmatched_mail, unmatched_reply};
use emta_sandbox::config::rules;

/// The exams: each was written without looking at the rules as they then were, and says how it went at first.
const EXAMS: [&str; 16] = [
    "first.txt",
    "second.txt",
    "third.txt",
    "fourth.txt",
    "fifth.txt",
    "sixth.txt",
    "seventh.txt",
    "eighth.txt",
    "ninth.txt",
    "tenth.txt",
    "eleventh.txt",
    "twelfth.txt",
    "thirteenth.txt",
    "fourteenth.txt",
    "fifteenth.txt",
    "sixteenth.txt",
];

#[test]
fn the_mta_classifies_what_servers_say_in_other_words() {
    let set = shipped("mta.yaml");
    for exam in EXAMS {
        check(exam, &set, &unmatched_reply());
        check_classes(exam, &set);
    }
}

#[test]
fn the_bounce_mailbox_qualifies_what_servers_say_in_other_words() {
    let set = shipped("inbound-email.yaml");
    for exam in EXAMS {
        check(exam, &set, &unmatched_mail());
    }
}

/// Type and reason.
#[track_caller]
fn check(exam: &str, set: &RuleSet, unmatched: &Verdict) {
    let cases: Vec<Case> = questions(exam).into_iter().map(|question| question.case).collect();
    let told = evaluate(set, unmatched, &cases);
    let wrong: Vec<String> = told
        .misses
        .iter()
        .map(|miss| {
            let rule = miss.rule.as_deref().unwrap_or("-");
            let ((want, why), (got, because)) = (miss.expected, miss.given);
            format!("{}: {want} / {why}, `{rule}` says {got} / {because}: {:?}", miss.case, miss.text)
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{}: {} of {} right\n{}",
        set.name(),
        told.right,
        told.labelled,
        wrong.join("\n")
    );
}

/// The Enhanced MTA's bounce class, where the rule that matched gives one.
#[track_caller]
fn check_classes(exam: &str, set: &RuleSet) {
    let mut wrong = Vec::new();
    for Question { case, classes } in questions(exam) {
        let class = set.qualify(&case.as_subject()).and_then(|matched| matched.verdict().class);
        if let Some(code) = class.map(BounceClass::code)
            && !classes.contains(&code)
        {
            wrong.push(format!("{}: class {code}, expected one of {classes:?}: {:?}", case.id, case.text));
        }
    }
    assert!(wrong.is_empty(), "{} classes are not as expected\n{}", wrong.len(), wrong.join("\n"));
}

/// A reply, what it means, and the bounce classes that fit.
struct Question {
    case: Case,
    classes: Vec<u8>,
}

fn questions(exam: &str) -> Vec<Question> {
    let text = std::fs::read_to_string(project_file("crates/sandbox/tests/exam").join(exam)).unwrap();
    let mut heading = None;
    let mut questions = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        if let Some(of) = line.strip_prefix("== ") {
            heading = Some(read_heading(of));
        } else if !line.is_empty() && !line.starts_with('#') {
            let (meaning, classes) = heading.clone().unwrap();
            let case = Case::line(format!("{exam}:{number}"), line).labelled(meaning.0, meaning.1);
            questions.push(Question { case, classes });
        }
    }
    questions
}

/// Reads `Hard / User unknown [10]`.
fn read_heading(text: &str) -> (Meaning, Vec<u8>) {
    let (meaning, classes) = text.trim_end_matches(']').split_once(" [").unwrap();
    let (failure_type, reason) = meaning.split_once(" / ").unwrap();
    let types: HashMap<_, _> = FailureType::ALL.iter().map(|value| (value.label(), *value)).collect();
    let reasons: HashMap<_, _> = FailureReason::ALL.iter().map(|value| (value.label(), *value)).collect();
    let classes = classes.split(',').map(|class| class.parse().unwrap()).collect();
    ((types[failure_type], reasons[reason]), classes)
}

fn shipped(name: &str) -> RuleSet {
    rules::parse(name, &std::fs::read_to_string(project_file("config/rules").join(name)).unwrap()).unwrap()
}

fn project_file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// What servers say for good becomes what they say for now by its codes alone (RFC 5321 section 4.2.1).
#[test]
fn a_transient_reply_is_never_hard() {
    for name in ["mta.yaml", "inbound-email.yaml"] {
        let set = shipped(name);
        let mut wrong = Vec::new();
        for text in
            EXAMS.into_iter().flat_map(questions).filter_map(|question| transient(&question.case.text))
        {
            let found = set.winner(&Subject::from_reply_line(&text, None));
            if let Some(found) = found.filter(|found| found.verdict.failure_type == FailureType::Hard) {
                wrong.push(format!("{}: {text}", found.rule.id));
            }
        }
        assert!(wrong.is_empty(), "{name}: {} of them\n{}", wrong.len(), wrong.join("\n"));
    }
}

/// The reply with 4yz and 4.y.z; `None` where it does not begin with 5yz.
fn transient(text: &str) -> Option<String> {
    let is_code = |word: &str| word.len() == 3 && word.bytes().all(|b| b.is_ascii_digit());
    let (code, rest) = text.split_at_checked(3).filter(|(code, _)| is_code(code) && code.starts_with('5'))?;
    let marks = [(" 5", " 4"), ("-5", "-4"), ("#5", "#4"), ("(5", "(4"), (": 5", ": 4")];
    let rest = marks.iter().fold(rest.to_owned(), |rest, (from, to)| rest.replace(from, to));
    Some(format!("4{}{rest}", &code[1..]))
}

/// A pattern that nothing shows may match nothing, or too much.
#[test]
fn every_pattern_is_in_a_sample() {
    for name in ["mta.yaml", "inbound-email.yaml"] {
        let told = coverage(&shipped(name), &[]);
        let all = told.rules.iter().flat_map(|rule| rule.patterns.iter().map(move |pattern| (rule, pattern)));
        let missing: Vec<String> = all
            .filter(|(_, pattern)| pattern.samples == 0)
            .map(|(rule, pattern)| format!("{}: {}[{}]", rule.rule, pattern.list, pattern.place))
            .collect();
        assert!(missing.is_empty(), "{name}: no sample has\n{}", missing.join("\n"));
    }
}

/// Words on which rules turn, as names of people, domains and hosts have them.
const WORDS: &str = "virus virus-found malware spam spamtrap anti-spam junk bulk phishing content attachment blocked \
    blocklist blacklist banned denied rejected refused abuse quota over-quota full mailbox-full storage disabled \
    suspended inactive closed locked expired timeout timed-out connection lost relay relaying-denied open-relay \
    policy spf dkim dmarc reputation spamhaus spamcop sorbs rbl dnsbl greylist rate-limit throttled too-many tls \
    starttls loop too-many-hops nxdomain servfail dns null-mx no-mx host domain moved members group list \
    authentication password unsubscribed suppressed too-large size dialup dynamic residential sender senders ptr \
    rdns reverse helo ip server system disk memory busy overload maintenance procmail account-disabled dormant \
    unknown unknown-user user-unknown no-such-user user.full inbox-full quota-exceeded mailbox-inactive not-found";

/// What an address, a host or a queue id has in it says nothing of what became of the message.
#[test]
fn words_in_names_say_nothing() {
    let all: Vec<&str> = WORDS.split_whitespace().collect();
    check_names(
        &all,
        (FailureType::Hard, FailureReason::UserUnknown),
        &[
            "550 5.1.1 <ann@#.example>: User unknown",
            "550 5.1.1 <#@example.com>... User unknown",
            "550 5.1.1 <ann@#.example>: Recipient address rejected: User unknown in virtual mailbox table",
            "550 unknown user <#@#.example>",
            "550 No such user (ann.#@example.com)",
            "550 #@example.com: no such user here",
            "550 5.1.1 The email account that you tried to reach does not exist. #-20020a05si.12 - gsmtp",
            "host mx.#.example[192.0.2.1] said: 550 5.1.1 <ann@example.com> User unknown (in reply to RCPT TO command)",
            "550 5.1.1 User unknown (queue id #0123)",
            "550 5.1.1 <ann@#.example> does not exist",
        ],
    );
}

/// So it is with other verdicts; and what a link leads to says nothing, either.
#[test]
fn words_in_names_and_links_change_no_verdict() {
    use {FailureReason as R, FailureType as T};
    // What is said of the sender's name and its lists goes before the mailbox, wherever it stands.
    let words = WORDS.split_whitespace();
    let words: Vec<&str> = words.filter(|word| !matches!(*word, "spamhaus" | "spamcop" | "sorbs")).collect();
    check_names(
        &words,
        (T::Soft, R::MailboxFull),
        &[
            "552 5.2.2 <ann@#.example>: mailbox full",
            "452 4.2.2 <#@example.com> over quota",
            "552 5.2.2 The mailbox of #@#.example is full",
            "host mx.#.example[192.0.2.1] said: 552 5.2.2 Quota exceeded (in reply to RCPT TO command)",
            "552 5.2.2 quota exceeded, see https://help.example/info?topic=#&lang=en",
        ],
    );
    check_names(
        &words,
        (T::Soft, R::InvalidDomain),
        &[
            "550 5.1.2 <ann@#.example>: domain not found",
            "Host or domain name not found. Name service error for name=#.example type=MX: Host not found",
            "550 Unrouteable domain #.example",
        ],
    );
    check_names(
        &words,
        (T::Ignored, R::Refused),
        &[
            "554 5.7.1 Client host [192.0.2.1] blocked using bl.#.example",
            "554 5.7.1 <ann@#.example>: Relay access denied",
            "550 5.7.1 message identified as spam, see https://help.example/#",
            "550 5.7.1 <#@example.com> your host is blacklisted",
        ],
    );
    check_names(
        &words,
        (T::Ignored, R::Unreachable),
        &[
            "421 4.7.0 Too many connections from mx.#.example",
            "450 4.7.1 <ann@#.example>: rate limit exceeded (https://help.example/#)",
            "450 4.2.0 <#@example.com>: Recipient address rejected: Greylisted",
        ],
    );
    check_names(
        &words,
        (T::Hard, R::AccountDisabled),
        &[
            "550 5.2.1 <ann@#.example>: this account is disabled",
            "550 5.2.1 account #@example.com has been suspended (https://help.example/why?t=#)",
        ],
    );
    check_names(
        &words,
        (T::Soft, R::Unreachable),
        &[
            "450 4.1.1 <ann@#.example>: User unknown in local table",
            "452 4.3.1 <#@example.com> Insufficient system storage",
            "connect to mx.#.example[192.0.2.1]:25: Connection refused",
        ],
    );
    check_names(&words, (T::Hard, R::UserUnknown), &["550 5.1.1 no such user, visit https://help.example/#"]);
}

/// Every template, with every word in the place of `#`, means this to both sets.
#[track_caller]
fn check_names(words: &[&str], means: Meaning, templates: &[&str]) {
    for name in ["mta.yaml", "inbound-email.yaml"] {
        let set = shipped(name);
        let mut wrong = Vec::new();
        for (word, template) in words.iter().flat_map(|word| templates.iter().map(move |line| (word, line))) {
            let text = template.replace('#', word);
            let found = set.qualify(&Subject::from_reply_line(&text, None));
            let said = found.as_ref().map(|found| (found.verdict().failure_type, found.verdict().reason));
            if said != Some(means) {
                wrong.push(format!("{}: {text}", found.map_or("-", |found| found.rule.id.as_str())));
            }
        }
        assert!(wrong.is_empty(), "{name}: {} of them\n{}", wrong.len(), wrong.join("\n"));
    }
}
