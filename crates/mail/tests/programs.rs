//! Bounces of programs and services, each in the way and the language that it writes them in.

use emta_mail::inbound::{self, FoundIn, InboundMail, MailKind};

const HEAD: &str =
    "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: news@shop.example\nSubject: returned\n";
const COPY: &str = "Return-Path: <news@shop.example>\nMessage-ID: <m1@shop.example>\nFrom: news@shop.example\n\
    To: someone@else.example\nSubject: Offers\n\nbounce@nobody.example failed to deliver\n";

/// Each recipient as `address action code status`.
fn told(mail: &InboundMail) -> Vec<String> {
    let dash = || "-".to_owned();
    let tell = |r: &inbound::RecipientReport| {
        let code = r.reply_code.map_or_else(dash, |code| code.to_string());
        let status = r.status.map_or_else(dash, |status| status.to_string());
        format!("{} {} {code} {status}", r.final_recipient.as_deref().unwrap_or("-"), r.action)
    };
    mail.recipients.iter().map(tell).collect()
}

/// A bounce with this text before a copy of the message.
fn check(program: Option<&str>, found_in: FoundIn, text: &str, expected: &[&str]) {
    let mail = inbound::read(format!("{HEAD}\n{text}\n{COPY}").as_bytes());
    assert_eq!(told(&mail), expected, "{text}");
    assert_eq!((mail.kind, mail.program), (MailKind::DeliveryReport, program), "{text}");
    assert!(mail.recipients.iter().all(|r| r.found_in == found_in), "{text}: {:?}", mail.recipients);
    assert_eq!(mail.original.and_then(|o| o.message_id).as_deref(), Some("m1@shop.example"), "{text}");
}

#[test]
fn programs_in_their_own_words() {
    use FoundIn::{List, Sentence, Transcript};
    check(
        Some("communigate"),
        Sentence,
        "Failed to deliver to '<a@example.com>'\nSMTP module(domain example.com) reports:\n account is full\n\n550 5.2.2 over quota\n",
        &["a@example.com failed 550 5.2.2"],
    );
    check(
        Some("mdaemon"),
        Transcript,
        "The attached message had permanent delivery errors.\n\n--- Session Transcript ---\n--> MAIL From:<news@shop.example>\n<-- 250 ok\n\
         --> RCPT To:<a@example.com>\n<-- 550 5.1.1 unknown\n--- End Transcript ---\n",
        &["a@example.com failed 550 5.1.1"],
    );
    check(
        Some("hmailserver"),
        List,
        "Your message did not reach some or all of the intended recipients.\n\n   Sent: Mon, 5 Jan 2026 09:00:00 +0000\n\n\
         The following recipient(s) could not be reached:\n\na@example.com\n   Error Type: SMTP\n   hMailServer sent: RCPT TO:<a@example.com>\n\
         Remote server replied: 550 5.7.1 refused\n",
        &["a@example.com failed 550 5.7.1"],
    );
    check(
        Some("interscan"),
        Transcript,
        "Sent <<< RCPT TO:<a@example.com>\nReceived >>> 550 5.1.1 unknown\n",
        &["a@example.com failed 550 5.1.1"],
    );
    check(
        Some("x6"),
        Sentence,
        "We had trouble delivering your message. Full details follow:\n\nSubject: 'Offers'\n\n1 error(s):\n\n\
         SMTP Server <mx.example.com> rejected recipient <a@example.com> (Error following RCPT command). It responded as follows: [550 5.1.1 unknown]\n",
        &["a@example.com failed 550 5.1.1"],
    );
    check(
        Some("messaging_server"),
        List,
        "This report relates to a message you sent with the following header fields:\n\n  To: list@shop.example\n\n\
         Your message cannot be delivered to the following recipients:\n\n  Recipient address: a@example.com\n  \
         Reason: Remote SMTP server has rejected address\n  Diagnostic code: smtp;550 5.1.1 unknown\n  Remote system: dns;mx.example.com\n",
        &["a@example.com failed 550 5.1.1"],
    );
    check(
        Some("mailmarshal"),
        List,
        "Your message could not be sent because of\n\n550 5.1.1 unknown\n\nThe following recipients were affected:\n\n    a@example.com\n    b@example.com\n",
        &["a@example.com failed 550 5.1.1", "b@example.com failed 550 5.1.1"],
    );
    check(
        Some("xmail"),
        List,
        "[<00>] XMail bounce: Rcpt=[a@example.com];Error=[550 5.1.1 unknown]\n\nRcpt To: <a@example.com>\n550 5.1.1 unknown\n\n[<05>] The message:\n--- ---\n",
        &["a@example.com failed 550 5.1.1"],
    );
    check(
        None,
        List,
        "Could not deliver message to the following recipient(s):\n\nFailed Recipient: a@example.com\nReason: Remote host said: 550 5.1.1 unknown\n",
        &["a@example.com failed 550 5.1.1"],
    );
}

