//! What authorities tell each other, and when.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::ballots::read_opinion;
use super::opinion::digest;
use super::timing::{BALLOT_LIFE, BUSY_HEARTBEAT, HEARTBEAT, ON_ITS_WAY, is_fresh, passed};
use super::{Digest, PeerMessage, Status, Voter, VotingEvent};
use crate::clock::ClockOffset;
use crate::document::{Document, SignedDocument};
use crate::identity::IdentityPublic;

/// An opinion that differs from the document for this long is no news on its way.
const DISAGREEMENT: Duration = Duration::from_secs(30);

impl Voter {
    pub(super) fn handle_status(&mut self, from: IdentityPublic, status: Status, now: SystemTime) {
        let Status { version, ballots, wants, proposal, signature, evidence } = status;
        for evidence in evidence {
            self.note_evidence(evidence, now);
        }
        for signed in &ballots {
            let ballot = signed.ballot();
            let is_new = self.note_ballot(signed, now);
            if is_new && ballot.authority == from {
                self.note_clock(from, ballot.made_at, now);
            }
        }
        if let Some(proposal) = &proposal {
            self.note_proposal(proposal, now);
        }
        let Some(peer) = self.peers.get_mut(&from) else { return };
        peer.heard = now;
        if std::mem::take(&mut peer.silent) {
            self.events.push(VotingEvent::Heard { authority: from });
        }
        (peer.version, peer.wants) = (version, wants);
        (peer.proposal, peer.signature) = (proposal, signature);
    }

    fn note_clock(&mut self, from: IdentityPublic, made_at: SystemTime, now: SystemTime) {
        let Some(peer) = self.peers.get_mut(&from) else { return };
        let off = !is_fresh(made_at, BALLOT_LIFE, now);
        if off && !peer.clock_is_off {
            let offset = ClockOffset::between(now, made_at);
            self.events.push(VotingEvent::ClockOff { authority: from, offset });
        }
        peer.clock_is_off = off;
    }

    /// Takes an opinion that was asked for.
    pub(super) fn handle_opinion(&mut self, bytes: &[u8], now: SystemTime) {
        if self.wants().contains(&digest(bytes))
            && let Some((digest, opinion)) = read_opinion(bytes)
        {
            self.ballots.take_opinion(opinion, digest, now);
        }
    }

    /// Takes a document that others have made.
    pub(super) fn handle_document(&mut self, signed: SignedDocument, now: SystemTime) {
        let known = self.newest.as_ref().is_some_and(|it| it.issued.signed.bytes == signed.bytes);
        if known {
            return;
        }
        let trust = self.panel.trust(&self.network);
        if let Ok(document) = signed.verify_whenever(&trust) {
            self.adopt(document, signed, false, now);
        }
    }

    /// The opinions that are missing, of ballots and of proposals.
    fn wants(&self) -> Vec<Digest> {
        let proposed = self.waiting.values().flat_map(|it| &it.signed.proposal().ballots);
        let proposed = proposed.map(|signed| signed.ballot().opinion);
        let proposed = proposed.filter(|digest| self.ballots.opinion(digest).is_none());
        let mut wants: Vec<_> = self.ballots.missing().chain(proposed).collect();
        wants.sort_unstable();
        wants.dedup();
        wants.truncate(2 * self.panel.keys().len());
        wants
    }

    fn status(&self) -> Status {
        let round = self.round.as_ref();
        Status {
            version: self.version(),
            ballots: self.ballots.iter().cloned().collect(),
            wants: self.wants(),
            proposal: round.map(|round| round.proposal.clone()),
            signature: round.and_then(|round| round.signature),
            evidence: self.caught.values().map(|caught| caught.evidence.clone()).collect(),
        }
    }

    /// Whether something is under way that others have to hear soon.
    fn is_busy(&self) -> bool {
        self.open_round().is_some() || self.needed.is_some() || !self.wants().is_empty()
    }

    /// When something is to be said next, though nothing happens.
    pub(super) fn speak_at(&self, now: SystemTime) -> SystemTime {
        let Some((_, at)) = self.said else { return now };
        at + if self.is_busy() { BUSY_HEARTBEAT } else { HEARTBEAT }
    }

    /// Sends what others lack, and says how things stand if that is news or long ago.
    pub(super) fn speak(&mut self, now: SystemTime) {
        self.send_missing(now);
        let status = PeerMessage::Status(Box::new(self.status()));
        let digest = digest(&status.to_bytes());
        let (said, at) = self.said.map_or((None, now), |(said, at)| (Some(said), at));
        let again = if self.is_busy() { BUSY_HEARTBEAT } else { HEARTBEAT };
        let repeats = passed(at, again, now);
        if said == Some(digest) && !repeats {
            return;
        }
        self.said = Some((digest, now));
        for key in self.peers.keys() {
            self.messages.push_back((*key, status.clone()));
        }
        self.watch_others(now);
    }

    fn send_missing(&mut self, now: SystemTime) {
        let (version, ballots) = (self.version(), &self.ballots);
        for (key, peer) in &mut self.peers {
            for digest in peer.due(|digest| ballots.opinion(digest).is_some(), now) {
                if let Some(opinion) = ballots.opinion(&digest) {
                    self.messages.push_back((*key, PeerMessage::Opinion(opinion.to_bytes())));
                }
            }
            if let Some(newest) = &self.newest
                && passed(newest.since, ON_ITS_WAY, now)
                && peer.is_document_due(version, now)
            {
                let signed = SignedDocument::clone(&newest.issued.signed);
                self.messages.push_back((*key, PeerMessage::Document(signed)));
            }
        }
    }

    /// Who has fallen silent, and who sees another network than the document says.
    fn watch_others(&mut self, now: SystemTime) {
        let document = self.newest.as_ref().map(|newest| Arc::clone(&newest.issued.document));
        for (key, peer) in &mut self.peers {
            if peer.is_silent(now) && !peer.silent {
                peer.silent = true;
                self.events.push(VotingEvent::Silent { authority: *key });
            }
            let ballot = self.ballots.of(key).map(super::SignedBallot::ballot);
            let ballot = ballot.filter(|ballot| is_fresh(ballot.made_at, BALLOT_LIFE, now));
            let opinion = ballot.and_then(|ballot| self.ballots.opinion(&ballot.opinion));
            let differs = match (&document, opinion) {
                (Some(document), Some(opinion)) => !is_of(opinion, document),
                _ => false,
            };
            if !differs {
                (peer.disagrees, peer.disagreement_told) = (None, false);
                continue;
            }
            let since = *peer.disagrees.get_or_insert(now);
            if passed(since, DISAGREEMENT, now) && !peer.disagreement_told {
                peer.disagreement_told = true;
                self.events.push(VotingEvent::Disagrees { authority: *key });
            }
        }
    }
}

fn is_of(opinion: &super::Opinion, document: &Document) -> bool {
    opinion.parameters == document.parameters && opinion.nodes == document.nodes
}
