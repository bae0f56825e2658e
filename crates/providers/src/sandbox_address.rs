//! Addresses that choose their own fate, in the grammar that users of mail sandboxes know.
//!
//! | address | fate |
//! |---|---|
//! | `delivered@` `bounced@` `softbounced@` `blocked@` `deferred@` `expired@` `complained@` `ooo@` `unknown@` `full@` `disabled@` ... | a canned outcome, see [`CANNED`] |
//! | `anyone+hardbounce@`, `+softbounce`, `+complaint`, `+ooo`, `+accept` ... | the same, by the last tag |
//! | `bounce+550+no+such+user@` | exactly this reply to RCPT (`+` is a space, `%41` an octet) |
//! | `550-no-such-user@`, `450-try-later@` | a reply to RCPT with this code |
//!
//! Case, `-` and `_` do not count in names. A provider's own outcome of the name goes before the canned one.

use emta_mail::Reply;

use crate::outcome::{AttemptStep, Outcome, Step};
use crate::script::standard_reply;

/// The canned outcomes: names, and their script.
pub const CANNED: [(&[&str], &str); 13] = [
    (&["delivered", "success", "accept", "accepted"], "250"),
    (&["bounced", "bounce", "hardbounce", "permfail"], "550 5.1.1 The email account does not exist"),
    (&["unknown"], "550 5.1.1 User unknown"),
    (&["softbounced", "softbounce", "tempfail"], "450 4.2.1 The mailbox is temporarily unavailable"),
    (&["full"], "552 5.2.2 Mailbox full"),
    (&["disabled"], "550 5.2.1 Mailbox disabled"),
    (&["blocked"], "message:554 5.7.1 Message refused: poor sender reputation"),
    (&["deferred", "transient"], "451 4.7.1 Greylisted: please try again later x2, 250"),
    (&["expired"], "451 4.3.2 System not accepting messages at present"),
    (&["dnserror"], "dns"),
    (&["complained", "complaint", "spamnotification"], "250; arf after 1h"),
    (&["ooo", "ooto", "autoresponder"], "250; ooo after 5m"),
    (&["oob", "asyncbounced", "asyncbounce"], "250; dsn=5.1.1 after 1h"),
];

/// What an address asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// An outcome by its name, in plain form (lower case, without `-` and `_`).
    Named(String),
    /// This outcome.
    Exactly(Outcome),
}

/// The canned outcome of this name in plain form.
pub fn canned(name: &str) -> Option<Outcome> {
    let (_, script) = CANNED.iter().find(|(names, _)| names.contains(&name))?;
    Outcome::parse_script(script).ok()
}

/// A name in plain form: lower case, without `-` and `_`.
pub fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// The names that an address can ask for, to see quickly that it asks for none.
#[derive(Debug)]
pub(crate) struct KnownNames(Vec<u64>);

impl KnownNames {
    /// The canned names and these, in plain form.
    pub(crate) fn new<'a>(own: impl Iterator<Item = &'a str>) -> Self {
        let canned = CANNED.iter().flat_map(|(names, _)| names.iter().copied());
        let mut hashes: Vec<u64> = canned.chain(own).filter_map(plain_hash).collect();
        hashes.sort_unstable();
        Self(hashes)
    }

    /// False only if [`wishes`] names nothing that is known. Almost all mail goes to such addresses, and each attempt
    /// asks several times.
    pub(crate) fn may_be_wished(&self, local_part: &str) -> bool {
        let special = local_part.contains(['+', '"']) || local_part.as_bytes().get(3) == Some(&b'-');
        special || plain_hash(local_part).is_none_or(|hash| self.0.binary_search(&hash).is_ok())
    }
}

/// A hash of a name's plain form (FNV-1a); `None` beyond ASCII.
fn plain_hash(name: &str) -> Option<u64> {
    let plain =
        name.bytes().filter(|byte| !matches!(byte, b'-' | b'_')).map(|byte| byte.to_ascii_lowercase());
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    name.is_ascii().then(|| plain.fold(0xcbf2_9ce4_8422_2325, hash))
}

