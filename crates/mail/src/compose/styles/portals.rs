//! Mailbox providers, in their languages.

use crate::compose::style::{REPORT, Shape, Style, Words};

const UTF_8: Shape = Shape::Plain { charset: Some("UTF-8") };

pub(in crate::compose) const YAHOO: Style = Style {
    from_name: "MAILER-DAEMON",
    subjects: Words::failed("Failure Notice"),
    text: Words::failed(
        "Sorry, we were unable to deliver your message to the following address.

<{rcpt}>:
Remote host said: {reply}
[RCPT_TO]

--- Below this line is a copy of the message.
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: UTF_8,
};

pub(in crate::compose) const AOL: Style = Style {
    from_name: "Mail Delivery System",
    subjects: Words::late("Undelivered Mail Returned to Sender", "Delayed Mail (still being retried)"),
    text: Words::late(
        "The mail you sent could not be delivered to:

{rcpt}: {reply}",
        "The mail you sent waits, and is tried again, for:

{rcpt}: {reply}",
    ),
    auto_submitted: Some("auto-replied"),
    failed_recipients: false,
    shape: Shape::Report {
        html: false,
        fields: &[("X-Outbound-Mail-Relay-Sender", "rfc822; {to}")],
        recipient_fields: &[],
    },
};

pub(in crate::compose) const ICLOUD: Style = Style {
    from_name: "Internet Mail Delivery",
    subjects: Words::all(
        "Delivery Notification: Delivery has failed",
        "Delivery Notification: Delivery is being retried",
        "Delivery Notification: Delivery has been successful",
    ),
    text: Words::all(
        "This report relates to a message you sent with the following header fields:

  Subject: {subject}

Your message cannot be delivered to the following recipients:

  Recipient address: {rcpt}
  Reason: Remote server has rejected address
  Diagnostic code: smtp;{reply}
  Remote system: dns;{host}
",
        "This report relates to a message you sent with the following header fields:

  Subject: {subject}

Your message is still in the queue for the following recipients:

  Recipient address: {rcpt}
  Diagnostic code: smtp;{reply}
  Remote system: dns;{host}
",
        "This report relates to a message you sent with the following header fields:

  Subject: {subject}

Your message has been successfully delivered to the following recipients:

  Recipient address: {rcpt}
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: REPORT,
};

pub(in crate::compose) const GMX: Style = Style {
    from_name: "GMX Mailer Daemon",
    subjects: Words::failed("Mail delivery failed: returning message to sender"),
    text: Words::failed(
        "This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of
its recipients. This is a permanent error. The following address
failed:

\"{rcpt}\":
SMTP error from remote server after RCPT command:
host: {host}
{reply}

--- The header of the original message is following. ---
",
    ),
    auto_submitted: Some("auto-replied"),
    failed_recipients: false,
    shape: UTF_8,
};

pub(in crate::compose) const WEB_DE: Style = Style {
    from_name: "Mail Delivery System",
    subjects: Words::late("Unzustellbar: {subject}", "Zustellung verzögert: {subject}"),
    text: Words::late(
        "Dies ist eine automatisch erzeugte Nachricht.

Ihre E-Mail konnte nicht zugestellt werden. Betroffen ist:

<{rcpt}>:
{reply}

--- Es folgt Ihre Nachricht. ---
",
        "Dies ist eine automatisch erzeugte Nachricht.

Ihre E-Mail ist noch nicht zugestellt; es wird weiter versucht. Betroffen ist:

<{rcpt}>:
{reply}

--- Es folgt Ihre Nachricht. ---
",
    ),
    auto_submitted: Some("auto-replied"),
    failed_recipients: false,
    shape: UTF_8,
};

pub(in crate::compose) const LAPOSTE: Style = Style {
    from_name: "Mail Delivery System",
    subjects: Words::late("Échec de la remise : {subject}", "Remise différée : {subject}"),
    text: Words::late(
        "Ceci est le système de messagerie du serveur {mta}.

Votre message n'a pas pu être remis au destinataire ci-dessous :

<{rcpt}>: {host} a répondu : {reply}",
        "Ceci est le système de messagerie du serveur {mta}.

Votre message n'a pas encore pu être remis ; d'autres essais suivront :

<{rcpt}>: {host} a répondu : {reply}",
    ),
    auto_submitted: Some("auto-replied"),
    failed_recipients: false,
    shape: REPORT,
};

pub(in crate::compose) const MAIL_RU: Style = Style {
    from_name: "Mail Delivery System",
    subjects: Words::late("Письмо не доставлено: {subject}", "Задержка доставки: {subject}"),
    text: Words::late(
        "Это письмо создано автоматически сервером Mail.Ru, отвечать на него не нужно.

Ваше письмо не удалось доставить следующему получателю:

  {rcpt}
    {reply}

------ Ниже находится копия письма. ------
",
        "Это письмо создано автоматически сервером Mail.Ru, отвечать на него не нужно.

Ваше письмо ещё не доставлено; попытки продолжаются:

  {rcpt}
    {reply}

------ Ниже находится копия письма. ------
",
    ),
    auto_submitted: Some("auto-replied"),
    failed_recipients: true,
    shape: UTF_8,
};

pub(in crate::compose) const YANDEX: Style = Style {
    from_name: "mailer-daemon",
    subjects: Words::late("Недоставленное сообщение", "Задержка доставки сообщения"),
    text: Words::late(
        "Это почтовая система на узле {mta}.

Ваше сообщение не может быть доставлено:

<{rcpt}>: host {host} said: {reply}",
        "Это почтовая система на узле {mta}.

Ваше сообщение ещё не доставлено:

<{rcpt}>: host {host} said: {reply}",
    ),
    auto_submitted: Some("auto-replied"),
    failed_recipients: false,
    shape: Shape::Report {
        html: false,
        fields: &[("X-Yandex-Sender", "rfc822; {to}")],
        recipient_fields: &[],
    },
};
