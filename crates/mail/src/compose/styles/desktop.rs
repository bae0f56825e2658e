//! Mail servers of companies: groupware, and servers on Windows.

use crate::compose::style::{PLAIN, REPORT, Shape, Style, Words};

pub(in crate::compose) const DOMINO: Style = Style {
    from_name: "Postmaster",
    subjects: Words::late("DELIVERY FAILURE: {reply}", "DELIVERY DELAYED: {reply}"),
    text: Words::late(
        "Your message

  Subject: {subject}

was not delivered to:

  {rcpt}

because:

  {reply}
",
        "Your message

  Subject: {subject}

waits to be delivered to:

  {rcpt}

because:

  {reply}
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: REPORT,
};

pub(in crate::compose) const NOTES: Style = Style {
    from_name: "Postmaster",
    subjects: Words::failed("Delivery Failure Report"),
    text: Words::failed(
        "------- Failure Reasons  --------

{rcpt}
{reply}

------- Returned Message --------
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: PLAIN,
};

pub(in crate::compose) const GROUPWISE: Style = Style {
    from_name: "Mail Delivery Subsystem",
    subjects: Words::failed("Message status - undeliverable"),
    text: Words::failed(
        "The message that you sent was undeliverable to the following:

{rcpt}
    {reply}
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: Shape::Mixed,
};

pub(in crate::compose) const MAILENABLE: Style = Style {
    from_name: "MailEnable",
    subjects: Words::failed("Message Delivery Failure"),
    text: Words::failed(
        "Message could not be delivered to some recipients.
The following recipient(s) could not be reached:

Recipient: [SMTP:{rcpt}]
Reason: {reply}

--- Message headers follow ---
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: PLAIN,
};

pub(in crate::compose) const IMAIL: Style = Style {
    from_name: "Postmaster",
    subjects: Words::failed("Undeliverable Mail"),
    text: Words::failed(
        "undeliverable to {rcpt}

Body of message generated response:

{reply}

Original message follows.
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: PLAIN,
};

pub(in crate::compose) const HMAILSERVER: Style = Style {
    from_name: "Mail Delivery Service",
    subjects: Words::failed("Message undeliverable: {subject}"),
    text: Words::failed(
        "Your message did not reach some or all of the intended recipients.

   Sent: {arrival}

The following recipient(s) could not be reached:

{rcpt}
   Error Type: SMTP
   hMailServer sent: RCPT TO:<{rcpt}>
   Remote server replied: {reply}

--- The message ---
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: PLAIN,
};

pub(in crate::compose) const JAMES: Style = Style {
    from_name: "Mail Delivery System",
    subjects: Words::failed("Re:{subject}"),
    text: Words::failed(
        "Hi. This is the James mail server at {mta}.
I'm afraid I wasn't able to deliver your message.

Failed recipient: {rcpt}

Error message below:
{reply}
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: Shape::Mixed,
};
