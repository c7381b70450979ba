//! Which ballots to make the next document of.

use std::time::SystemTime;

use prost::Message as _;

use super::opinion::digest;
use super::{Digest, Panel, SignedBallot, Undecodable};
use crate::document::canonical;
use crate::identity::{IdentityPublic, IdentitySecret, Signature};
use crate::proto;
use crate::time::{from_millis, to_millis};

const DOMAIN: &[u8] = b"mixbed proposal v1\0";

/// The document that a proposal goes on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base {
    /// Its epoch and revision.
    pub version: (u64, u64),
    /// The digest of its bytes.
    pub digest: Digest,
}

/// Which ballots to make the next document of, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The document's epoch.
    pub epoch: u64,
    /// The document's revision.
    pub revision: u64,
    /// When the document's epoch starts.
    pub valid_from: SystemTime,
    /// The document before it.
    pub base: Option<Base>,
    /// The digest of the document that comes of it.
    pub document: Digest,
    /// The ballots, ascending by authority.
    pub ballots: Vec<SignedBallot>,
}

/// A proposal as the authority signed it whose turn it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedProposal {
    proposal: Proposal,
    leader: IdentityPublic,
    digest: Digest,
    bytes: Vec<u8>,
    signature: Signature,
}

impl SignedProposal {
    /// A ballot and its signature take less than 400 bytes, the rest less than 300.
    const MAX_BYTES: usize = 512 + 400 * Panel::MAX;

    /// Signs a proposal.
    #[must_use]
    pub fn sign(proposal: Proposal, network: &str, secret: &IdentitySecret) -> Self {
        let base = proposal.base.as_ref();
        let (base_epoch, base_revision) = base.map_or((0, 0), |base| base.version);
        let bytes = proto::Proposal {
            network: network.to_owned(),
            epoch: proposal.epoch,
            revision: proposal.revision,
            valid_from_ms: to_millis(proposal.valid_from),
            base_epoch,
            base_revision,
            base: base.map_or_else(Vec::new, |base| base.digest.to_vec()),
            document: proposal.document.to_vec(),
            ballots: proposal.ballots.iter().map(SignedBallot::to_proto).collect(),
        }
        .encode_to_vec();
        let signature = secret.sign(DOMAIN, &bytes);
        Self { proposal, leader: secret.public(), digest: digest(&bytes), bytes, signature }
    }

    /// Reads a proposal that anybody may have made, and verifies it and all its ballots.
    pub(crate) fn read(
        message: &proto::SignedProposal,
        network: &str,
        panel: &Panel,
    ) -> Result<Self, Undecodable> {
        if message.proposal.len() > Self::MAX_BYTES {
            return Err(Undecodable);
        }
        let inner: proto::Proposal = canonical(&message.proposal).ok_or(Undecodable)?;
        let leader = panel.leader(inner.revision);
        let signature = message.signature.as_slice().try_into().map_err(|_| Undecodable)?;
        let signature = Signature::from_bytes(signature);
        if inner.network != network
            || inner.ballots.len() > panel.keys().len()
            || !leader.verifies(DOMAIN, &message.proposal, &signature)
        {
            return Err(Undecodable);
        }
        let ballots = inner.ballots.iter().map(|ballot| SignedBallot::read(ballot, network));
        let ballots: Vec<_> = ballots.collect::<Result<_, _>>()?;
        let authority = |ballot: &SignedBallot| ballot.ballot().authority;
        if !ballots.is_sorted_by(|a, b| authority(a) < authority(b))
            || !ballots.iter().all(|ballot| panel.contains(&authority(ballot)))
        {
            return Err(Undecodable);
        }
        let base = match (inner.base.as_slice(), inner.base_epoch, inner.base_revision) {
            ([], 0, 0) => None,
            (digest, epoch, revision) => Some(Base {
                version: (epoch, revision),
                digest: digest.try_into().map_err(|_| Undecodable)?,
            }),
        };
        let proposal = Proposal {
            epoch: inner.epoch,
            revision: inner.revision,
            valid_from: from_millis(inner.valid_from_ms).ok_or(Undecodable)?,
            base,
            document: inner.document.as_slice().try_into().map_err(|_| Undecodable)?,
            ballots,
        };
        let digest = digest(&message.proposal);
        Ok(Self { proposal, leader, digest, bytes: message.proposal.clone(), signature })
    }

    pub(crate) fn to_proto(&self) -> proto::SignedProposal {
        let signature = self.signature.as_bytes().to_vec();
        proto::SignedProposal { proposal: self.bytes.clone(), signature }
    }

    /// What it says.
    #[must_use]
    pub const fn proposal(&self) -> &Proposal {
        &self.proposal
    }

    /// Who signed it.
    #[must_use]
    pub const fn leader(&self) -> IdentityPublic {
        self.leader
    }

    /// The digest of its bytes.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }
}
