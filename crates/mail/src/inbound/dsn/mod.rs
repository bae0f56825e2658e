//! Delivery status notifications (RFC 3464), as they are and as they come: groups run together or torn apart, fields
//! missing or misspelt, actions and dates of their own invention.

use std::collections::HashSet;

use super::diagnostic::{self, codes};
use super::limits::{MAX_DIAGNOSTIC, MAX_RECIPIENTS};
use super::report::{Action, FoundIn, RecipientReport};
use super::values::{address, date, full_address, host, message_id, one_line, short, untyped};
use crate::header;
use crate::reply::EnhancedStatus;
use crate::time::Timestamp;

/// What a `message/delivery-status` part says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DeliveryStatus {
    pub(super) reporting_mta: Option<String>,
    pub(super) envelope_id: Option<String>,
    /// The message's own identifier, which few reports tell.
    pub(super) message_id: Option<String>,
    pub(super) arrival_date: Option<Timestamp>,
    pub(super) recipients: Vec<RecipientReport>,
    /// What is said of a recipient whom the report does not name.
    pub(super) unnamed: Option<RecipientReport>,
}

impl DeliveryStatus {
    /// This report with the recipients whom another one adds.
    pub(super) fn and(mut self, other: Self) -> Self {
        let name = |report: &RecipientReport| report.address().map(str::to_lowercase);
        let known: HashSet<_> = self.recipients.iter().map(name).collect();
        let others = other.recipients.into_iter().filter(|report| !known.contains(&name(report)));
        let room = MAX_RECIPIENTS.saturating_sub(self.recipients.len());
        self.recipients.extend(others.take(room));
        Self {
            reporting_mta: self.reporting_mta.or(other.reporting_mta),
            envelope_id: self.envelope_id.or(other.envelope_id),
            message_id: self.message_id.or(other.message_id),
            arrival_date: self.arrival_date.or(other.arrival_date),
            unnamed: self.unnamed.or(other.unnamed),
            recipients: self.recipients,
        }
    }
}

/// Fields of one recipient, as far as they are read.
#[derive(Default)]
struct Group {
    /// Recipients, final and original, that were named just before this one, with nothing said of them: what is said
    /// of this one is said of all.
    before: Vec<[Option<String>; 2]>,
    final_recipient: Option<String>,
    original_recipient: Option<String>,
    alias: Option<String>,
    action: Option<Action>,
    /// The `Status` field, and whether there was one at all.
    status: Option<EnhancedStatus>,
    diagnostic: String,
    remote_mta: Option<String>,
    /// A reply code in the place of the status.
    reply_code: Option<u16>,
    last_attempt: Option<Timestamp>,
    will_retry_until: Option<Timestamp>,
    /// An empty line came after its first field: the next recipient field may begin another group.
    closed: bool,
    any: bool,
    /// Action, status and diagnostic stood before an empty line, with no recipient: a recipient's own take their place.
    lent_action: bool,
    lent_status: bool,
    lent_diagnostic: bool,
}

/// Reads the part.
pub(super) fn read(content: &[u8]) -> DeliveryStatus {
    let start = content.trim_ascii_start();
    let indent = content[..content.len() - start.len()].rsplit(|b| *b == b'\n').next().unwrap_or_default();
    if indent.is_empty() {
        return read_fields(content);
    }
    // Quoted by indenting: the fields begin where the first one does.
    let mut fields = Vec::with_capacity(content.len());
    for line in content.split_inclusive(|b| *b == b'\n') {
        fields.extend_from_slice(line.strip_prefix(indent).unwrap_or(line));
    }
    read_fields(&fields)
}

fn read_fields(content: &[u8]) -> DeliveryStatus {
    let mut out = DeliveryStatus::default();
    let mut group = Group::default();
    let mut rest = content;
    while !rest.is_empty() {
        let (block, after) = header::split(rest);
        for (name, value) in header::raw_fields(block) {
            field(&mut out, &mut group, name, value);
        }
        group.closed = group.any;
        let is_lent = group.final_recipient.is_none() && group.original_recipient.is_none();
        (group.lent_action, group.lent_status, group.lent_diagnostic) = (is_lent, is_lent, is_lent);
        rest = after;
    }
    finish(&mut out, &mut group);
    out
}

