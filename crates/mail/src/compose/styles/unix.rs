//! Mail servers of Unix.

use crate::compose::style::{PLAIN, REPORT, Shape, Style, Words};

pub(in crate::compose) const RFC3464: Style = Style {
    from_name: "Mail Delivery System",
    subjects: Words::all(
        "Delivery Status Notification (Failure)",
        "Delivery Status Notification (Delay)",
        "Delivery Status Notification (Success)",
    ),
    text: Words::all(
        "This report was made by the mail system at {mta}.

Your message could not be delivered to:

<{rcpt}>
    {host} said: {reply}",
        "This report was made by the mail system at {mta}.

Your message could not be delivered yet; there is nothing to do. It is kept for:

<{rcpt}>
    {host} said: {reply}",
        "This report was made by the mail system at {mta}.

Your message went on to its destination:

<{rcpt}>
    {host} said: {reply}",
    ),
    auto_submitted: Some("auto-replied"),
    failed_recipients: false,
    shape: REPORT,
};

pub(in crate::compose) const POSTFIX: Style = Style {
    from_name: "Mail Delivery System",
    subjects: Words::all(
        "Undelivered Mail Returned to Sender",
        "Delayed Mail (still being retried)",
        "Successful Mail Delivery Report",
    ),
    text: Words::all(
        "This is the mail system at host {mta}.

Your message could not be delivered to one or more recipients.
It is attached below.

                   The mail system

<{rcpt}>: host {host} said: {reply}",
        "This is the mail system at host {mta}.

Your message could not be delivered so far. It is tried again until it is too old.
THIS IS A WARNING ONLY.

                   The mail system

<{rcpt}>: host {host} said: {reply}",
        "This is the mail system at host {mta}.

Your message was successfully delivered to the destinations below.

                   The mail system

<{rcpt}>: host {host} said: {reply}",
    ),
    auto_submitted: Some("auto-replied"),
    failed_recipients: false,
    shape: Shape::Report {
        html: false,
        fields: &[("X-Postfix-Sender", "rfc822; {to}")],
        recipient_fields: &[],
    },
};

const EXIM_FAILED: &str = "This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {rcpt}
    host {host}
    SMTP error from remote mail server after RCPT TO:<{rcpt}>:
    {reply}
";

const EXIM_DELAYED: &str = "This message was created automatically by mail delivery software.

A message that you sent has not yet been delivered to one or more of its
recipients. No action is needed: delivery attempts will go on.
The address(es) to which the message has not yet been delivered:

  {rcpt}
    host {host}
    SMTP error from remote mail server after RCPT TO:<{rcpt}>:
    {reply}
";

pub(in crate::compose) const EXIM: Style = Style {
    from_name: "Mail Delivery System",
    subjects: Words::late("Mail delivery failed: returning message to sender", "Warning: message delayed"),
    text: Words::late(EXIM_FAILED, EXIM_DELAYED),
    auto_submitted: Some("auto-replied"),
    failed_recipients: true,
    shape: PLAIN,
};

pub(in crate::compose) const EXIM_REPORT: Style = Style { shape: REPORT, ..EXIM };

pub(in crate::compose) const QMAIL: Style = Style {
    from_name: "Mail Delivery Program",
    subjects: Words::failed("failure notice"),
    text: Words::failed(
        "Hi. This is the qmail-send program at {mta}.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{rcpt}>:
{host} does not like recipient.
Remote host said: {reply}
Giving up on it.

--- Below this line is a copy of the message.
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: PLAIN,
};

const SENDMAIL_TEXT: Words = Words::all(
    "The original message was received at {arrival}

   ----- The following addresses had permanent fatal errors -----
<{rcpt}>
    (reason: {reply})

   ----- Transcript of session follows -----
... while talking to {host}.:
>>> RCPT To:<{rcpt}>
<<< {reply}",
    "The original message was received at {arrival}

    **********************************************
    **      THIS IS A WARNING MESSAGE ONLY      **
    **********************************************

   ----- The following addresses had transient non-fatal errors -----
<{rcpt}>
    (reason: {reply})

   ----- Transcript of session follows -----
... while talking to {host}.:
>>> RCPT To:<{rcpt}>
<<< {reply}",
    "The original message was received at {arrival}

   ----- The following addresses had successful delivery notifications -----
<{rcpt}>
    (reason: {reply})",
);

pub(in crate::compose) const SENDMAIL: Style = Style {
    from_name: "Mail Delivery Subsystem",
    subjects: Words::all(
        "Returned mail: see transcript for details",
        "Warning: could not send message, still trying",
        "Return receipt",
    ),
    text: SENDMAIL_TEXT,
    auto_submitted: Some("auto-generated (failure)"),
    failed_recipients: false,
    shape: REPORT,
};

pub(in crate::compose) const SENDMAIL_OLD: Style = Style {
    from_name: "Mail Delivery Subsystem",
    subjects: Words::failed("Returned mail: User unknown"),
    text: Words::failed(
        "   ----- Transcript of session follows -----
... while talking to {host}:
>>> RCPT To:<{rcpt}>
<<< {reply}

   ----- Unsent message follows -----
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: PLAIN,
};

pub(in crate::compose) const COURIER: Style = Style {
    from_name: "Courier mail server",
    subjects: Words::late("NOTICE: mail delivery status.", "NOTICE: mail delivery status: delivery delayed."),
    text: Words::late(
        "This is a delivery status notification from {mta}.

                         UNDELIVERABLE MAIL

Your message to the following recipients cannot be delivered:

<{rcpt}>:
    {host}:
>>> RCPT TO:<{rcpt}>
<<< {reply}",
        "This is a delivery status notification from {mta}.

Your message has not yet been delivered to the recipients below; it is kept.

<{rcpt}>:
    {host}:
>>> RCPT TO:<{rcpt}>
<<< {reply}",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: REPORT,
};

pub(in crate::compose) const OPENSMTPD: Style = Style {
    from_name: "Mailer Daemon",
    subjects: Words::all(
        "Delivery status notification: error",
        "Delivery status notification: warning",
        "Delivery status notification: success",
    ),
    text: Words::all(
        "    Hi!

    This is the MAILER-DAEMON, please DO NOT REPLY to this email.

    An error has occurred; the message was not delivered to:

{rcpt}: {reply}

    A copy of it is below.",
        "    Hi!

    This is the MAILER-DAEMON, please DO NOT REPLY to this email.

    A message is delayed, and is tried further, for:

{rcpt}: {reply}",
        "    Hi!

    This is the MAILER-DAEMON, please DO NOT REPLY to this email.

    Your message was delivered to:

{rcpt}: {reply}",
    ),
    auto_submitted: Some("auto-replied"),
    failed_recipients: false,
    shape: REPORT,
};

pub(in crate::compose) const DRAGONFLY: Style = Style {
    from_name: "MAILER-DAEMON",
    subjects: Words::failed("Mail delivery failed"),
    text: Words::failed(
        "This is the DragonFly Mail Agent at {mta}.

There was an error delivering your mail to <{rcpt}>.

{host} did not like our RCPT TO:
{reply}

Original message follows.
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: PLAIN,
};
