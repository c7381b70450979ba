//! Two statements that no honest authority signs both.

use super::{Panel, SignedBallot, SignedProposal, Undecodable};
use crate::identity::IdentityPublic;
use crate::proto;

/// Proof that an authority tells one thing to some and another to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Two ballots with one sequence.
    Ballots(Box<[SignedBallot; 2]>),
    /// Two proposals for one revision.
    Proposals(Box<[SignedProposal; 2]>),
}

impl Evidence {
    /// Two ballots of one authority, if they contradict each other.
    pub(super) fn of_ballots(one: &SignedBallot, other: &SignedBallot) -> Option<Self> {
        let (a, b) = (one.ballot(), other.ballot());
        let same = a.authority == b.authority && a.sequence == b.sequence;
        (same && a != b).then(|| Self::Ballots(Box::new([one.clone(), other.clone()])))
    }

    /// Two proposals, if they contradict each other.
    pub(super) fn of_proposals(one: &SignedProposal, other: &SignedProposal) -> Option<Self> {
        let same =
            one.leader() == other.leader() && one.proposal().revision == other.proposal().revision;
        (same && one.digest() != other.digest())
            .then(|| Self::Proposals(Box::new([one.clone(), other.clone()])))
    }

    /// Whose lie it proves.
    #[must_use]
    pub fn authority(&self) -> IdentityPublic {
        match self {
            Self::Ballots(pair) => pair[0].ballot().authority,
            Self::Proposals(pair) => pair[0].leader(),
        }
    }

    pub(crate) fn read(
        message: &proto::Evidence,
        network: &str,
        panel: &Panel,
    ) -> Result<Self, Undecodable> {
        let proto::Evidence { ballot, other_ballot, proposal, other_proposal } = message;
        let evidence = match (ballot, other_ballot, proposal, other_proposal) {
            (Some(one), Some(other), None, None) => {
                let read = |ballot| SignedBallot::read(ballot, network);
                Self::of_ballots(&read(one)?, &read(other)?)
            }
            (None, None, Some(one), Some(other)) => {
                let read = |proposal| SignedProposal::read(proposal, network, panel);
                Self::of_proposals(&read(one)?, &read(other)?)
            }
            _ => None,
        };
        evidence.filter(|evidence| panel.contains(&evidence.authority())).ok_or(Undecodable)
    }

    pub(crate) fn to_proto(&self) -> proto::Evidence {
        let mut message = proto::Evidence::default();
        match self {
            Self::Ballots(pair) => {
                let [one, other] = &**pair;
                message.ballot = Some(one.to_proto());
                message.other_ballot = Some(other.to_proto());
            }
            Self::Proposals(pair) => {
                let [one, other] = &**pair;
                message.proposal = Some(one.to_proto());
                message.other_proposal = Some(other.to_proto());
            }
        }
        message
    }
}
