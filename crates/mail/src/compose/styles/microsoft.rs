//! Microsoft's mail servers and services.

use crate::compose::style::{REPORT, Shape, Style, Words};

pub(in crate::compose) const EXCHANGE: Style = Style {
    from_name: "Microsoft Outlook",
    subjects: Words::all("Undeliverable: {subject}", "Delivery delayed: {subject}", "Delivered: {subject}"),
    text: Words::all(
        "Delivery has failed to these recipients or groups:

{rcpt}

Diagnostic information for administrators:

Generating server: {mta}

{rcpt}
Remote Server returned '{reply}'",
        "Delivery to these recipients or groups is delayed:

{rcpt}

Diagnostic information for administrators:

Generating server: {mta}

{rcpt}
Remote Server returned '{reply}'",
        "Your message has been delivered to these recipients or groups:

{rcpt}",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: REPORT,
};

pub(in crate::compose) const EXCHANGE_2003: Style = Style {
    from_name: "System Administrator",
    subjects: Words::failed("Undeliverable: {subject}"),
    text: Words::failed(
        "Your message

  Subject: {subject}
  Sent:    {arrival}

did not reach the following recipient(s):

{rcpt} on {at}
    Reason: {reply}
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: Shape::Mixed,
};

pub(in crate::compose) const OFFICE_365: Style = Style {
    from_name: "Microsoft Outlook",
    subjects: Words::all("Undeliverable: {subject}", "Delivery delayed: {subject}", "Delivered: {subject}"),
    text: Words::all(
        "<html><head><title>Report</title></head><body>
<h1>Office 365</h1>
<p>Your message to <a href=\"mailto:{rcpt}\">{rcpt}</a> was not delivered.</p>
<table><tr><td>Sender</td><td>Office 365</td><td>Recipient</td></tr></table>
<h2>Diagnostic information for administrators</h2>
<p>Generating server: {mta}</p>
<p>{rcpt}<br>Remote Server returned '{reply}'</p>
</body></html>",
        "<html><body>
<h1>Office 365</h1>
<p>Delivery to {rcpt} is delayed. There is nothing to do.</p>
<p>{rcpt}<br>Remote Server returned '{reply}'</p>
</body></html>",
        "<html><body>
<h1>Office 365</h1>
<p>Your message was delivered to {rcpt}.</p>
</body></html>",
    ),
    auto_submitted: Some("auto-replied"),
    failed_recipients: false,
    shape: Shape::Report {
        html: true,
        fields: &[("X-MS-Exchange-Message-Is-Ndr", "")],
        recipient_fields: &[("X-Display-Name", "{rcpt}")],
    },
};

pub(in crate::compose) const OUTLOOK_COM: Style = Style {
    from_name: "Mail Delivery Subsystem",
    subjects: Words::all(
        "Delivery Status Notification (Failure)",
        "Delivery Status Notification (Delay)",
        "Delivery Status Notification (Success)",
    ),
    text: Words::all(
        "This is an automatically generated Delivery Status Notification.

Delivery to the following recipients failed.

       {rcpt}
",
        "This is an automatically generated Delivery Status Notification.

Delivery to the following recipients is delayed.

       {rcpt}
",
        "This is an automatically generated Delivery Status Notification.

Your message was delivered to the following recipients.

       {rcpt}
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: REPORT,
};
