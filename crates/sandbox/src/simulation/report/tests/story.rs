//! A made-up run that has everything a report can show.

use std::time::Duration;

use emta_campaign::{Kpis, Mode};
use emta_mail::event::{Accepted, Attempt, Correlation, MailReport, Verdict};
use emta_mail::{
    BounceClass, Chance, DeliveryEvent, EmailAddress, EventKind, FailureReason, FailureType, Origin, Phase,
    QueueId, Reply, ReversePath, Timestamp,
};

use crate::simulation::figures::{Figures, KpiRow, LONGEST_VALIDITY, Mail, Outcome, Setting};

/// Names that are to be escaped are among them.
const PROVIDERS: [&str; 4] = ["alpha", "beta", "gamma & <delta>", "small \"one\""];
/// Minutes between attempts.
const RETRIES: [u64; 11] = [20, 40, 60, 120, 240, 360, 720, 720, 720, 720, 720];

/// An event, the provider of its message, and when that was accepted.
pub(crate) type Told = (DeliveryEvent, &'static str, Timestamp);

/// 2026-01-05T09:00:00Z.
pub(crate) fn start() -> Timestamp {
    Timestamp::from_seconds(1_767_603_600)
}

/// A run's figures.
pub(crate) fn figures(scenario: &str, seed: u64, recipients: u64, mended: f64) -> Figures {
    let setting = Setting {
        scenario: scenario.to_owned(),
        seed,
        recipients,
        start: start(),
        end: start() + Duration::from_hours(120),
        command: format!("emta simulate {scenario}.yaml --recipients {recipients} --seed {seed}"),
    };
    let mut figures = Figures::new(setting);
    let mut before: [KpiRow; Mode::ALL.len()] = Default::default();
    for (event, provider, accepted_at) in events(seed, recipients, mended) {
        if Outcome::of(&event) == Outcome::HardBounced {
            figures.quarantine(event.at, 1);
        }
        figures.record(&event, Mail { provider, accepted_at });
    }
    for (hour, counts) in figures.until().into_iter().enumerate() {
        let late = counts.of(Outcome::AsynchronousBounce) + counts.of(Outcome::Complaint);
        let failed = counts.sum([Outcome::HardBounced, Outcome::SoftBounced, Outcome::Expired]) + late;
        let queued = counts.queued();
        for mode in Mode::ALL {
            let mut kpis = Kpis { targeted: recipients, to_deliver: recipients, ..Kpis::default() };
            kpis.relayed = counts.of(Outcome::Accepted);
            kpis.pending = recipients - kpis.relayed;
            kpis.hard = counts.of(Outcome::HardBounced) + late;
            (kpis.bounces, kpis.delivered) = (failed, counts.of(Outcome::Delivered) - late);
            match mode {
                Mode::WithoutEfs => kpis.delivered += queued,
                Mode::Efs => kpis.bounces += queued,
                Mode::EfsV8 => kpis.taken_into_account = queued,
            }
            kpis.soft = kpis.bounces - kpis.hard;
            kpis.by_reason.insert(FailureReason::UserUnknown, kpis.hard);
            let last_minute = start() + Duration::from_secs(hour as u64 * 3600 + 3599);
            figures.kpis_at(last_minute, mode, &mut before[mode as usize], &kpis);
        }
    }
    figures
}

/// A run's events, message by message. `mended` is the share of deferrals that the next attempt mends.
pub(crate) fn events(seed: u64, recipients: u64, mended: f64) -> Vec<Told> {
    (0..recipients).flat_map(|number| one_message(Chance::new(seed), number, recipients, mended)).collect()
}

fn one_message(chance: Chance, number: u64, recipients: u64, mended: f64) -> Vec<Told> {
    let message = QueueId::from_u64(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let happens = |share, attempt, what: &str| chance.happens(share, message, attempt, what);
    let provider = PROVIDERS[(number % 7).min(3) as usize];
    let accepted_at = start() + Duration::from_secs(number * 7200 / recipients);
    let mut told = Vec::new();
    let mut tell = |at, kind| told.push((DeliveryEvent { message, at, kind }, provider, accepted_at));
    tell(accepted_at, EventKind::Accepted(Box::new(acceptance(number, accepted_at))));

    if happens(0.02, 0, "unknown") {
        let verdict = verdict(BounceClass::InvalidRecipient, FailureType::Hard, FailureReason::UserUnknown);
        tell(accepted_at, EventKind::Bounced { attempt: attempt(provider, 1, 550), verdict });
        return told;
    }
    if happens(0.003, 0, "content") {
        let verdict = verdict(BounceClass::SpamContent, FailureType::Ignored, FailureReason::Refused);
        tell(accepted_at, EventKind::Bounced { attempt: attempt(provider, 1, 554), verdict });
        return told;
    }
    let mut at = accepted_at;
    let mut made = 1;
    if happens(0.08, 0, "deferred") {
        let (class, reason) = match number % 3 {
            0 => (BounceClass::TransientFailure, FailureReason::Unreachable),
            1 => (BounceClass::MailboxFull, FailureReason::MailboxFull),
            _ => (BounceClass::Timeout, FailureReason::Unreachable),
        };
        let failed = |made| (attempt(provider, made, 451), verdict(class, FailureType::Soft, reason));
        loop {
            let pause = RETRIES.get(made as usize - 1).copied();
            let next = pause.map(|minutes| at + Duration::from_secs(minutes * 60));
            let (attempt, verdict) = failed(made);
            let next_attempt = next.unwrap_or(accepted_at + LONGEST_VALIDITY);
            tell(at, EventKind::Deferred { attempt, verdict, next_attempt });
            let Some(next) = next else {
                let (attempt, verdict) = failed(made);
                tell(accepted_at + LONGEST_VALIDITY, EventKind::Expired { attempt, verdict });
                return told;
            };
            at = next;
            made += 1;
            if happens(mended, made, "mended") {
                break;
            }
        }
    }
    tell(at, EventKind::Delivered { attempt: attempt(provider, made, 250) });
    let later = |what: &str, hours: f64| {
        at + Duration::from_secs_f64(60.0 + hours * 3600.0 * chance.unit(message, 1, what))
    };
    if happens(0.005, 0, "asynchronous") {
        let report = report("late", FailureType::Hard, FailureReason::AccountDisabled);
        tell(later("when late", 20.0), EventKind::AsynchronousBounce(report));
    } else if happens(0.3, 0, "opened") {
        tell(later("when opened", 48.0), EventKind::Opened);
        if happens(0.001, 0, "complained") {
            let report = report("arf", FailureType::Hard, FailureReason::Refused);
            tell(later("when complained", 60.0), EventKind::Complaint(report));
        }
    }
    if happens(0.01, 0, "away") {
        let report = report("away", FailureType::Ignored, FailureReason::ErrorIgnored);
        tell(later("when away", 1.0), EventKind::AutoReply(report));
    }
    if happens(0.05, 0, "clicked") {
        let url = "https://shop.example/?a=1&b=<2>".to_owned();
        tell(later("when clicked", 50.0), EventKind::Clicked { url });
    }
    told
}

fn acceptance(number: u64, at: Timestamp) -> Accepted {
    Accepted {
        sender: ReversePath::Address(EmailAddress::parse("bounce@mta.test").unwrap()),
        recipient: EmailAddress::parse(&format!("user{number}@example.com")).unwrap(),
        message_id: format!("{number}@mta.test"),
        size: 4096,
        expires_at: at + LONGEST_VALIDITY,
        origin: Origin { delivery: Some("1".to_owned()), ..Origin::default() },
    }
}

fn attempt(provider: &str, number: u32, code: u16) -> Attempt {
    let text = match code {
        250 => "Ok: queued as 00305aea2182eba2",
        451 => "try again later, the mailbox is busy",
        _ => "no such user here",
    };
    let (provider, mx) = (provider.to_owned(), "mx1.alpha.test".to_owned());
    Attempt {
        number,
        provider,
        mx,
        phase: Phase::Rcpt,
        reply: Reply::new(code, None, text),
        after_crash: false,
    }
}

fn verdict(class: BounceClass, failure_type: FailureType, reason: FailureReason) -> Verdict {
    Verdict { class: Some(class), failure_type, reason, rule: Some("a_rule".to_owned()) }
}

fn report(id: &str, failure_type: FailureType, reason: FailureReason) -> Box<MailReport> {
    Box::new(MailReport {
        report_id: format!("{id}@alpha.test"),
        recipient: None,
        status: None,
        text: "what came back".to_owned(),
        verdict: Verdict { class: None, failure_type, reason, rule: None },
        matched_by: Correlation::MessageId,
        from_this_mta: false,
        feedback_type: String::new(),
    })
}
