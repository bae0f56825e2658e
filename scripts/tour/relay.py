"""Relays eight messages, as any campaign system would; each recipient's name chooses its fate."""
import smtplib

RECIPIENTS = [
    "delivered@gmail.test",  # 250
    "bounced@gmail.test",  # 550 in the session
    "deferred@orange.test",  # greylisted twice, then accepted
    "expired@orange.test",  # 4yz until the end of the validity
    "oob@gmx.test",  # accepted, and an hour later a DSN comes back
    "complained@outlook.test",  # accepted, and an hour later the recipient complains
    "ooo@yahoo.test",  # accepted, and five minutes later an automatic reply comes back
    "bounce+552+5.2.2+over+quota@yahoo.test",  # any reply, spelled out
]

with smtplib.SMTP("127.0.0.1", 1025) as relay:
    for number, recipient in enumerate(RECIPIENTS, 1):
        header = f"From: news@shop.example\r\nTo: {recipient}\r\nMessage-ID: <{number}@shop.example>\r\n"
        relay.sendmail("bounce@mta.emta.test", recipient, header + "Subject: January\r\n\r\nHello!\r\n")
