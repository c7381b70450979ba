//! When there is cause for another document, and whose turn it is.

use std::time::SystemTime;

use super::calendar::{self, Due};
use super::opinion::digest;
use super::tally::{Content, tally};
use super::timing::{ATTEMPT, BALLOT_LIFE, DELTA, GATHER, STAGGER};
use super::{Opinion, Proposal, SignedBallot, SignedProposal, Voter};
use crate::authority::Epochs;
use crate::limits::TOLERATED_SKEW;

/// What the next document would be.
struct Next {
    ballots: Vec<SignedBallot>,
    content: Content,
    epochs: Epochs,
    /// Whether there is nothing to wait for: the time has come, not news.
    at_once: bool,
}

impl Voter {
    /// Proposes the next document, if there is cause and it is this authority's turn.
    pub(super) fn propose(&mut self, now: SystemTime) {
        self.propose_at = None;
        let Some(next) = self.next(now) else {
            self.needed = None;
            return;
        };
        let needed = *self.needed.get_or_insert(now);
        let (revision, before) = self.turn(now);
        let mut at = if next.at_once { needed } else { needed + GATHER };
        if !self.have_all_voted(&next.ballots, now) {
            at = at.max(needed + DELTA);
        }
        if let Some(round) = self.open_round() {
            at = at.max(round.since + ATTEMPT);
        }
        at += STAGGER * before;
        // A time that was noted before the clock went back does not count.
        if now < at && at <= now + ATTEMPT + DELTA + STAGGER * before {
            self.propose_at = Some(at);
            return;
        }
        self.propose_now(next, revision, now);
    }

    fn propose_now(&mut self, next: Next, revision: u64, now: SystemTime) {
        let Next { ballots, content, epochs, .. } = next;
        let Some((document, bytes)) = self.make(content, epochs, revision) else { return };
        let proposal = Proposal {
            epoch: epochs.number,
            revision,
            valid_from: epochs.start,
            base: self.base(),
            document: digest(&bytes),
            ballots,
        };
        let signed = SignedProposal::sign(proposal, &self.network, &self.secret);
        self.accept(signed, (document, bytes), now);
        self.propose_at = Some(now + ATTEMPT);
    }

    /// What the next document would be; nothing if it would say what the last one says.
    fn next(&self, now: SystemTime) -> Option<Next> {
        let countable = self.ballots.countable(BALLOT_LIFE, now);
        let (ballots, opinions): (Vec<_>, Vec<&Opinion>) = countable
            .filter(|(signed, _)| !self.is_caught(&signed.ballot().authority))
            .map(|(signed, opinion)| (signed.clone(), &**opinion))
            .unzip();
        if ballots.len() < self.panel.threshold() {
            return None;
        }
        let base = self.base_document();
        let content = tally(&opinions, self.panel.threshold(), base).ok()?;
        let (epochs, at_once) = match calendar::due(base, now) {
            Due::Same(_) if base.is_some_and(|base| content.is_of(base)) => return None,
            Due::Same(epochs) => (epochs, false),
            Due::Next(epochs) => (epochs, true),
            Due::Anew { number } => {
                let times = ballots.iter().map(|signed| signed.ballot().made_at);
                let start = calendar::median(times.collect())?;
                if now.duration_since(start).is_ok_and(|age| age > TOLERATED_SKEW) {
                    return None;
                }
                let length = content.parameters.epoch_length;
                (Epochs { number, start, end: start + length, length }, false)
            }
        };
        // What was accepted before may have been of a later epoch.
        (epochs.number >= self.pledged.0).then_some(Next { ballots, content, epochs, at_once })
    }

    fn have_all_voted(&self, ballots: &[SignedBallot], now: SystemTime) -> bool {
        self.peers.iter().all(|(key, peer)| {
            peer.is_silent(now)
                || self.is_caught(key)
                || ballots.iter().any(|signed| signed.ballot().authority == *key)
        })
    }

    /// This authority's next turn, and how many of those before it are to be waited for.
    fn turn(&self, now: SystemTime) -> (u64, u32) {
        // Who has accepted somebody else's proposal accepts none before it.
        let accepted = self.peers.iter().filter_map(|(key, peer)| {
            let proposal = peer.proposal.as_ref().filter(|it| it.leader() != *key)?;
            Some(proposal.proposal().revision)
        });
        let floor = accepted.max().unwrap_or(0).max(self.floor());
        let (mut revision, mut before) = (floor.saturating_add(1), 0);
        for _ in self.panel.keys() {
            let leader = self.panel.leader(revision);
            if leader == self.me {
                break;
            }
            let absent = self.peers.get(&leader).is_none_or(|peer| peer.is_silent(now));
            before += u32::from(!absent && !self.is_caught(&leader));
            revision = revision.saturating_add(1);
        }
        (revision, before)
    }
}