#[test]
fn languages() {
    use FoundIn::{List, Sentence};
    for (program, found_in, text) in [
        (
            Some("exchange"),
            List,
            "Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:\n\na@example.com\n\n550 5.1.1 unbekannt\n",
        ),
        (
            None,
            Sentence,
            "Ihre Nachricht an <a@example.com> konnte nicht zugestellt werden.\n\n550 5.1.1 unbekannt\n",
        ),
        (None, Sentence, "Votre message n'a pas pu être remis à <a@example.com>.\n\n550 5.1.1 inconnu\n"),
        (None, Sentence, "No se pudo entregar el mensaje a <a@example.com>.\n\n550 5.1.1 desconocido\n"),
        (None, Sentence, "Impossibile recapitare il messaggio a <a@example.com>.\n\n550 5.1.1 sconosciuto\n"),
        (
            None,
            Sentence,
            "Não foi possível entregar a mensagem a <a@example.com>.\n\n550 5.1.1 desconhecido\n",
        ),
        (None, Sentence, "Uw bericht aan <a@example.com> kon niet worden bezorgd.\n\n550 5.1.1 onbekend\n"),
        (None, Sentence, "Meddelandet till <a@example.com> kunde inte levereras.\n\n550 5.1.1 okänd\n"),
        (None, Sentence, "Ваше письмо для <a@example.com> не удалось доставить.\n\n550 5.1.1 нет такого\n"),
        (None, Sentence, "Wiadomość do <a@example.com> nie została dostarczona.\n\n550 5.1.1 nieznany\n"),
        (None, List, "<a@example.com> にメールを送信できませんでした。\n\n550 5.1.1 不明\n"),
        (None, Sentence, "您发给 <a@example.com> 的邮件无法投递。\n\n550 5.1.1 不存在\n"),
    ] {
        check(program, found_in, text, &["a@example.com failed 550 5.1.1"]);
    }
    for text in [
        "Die Zustellung an <a@example.com> ist verzögert.",
        "Votre message pour <a@example.com> est retardé.",
        "La entrega a <a@example.com> está retrasado; aún no se ha entregado.",
        "Ваше письмо для <a@example.com> ещё не доставлено: не удалось доставить сразу.",
        "<a@example.com> への配信が遅れています。",
    ] {
        let mail = inbound::read(format!("{HEAD}X-Failed-Recipients: a@example.com\n\n{text}\n").as_bytes());
        assert_eq!(told(&mail), ["a@example.com delayed - -"], "{text}");
    }
}

#[test]
fn charsets_and_line_ends() {
    let list = "\n<a@example.com>:\n550 5.1.1 unknown\n";
    for (name, raw) in [
        ("utf-7", b"Content-Type: text/plain; charset=utf-7\n\nDie Nachricht konnte f+APw-r a nicht zugestellt werden.\n".to_vec()),
        ("iso-2022-jp without a name", b"\n\x1b$B<!$N08@h$KFO$1$i$l$^$;$s$G$7$?!#\x1b(B\n".to_vec()),
        ("latin-1 that says utf-8", b"Content-Type: text/plain; charset=utf-8\n\nne peut \xeatre d\xe9livr\xe9\n".to_vec()),
    ] {
        let raw = [HEAD.as_bytes(), raw.as_slice(), list.as_bytes()].concat();
        let mail = inbound::read(&raw);
        assert_eq!(told(&mail), ["a@example.com failed 550 5.1.1"], "{name}");
        assert!(!mail.text.contains('\u{fffd}') && !mail.text.is_ascii(), "{name}: {}", mail.text);
        for end in ["\r\n", "\r", "\r\r\n"] {
            let other = String::from_utf8_lossy(&raw).replace('\n', end);
            assert_eq!(told(&inbound::read(other.as_bytes())), told(&mail), "{name} {end:?}");
        }
    }
    let encoded = format!(
        "{HEAD}Content-Transfer-Encoding: base64\n\nPGFAZXhhbXBsZS5jb20+OiA1NTAgNS4xLjEgdW5rbm93bgo=\n\n_______\nA list's footer\n"
    );
    assert_eq!(told(&inbound::read(encoded.as_bytes())), ["a@example.com failed 550 5.1.1"]);
}

