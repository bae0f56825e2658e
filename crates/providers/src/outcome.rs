//! What happens to a message: the fate of each delivery attempt, and what the provider sends back later.

use emta_mail::{Phase, Reply};

use crate::action::LaterAction;
use crate::latency::Latency;
use crate::script::{self, ScriptError};

/// A step of the SMTP session at which a provider can answer or hang up. STARTTLS is not one of them: there only the
/// handshake can fail ([`AttemptStep::TlsFailure`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The greeting, before any command.
    Greeting,
    /// EHLO or HELO.
    Ehlo,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, or the first BDAT.
    Data,
    /// After the final dot or the last chunk.
    Message,
}

impl Step {
    /// All steps, in the order of a session.
    pub const ALL: [Self; 6] =
        [Self::Greeting, Self::Ehlo, Self::Mail, Self::Rcpt, Self::Data, Self::Message];

    /// The same step in the vocabulary of delivery events.
    pub const fn phase(self) -> Phase {
        match self {
            Self::Greeting => Phase::Greeting,
            Self::Ehlo => Phase::Ehlo,
            Self::Mail => Phase::Mail,
            Self::Rcpt => Phase::Rcpt,
            Self::Data => Phase::Data,
            Self::Message => Phase::Message,
        }
    }

    /// Its name in scripts and configuration; the same as its phase's.
    pub const fn name(self) -> &'static str {
        self.phase().name()
    }

    /// The step of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }
}

/// How one delivery attempt ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AttemptStep {
    /// The message is accepted after the final dot.
    Accept {
        /// What the provider says, 2yz; `None` for `250 2.0.0 Ok: queued as ...`.
        reply: Option<Reply>,
    },
    /// The message is refused with a reply.
    Refuse {
        /// When.
        step: Step,
        /// 4yz or 5yz; may hold placeholders (see [`crate::template`]).
        reply: Reply,
        /// The provider hangs up after the reply.
        then_disconnect: bool,
    },
    /// The provider hangs up without a word. At [`Step::Message`] the client cannot know whether it was accepted; it
    /// was not.
    Disconnect {
        /// When.
        step: Step,
    },
    /// No host is found for the domain.
    DnsFailure {
        /// What the MTA says about it, 4yz or 5yz, marked `[internal]`.
        reply: Reply,
    },
    /// No process listens at the host's port.
    ConnectRefused,
    /// The host does not answer at all.
    ConnectTimeout,
    /// STARTTLS is answered, but the handshake fails.
    TlsFailure,
}

/// How one delivery attempt ends, and how long the provider takes for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TimedStep {
    /// How it ends.
    pub step: AttemptStep,
    /// How long after its begin; `None` for the provider's own latency.
    pub latency: Option<Latency>,
}

impl From<AttemptStep> for TimedStep {
    /// An attempt that names no delay.
    fn from(step: AttemptStep) -> Self {
        Self { step, latency: None }
    }
}

/// The whole fate of a message: one step for each attempt, then what follows the acceptance.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Never empty.
    attempts: Vec<AttemptStep>,
    /// One for each attempt.
    latencies: Vec<Option<Latency>>,
    after: Vec<LaterAction>,
}

/// Why attempts and actions do not make an outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutcomeError {
    /// No attempt.
    #[error("an outcome has no attempt; expected at least one, such as `250`")]
    NoAttempt,
    /// More attempts than the limit.
    #[error("an outcome has {0} attempts; expected at most {max}", max = Outcome::MAX_ATTEMPTS)]
    TooManyAttempts(usize),
    /// More later actions than the limit.
    #[error("an outcome has {0} later actions; expected at most {max}", max = Outcome::MAX_ACTIONS)]
    TooManyActions(usize),
    /// The message is refused with a positive reply, or accepted with a negative one.
    #[error("the reply `{0}` does not fit its attempt; expected 2yz to accept, 4yz or 5yz to refuse")]
    WrongReply(String),
    /// Actions after the acceptance, but no attempt is accepted.
    #[error(
        "the outcome has actions after the acceptance, but accepts no attempt; expected an attempt `250` among them"
    )]
    NeverAccepted,
}

