//! A proposal that was accepted, on its way to a document.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::timing::passed;
use super::{DELTA, SignedProposal, Voter};
use crate::document::{Document, DocumentSignature, SignedDocument};
use crate::identity::{IdentityPublic, Signature};

/// A proposal that was accepted, and what came of it so far.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) proposal: SignedProposal,
    pub(super) document: Document,
    pub(super) bytes: Vec<u8>,
    pub(super) since: SystemTime,
    /// This authority's own.
    pub(super) signature: Option<Signature>,
    /// Others' that hold.
    pub(super) signatures: BTreeMap<IdentityPublic, Signature>,
}

impl Voter {
    /// The round whose document is not there yet.
    pub(super) fn open_round(&self) -> Option<&Round> {
        self.round.as_ref().filter(|round| round.document.version() > self.version())
    }

    /// Signs the document of the accepted proposal, once enough is known of what the others accept.
    pub(super) fn sign(&mut self, now: SystemTime) {
        let Some(round) = self.open_round().filter(|round| round.signature.is_none()) else {
            return;
        };
        if self.is_caught(&round.proposal.leader()) {
            return;
        }
        let digest = round.proposal.digest();
        let accepts = |proposal: Option<&SignedProposal>| {
            proposal.is_some_and(|proposal| proposal.digest() == digest)
        };
        let (mut accepted, mut everybody) = (1, true);
        for (key, peer) in &self.peers {
            if accepts(peer.proposal.as_ref()) {
                accepted += 1;
            } else if !peer.is_silent(now) && !self.is_caught(key) {
                everybody = false;
            }
        }
        let certain = everybody || accepted >= self.panel.certain();
        let waited = passed(round.since, DELTA, now);
        if accepted >= self.panel.threshold() && (certain || waited) {
            let signature = SignedDocument::signature(&round.bytes, &self.secret);
            if let Some(round) = &mut self.round {
                round.signature = Some(signature);
            }
        }
    }

    /// Makes the document of the signatures, once there are enough.
    pub(super) fn finish(&mut self, now: SystemTime) {
        if self.open_round().is_none() {
            return;
        }
        let Some(round) = &mut self.round else { return };
        let digest = round.proposal.digest();
        for (key, peer) in &self.peers {
            if let (Some(proposal), Some(signature)) = (&peer.proposal, &peer.signature)
                && proposal.digest() == digest
                && round.signatures.get(key) != Some(signature)
                && SignedDocument::is_signed_by(&round.bytes, key, signature)
            {
                round.signatures.insert(*key, *signature);
            }
        }
        let mut signatures = round.signatures.clone();
        signatures.extend(round.signature.map(|signature| (self.me, signature)));
        if signatures.len() < self.panel.threshold() {
            return;
        }
        let signatures = signatures
            .into_iter()
            .map(|(authority, signature)| DocumentSignature { authority, signature });
        let signed =
            SignedDocument { bytes: round.bytes.clone(), signatures: signatures.collect() };
        let document = round.document.clone();
        let ballots = &round.proposal.proposal().ballots;
        let voted = ballots.iter().any(|signed| signed.ballot().authority == self.me);
        self.adopt(document, signed, voted, now);
    }
}
