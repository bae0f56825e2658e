"""Reads the bounce mailbox by POP3, as a campaign system does that handles its bounces itself."""
import email
import poplib

mailbox = poplib.POP3("127.0.0.1", 1110)
mailbox.user("bounce")
mailbox.pass_("bounce")
for number in range(1, mailbox.stat()[0] + 1):
    mail = email.message_from_bytes(b"\r\n".join(mailbox.retr(number)[1]))
    print(f'{mail["Date"]}  {mail["Subject"]}')
    for part in mail.walk():
        if part.get_content_type() == "message/delivery-status":
            print(*(f"    {name}: {value}" for name, value in part.get_payload()[1].items()), sep="\n")
mailbox.quit()