/// What the local part of an address may ask for, most specific first. Names that nobody knows are among them.
pub fn wishes(local_part: &str) -> Vec<Wish> {
    let lower = local_part.trim_matches('"').to_ascii_lowercase();
    if let Some(rest) = lower.strip_prefix("bounce+")
        && let Some(outcome) = exact_reply(&decode(rest))
    {
        return vec![Wish::Exactly(outcome)];
    }
    if lower.as_bytes().get(3) == Some(&b'-')
        && let Some(outcome) = exact_reply(&lower.replace('-', " "))
    {
        return vec![Wish::Exactly(outcome)];
    }
    match lower.rsplit_once('+') {
        Some((user, tag)) => {
            // `bounced+ann@`: mailboxes with a sub-address are the same mailbox.
            let user = user.split('+').next().unwrap_or(user);
            vec![Wish::Named(plain(tag)), Wish::Named(plain(user))]
        }
        None => vec![Wish::Named(plain(&lower))],
    }
}

/// The outcome whose every attempt gets this reply to RCPT, if the text is a refusal.
fn exact_reply(text: &str) -> Option<Outcome> {
    let reply = Reply::parse(text).ok().filter(|reply| !reply.is_positive())?;
    let reply = if reply.text().trim().is_empty() { standard_reply(reply.code()) } else { reply };
    let then_disconnect = reply.code() == 421;
    Outcome::try_new(vec![AttemptStep::Refuse { step: Step::Rcpt, reply, then_disconnect }], Vec::new()).ok()
}

/// `+` to space, `%41` to an octet; what is not valid UTF-8 is replaced.
fn decode(text: &str) -> String {
    let mut octets = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let hex = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
        let mut ahead = bytes.clone();
        match (byte, ahead.next().and_then(hex), ahead.next().and_then(hex)) {
            (b'%', Some(high), Some(low)) => {
                octets.push(high << 4 | low);
                bytes = ahead;
            }
            (b'+', _, _) => octets.push(b' '),
            _ => octets.push(byte),
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Vec<Wish> {
        names.iter().map(|name| Wish::Named((*name).to_owned())).collect()
    }

    fn check_reply(local: &str, expected: &str) {
        let [Wish::Exactly(outcome)] = &wishes(local)[..] else { panic!("{local} asks for no reply") };
        let AttemptStep::Refuse { step: Step::Rcpt, reply, .. } = outcome.step(1) else { panic!("{local}") };
        assert_eq!(reply.to_string(), expected, "{local}");
    }

    #[test]
    fn what_is_wished_is_seen_quickly() {
        let known = KnownNames::new(["own", "süß"].into_iter());
        for local in [
            "bounced",
            "Hard_Bounce",
            "OWN",
            "o-w-n",
            "ann+own",
            "bounce+550",
            "550-no",
            "süß",
            "é",
            "\"own\"",
        ] {
            assert!(known.may_be_wished(local), "{local}");
        }
        for local in ["ann", "bouncer", "anna-lee", "own1", "", "a-b"] {
            assert!(!known.may_be_wished(local), "{local}");
            let names = wishes(local).into_iter().filter_map(|wish| match wish {
                Wish::Named(name) => Some(name),
                Wish::Exactly(_) => None,
            });
            assert!(names.into_iter().all(|name| canned(&name).is_none() && name != "own"), "{local}");
        }
    }

    #[test]
    fn names_and_tags_are_wishes() {
        assert_eq!(wishes("Hard_Bounce"), named(&["hardbounce"]));
        assert_eq!(wishes("ann+b+soft-bounce"), named(&["softbounce", "ann"]));
        assert_eq!(wishes("bounced+ann"), named(&["ann", "bounced"]));
        assert_eq!(wishes("bounce+250+fine"), named(&["fine", "bounce"]));
        assert_eq!(wishes("123-456"), named(&["123456"]));
    }

    #[test]
    fn replies_can_be_spelled_out() {
        check_reply("bounce+550+no+such+user", "550 no such user");
        check_reply("bounce+552+5.2.2+over%20quota%2C+sorry", "552 5.2.2 over quota, sorry");
        check_reply("bounce+450", "450 4.2.1 Mailbox temporarily unavailable, try again later");
        check_reply("450-try-later", "450 try later");
        // Nobody can forge a reply of their own through an address.
        check_reply("bounce+550+a%0d%0a250+ok", "550 a ok");
        check_reply("bounce+550+%ff%", "550 \u{fffd}%");
    }

    #[test]
    fn every_canned_name_is_plain_and_has_one_outcome() {
        let mut seen = std::collections::BTreeSet::new();
        for (names, script) in CANNED {
            Outcome::parse_script(script).unwrap();
            for name in names {
                assert_eq!(plain(name), *name);
                assert!(seen.insert(*name), "{name}");
                assert!(canned(name).is_some());
            }
        }
        assert_eq!(canned("ann"), None);
    }
}
