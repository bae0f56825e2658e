//! Filters and the services that run them.

use crate::compose::style::{PLAIN, REPORT, Shape, Style, Words};

pub(in crate::compose) const BARRACUDA: Style = Style {
    from_name: "Mail Delivery System",
    subjects: Words::failed("Delivery Status Notification (Failure)"),
    text: Words::failed(
        "Your message to {rcpt} was blocked by our Spam Firewall.
The mail with the following subject has NOT BEEN DELIVERED:

Subject: {subject}
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: REPORT,
};

pub(in crate::compose) const MIMECAST: Style = Style {
    from_name: "Postmaster",
    subjects: Words::late("[Postmaster] Email Delivery Failure", "[Postmaster] Email Delivery Warning"),
    text: Words::late(
        "Mimecast could not deliver your message to:

{rcpt}

{reply}",
        "Mimecast goes on to try to deliver your message to:

{rcpt}

{reply}",
    ),
    auto_submitted: Some("auto-replied"),
    failed_recipients: false,
    shape: REPORT,
};

pub(in crate::compose) const PROOFPOINT: Style = Style {
    from_name: "Mail Delivery Subsystem",
    subjects: Words::late(
        "Returned mail: see transcript for details",
        "Warning: could not send message, still trying",
    ),
    text: Words::late(
        "The original message was received at {arrival}
and was returned by Proofpoint.

   ----- The following addresses had permanent fatal errors -----
<{rcpt}>

   ----- Transcript of session follows -----
<<< {reply}",
        "The original message was received at {arrival}
and is kept by Proofpoint. THIS IS A WARNING.

   ----- The following addresses had temporary delivery errors -----
<{rcpt}>

   ----- Transcript of session follows -----
<<< {reply}",
    ),
    auto_submitted: Some("auto-generated"),
    failed_recipients: false,
    shape: REPORT,
};

pub(in crate::compose) const MESSAGELABS: Style = Style {
    from_name: "Mail Delivery Agent",
    subjects: Words::failed("Mail Delivery Failure"),
    text: Words::failed(
        "This is the mail delivery agent at messagelabs.
I was unable to deliver your message to the following addresses:

{rcpt}
Reason: {reply}

--- The message ---
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: PLAIN,
};

pub(in crate::compose) const MAILMARSHAL: Style = Style {
    from_name: "MailMarshal",
    subjects: Words::failed("Undeliverable Mail: \"{subject}\""),
    text: Words::failed(
        "Your message was not delivered because of

{reply}

The following recipients were affected:

    {rcpt}
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: Shape::Mixed,
};
