//! A part of the recipients with everything that happens to them: one run of all cores, by itself.
//!
//! Recipients are divided by domain. A domain is a lane of the queue, an address has its domain, and the figures and
//! KPIs are sums: so shards have nothing to say to each other, and which shard runs when changes nothing.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use emta_campaign::{Feedback, Input, Kpis, Mode, Output};
use emta_mail::event::{Attempt, EventKind};
use emta_mail::{DeliveryEvent, Envelope, EventId, QueueId, ReversePath, Timestamp};
use emta_providers::{ActionKind, Later, ReportMail};
use emta_queue::Message;

use super::engine::Lines;
use super::figures::{Figures, KpiRow, Mail, Setting};
use super::inmail::InMail;
use super::mta::Mta;
use super::relay::Relay;
use super::spool::{Member, Place, Spool};
use super::told::{Bound, Page};
use super::world::World;
use crate::mailed_bounces::OwnReport;

/// A part of the recipients.
pub(super) struct Shard {
    world: Arc<World>,
    spool: Spool,
    relay: Relay,
    mta: Mta,
    inmail: InMail,
    diary: Diary,
    /// When each delivery starts that has not, soonest last.
    starts: Vec<(Timestamp, usize)>,
    /// What the campaign core wants relayed, and is not its turn yet.
    next_relay: Option<(Output, Place, QueueId)>,
}

/// What a shard takes down.
struct Diary {
    /// Those of the thread that runs the shard, while it does.
    figures: Figures,
    /// The KPIs of each mode when they were last taken down.
    kpis: [KpiRow; Mode::ALL.len()],
    /// What happened since the last bound, and what lies behind it.
    told: Page,
    /// Whether it is told as lines, too.
    lines: Lines,
    mode: Mode,
    /// What the MTA has still to report by mail.
    given_up: Vec<GivenUp>,
    /// When the next full hour ends.
    hour_ends: Timestamp,
    /// Addresses in quarantine at the end of the last hour.
    quarantined: u64,
    /// Something happened since the KPIs were last taken down.
    changed: bool,
}

/// A message that the MTA gave up.
struct GivenUp {
    id: QueueId,
    event: EventId,
    place: Place,
    attempt: Attempt,
}

const HOUR: Duration = Duration::from_hours(1);

impl Shard {
    /// A shard with these recipients of each delivery, and when that starts. Members with an id come first, by rising
    /// id.
    pub(super) fn new(
        world: &Arc<World>,
        mut mta: Mta,
        setting: &Setting,
        lines: Lines,
        waves: Vec<(Timestamp, Vec<Member>)>,
    ) -> Self {
        let mut providers = HashMap::new();
        for (_, members) in &waves {
            for member in members {
                let Some((_, domain)) = member.recipient.address.trim().rsplit_once('@') else { continue };
                let domain = domain.to_lowercase().into_boxed_str();
                if !providers.contains_key(&domain)
                    && let Some(spec) = domain.parse().ok().and_then(|d| mta.providers().provider_for(&d))
                {
                    providers.insert(domain, Arc::from(spec.name.as_str()));
                }
            }
        }
        let mut spool = Spool::new(world, providers);
        for (at, members) in waves {
            spool.add_wave(at, members);
        }
        let mut starts: Vec<_> = spool.starts().zip(0..).collect();
        starts.reverse();
        Self {
            relay: Relay::new(world),
            mta,
            inmail: InMail::new(world),
            diary: Diary {
                figures: Figures::new(setting.clone()),
                kpis: Default::default(),
                told: Page::default(),
                lines,
                mode: world.config.campaign.core.mode,
                given_up: Vec::new(),
                hour_ends: world.start + HOUR,
                quarantined: 0,
                changed: true,
            },
            starts,
            next_relay: None,
            spool,
            world: Arc::clone(world),
        }
    }

