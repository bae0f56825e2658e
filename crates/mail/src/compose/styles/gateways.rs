//! Programs that log the session into the bounce.

use crate::compose::style::{PLAIN, Style, Words};

pub(in crate::compose) const XMAIL: Style = Style {
    from_name: "Mail Delivery System",
    subjects: Words::failed("Error sending message"),
    text: Words::failed(
        "[<00>] XMail bounce: Rcpt=[{rcpt}];Error=[{reply}]

[<01>] The message was not delivered.

Rcpt To: <{rcpt}>: {reply}

[<05>] Here is listed the initial part of the message:
--- The message ---
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: PLAIN,
};

pub(in crate::compose) const MDAEMON: Style = Style {
    from_name: "MDaemon",
    subjects: Words::failed("Permanent Delivery Failure"),
    text: Words::failed(
        "MDaemon has identified permanent delivery errors.

The following addresses are affected: session transcript below

--> RCPT To:<{rcpt}>
<-- {reply}

--- The message ---
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: PLAIN,
};

pub(in crate::compose) const INTERSCAN: Style = Style {
    from_name: "InterScan",
    subjects: Words::failed("Mail could not be delivered"),
    text: Words::failed(
        "****** Message from InterScan ******

Sent <<< RCPT TO:<{rcpt}>
Received >>> {reply}

--- The message ---
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: PLAIN,
};
