//! An authority's vote.

use std::time::SystemTime;

use prost::Message as _;

use super::{Digest, Undecodable};
use crate::document::canonical;
use crate::identity::{IdentityPublic, IdentitySecret, Signature};
use crate::proto;
use crate::time::{from_millis, to_millis};

const DOMAIN: &[u8] = b"mixbed ballot v1\0";

/// An authority's opinion at a time. It counts for a while only, so an authority that is away does
/// not go on voting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// Who votes.
    pub authority: IdentityPublic,
    /// Rises with each of its ballots: two different ones with the same number are proof of a lie.
    pub sequence: u64,
    /// When it was made, by its authority's clock.
    pub made_at: SystemTime,
    /// The digest of an [`Opinion`](super::Opinion).
    pub opinion: Digest,
}

/// A ballot as its authority signed it. It is made by [`SignedBallot::sign`], or read from a
/// message and verified: so the signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBallot {
    ballot: Ballot,
    bytes: Vec<u8>,
    signature: Signature,
}

impl SignedBallot {
    /// Longer than any ballot.
    const MAX_BYTES: usize = 256;

    /// Signs a ballot.
    #[must_use]
    pub fn sign(ballot: Ballot, network: &str, secret: &IdentitySecret) -> Self {
        let bytes = proto::Ballot {
            network: network.to_owned(),
            authority: ballot.authority.as_bytes().to_vec(),
            sequence: ballot.sequence,
            made_at_ms: to_millis(ballot.made_at),
            opinion: ballot.opinion.to_vec(),
        }
        .encode_to_vec();
        let signature = secret.sign(DOMAIN, &bytes);
        Self { ballot, bytes, signature }
    }

    /// Reads a ballot that anybody may have made, and verifies it.
    pub(crate) fn read(message: &proto::SignedBallot, network: &str) -> Result<Self, Undecodable> {
        if message.ballot.len() > Self::MAX_BYTES {
            return Err(Undecodable);
        }
        let inner: proto::Ballot = canonical(&message.ballot).ok_or(Undecodable)?;
        let authority = inner.authority.as_slice().try_into().map_err(|_| Undecodable)?;
        let ballot = Ballot {
            authority: IdentityPublic::from_bytes(authority),
            sequence: inner.sequence,
            made_at: from_millis(inner.made_at_ms).ok_or(Undecodable)?,
            opinion: inner.opinion.as_slice().try_into().map_err(|_| Undecodable)?,
        };
        let signature = message.signature.as_slice().try_into().map_err(|_| Undecodable)?;
        let signature = Signature::from_bytes(signature);
        let genuine = ballot.authority.verifies(DOMAIN, &message.ballot, &signature);
        if inner.network != network || !genuine {
            return Err(Undecodable);
        }
        Ok(Self { ballot, bytes: message.ballot.clone(), signature })
    }

    pub(crate) fn to_proto(&self) -> proto::SignedBallot {
        let signature = self.signature.as_bytes().to_vec();
        proto::SignedBallot { ballot: self.bytes.clone(), signature }
    }

    /// What it says.
    #[must_use]
    pub const fn ballot(&self) -> &Ballot {
        &self.ballot
    }
}
