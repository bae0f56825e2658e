//! Writes what fuzzing begins with, in a folder for each target: mails in every format that the project can write,
//! the shipped rules one by one, scripts and pieces of SMTP dialogue.
//!
//! `emta-fuzz-seeds FOLDER`; run from the project's root, by `scripts/fuzz.sh`.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use emta_mail::compose::{
    AutoReplySpec, BounceSpec, ComplaintSpec, Language, ReportFormat, auto_reply, bounce, complaint,
};
use emta_mail::inbound::Action;
use emta_mail::{EnhancedStatus, Timestamp};

const ORIGINAL: &[u8] = b"From: Shop <news@shop.example>\r\nTo: ann@example.com\r\nSubject: Offers\r\n\
    Message-ID: <m1@shop.example>\r\nX-Emta-Id: 00000000000000ff\r\n\r\nHello.\r\n";

const AT: Timestamp = Timestamp::from_seconds(1_767_603_600);

const SCRIPTS: [&str; 9] = [
    "250",
    "421x3, 250; dsn=5.1.1 after 6h",
    "450 4.2.1 greylisted x2, 250 2.0.0 ok; open after 10m with 25%; click after 1h..8h",
    "421 slow down in 5s..40s x3",
    "mail: 550 5.7.1 \"no; never, in 5m\" then disconnect",
    "disconnect@message x2, timeout, refused, tls, nxdomain, nullmx, dns: 454 4.4.4 later, 250",
    "250; dsn=5.2.2 as exim after 1d; arf after 2h with 0.5; ooo=de after 5m; delayed after 4h",
    "greeting: 554 5.7.1 no, ehlo: 502, data: 451, message: 552 5.2.2 in 2m",
    "421x3 in 2m, 250",
];

/// Behind the count of pieces and their lengths.
const CLIENT_SAYS: [&str; 3] = [
    "\x02\x05\x09EHLO client.example\r\nMAIL FROM:<a@example.com> SIZE=10 BODY=8BITMIME RET=HDRS ENVID=x\r\n\
     RCPT TO:<b@example.net> NOTIFY=NEVER ORCPT=rfc822;b+40example.net\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.\r\nQUIT\r\n",
    "\x01\x07HELO client.example\r\nMAIL FROM:<>\r\nRCPT TO:<no@example.net>\r\nRCPT TO:<b@example.net>\r\n\
     BDAT 5\r\nHelloBDAT 7 LAST\r\nHello\r\nRSET\r\nNOOP\r\nVRFY a\r\n",
    "\x00EHLO [192.0.2.1]\r\nAUTH LOGIN\r\nYQ==\r\nYg==\r\nAUTH PLAIN AGEAYg==\r\nAUTH PLAIN\r\n*\r\nSTARTTLS\r\n",
];

/// Behind what the client may use, the count of pieces and their lengths.
const SERVER_SAYS: [&str; 3] = [
    "\x03\x01\x09220 mx.example.test\r\n250-mx.example.test\r\n250-PIPELINING\r\n250-DSN\r\n250 8BITMIME\r\n\
     250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go\r\n250 2.0.0 Ok\r\n",
    "\x03\x00220 mx\r\n250-mx\r\n250-STARTTLS\r\n250 CHUNKING\r\n250 Ok\r\n550-5.1.1 no\r\n550 5.1.1 such\r\n250 Ok\r\n",
    "\x00\x02\x01\x02220-a\r\n220 b\r\n502 no\r\n250 mx\r\n450 4.2.1 later\r\n503 no\r\n421 4.3.2 bye\r\n",
];

fn main() -> io::Result<()> {
    let usage = || io::Error::other("usage: emta-fuzz-seeds FOLDER");
    let folder = PathBuf::from(env::args_os().nth(1).ok_or_else(usage)?);
    let mut mails = bounces();
    mails.extend(complaints());
    mails.extend(Language::ALL.map(answer));
    // Files of several mails as well.
    mails.extend(mails.chunks(20).filter_map(mbox).collect::<Vec<_>>());
    write(&folder, "mail", mails)?;
    write(&folder, "rule_file", rules("config/rules")?)?;
    write(&folder, "script", SCRIPTS.map(String::from))?;
    write(&folder, "smtp_server", CLIENT_SAYS)?;
    write(&folder, "smtp_client", SERVER_SAYS)?;
    // Its reports are made up by the target itself.
    write::<&[u8]>(&folder, "dsn_fields", [])
}