fn field(out: &mut DeliveryStatus, group: &mut Group, name: &str, value: &[u8]) {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let text = || header::unfold(value);
    if is("Final-Recipient") {
        for one in several(&text()) {
            begin(out, group, group.final_recipient.is_some());
            group.final_recipient = address(one);
        }
    } else if is("Original-Recipient") {
        begin(out, group, group.original_recipient.is_some());
        group.original_recipient = address(&text());
    } else if is("X-Actual-Recipient") {
        group.alias = address(&text());
    } else if is("Action") {
        let read = action(&text());
        // A second action in an open group is a repetition; after an empty line it is another recipient's.
        let is_lent = std::mem::take(&mut group.lent_action);
        if !is_lent && group.closed && group.action.is_some() && read.is_some() {
            finish(out, group);
        }
        group.any = true;
        group.action = if is_lent { read.or(group.action) } else { group.action.or(read) };
    } else if is("Status") {
        group.any = true;
        let text = text();
        let read = diagnostic::leading_status(&text);
        if read.is_none() {
            group.reply_code = group.reply_code.or(codes(&text).reply);
        }
        let is_lent = std::mem::take(&mut group.lent_status);
        group.status = if is_lent { read.or(group.status) } else { group.status.or(read) };
    } else if is("Diagnostic-Code") {
        group.any = true;
        if group.diagnostic.is_empty() || std::mem::take(&mut group.lent_diagnostic) {
            let read = one_line(untyped(&text()), MAX_DIAGNOSTIC);
            if !read.is_empty() {
                group.diagnostic = read;
            }
        }
    } else if is("Remote-MTA") {
        group.remote_mta = host(&text());
    } else if is("Last-Attempt-Date") {
        group.last_attempt = date(&text());
    } else if is("Will-Retry-Until") {
        group.will_retry_until = date(&text());
    } else if is("Reporting-MTA") || (is("X-Reporting-MTA") && out.reporting_mta.is_none()) {
        out.reporting_mta = host(&text());
    } else if is("Original-Envelope-Id") {
        out.envelope_id = short(&decode_xtext(text().trim()));
    } else if is("Original-Message-ID") || is("X-Original-Message-ID") {
        out.message_id = message_id(&text());
    } else if is("Arrival-Date") {
        out.arrival_date = date(&text());
    }
}

/// The addresses of a field that lists more than one, or else the field's value alone.
fn several(value: &str) -> impl Iterator<Item = &str> {
    let is_list = value.contains(',') && untyped(value).split(',').all(|one| full_address(one).is_some());
    let (list, alone) = if is_list { (untyped(value), None) } else { ("", Some(value)) };
    list.split(',').filter(move |_| is_list).chain(alone)
}

/// A recipient field begins another group if the current one has that field, or was closed and has a recipient.
fn begin(out: &mut DeliveryStatus, group: &mut Group, repeated: bool) {
    let has_recipient = group.final_recipient.is_some() || group.original_recipient.is_some();
    let says_nothing = group.action.is_none() && group.status.is_none() && group.diagnostic.is_empty();
    if repeated && !group.closed && says_nothing {
        if out.recipients.len() + group.before.len() < MAX_RECIPIENTS {
            group.before.push([group.final_recipient.take(), group.original_recipient.take()]);
        }
    } else if repeated || (group.closed && has_recipient) {
        finish(out, group);
    }
    group.any = true;
}

