//! A made-up run is written in every form, and read again.

mod files;
mod page;
mod story;

use emta_store::MessageFacts;

use super::{Digest, EventDigest, Group, Run, Study};
use crate::simulation::figures::Figures;

/// A run whose events nobody has looked at.
fn run(figures: &Figures) -> Run<'_> {
    Run { figures, digest: nothing() }
}

fn nothing() -> Digest {
    EventDigest::default().finish()
}

/// What a line says of its message.
fn facts() -> MessageFacts {
    MessageFacts {
        sender: emta_mail::ReversePath::Null,
        recipient: emta_mail::EmailAddress::parse("user@example.com").unwrap(),
        message_id: "m@mta.test".to_owned(),
        origin: emta_mail::Origin::default(),
    }
}

/// Two policies: one is slower than the other.
fn policies() -> [Figures; 2] {
    [story::figures("quick", 1, 2_000, 0.6), story::figures("slow <&>", 1, 2_000, 0.2)]
}

fn comparison(policies: &[Figures; 2]) -> Study<'_> {
    let [quick, slow] = policies.each_ref().map(|one| Group::new(&one.setting().scenario, run(one)));
    Study::comparison(quick, slow, "emta simulate --compare quick.yaml slow.yaml")
}

/// One scenario on several seeds.
fn seeds() -> Vec<Figures> {
    (1..=9).map(|seed| story::figures("everyday", seed, 1_000, 0.5)).collect()
}

fn bands(seeds: &[Figures]) -> Study<'_> {
    let group = Group::new("everyday", run(&seeds[0])).with(seeds[1..].iter().map(run));
    Study::new(group, "emta simulate everyday.yaml --seeds 1..9")
}