fn write<T: AsRef<[u8]>>(folder: &Path, target: &str, seeds: impl IntoIterator<Item = T>) -> io::Result<()> {
    let folder = folder.join(target);
    fs::create_dir_all(&folder)?;
    for (number, seed) in seeds.into_iter().enumerate() {
        fs::write(folder.join(format!("seed-{number:04}")), seed)?;
    }
    Ok(())
}

/// Every format with every action, the message whole and its header only.
fn bounces() -> Vec<Vec<u8>> {
    let mut mails = Vec::new();
    for format in ReportFormat::ALL {
        for action in Action::ALL {
            let (class, diagnostic) = match action {
                Action::Failed => (5, "550 5.1.1 <ann@example.com>: User unknown"),
                Action::Delayed => (4, "452 4.2.2 The mailbox is over quota"),
                Action::Delivered | Action::Relayed | Action::Expanded => (2, "250 2.0.0 Ok: queued"),
            };
            let Some(status) = EnhancedStatus::try_new(class, 2, 1) else { continue };
            mails.push(bounce(&BounceSpec {
                format,
                reporting_mta: "mta.example",
                remote_mta: Some("mx.example.com"),
                from: "mailer-daemon@mta.example",
                to: "bounce@shop.example",
                report_id: "r1@mta.example",
                final_recipient: "ann@example.com",
                original_recipient: Some("ann+news@example.com"),
                action,
                status,
                diagnostic,
                arrival: AT,
                at: AT,
                will_retry_until: Some(AT),
                envelope_id: Some("e+1"),
                original: ORIGINAL,
                return_full: matches!(action, Action::Failed),
            }));
        }
    }
    mails
}

fn complaints() -> impl Iterator<Item = Vec<u8>> {
    ["abuse", "fraud", "not-spam", "opt-out"].into_iter().enumerate().map(|(number, feedback_type)| {
        complaint(&ComplaintSpec {
            from: "fbl@provider.example",
            to: "fbl@shop.example",
            report_id: "c1@provider.example",
            feedback_type,
            user_agent: "ExampleFBL/1.0",
            original_sender: "bounce@shop.example",
            original_recipient: (number % 2 == 0).then_some("ann@example.com"),
            arrival: AT,
            at: AT,
            reporting_mta: "mx.provider.example",
            source_ip: Some("192.0.2.1"),
            original: ORIGINAL,
        })
    })
}

fn answer(language: Language) -> Vec<u8> {
    auto_reply(&AutoReplySpec {
        from: "ann@example.com",
        to: "news@shop.example",
        report_id: "a1@example.com",
        subject: "Offers",
        in_reply_to: Some("m1@shop.example"),
        at: AT,
        language,
        text: None,
    })
}

/// Three of the mails as one file.
fn mbox(mails: &[Vec<u8>]) -> Option<Vec<u8>> {
    let [first, second, third, ..] = mails else { return None };
    let line: &[u8] = b"From MAILER-DAEMON Mon Jan  5 09:00:00 2026\r\n";
    Some([line, first, b"\r\n", line, second, b"\r\n", line, third].concat())
}

/// The rules of each file, three at a time.
fn rules(folder: &str) -> io::Result<Vec<String>> {
    const RULE: &str = "\n    - id: ";
    let mut seeds = Vec::new();
    for file in fs::read_dir(folder)? {
        let text = fs::read_to_string(file?.path())?;
        let rules: Vec<&str> = text.split(RULE).skip(1).collect();
        let written = |rules: &[&str]| rules.iter().map(|rule| format!("{RULE}{rule}")).collect::<String>();
        seeds.extend(rules.chunks(3).map(|rules| format!("rules:{}\n", written(rules))));
    }
    Ok(seeds)
}
