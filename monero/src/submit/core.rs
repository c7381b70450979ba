//! The rules of a submission, without I/O and without a clock.

#![deny(clippy::disallowed_methods)]

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
    /// What went wrong, without monerod's address: the words go to whoever submits.
    pub why: String,
    /// Whether trying again may help.
    pub transient: bool,
}

impl From<&DaemonError> for Trouble {
    fn from(error: &DaemonError) -> Self {
        Self { why: error.public_words(), transient: error.is_transient() }
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

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "some instant to count from")]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn transaction() -> Vec<u8> {
        hex::decode(include_str!("../testdata/one_input.hex").trim()).unwrap()
    }

    fn begin() -> (Submission, TxId, Instant) {
        let now = Instant::now();
        let raw = transaction();
        (Submission::new(&raw, now + 10 * SECOND), TxId::of(&raw).unwrap(), now)
    }

    fn trouble(transient: bool) -> Trouble {
        Trouble { why: "the cable is cut".to_owned(), transient }
    }

    fn refused() -> Verdict {
        Verdict::Rejected(Rejection::of(Flag::DoubleSpend))
    }

    #[test]
    fn an_acceptance_ends_it_with_the_id_of_the_bytes() {
        for already_known in [false, true] {
            let (mut submission, txid, now) = begin();
            assert_eq!(submission.poll(now), Step::Submit);
            submission.handle_verdict(Ok(Verdict::Accepted { already_known }), now);
            let outcome = Outcome::Accepted { txid: Some(txid), already_known };
            assert_eq!(submission.poll(now), Step::Done(outcome));
            assert_eq!(submission.attempts(), 1);
        }
    }

    #[test]
    fn pauses_double_up_to_a_second_and_the_last_is_not_begun() {
        let (mut submission, _, begin) = begin();
        let mut now = begin;
        let mut pauses = Vec::new();
        let outcome = loop {
            match submission.poll(now) {
                Step::Submit => submission.handle_verdict(Err(trouble(true)), now),
                Step::Wait(until) => {
                    pauses.push((until - now).as_millis());
                    now = until;
                }
                Step::Done(outcome) => break outcome,
                Step::Locate(_) => panic!("nothing was refused"),
            }
        };
        assert_eq!(pauses[..6], [100, 200, 400, 800, 1_000, 1_000]);
        assert!(now - begin < 10 * SECOND && now - begin > 8 * SECOND, "{:?}", now - begin);
        assert_eq!(outcome, Outcome::Unavailable { why: "the cable is cut".to_owned() });
        assert_eq!(submission.attempts() as usize, pauses.len() + 1);
    }

    #[test]
    fn busy_is_tried_again() {
        let (mut submission, txid, now) = begin();
        submission.handle_verdict(Ok(Verdict::Busy), now);
        let Step::Wait(until) = submission.poll(now) else { panic!() };
        assert_eq!(submission.poll(until), Step::Submit);
        submission.handle_verdict(Ok(Verdict::Accepted { already_known: false }), until);
        let outcome = Outcome::Accepted { txid: Some(txid), already_known: false };
        assert_eq!(submission.poll(until), Step::Done(outcome));
        assert_eq!(submission.attempts(), 2);
    }

    #[test]
    fn a_refusal_is_reported_only_when_the_daemon_does_not_have_it() {
        let (mut submission, txid, now) = begin();
        submission.handle_verdict(Ok(refused()), now);
        assert_eq!(submission.poll(now), Step::Locate(txid));
        submission.handle_state(Ok(TxState::Unknown), now);
        let outcome = Outcome::Rejected(Rejection::of(Flag::DoubleSpend));
        assert_eq!(submission.poll(now), Step::Done(outcome));
    }

    #[test]
    fn a_refused_transaction_in_pool_or_chain_is_accepted() {
        let mined = TxState::Mined { height: 1, confirmations: 1 };
        for state in [TxState::InPool { relayed: false }, mined] {
            let (mut submission, txid, now) = begin();
            submission.handle_verdict(Ok(refused()), now);
            submission.handle_state(Ok(state), now);
            let outcome = Outcome::Accepted { txid: Some(txid), already_known: true };
            assert_eq!(submission.poll(now), Step::Done(outcome));
        }
    }

    #[test]
    fn a_look_up_that_fails_is_tried_again_and_never_becomes_a_refusal() {
        let (mut submission, txid, now) = begin();
        submission.handle_verdict(Ok(refused()), now);
        submission.handle_state(Err(trouble(true)), now);
        let Step::Wait(until) = submission.poll(now) else { panic!() };
        assert_eq!(submission.poll(until), Step::Locate(txid));
        let Step::Done(Outcome::Unavailable { why }) = submission.poll(now + 10 * SECOND) else {
            panic!("the deadline has passed");
        };
        assert!(why.contains("double spend") && why.contains("the cable is cut"), "{why}");
    }

    #[test]
    fn what_will_not_get_better_is_not_tried_again() {
        let (mut submission, _, now) = begin();
        submission.handle_verdict(Err(trouble(false)), now);
        assert!(matches!(submission.poll(now), Step::Done(Outcome::Unavailable { .. })));
        assert_eq!(submission.attempts(), 1);
    }

    #[test]
    fn bytes_that_are_no_transaction_are_monerods_to_judge() {
        let now = Instant::now();
        let mut submission = Submission::new(b"garbage", now + SECOND);
        assert_eq!((submission.txid(), submission.poll(now)), (None, Step::Submit));
        submission.handle_verdict(Ok(refused()), now);
        let outcome = Outcome::Rejected(Rejection::of(Flag::DoubleSpend));
        assert_eq!(submission.poll(now), Step::Done(outcome));
    }

    #[test]
    fn what_monerod_would_not_answer_is_not_sent() {
        let now = Instant::now();
        let mut allowed = Submission::new(&vec![0; MAX_RAW_BYTES], now + SECOND);
        assert_eq!(allowed.poll(now), Step::Submit);
        let mut over = Submission::new(&vec![0; MAX_RAW_BYTES + 1], now + SECOND);
        let Step::Done(Outcome::Rejected(rejection)) = over.poll(now) else { panic!() };
        assert!(rejection.has(Flag::TooBig));
        assert!(rejection.to_string().contains("500001 bytes"), "{rejection}");
    }

    #[test]
    fn no_time_at_all_is_unavailable_and_late_answers_change_nothing() {
        let now = Instant::now();
        let mut submission = Submission::new(&transaction(), now);
        let done = submission.poll(now);
        assert!(matches!(done, Step::Done(Outcome::Unavailable { .. })));
        submission.handle_verdict(Ok(Verdict::Accepted { already_known: false }), now);
        assert_eq!(submission.poll(now), done);
    }
}
