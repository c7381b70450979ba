//! Whether a proposal is to be accepted.

use std::time::SystemTime;

use super::calendar::{self, Turn};
use super::core::Waiting;
use super::opinion::digest;
use super::round::Round;
use super::tally::{Content, tally};
use super::timing::{BALLOT_LIFE, is_fresh};
use super::{Evidence, SignedBallot, SignedProposal, Voter, VotingEvent};
use crate::authority::{Epochs, GRACE_EPOCHS};
use crate::document::Document;
use crate::limits::TOLERATED_SKEW;

/// Revisions that a proposal may leave out: turns of authorities that are away.
const MAX_AHEAD: u64 = 1_024;

enum Verdict {
    Accept(Box<(Document, Vec<u8>)>),
    /// Something is missing, or its time has not come.
    Wait(Option<SystemTime>),
    Refuse(Option<VotingEvent>),
}

impl Voter {
    /// Takes a proposal, whoever brought it.
    pub(super) fn note_proposal(&mut self, signed: &SignedProposal, now: SystemTime) {
        let (leader, digest) = (signed.leader(), signed.digest());
        let waiting = self.waiting.values().map(|waiting| &waiting.signed);
        let round = self.round.as_ref().map(|round| &round.proposal);
        let accepted = self.peers.values().filter_map(|peer| peer.proposal.as_ref());
        let mut known = waiting.chain(round).chain(accepted);
        if let Some(evidence) = known.find_map(|other| Evidence::of_proposals(other, signed)) {
            self.note_evidence(evidence, now);
        }
        let revision = signed.proposal().revision;
        let older = |waiting: &Waiting| waiting.signed.proposal().revision < revision;
        if leader != self.me
            && revision > self.floor()
            && self.refused.get(&leader) != Some(&digest)
            && self.waiting.get(&leader).is_none_or(older)
        {
            for ballot in &signed.proposal().ballots {
                self.note_ballot(ballot, now);
            }
            let waiting = Waiting { signed: signed.clone(), arrived: now, until: None };
            self.waiting.insert(leader, waiting);
        }
    }

    /// Judges what waits, the latest first: whoever has accepted that cannot accept an earlier one.
    pub(super) fn judge_waiting(&mut self, now: SystemTime) {
        let mut leaders: Vec<_> = self
            .waiting
            .iter()
            .map(|(leader, waiting)| (waiting.signed.proposal().revision, *leader))
            .collect();
        leaders.sort_unstable();
        for (_, leader) in leaders.into_iter().rev() {
            let Some(waiting) = self.waiting.get(&leader) else { continue };
            match self.judge(waiting, now) {
                Verdict::Wait(until) => {
                    if let Some(waiting) = self.waiting.get_mut(&leader) {
                        waiting.until = until.filter(|until| *until > now);
                    }
                }
                Verdict::Refuse(event) => {
                    self.refused.insert(leader, waiting.signed.digest());
                    self.waiting.remove(&leader);
                    self.events.extend(event);
                }
                Verdict::Accept(made) => {
                    let Some(waiting) = self.waiting.remove(&leader) else { continue };
                    self.accept(waiting.signed, *made, now);
                }
            }
        }
    }

    pub(super) fn accept(
        &mut self,
        proposal: SignedProposal,
        (document, bytes): (Document, Vec<u8>),
        now: SystemTime,
    ) {
        let signatures = std::collections::BTreeMap::new();
        self.pledge(Round { proposal, document, bytes, since: now, signature: None, signatures });
    }

    fn judge(&self, waiting: &Waiting, now: SystemTime) -> Verdict {
        let (proposal, leader) = (waiting.signed.proposal(), waiting.signed.leader());
        let floor = self.floor();
        if proposal.revision <= floor || proposal.epoch < self.pledged.0 || self.is_caught(&leader)
        {
            return Verdict::Refuse(None);
        }
        if proposal.base != self.base() {
            // What it goes on from is on its way, or was before.
            let newer = proposal.base.is_some_and(|base| base.version > self.version());
            return if newer { Verdict::Wait(None) } else { Verdict::Refuse(None) };
        }
        let caught = |it: &SignedBallot| self.is_caught(&it.ballot().authority);
        let fresh = |it: &SignedBallot| {
            is_fresh(it.ballot().made_at, BALLOT_LIFE + TOLERATED_SKEW, waiting.arrived)
        };
        let ballots = &proposal.ballots;
        if proposal.revision - floor > MAX_AHEAD
            || ballots.len() < self.panel.threshold()
            || ballots.iter().any(caught)
            || !ballots.iter().all(fresh)
        {
            return Verdict::Refuse(None);
        }
        let except = |authority: &_| self.is_caught(authority);
        if let Some(voter) = self.ballots.left_out(ballots, except, waiting.arrived) {
            return Verdict::Refuse(Some(VotingEvent::LeftOut { authority: leader, voter }));
        }
        let opinions = ballots.iter().map(|it| self.ballots.opinion(&it.ballot().opinion));
        let Some(opinions) = opinions.collect::<Option<Vec<_>>>() else {
            return Verdict::Wait(None);
        };
        let opinions: Vec<_> = opinions.into_iter().map(|opinion| &**opinion).collect();
        let base = self.base_document();
        let Ok(content) = tally(&opinions, self.panel.threshold(), base) else {
            return Verdict::Refuse(None);
        };
        let median = calendar::median(ballots.iter().map(|it| it.ballot().made_at).collect());
        let length = content.parameters.epoch_length;
        let (epoch, start) = (proposal.epoch, proposal.valid_from);
        let epochs = match calendar::judge(base, epoch, start, median, length, now) {
            Turn::Now(epochs) => epochs,
            Turn::Early { until } => return Verdict::Wait(Some(until)),
            Turn::Wrong => return Verdict::Refuse(None),
        };
        if base.is_some_and(|base| base.epoch == epoch && content.is_of(base)) {
            return Verdict::Refuse(None);
        }
        match self.make(content, epochs, proposal.revision) {
            Some((document, bytes)) if digest(&bytes) == proposal.document => {
                Verdict::Accept(Box::new((document, bytes)))
            }
            _ => {
                let revision = proposal.revision;
                Verdict::Refuse(Some(VotingEvent::Diverged { authority: leader, revision }))
            }
        }
    }

    /// The document of a content, and its bytes.
    pub(super) fn make(
        &self,
        content: Content,
        epochs: Epochs,
        revision: u64,
    ) -> Option<(Document, Vec<u8>)> {
        let document = Document {
            network: self.network.clone(),
            epoch: epochs.number,
            revision,
            valid_from: epochs.start,
            epoch_end: epochs.end,
            valid_until: epochs.end + content.parameters.epoch_length * GRACE_EPOCHS,
            parameters: content.parameters,
            nodes: content.nodes,
        };
        let bytes = document.to_bytes().ok()?;
        Some((document, bytes))
    }
}
