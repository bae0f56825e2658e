//! Services and programs that send for others.

use crate::compose::style::{REPORT, Shape, Style, Words};

pub(in crate::compose) const AMAZON_SES: Style = Style {
    from_name: "MAILER-DAEMON",
    subjects: Words::late("Delivery Status Notification (Failure)", "Delivery Status Notification (Delay)"),
    text: Words::late(
        "An error occurred while trying to deliver the mail to the following recipients:
{rcpt}",
        "The mail could not be delivered yet to the following recipients:
{rcpt}",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: REPORT,
};

pub(in crate::compose) const AMAZON_SNS: Style = Style {
    from_name: "AWS Notifications",
    subjects: Words::all("AWS Notification Message", "AWS Notification Message", "AWS Notification Message"),
    // What SNS appends to the notification.
    text: Words::all(
        "--\nTo stop receiving these notifications, unsubscribe from the topic.",
        "--\nTo stop receiving these notifications, unsubscribe from the topic.",
        "--\nTo stop receiving these notifications, unsubscribe from the topic.",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: Shape::Notification,
};

pub(in crate::compose) const ZOHO: Style = Style {
    from_name: "Mail Delivery System",
    subjects: Words::failed("Undelivered Mail Returned to Sender"),
    text: Words::failed(
        "This message was created automatically by mail delivery software.
A message that you sent could not be delivered to one or more of its recipients.

{rcpt} Invalid Address, ERROR_CODE :{reply}

--- Message follows ---
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: Shape::Plain { charset: Some("UTF-8") },
};

pub(in crate::compose) const POWERMTA: Style = Style {
    from_name: "Mail Delivery System",
    subjects: Words::late("Delivery report", "Delivery report: delivery delayed"),
    text: Words::late(
        "Hello, this is the mail server on {mta}.

This is to inform you on the delivery status of a message that you sent before.
The recipients that it concerns are listed below.

  <{rcpt}>  delivery failed; will not continue trying",
        "Hello, this is the mail server on {mta}.

This is to inform you on the delivery status of a message that you sent before.
The recipients that it concerns are listed below.

  <{rcpt}>  delivery delayed; tries go on",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: Shape::Report {
        html: false,
        fields: &[],
        recipient_fields: &[("X-PowerMTA-BounceCategory", "other")],
    },
};

pub(in crate::compose) const SENDGRID: Style = Style {
    from_name: "Mail Delivery System",
    subjects: Words::failed("Undelivered Mail Returned to Sender"),
    text: Words::failed(
        "This is an automatically generated message from SendGrid.

I'm sorry to tell you that your message could not be delivered to the recipient below.

<{rcpt}>: {reply}",
    ),
    auto_submitted: Some("auto-replied"),
    failed_recipients: false,
    shape: REPORT,
};