impl Outcome {
    /// Most attempts that an outcome can tell apart; more than the retries of 84 h at 5 minutes each.
    pub const MAX_ATTEMPTS: usize = 1_100;
    /// Most actions after the acceptance.
    pub const MAX_ACTIONS: usize = 32;

    /// An outcome whose n-th attempt ends as `attempts` says, the last one repeating for ever.
    ///
    /// # Errors
    /// See [`OutcomeError`].
    pub fn try_new(attempts: Vec<AttemptStep>, after: Vec<LaterAction>) -> Result<Self, OutcomeError> {
        if attempts.is_empty() {
            return Err(OutcomeError::NoAttempt);
        }
        if attempts.len() > Self::MAX_ATTEMPTS {
            return Err(OutcomeError::TooManyAttempts(attempts.len()));
        }
        if after.len() > Self::MAX_ACTIONS {
            return Err(OutcomeError::TooManyActions(after.len()));
        }
        for attempt in &attempts {
            let fits = match attempt {
                AttemptStep::Accept { reply: Some(reply) } if !(200..300).contains(&reply.code()) => {
                    Err(reply)
                }
                AttemptStep::Refuse { reply, .. } | AttemptStep::DnsFailure { reply }
                    if reply.is_positive() =>
                {
                    Err(reply)
                }
                AttemptStep::Accept { .. }
                | AttemptStep::Refuse { .. }
                | AttemptStep::DnsFailure { .. }
                | AttemptStep::Disconnect { .. }
                | AttemptStep::ConnectRefused
                | AttemptStep::ConnectTimeout
                | AttemptStep::TlsFailure => Ok(()),
            };
            fits.map_err(|reply| OutcomeError::WrongReply(reply.to_string()))?;
        }
        let accepts = attempts.iter().any(|step| matches!(step, AttemptStep::Accept { .. }));
        if !after.is_empty() && !accepts {
            return Err(OutcomeError::NeverAccepted);
        }
        let latencies = vec![None; attempts.len()];
        Ok(Self { attempts, latencies, after })
    }

    /// The outcome of these attempts, some of which name how long they take, and these actions.
    ///
    /// # Errors
    /// As [`Self::try_new`].
    pub fn timed(attempts: Vec<TimedStep>, after: Vec<LaterAction>) -> Result<Self, OutcomeError> {
        let (steps, latencies) = attempts.into_iter().map(|timed| (timed.step, timed.latency)).unzip();
        Ok(Self { latencies, ..Self::try_new(steps, after)? })
    }

    /// The message is accepted at the first attempt, and nothing follows.
    pub fn accept() -> Self {
        Self { attempts: vec![AttemptStep::Accept { reply: None }], latencies: vec![None], after: Vec::new() }
    }

    /// This outcome with other actions after the acceptance, the first [`Self::MAX_ACTIONS`] of them; without any if it
    /// accepts no attempt.
    pub fn followed_by(self, actions: &[LaterAction]) -> Self {
        let accepts = self.attempts.iter().any(|step| matches!(step, AttemptStep::Accept { .. }));
        let after =
            if accepts { actions.iter().take(Self::MAX_ACTIONS).cloned().collect() } else { Vec::new() };
        Self { after, ..self }
    }

    /// Reads the compact notation: `421x3, 250; dsn=5.1.1 after 6h` (see [`crate::script`]).
    ///
    /// # Errors
    /// When the text is not a script; the error says where and what was expected.
    pub fn parse_script(text: &str) -> Result<Self, ScriptError> {
        script::parse(text)
    }

    /// How this attempt ends; attempts count from 1, and 0 is taken for 1.
    pub fn step(&self, attempt: u32) -> &AttemptStep {
        of_attempt(&self.attempts, attempt).unwrap_or(&ACCEPT)
    }

    /// How long the provider takes for this attempt, counted as for [`Self::step`]; `None` where the outcome does not
    /// say.
    pub fn latency(&self, attempt: u32) -> Option<Latency> {
        of_attempt(&self.latencies, attempt).copied().flatten()
    }