fn finish(out: &mut DeliveryStatus, group: &mut Group) {
    let group = std::mem::take(group);
    let codes = codes(&group.diagnostic);
    let status = best_status(group.status, codes.status);
    let final_recipient = group.final_recipient.or(group.alias);
    let names = [final_recipient, group.original_recipient];
    let said = RecipientReport {
        action: group.action.unwrap_or_else(|| implied_action(status)),
        status,
        reply_code: codes.reply.or(group.reply_code),
        smtp_command: diagnostic::command(&group.diagnostic),
        diagnostic: group.diagnostic,
        remote_mta: group.remote_mta,
        last_attempt: group.last_attempt,
        will_retry_until: group.will_retry_until,
        found_in: FoundIn::StatusPart,
        ..RecipientReport::default()
    };
    let shared = shared_by(&said, group.before.len());
    let is_of_nobody = group.before.is_empty();
    for names in group.before {
        push(out, names, shared.clone());
    }
    if names != [None, None] {
        push(out, names, said);
    } else if is_of_nobody && group.any && out.unnamed.is_none() {
        out.unnamed = Some(said);
    }
}

/// What is said of one recipient as it is said of so many others, without what would make the report grow with them.
pub(super) fn shared_by(said: &RecipientReport, others: usize) -> RecipientReport {
    let room = MAX_SHARED.min(ALL_SHARED / others.max(1));
    let cut = said.diagnostic.floor_char_boundary(room);
    RecipientReport {
        diagnostic: said.diagnostic[..cut].to_owned(),
        remote_mta: said.remote_mta.clone().filter(|_| others <= FEW),
        ..said.clone()
    }
}

fn push(out: &mut DeliveryStatus, names: [Option<String>; 2], said: RecipientReport) {
    let [final_recipient, mut original_recipient] = names;
    if let (Some(tried), Some(original)) = (&final_recipient, &mut original_recipient)
        && original.contains('+')
        && decode_xtext(original).eq_ignore_ascii_case(tried)
    {
        // The parameter of the SMTP command as it came.
        original.clone_from(tried);
    }
    if out.recipients.len() < MAX_RECIPIENTS {
        out.recipients.push(RecipientReport { final_recipient, original_recipient, ..said });
    }
}

/// Octets of a diagnostic that several recipients share, each of whom gets a copy.
const MAX_SHARED: usize = 512;
/// Octets of all those copies.
const ALL_SHARED: usize = 32 * 1024;
/// Recipients that get a copy of the name of a host.
const FEW: usize = 64;

/// The status in the diagnostic, which is the other side's own word, unless it says nothing (`x.0.0`); else that of the
/// field, which many programs derive from the reply code alone, or set to `4.4.7` when they give up.
pub(super) fn best_status(
    field: Option<EnhancedStatus>,
    diagnostic: Option<EnhancedStatus>,
) -> Option<EnhancedStatus> {
    diagnostic.filter(|status| status.subject() != 0 || status.detail() != 0).or(field).or(diagnostic)
}

/// What a status implies where no action is given.
pub(super) fn implied_action(status: Option<EnhancedStatus>) -> Action {
    match status.map(EnhancedStatus::class) {
        Some(2) => Action::Delivered,
        Some(4) => Action::Delayed,
        Some(_) | None => Action::Failed,
    }
}

/// The five actions, and what is written in their place: `failed (expired)`, `failure`, `deferred`, `bounced`.
fn action(value: &str) -> Option<Action> {
    const PREFIXES: [(&str, Action); 9] = [
        ("fail", Action::Failed),
        ("delay", Action::Delayed),
        ("deliverable", Action::Delivered),
        ("delivered", Action::Delivered),
        ("relay", Action::Relayed),
        ("expand", Action::Expanded),
        ("deferred", Action::Delayed),
        ("expire", Action::Failed),
        ("bounce", Action::Failed),
    ];
    PREFIXES
        .iter()
        .find(|(prefix, _)| diagnostic::starts_with_no_case(value.trim(), prefix))
        .map(|(_, action)| *action)
}

/// `xtext` without its `+XX` (RFC 3461 section 4); anything else stays.
fn decode_xtext(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = |b: &u8| char::from(*b).to_digit(16).map(|digit| digit as u8);
        let decoded = match (first, tail) {
            (b'+', [high, low, ..]) => hex(high).zip(hex(low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        out.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests;
