//! The words of each program's bounces. The phrases that programs look for are theirs; the rest is ours.

use super::bounce::{BounceSpec, ReportFormat};
use super::writer::{Writer, bare};
use crate::header;
use crate::inbound::Action;

/// What stands in the header.
pub(super) struct Heading {
    pub(super) from_name: &'static str,
    pub(super) subject: String,
    /// Value of `Auto-Submitted` (RFC 3834 section 5); `None` for programs that do not write it.
    pub(super) auto_submitted: Option<&'static str>,
}

/// The header's words.
pub(super) fn heading(spec: &BounceSpec<'_>) -> Heading {
    let (from_name, failed, delayed, auto_submitted) = match spec.format {
        ReportFormat::Rfc3464 => (
            "Mail Delivery System",
            "Delivery Status Notification (Failure)",
            "Delivery Status Notification (Delay)",
            Some("auto-replied"),
        ),
        ReportFormat::Postfix => (
            "Mail Delivery System",
            "Undelivered Mail Returned to Sender",
            "Delayed Mail (still being retried)",
            Some("auto-replied"),
        ),
        ReportFormat::Exim => (
            "Mail Delivery System",
            "Mail delivery failed: returning message to sender",
            "Warning: message delayed",
            Some("auto-replied"),
        ),
        ReportFormat::Qmail => ("Mail Delivery Program", "failure notice", "failure notice", None),
        ReportFormat::Sendmail => (
            "Mail Delivery Subsystem",
            "Returned mail: see transcript for details",
            "Warning: could not send message, still trying",
            Some("auto-generated (failure)"),
        ),
        ReportFormat::Exchange => ("Microsoft Outlook", "Undeliverable: ", "Delivery delayed: ", None),
        ReportFormat::Gmail => (
            "Mail Delivery Subsystem",
            "Delivery Status Notification (Failure)",
            "Delivery Status Notification (Delay)",
            Some("auto-replied"),
        ),
    };
    let subject = match spec.action {
        Action::Failed => failed,
        Action::Delayed => delayed,
        Action::Delivered | Action::Relayed | Action::Expanded => "Delivery Status Notification (Success)",
    };
    let mut subject = subject.to_owned();
    if subject.ends_with(": ") {
        // Encoded words of the original subject stay encoded words.
        subject.push_str(&header::find(spec.original, "Subject").unwrap_or_default());
    }
    Heading { from_name, subject, auto_submitted }
}

/// The text for people.
pub(super) fn write(out: &mut Writer, spec: &BounceSpec<'_>) {
    match spec.format {
        ReportFormat::Rfc3464 => own(out, spec),
        ReportFormat::Postfix => postfix(out, spec),
        ReportFormat::Exim => exim(out, spec),
        ReportFormat::Qmail => qmail(out, spec),
        ReportFormat::Sendmail => sendmail(out, spec),
        ReportFormat::Exchange => exchange(out, spec),
        ReportFormat::Gmail => gmail(out, spec),
    }
}

fn host<'a>(spec: &BounceSpec<'a>) -> &'a str {
    spec.remote_mta.unwrap_or(spec.reporting_mta)
}

fn own(out: &mut Writer, spec: &BounceSpec<'_>) {
    out.line(&format!("This report was made by the mail system at {}.", spec.reporting_mta));
    out.blank();
    out.line(match spec.action {
        Action::Failed => "Your message could not be delivered to:",
        Action::Delayed => "Your message could not be delivered yet; there is nothing to do. It is kept for:",
        Action::Delivered => "Your message was delivered to:",
        Action::Relayed => "Your message went on to a system that may not report what becomes of it:",
        Action::Expanded => "Your message went on to all members of:",
    });
    out.blank();
    out.line(&format!("<{}>", bare(spec.final_recipient)));
    out.line(&format!("    {} said: {}", host(spec), spec.diagnostic));
}

fn postfix(out: &mut Writer, spec: &BounceSpec<'_>) {
    out.line(&format!("This is the mail system at host {}.", spec.reporting_mta));
    out.blank();
    out.lines(match spec.action {
        Action::Failed => "Your message could not be delivered to one or more recipients.\nIt is attached below.",
        Action::Delayed => {
            "Your message could not be delivered so far. It is tried again until it is too old.\nTHIS IS A WARNING ONLY."
        }
        Action::Delivered | Action::Relayed | Action::Expanded => {
            "Your message was successfully delivered to the destinations below."
        }
    });
    out.blank();
    out.line("                   The mail system");
    out.blank();
    out.line(&format!("<{}>: host {} said: {}", bare(spec.final_recipient), host(spec), spec.diagnostic));
}