    /// The steps that are told apart, in order.
    pub fn attempts(&self) -> &[AttemptStep] {
        &self.attempts
    }

    /// What follows the acceptance.
    pub fn after(&self) -> &[LaterAction] {
        &self.after
    }
}

/// The attempt's own item, the last one for all attempts after it.
fn of_attempt<T>(items: &[T], attempt: u32) -> Option<&T> {
    let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    items.get(index).or(items.last())
}

/// What [`Outcome::step`] would answer for an outcome without attempts, which cannot be made.
static ACCEPT: AttemptStep = AttemptStep::Accept { reply: None };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{ActionKind, Delay, Probability};

    fn accept() -> AttemptStep {
        AttemptStep::Accept { reply: None }
    }

    fn open() -> LaterAction {
        LaterAction { kind: ActionKind::Open, delay: Delay::NONE, probability: Probability::ALWAYS }
    }

    #[test]
    fn the_last_attempt_repeats() {
        let outcome = Outcome::try_new(vec![AttemptStep::ConnectRefused, accept()], vec![]).unwrap();
        assert_eq!(outcome.step(0), &AttemptStep::ConnectRefused);
        assert_eq!(outcome.step(1), &AttemptStep::ConnectRefused);
        assert_eq!(outcome.step(2), &accept());
        assert_eq!(outcome.step(u32::MAX), &accept());
    }

    #[test]
    fn each_attempt_has_its_own_latency() {
        let latency = "5s..40s".parse().ok();
        let slow = TimedStep { step: AttemptStep::ConnectRefused, latency };
        let steps = |timed: &[TimedStep]| Outcome::timed(timed.to_vec(), vec![]).unwrap();
        let outcome = steps(&[accept().into(), slow]);
        let latencies = [0, 1, 2, 3, u32::MAX].map(|attempt| outcome.latency(attempt));
        assert_eq!(latencies, [None, None, latency, latency, latency]);
        assert_eq!(outcome.followed_by(&[open()]).latency(2), latency);
        assert_eq!(steps(&[accept().into()]), Outcome::accept());
        assert_eq!(Outcome::timed(vec![], vec![]), Err(OutcomeError::NoAttempt));
    }

    #[test]
    fn only_what_is_accepted_is_followed() {
        let actions = vec![open(); Outcome::MAX_ACTIONS + 1];
        assert_eq!(Outcome::accept().followed_by(&actions).after().len(), Outcome::MAX_ACTIONS);
        let refused = Outcome::try_new(vec![AttemptStep::ConnectRefused], vec![]).unwrap();
        assert_eq!(refused.clone().followed_by(&actions), refused);
    }

    #[test]
    fn only_whole_outcomes_can_be_made() {
        let most = vec![accept(); Outcome::MAX_ATTEMPTS];
        assert!(Outcome::try_new(most.clone(), vec![open(); Outcome::MAX_ACTIONS]).is_ok());
        let one_more = [most, vec![accept()]].concat();
        assert_eq!(Outcome::try_new(one_more, vec![]), Err(OutcomeError::TooManyAttempts(1_101)));
        assert_eq!(Outcome::try_new(vec![accept()], vec![open(); 33]), Err(OutcomeError::TooManyActions(33)));
        assert_eq!(Outcome::try_new(vec![], vec![]), Err(OutcomeError::NoAttempt));
        assert_eq!(
            Outcome::try_new(vec![AttemptStep::ConnectRefused], vec![open()]),
            Err(OutcomeError::NeverAccepted)
        );
        let reply = Reply::new(354, None, "go on");
        let refusal = AttemptStep::Refuse { step: Step::Data, reply: reply.clone(), then_disconnect: false };
        for wrong in [AttemptStep::Accept { reply: Some(reply) }, refusal] {
            assert_eq!(
                Outcome::try_new(vec![wrong], vec![]),
                Err(OutcomeError::WrongReply("354 go on".to_owned()))
            );
        }
    }
}
