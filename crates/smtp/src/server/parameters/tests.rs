use super::*;
use crate::server::config::Extensions;

/// What the arguments are read as, or the reply to them.
fn check(arguments: &str, expected: &str) {
    check_with(&Extensions::default(), false, arguments, expected);
}

fn check_with(offered: &Extensions, smtputf8: bool, arguments: &str, expected: &str) {
    let context = Context { offered, hostname: "mx.example.test", smtputf8 };
    let got = if arguments.to_ascii_uppercase().starts_with("FROM") {
        mail(arguments, &context).map(|m| {
            let MailCommand { sender, size, eight_bit, smtputf8, ret, envid } = m;
            format!("<{sender}> {size:?} {eight_bit} {smtputf8} {ret:?} {envid:?}")
        })
    } else {
        rcpt(arguments, &context).map(|r| {
            let Notify { success, failure, delay } = r.notify;
            format!("<{}> {success} {failure} {delay} {:?}", r.recipient, r.original_recipient)
        })
    };
    let got = got.unwrap_or_else(|reply| reply.to_string());
    assert!(got.starts_with(expected), "{arguments}: {got}");
}

#[test]
fn paths() {
    check("FROM:<>", "<> None false false None None");
    check("from:<Ann@Example.com>", "<Ann@example.com>");
    check("FROM: <ann@example.com> ", "<ann@example.com>");
    check(r#"FROM:<"a> b"@example.com>"#, r#"<"a> b"@example.com>"#);
    check(r#"FROM:<"a\">"@example.com> SIZE=1"#, r#"<"a\">"@example.com> Some(1)"#);
    check("TO:<@a.example,@b.example:ann@example.com>", "<ann@example.com>");
    check("TO:<ann@[192.0.2.1]>", "<ann@[192.0.2.1]>");
    check("TO:<Postmaster>", "<Postmaster@mx.example.test>");
    check("TO:<ann>", "501 5.1.3");
    check("TO:<>", "501 5.1.3");
    check("FROM:<ann>", "501 5.1.7");
    for arguments in ["FROM:", "FROM:ann@example.com", "FROM:<ann@example.com", "FROM:<>x", "FROM", "FROM <>"]
    {
        check(arguments, "501 5.5.4");
    }
    check("TO:ü", "501 5.5.4");
    check("", "501 5.5.4");
}

#[test]
fn parameters_of_mail() {
    check(
        "FROM:<a@example.com> SIZE=100 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb",
        r#"<a@example.com> Some(100) true true Some(Headers) Some("a+b")"#,
    );
    check("FROM:<> body=7bit ret=full", "<> None false false Some(Full)");
    for arguments in
        ["SIZE=x", "SIZE=+1", "BODY=BINARYMIME", "RET=NONE", "ENVID=+0D", "ENVID=", "RET=FULL RET=FULL"]
    {
        check(&format!("FROM:<> {arguments}"), "501 5.5.4");
    }
    for arguments in ["SIZE", "SMTPUTF8=1", "BY=120;R", "AUTH=<>", "=", "NOTIFY=NEVER"] {
        check(&format!("FROM:<> {arguments}"), "555 5.5.4");
    }
    check(&format!("FROM:<> ENVID={}", "e".repeat(ENVID)), "<>");
    check(&format!("FROM:<> ENVID={}", "e".repeat(ENVID + 1)), "501 5.5.4");
}

#[test]
fn parameters_of_rcpt() {
    check(
        "TO:<b@example.com> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;c+2Bd@example.net",
        r#"<b@example.com> true false true Some("c+d@example.net")"#,
    );
    check("TO:<b@example.com> NOTIFY=never", "<b@example.com> false false false None");
    check("TO:<b@example.com>", "<b@example.com> false true false None");
    for arguments in ["NOTIFY=", "NOTIFY=NEVER,DELAY", "NOTIFY=DELAY,DELAY", "ORCPT=x", "ORCPT=rfc822;+0A"] {
        check(&format!("TO:<b@example.com> {arguments}"), "501 5.5.4");
    }
    check("TO:<b@example.com> SIZE=1", "555 5.5.4");
    let fits = "a".repeat(ORCPT - "rfc822;".len());
    check(&format!("TO:<b@example.com> ORCPT=rfc822;{fits}"), "<b@example.com>");
    check(&format!("TO:<b@example.com> ORCPT=rfc822;{fits}a"), "501 5.5.4");
}

#[test]
fn only_what_was_offered() {
    for arguments in ["SIZE=1", "BODY=8BITMIME", "SMTPUTF8", "RET=FULL", "ENVID=a"] {
        check_with(&Extensions::NONE, false, &format!("FROM:<> {arguments}"), "555 5.5.4");
    }
    for arguments in ["NOTIFY=NEVER", "ORCPT=rfc822;a@example.com"] {
        check_with(&Extensions::NONE, false, &format!("TO:<a@example.com> {arguments}"), "555 5.5.4");
    }
}

#[test]
fn addresses_beyond_ascii() {
    check("FROM:<ü@example.com>", "553 5.6.7");
    check("FROM:<ü@example.com> SMTPUTF8", "<ü@example.com>");
    check("TO:<a@bücher.example>", "553 5.6.7");
    check_with(&Extensions::default(), true, "TO:<a@bücher.example>", "<a@bücher.example>");
}
