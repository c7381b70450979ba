//! The rules of a submission, without I/O and without a clock.

use std::time::{Duration, Instant};

use super::Outcome;
use crate::daemon::{DaemonError, TxState};
use crate::{Flag, MAX_RAW_BYTES, Rejection, TxId, Verdict};

/// The pause before the second attempt; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause: a daemon that restarts is up again in 1 to 1.6 s.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What a submission wants done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Hand the transaction to monerod, and the answer to [`Submission::handle_verdict`].
    Submit,
    /// Ask monerod where the transaction is, and hand the answer to
    /// [`Submission::handle_state`].
    Locate(TxId),
    /// Do nothing until then.
    Wait(Instant),
    /// It is over.
    Done(Outcome),
}

/// A request that brought no verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What went wrong.
    pub why: String,
    /// Whether trying again may help.
    pub transient: bool,
}

impl From<&DaemonError> for Trouble {
    fn from(error: &DaemonError) -> Self {
        Self { why: error.to_string(), transient: error.is_transient() }
    }
}

/// One transaction on its way into monerod.
///
/// Call [`Submission::poll`], do what it says, hand back what came of it, until it says
/// [`Step::Done`].
#[derive(Debug)]
pub struct Submission {
    txid: Option<TxId>,
    deadline: Instant,
    pause: Duration,
    not_before: Option<Instant>,
    attempts: u32,
    last_trouble: Option<String>,
    state: State,
}

#[derive(Debug)]
enum State {
    Submitting,
    /// monerod refused; it remains to be seen whether it has the transaction all the same.
    Locating(TxId, Rejection),
    Done(Outcome),
}

impl Submission {
    /// A submission of `raw` that gives up at `deadline`.
    ///
    /// Bytes that are no transaction are submitted too: monerod is the judge. Only more than
    /// [`MAX_RAW_BYTES`] are refused here, because monerod would not even answer.
    #[must_use]
    pub fn new(raw: &[u8], deadline: Instant) -> Self {
        let state = if raw.len() > MAX_RAW_BYTES {
            State::Done(Outcome::Rejected(Rejection {
                flags: vec![Flag::TooBig],
                reason: format!("{} bytes; not sent", raw.len()),
            }))
        } else {
            State::Submitting
        };
        Self {
            txid: TxId::of(raw).ok(),
            deadline,
            pause: FIRST_PAUSE,
            not_before: None,
            attempts: 0,
            last_trouble: None,
            state,
        }
    }

    /// The transaction's id, if the bytes are a transaction.
    #[must_use]
    pub fn txid(&self) -> Option<TxId> {
        self.txid
    }

    /// How often the transaction was handed to monerod.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// What to do next.
    pub fn poll(&mut self, now: Instant) -> Step {
        if !matches!(self.state, State::Done(_)) {
            // A pause that ends too late for another attempt is not worth waiting for.
            let next = self.not_before.unwrap_or(now).max(now);
            if next >= self.deadline {
                self.state = State::Done(self.gave_up());
            } else if next > now {
                return Step::Wait(next);
            }
        }
        match &self.state {
            State::Submitting => Step::Submit,
            State::Locating(txid, _) => Step::Locate(*txid),
            State::Done(outcome) => Step::Done(outcome.clone()),
        }
    }

    /// Takes what came of a [`Step::Submit`].
    pub fn handle_verdict(&mut self, answer: Result<Verdict, Trouble>, now: Instant) {
        if !matches!(self.state, State::Submitting) {
            return;
        }
        self.attempts = self.attempts.saturating_add(1);
        match answer {
            Ok(Verdict::Accepted { already_known }) => {
                let outcome = Outcome::Accepted { txid: self.txid, already_known };
                self.state = State::Done(outcome);
            }
            Ok(Verdict::Busy) => {
                let why = "it is busy synchronising with its network".to_owned();
                self.try_again(Trouble { why, transient: true }, now);
            }
            Ok(Verdict::Rejected(rejection)) => {
                self.state = match self.txid {
                    Some(txid) => State::Locating(txid, rejection),
                    // Nothing to look for: bytes without an id can be in no pool and no block.
                    None => State::Done(Outcome::Rejected(rejection)),
                };
            }
            Err(trouble) => self.try_again(trouble, now),
        }
    }

    /// Takes what came of a [`Step::Locate`].
    pub fn handle_state(&mut self, answer: Result<TxState, Trouble>, now: Instant) {
        let State::Locating(txid, rejection) = &self.state else { return };
        match answer {
            Ok(state) if state.is_known() => {
                let outcome = Outcome::Accepted { txid: Some(*txid), already_known: true };
                self.state = State::Done(outcome);
            }
            Ok(_) => self.state = State::Done(Outcome::Rejected(rejection.clone())),
            Err(trouble) => self.try_again(trouble, now),
        }
    }

    fn try_again(&mut self, trouble: Trouble, now: Instant) {
        self.last_trouble = Some(trouble.why);
        if trouble.transient {
            self.not_before = Some(now + self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        } else {
            self.state = State::Done(self.gave_up());
        }
    }

    fn gave_up(&self) -> Outcome {
        let last = self.last_trouble.as_deref().unwrap_or("there was no time to ask it");
        let why = match &self.state {
            State::Locating(_, rejection) => format!(
                "it rejected the transaction ({rejection}), and could not be asked whether it has \
                 it already: {last}"
            ),
            State::Submitting | State::Done(_) => last.to_owned(),
        };
        Outcome::Unavailable { why }
    }
}
