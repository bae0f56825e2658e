//! A campaign system that polls the bounce mailbox itself: Python's poplib reads, deletes, and finds it empty.

use emta_tests::api::items;
use emta_tests::{Setup, System, tool};

/// Prints the subjects, deletes all but the first, and looks again.
const POPLIB: &str = r#"
import email, email.policy, poplib, ssl, sys

host, port, tls = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "tls"

def mailbox(password="bounce"):
    box = poplib.POP3(host, port, timeout=30)
    if tls:
        box.stls(context=ssl._create_unverified_context())
    box.user("bounce")
    box.pass_(password)
    return box

try:
    mailbox("guess")
except poplib.error_proto as error:
    assert error.args[0].startswith(b"-ERR"), error
else:
    raise AssertionError("a wrong password was taken")

box = mailbox()
count, size = box.stat()
listed = {line.split()[0]: int(line.split()[1]) for line in box.list()[1]}
assert len(listed) == count and sum(listed.values()) == size, (count, size, listed)
uids = [line.split()[1] for line in box.uidl()[1]]
assert len(set(uids)) == count, uids
for number in range(1, count + 1):
    _, lines, octets = box.retr(number)
    assert octets == listed[str(number).encode()], (octets, listed)
    mail = email.message_from_bytes(b"\r\n".join(lines) + b"\r\n", policy=email.policy.default)
    assert mail["Delivered-To"] == "bounce@mta.emta.test", mail["Delivered-To"]
    print(mail.get_content_type(), "|", mail["Subject"])
    assert b"Subject" in b"".join(box.top(number, 0)[1])
    if number > 1:
        box.dele(number)
    if number == 2:
        box.rset()
        box.dele(2)
# Without QUIT nothing is deleted.
box.close()
box = mailbox()
assert box.stat()[0] == count, box.stat()
for number in range(2, count + 1):
    box.dele(number)
box.quit()

box = mailbox()
assert [line.split()[1] for line in box.uidl()[1]] == uids[:1]
box.quit()
"#;

async fn bounces(system: &System) {
    for recipient in ["oob@gmail.test", "complained@outlook.test", "ooo@yahoo.test", "delivered@gmail.test"] {
        system.send(recipient).await;
    }
    system.api.advance("2h").await;
    assert_eq!(items(&system.api.get("/api/v1/bounces").await).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn python_reads_and_deletes() {
    for tls in ["plain", "tls"] {
        let system = System::start().await;
        bounces(&system).await;
        let pop3 = system.sandbox.addresses().pop3;
        let arguments = [&*pop3.ip().to_string(), &pop3.port().to_string(), tls];
        let Some(said) = tool::python(POPLIB, &arguments) else { return };
        let types: Vec<&str> = said.lines().map(|line| line.split(" |").next().unwrap()).collect();
        assert_eq!(types.len(), 3, "{said}");
        assert!(types.contains(&"multipart/report"), "{said}");
        // What was deleted is gone from the mailbox, not from the story.
        let left = system.api.get("/api/v1/bounces").await;
        assert_eq!((&left["mailbox"], &left["kept"]), (&1.into(), &3.into()), "{left}");
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_with_a_name_of_its_own() {
    let yaml = "
hostname: mx.brand.example
bounce_mailbox: { user: returns, password: 'open sesame' }
";
    let system = Setup::new().yaml(yaml).start().await;
    bounces_to(&system, "returns@mx.brand.example").await;
    let script = r#"
import poplib, sys
box = poplib.POP3(sys.argv[1], int(sys.argv[2]), timeout=30)
box.user("returns")
box.pass_("open sesame")
assert box.stat()[0] == 1, box.stat()
text = b"\n".join(box.retr(1)[1])
assert b"returns@mx.brand.example" in text, text
box.quit()
"#;
    let pop3 = system.sandbox.addresses().pop3;
    tool::python(script, &[&*pop3.ip().to_string(), &pop3.port().to_string()]);
    system.stop().await;
}

async fn bounces_to(system: &System, sender: &str) {
    let mut smtp = system.relay().await;
    let to = "oob@gmail.test";
    smtp.send_mail(sender, &[to], &emta_tests::mail(to, "news")).await;
    system.api.advance("2h").await;
}