#[test]
fn where_each_was_found() {
    let check = |raw: &str, expected: FoundIn| {
        let mail = inbound::read(raw.as_bytes());
        let found: Vec<_> = mail.recipients.iter().map(|r| r.found_in).collect();
        assert_eq!(found, [expected], "{raw}");
        assert!(FoundIn::ALL.contains(&expected) && !expected.name().is_empty());
    };
    let part = |kind: &str, content: &str| {
        format!(
            "{HEAD}Content-Type: multipart/report; boundary=b\n\n--b\n\nText.\n--b\nContent-Type: {kind}\n\n{content}\n--b--\n"
        )
    };
    check(&part("message/delivery-status", "Final-Recipient: rfc822; a@example.com"), FoundIn::StatusPart);
    check(&part("message/feedback-report", "Original-Rcpt-To: a@example.com"), FoundIn::FeedbackPart);
    check(
        &format!("{HEAD}\nReporting-MTA: x\n\nFinal-Recipient: rfc822; a@example.com\n"),
        FoundIn::StatusInText,
    );
    check(&format!("{HEAD}X-Failed-Recipients: a@example.com\n\nFull.\n"), FoundIn::FailedRecipients);
    check(&format!("{HEAD}\n<a@example.com>: no\n"), FoundIn::List);
    check(&format!("{HEAD}\n>>> RCPT To:<a@example.com>\n<<< 550 no\n"), FoundIn::Transcript);
    check(&format!("{HEAD}\nIt failed for <a@example.com> today.\n"), FoundIn::Sentence);
    check("From: a@example.com\nSubject: Out of office: x\n\n", FoundIn::Sender);
    check(
        r#"{"notificationType":"Bounce","bounce":{"bouncedRecipients":[{"emailAddress":"a@example.com"}]}}"#,
        FoundIn::Json,
    );
    let returned =
        "Content-Type: message/rfc822\n\nTo: a@example.com\nFrom: b@shop.example\nMessage-ID: <m>\n\n";
    check(&part("message/delivery-status", &format!("Action: failed\n--b\n{returned}")), FoundIn::Original);
}

#[test]
fn what_is_no_bounce() {
    let bounce = "This is the mail system at host mx.example.\n\n<a@example.com>: 550 5.1.1 unknown\n";
    let quoted = bounce.replace('\n', "\n> ");
    for (what, raw) in [
        ("a reply", format!("From: p@example.com\nSubject: Re: returned\nIn-Reply-To: <r1@mx.example>\n\nWhat is this?\n\n> {quoted}\n")),
        (
            "an attached mail",
            format!("From: p@example.com\nSubject: look\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSee.\n--b\nContent-Type: message/rfc822\n\n{COPY}\n--b--\n"),
        ),
        (
            "a receipt",
            "From: p@example.com\nSubject: Read: Offers\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\n\
             It was displayed.\n--b\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; p@example.com\nDisposition: manual-action; displayed\n--b--\n"
                .to_owned(),
        ),
        ("a newsletter", "From: n@example.com\nSubject: Failure is good\n\nWrite to b@example.com about delivery failures.\n".to_owned()),
    ] {
        let mail = inbound::read(raw.as_bytes());
        assert_eq!((mail.kind, told(&mail)), (MailKind::Other, Vec::new()), "{what}");
    }
    let forwarded =
        format!("From: p@example.com\nSubject: Fwd: returned\nIn-Reply-To: <r1@mx.example>\n\n{bounce}");
    assert_eq!(told(&inbound::read(forwarded.as_bytes())), ["a@example.com failed 550 5.1.1"]);
    let attached = format!(
        "From: p@example.com\nSubject: look\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSee.\n--b\nContent-Type: message/rfc822\n\n{HEAD}\n{bounce}\n--b--\n"
    );
    assert_eq!(told(&inbound::read(attached.as_bytes())), ["a@example.com failed 550 5.1.1"]);
}