fn exim(out: &mut Writer, spec: &BounceSpec<'_>) {
    out.line("This message was created automatically by mail delivery software.");
    out.blank();
    if spec.action == Action::Failed {
        out.line("A message that you sent could not be delivered to one or more of its");
        out.line("recipients. This is a permanent error. The following address(es) failed:");
    } else {
        out.line("A message that you sent has not yet been delivered to one or more of its");
        out.line("recipients. No action is needed: delivery attempts will go on.");
        out.line("The address(es) to which the message has not yet been delivered:");
    }
    out.blank();
    let recipient = bare(spec.final_recipient);
    out.line(&format!("  {recipient}"));
    out.line(&format!("    host {}", host(spec)));
    out.line(&format!("    SMTP error from remote mail server after RCPT TO:<{recipient}>:"));
    out.line(&format!("    {}", spec.diagnostic));
    out.blank();
    out.line("------ This is a copy of the message, including all the headers. ------");
    out.blank();
}

fn qmail(out: &mut Writer, spec: &BounceSpec<'_>) {
    out.line(&format!("Hi. This is the qmail-send program at {}.", spec.reporting_mta));
    out.line("I'm afraid I wasn't able to deliver your message to the following addresses.");
    out.line("This is a permanent error; I've given up. Sorry it didn't work out.");
    out.blank();
    out.line(&format!("<{}>:", bare(spec.final_recipient)));
    out.line(&format!("{} does not like recipient.", host(spec)));
    out.line(&format!("Remote host said: {}", spec.diagnostic));
    out.line("Giving up on it.");
    out.blank();
    out.line("--- Below this line is a copy of the message.");
    out.blank();
}

fn sendmail(out: &mut Writer, spec: &BounceSpec<'_>) {
    out.line(&format!("The original message was received at {}", spec.arrival.rfc5322()));
    out.blank();
    let recipient = bare(spec.final_recipient);
    match spec.action {
        Action::Failed => out.line("   ----- The following addresses had permanent fatal errors -----"),
        Action::Delayed => {
            out.line("    **********************************************");
            out.line("    **      THIS IS A WARNING MESSAGE ONLY      **");
            out.line("    **********************************************");
            out.blank();
            out.line("   ----- The following addresses had transient non-fatal errors -----");
        }
        Action::Delivered | Action::Relayed | Action::Expanded => {
            out.line("   ----- The following addresses had successful delivery notifications -----");
        }
    }
    out.line(&format!("<{recipient}>"));
    out.line(&format!("    (reason: {})", spec.diagnostic));
    out.blank();
    out.line("   ----- Transcript of session follows -----");
    out.line(&format!("... while talking to {}.:", host(spec)));
    out.line(&format!(">>> RCPT To:<{recipient}>"));
    out.line(&format!("<<< {}", spec.diagnostic));
}

fn exchange(out: &mut Writer, spec: &BounceSpec<'_>) {
    out.line(match spec.action {
        Action::Failed => "Delivery has failed to these recipients or groups:",
        Action::Delayed => "Delivery to these recipients or groups is delayed:",
        Action::Delivered | Action::Relayed | Action::Expanded => {
            "Your message has been delivered to these recipients or groups:"
        }
    });
    out.blank();
    let recipient = bare(spec.final_recipient);
    out.line(&recipient);
    out.blank();
    out.line("Diagnostic information for administrators:");
    out.blank();
    out.line(&format!("Generating server: {}", spec.reporting_mta));
    out.blank();
    out.line(&recipient);
    out.line(&format!("Remote Server returned '{}'", spec.diagnostic));
}

fn gmail(out: &mut Writer, spec: &BounceSpec<'_>) {
    let recipient = bare(spec.final_recipient);
    match (spec.action, spec.status.subject()) {
        (Action::Failed, 1) => {
            out.line("** Address not found **");
            out.blank();
            out.line(&format!("Your message wasn't delivered to {recipient}: there is no such address."));
        }
        (Action::Failed, _) => {
            out.line("** Message not delivered **");
            out.blank();
            out.line(&format!("There was a problem delivering your message to {recipient}."));
        }
        (Action::Delayed, _) => {
            out.line("** Delivery incomplete **");
            out.blank();
            out.line(&format!("There was a temporary problem delivering your message to {recipient}."));
        }
        (Action::Delivered | Action::Relayed | Action::Expanded, _) => {
            out.line("** Message delivered **");
            out.blank();
            out.line(&format!("Your message was delivered to {recipient}."));
        }
    }
    out.blank();
    out.line("The response from the remote server was:");
    out.line(spec.diagnostic);
}