    /// When something happens next.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let relay = self.next_relay.as_ref().map(|(_, place, _)| self.spool.accepted_at(*place));
        let start = self.starts.last().map(|(at, _)| *at);
        [relay, start, self.mta.deadline(), self.spool.campaign.deadline()].into_iter().flatten().min()
    }

    /// Lives until the bound, counts what happened and tells it, in order; `empty` is for what it will tell next.
    pub(super) fn run(&mut self, until: Bound, empty: Page, figures: &mut Figures) -> Page {
        mem::swap(&mut self.diary.figures, figures);
        while let Some(now) = self.deadline().filter(|now| Bound { at: *now, id: 0 } < until) {
            self.diary.close_hours(now, &self.spool);
            let below = if now == until.at { until.id } else { u64::MAX };
            self.instant(now, below);
            if now == until.at {
                break;
            }
        }
        mem::swap(&mut self.diary.figures, figures);
        let mut told = mem::replace(&mut self.diary.told, empty);
        told.sort(until, &mut self.diary.told);
        told
    }

    /// Ends: takes the KPIs down a last time.
    pub(super) fn end(&mut self, figures: &mut Figures) {
        mem::swap(&mut self.diary.figures, figures);
        let end = self.world.end;
        self.diary.close_hours(end, &self.spool);
        self.diary.take_kpis(end - Duration::from_millis(1), &self.spool);
        mem::swap(&mut self.diary.figures, figures);
    }

    /// Mails that came back and speak of no message.
    pub(super) const fn unmatched(&self) -> u64 {
        self.inmail.unmatched
    }

    /// Everything that happens at an instant; of what starts to be relayed, the messages with an id up to `below`.
    fn instant(&mut self, now: Timestamp, below: u64) {
        while let Some((_, wave)) = self.starts.pop_if(|(at, _)| *at <= now) {
            self.spool.confirm(wave);
            self.diary.changed = true;
        }
        self.spool.command(Input::Tick, now);
        loop {
            let relayed = self.relay(now, below);
            let Self { spool, mta, diary, .. } = self;
            let mut tell = |spool: &mut Spool, place, message, kind| {
                diary.tell(spool, place, &DeliveryEvent { message, at: now, kind });
            };
            let attempted = mta.run(spool, now, &mut tell);
            let reported = self.mail_own_bounces(now);
            let acted = self.act(now);
            if !(relayed || attempted || reported || acted) {
                return;
            }
        }
    }

    /// Relays what the campaign core hands out.
    fn relay(&mut self, now: Timestamp, below: u64) -> bool {
        let mut any = false;
        loop {
            let next = self.next_relay.take().or_else(|| {
                let output = self.spool.campaign.poll()?;
                let place = Spool::place_of(&output);
                let id = self.spool.id(place)?;
                Some((output, place, id))
            });
            let Some((output, place, id)) = next else { return any };
            // The last slice takes what has the highest id of all, too.
            if id.as_u64() >= below && below != u64::MAX {
                self.next_relay = Some((output, place, id));
                return any;
            }
            any = true;
            self.relay_one(output, place, id, now);
        }
    }

    fn relay_one(&mut self, output: Output, place: Place, id: QueueId, now: Timestamp) {
        let Output::Relay { log, recipient, values: _, content: _ } = output;
        let domain = recipient.domain();
        let taken = match self.spool.content(place) {
            Ok(content) => self.relay.send(recipient, content, now),
            Err(problem) => {
                let reply = format!("the message cannot be written: {problem}");
                let reply = emta_mail::Reply::new(554, "5.6.0".parse().ok(), reply);
                Err(emta_campaign::RelayFailure::Refused(reply))
            }
        };
        match taken {
            Ok(taken) => {
                debug_assert_eq!(taken.id, id, "the relay names a message as was foreseen");
                self.spool.command(Input::Relayed(log), now);
                let provider = self.spool.provider(place);
                let expires_at = taken.accepted.expires_at;
                let kind = EventKind::Accepted(Box::new(taken.accepted));
                let event = DeliveryEvent { message: id, at: now, kind };
                self.diary.tell(&mut self.spool, place, &event);
                self.mta.accept(Message { id, domain, provider, accepted_at: now, expires_at }, now);
            }
            Err(failure) => self.spool.command(Input::RelayFailed { log, failure }, now),
        }
    }

    /// Does what providers and their users do now.
    fn act(&mut self, now: Timestamp) -> bool {
        let mut any = false;
        while let Some(later) = self.mta.providers().poll(now) {
            any = true;
            let Some(place) = self.spool.find(later.message) else { continue };
            let Later { message, due, .. } = later;
            match &later.kind {
                ActionKind::Open => {
                    let event = DeliveryEvent { message, at: due, kind: EventKind::Opened };
                    self.diary.tell(&mut self.spool, place, &event);
                }
                ActionKind::Click { url } => {
                    let kind = EventKind::Clicked { url: url.clone() };
                    self.diary.tell(&mut self.spool, place, &DeliveryEvent { message, at: due, kind });
                }
                ActionKind::Bounce { .. }
                | ActionKind::DelayReport { .. }
                | ActionKind::Complaint { .. }
                | ActionKind::AutoReply { .. } => self.mail_back(&later, place, now),
            }
        }
        any
    }

    fn mail_back(&mut self, later: &Later, place: Place, now: Timestamp) {
        if let Some(mail) = later.compose(&self.spool.sent(place, later.message)) {
            self.take_mail(mail, place, now);
        }
    }

    /// Without feedback service the MTA mails back what it gave up.
    fn mail_own_bounces(&mut self, now: Timestamp) -> bool {
        let given_up = mem::take(&mut self.diary.given_up);
        let any = !given_up.is_empty();
        for GivenUp { id, event, place, attempt } in given_up {
            let sender = self.world.sender().clone();
            let (Some(recipient), ReversePath::Address(to)) = (self.spool.recipient(place), &sender) else {
                continue;
            };
            let envelope = Envelope::new(sender.clone(), recipient.clone());
            let report = OwnReport {
                hostname: self.world.hostname(),
                envelope: &envelope,
                attempt: &attempt,
                event,
                arrival: self.spool.accepted_at(place),
                at: now,
                original: &self.spool.sent(place, id),
            };
            let raw = report.compose(to.as_str());
            let mail = ReportMail { sender: ReversePath::Null, recipient: to.clone(), raw };
            self.take_mail(mail, place, now);
        }
        any
    }

    fn take_mail(&mut self, mail: ReportMail, place: Place, now: Timestamp) {
        for event in self.inmail.take(mail, &self.spool, place, now) {
            let Some(place) = self.spool.find(event.message) else { continue };
            self.diary.tell(&mut self.spool, place, &event);
        }
    }
}

