//! Google's services.

use crate::compose::style::{REPORT, Shape, Style, Words};

pub(in crate::compose) const GMAIL: Style = Style {
    from_name: "Mail Delivery Subsystem",
    subjects: Words::all(
        "Delivery Status Notification (Failure)",
        "Delivery Status Notification (Delay)",
        "Delivery Status Notification (Success)",
    ),
    text: Words {
        failed: "** Message not delivered **

There was a problem delivering your message to {rcpt}.

The response from the remote server was:
{reply}",
        unknown: Some(
            "** Address not found **

Your message wasn't delivered to {rcpt}: there is no such address.

The response from the remote server was:
{reply}",
        ),
        delayed: Some(
            "** Delivery incomplete **

There was a temporary problem delivering your message to {rcpt}.

The response from the remote server was:
{reply}",
        ),
        done: Some(
            "** Message delivered **

Your message was delivered to {rcpt}.

The response from the remote server was:
{reply}",
        ),
    },
    auto_submitted: Some("auto-replied"),
    failed_recipients: true,
    shape: REPORT,
};

pub(in crate::compose) const GMAIL_OLD: Style = Style {
    from_name: "Mail Delivery Subsystem",
    subjects: Words::late("Delivery Status Notification (Failure)", "Delivery Status Notification (Delay)"),
    text: Words::late(
        "Delivery to the following recipient failed permanently:

     {rcpt}

Technical details of permanent failure:
{reply}

----- Original message -----
",
        "This is only a notice: delivery goes on for the following recipient:

     {rcpt}

Technical details of temporary failure:
{reply}

----- Original message -----
",
    ),
    auto_submitted: Some("auto-replied"),
    failed_recipients: true,
    shape: Shape::Plain { charset: Some("UTF-8") },
};

pub(in crate::compose) const GROUPS: Style = Style {
    from_name: "Mail Delivery Subsystem",
    subjects: Words::failed("Delivery Status Notification (Failure)"),
    text: Words::failed(
        "Hello {to},

We write because the group you tried to contact may not exist, or does not let you post:

{rcpt}

{reply}

Google Groups

----- Original message -----
",
    ),
    auto_submitted: Some("auto-replied"),
    failed_recipients: true,
    shape: Shape::Plain { charset: Some("UTF-8") },
};
