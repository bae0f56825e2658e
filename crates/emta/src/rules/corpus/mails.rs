//! Failures in mails, as cases.

use emta_mail::inbound::mbox;
use emta_qualify::RuleSet;
use emta_qualify::tune::Case;
use emta_sandbox::inmail::reading::{self, Finding, Meaning, Reading};

use super::Corpus;
use crate::rules::labels::Label;

/// Octets in which a mail shows itself as one.
const LOOKED_AT: usize = 16 << 10;
/// Fields of which every mail has at least one.
const MAIL_FIELDS: [&str; 7] =
    ["from", "received", "return-path", "date", "message-id", "subject", "mime-version"];

/// One recipient of a mail that came back.
pub(super) struct Found {
    recipient: Option<String>,
    alias: Option<String>,
    /// Whether rules decide about it; a success has no failure type, and an unsubscription says what it wants.
    is_failure: bool,
    case: Case,
}

/// Whether this is a mail or an mbox rather than reply lines: a header with one of the fields that all mails have.
pub(in crate::rules) fn looks_like_mail(raw: &[u8]) -> bool {
    if raw.starts_with(b"From ") {
        return true;
    }
    let text = String::from_utf8_lossy(raw.get(..LOOKED_AT.min(raw.len())).unwrap_or_default());
    let header = text.lines().take_while(|line| !line.is_empty());
    let mut names = header.filter(|line| !line.starts_with([' ', '\t'])).map(|line| line.split_once(':'));
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
    let is_known = |name: &str| MAIL_FIELDS.iter().any(|known| name.eq_ignore_ascii_case(known));
    match names.next() {
        Some(Some((first, _))) if is_name(first) => {
            is_known(first) || names.flatten().any(|(name, _)| is_known(name))
        }
        _ => false,
    }
}

/// What a mail, or each mail of an mbox, says of each recipient.
pub(super) fn findings(raw: &[u8], rules: &RuleSet) -> Vec<Found> {
    let of = |raw: &[u8]| {
        let reading = reading::read(raw, rules);
        reading.findings.iter().map(|finding| found(&reading, finding)).collect::<Vec<_>>()
    };
    if raw.starts_with(b"From ") {
        return mbox::split(raw).flat_map(of).collect();
    }
    of(raw)
}

/// A case for each recipient of a mail, named by the recipient; successes, too.
pub(in crate::rules) fn of_mail(raw: &[u8], rules: &RuleSet) -> Vec<Case> {
    let case = |(at, found): (usize, Found)| {
        let id = found.recipient.unwrap_or_else(|| format!("recipient {}", at + 1));
        Case { id, ..found.case }
    };
    findings(raw, rules).into_iter().enumerate().map(case).collect()
}

fn found(reading: &Reading, finding: &Finding) -> Found {
    let is_failure = match finding.meaning {
        Meaning::Bounce | Meaning::Delayed | Meaning::Complaint | Meaning::AutoReply => true,
        Meaning::Delivered | Meaning::Unsubscribe => false,
    };
    let case = reading.case(String::new(), finding);
    Found { recipient: finding.recipient.clone(), alias: finding.alias.clone(), is_failure, case }
}

/// Adds the failures of a file, with their labels. A label is about the recipient that it names, or the one in its
/// place.
pub(super) fn label(file: &str, found: Vec<Found>, labels: &[Label], corpus: &mut Corpus) {
    let mut taken = vec![false; found.len()];
    for label in labels {
        let id = format!("{file} {}", label.index);
        let Some(at) = place(label, &found, &taken) else {
            corpus.lost.push(id);
            continue;
        };
        if let (Some(taken), Some(found)) = (taken.get_mut(at), found.get(at)) {
            *taken = true;
            corpus.cases.push(Case { id, expected: Some(label.means), ..found.case.clone() });
        }
    }
    for (at, (found, taken)) in found.into_iter().zip(taken).enumerate() {
        if found.is_failure && !taken {
            corpus.cases.push(Case { id: format!("{file} {}", at + 1), ..found.case });
        }
    }
}

fn place(label: &Label, found: &[Found], taken: &[bool]) -> Option<usize> {
    let wanted = label.recipient.as_deref().unwrap_or_default();
    let is_about = |at: &usize| {
        let names = found.get(*at).map(|found| [&found.recipient, &found.alias]);
        names.into_iter().flatten().flatten().any(|name| name.eq_ignore_ascii_case(wanted))
    };
    let in_place = label.index.checked_sub(1).filter(|at| *at < found.len());
    let is_free = |at: &usize| taken.get(*at) == Some(&false);
    in_place
        .filter(is_about)
        .or_else(|| (0..found.len()).find(|at| is_free(at) && is_about(at)))
        .or_else(|| (0..found.len()).find(is_about))
        .or(in_place)
}