impl Diary {
    /// Takes down an event, and lets the campaign core hear of it.
    fn tell(&mut self, spool: &mut Spool, place: Place, event: &DeliveryEvent) {
        self.changed = true;
        let mail = Mail { provider: &spool.provider(place), accepted_at: spool.accepted_at(place) };
        self.figures.record(event, mail);
        let feedback = spool.key(place).map(|key| Feedback::from_event(event, key));
        let id = feedback.as_ref().map_or_else(|| event.id(), |feedback| feedback.event_id);
        if let Some(feedback) = feedback {
            let at = feedback.at;
            spool.command(Input::Feedback(feedback), at);
        }
        if let (Mode::WithoutEfs, EventKind::Bounced { attempt, .. } | EventKind::Expired { attempt, .. }) =
            (self.mode, &event.kind)
        {
            self.given_up.push(GivenUp { id: event.message, event: id, place, attempt: attempt.clone() });
        }
        let facts = match self.lines {
            Lines::Written => spool.facts(place),
            Lines::Omitted => None,
        };
        self.told.write(event, id, facts.as_ref());
    }

    /// Ends the hours that end before or at `now`.
    fn close_hours(&mut self, now: Timestamp, spool: &Spool) {
        while self.hour_ends <= now {
            self.take_kpis(self.hour_ends - Duration::from_millis(1), spool);
            self.hour_ends = self.hour_ends + HOUR;
        }
    }

    fn take_kpis(&mut self, at: Timestamp, spool: &Spool) {
        if !mem::take(&mut self.changed) {
            return;
        }
        for mode in Mode::ALL {
            let mut sum = Kpis::default();
            for delivery in spool.campaign.deliveries() {
                sum.add(delivery.kpis(mode));
            }
            self.figures.kpis_at(at, mode, &mut self.kpis[mode as usize], &sum);
        }
        let quarantined = spool.campaign.deliveries().map(emta_campaign::Delivery::new_quarantine).sum();
        let more = u64::saturating_sub(quarantined, mem::replace(&mut self.quarantined, quarantined));
        self.figures.quarantine(at, more);
    }
}
