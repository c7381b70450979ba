//! What authorities say to each other.

use prost::Message as _;

use super::{Digest, Evidence, Panel, SignedBallot, SignedProposal, Undecodable};
use crate::document::{SignedDocument, canonical};
use crate::identity::{IdentityPublic, IdentitySecret, Signature};
use crate::limits::MAX_MESSAGE_BYTES;
use crate::proto;
use crate::proto::peer_message::Kind;

const DOMAIN: &[u8] = b"mixbed peer message v1\0";

/// All of what an authority has to say. It is sent whenever it changes, and again until everybody
/// has heard it: so a message that is lost or comes twice changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Epoch and revision of its newest document, or zeros.
    pub version: (u64, u64),
    /// The newest ballot of each authority that it knows.
    pub ballots: Vec<SignedBallot>,
    /// Opinions that it lacks.
    pub wants: Vec<Digest>,
    /// The proposal that it has accepted last.
    pub proposal: Option<SignedProposal>,
    /// Its signature on the document of that proposal.
    pub signature: Option<Signature>,
    /// Lies that it can prove, one an authority.
    pub evidence: Vec<Evidence>,
}

/// What an authority says to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerMessage {
    /// How it stands.
    Status(Box<Status>),
    /// An opinion that the other one lacks: its canonical bytes.
    Opinion(Vec<u8>),
    /// A document that the other one lacks.
    Document(SignedDocument),
}

/// A message as it travels, signed by its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    pub(crate) sender: IdentityPublic,
    pub(crate) bytes: Vec<u8>,
    pub(crate) signature: Signature,
}

impl Envelope {
    /// Seals a message.
    #[must_use]
    pub fn seal(message: &PeerMessage, network: &str, secret: &IdentitySecret) -> Self {
        let bytes = message.to_bytes();
        let signature = secret.sign(DOMAIN, &signed(network, &bytes));
        Self { sender: secret.public(), bytes, signature }
    }

    /// An envelope as it came, whatever it is.
    #[must_use]
    pub const fn from_parts(sender: IdentityPublic, bytes: Vec<u8>, signature: Signature) -> Self {
        Self { sender, bytes, signature }
    }

    /// Who sent it, and what it says, if it is of the panel and all signatures in it hold.
    pub fn open(
        &self,
        network: &str,
        panel: &Panel,
    ) -> Result<(IdentityPublic, PeerMessage), Undecodable> {
        if self.bytes.len() > MAX_MESSAGE_BYTES
            || !panel.contains(&self.sender)
            || !self.sender.verifies(DOMAIN, &signed(network, &self.bytes), &self.signature)
        {
            return Err(Undecodable);
        }
        Ok((self.sender, PeerMessage::from_bytes(&self.bytes, network, panel)?))
    }
}

impl From<&Envelope> for proto::DeliverRequest {
    fn from(envelope: &Envelope) -> Self {
        Self {
            sender: envelope.sender.as_bytes().to_vec(),
            message: envelope.bytes.clone(),
            signature: envelope.signature.as_bytes().to_vec(),
        }
    }
}

/// The network's name has no zero byte, so no two pairs look the same.
fn signed(network: &str, bytes: &[u8]) -> Vec<u8> {
    [network.as_bytes(), b"\0", bytes].concat()
}

impl PeerMessage {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let kind = match self {
            Self::Status(status) => Kind::Status(status.to_proto()),
            Self::Opinion(bytes) => Kind::Opinion(bytes.clone()),
            Self::Document(signed) => Kind::Document(signed.into()),
        };
        proto::PeerMessage { kind: Some(kind) }.encode_to_vec()
    }

    fn from_bytes(bytes: &[u8], network: &str, panel: &Panel) -> Result<Self, Undecodable> {
        let message: proto::PeerMessage = canonical(bytes).ok_or(Undecodable)?;
        match message.kind.ok_or(Undecodable)? {
            Kind::Status(status) => {
                Status::read(&status, network, panel).map(|status| Self::Status(Box::new(status)))
            }
            Kind::Opinion(bytes) => Ok(Self::Opinion(bytes)),
            Kind::Document(signed) => {
                signed.try_into().map(Self::Document).map_err(|_| Undecodable)
            }
        }
    }
}

impl Status {
    fn to_proto(&self) -> proto::Status {
        let Self { version, ballots, wants, proposal, signature, evidence } = self;
        proto::Status {
            epoch: version.0,
            revision: version.1,
            ballots: ballots.iter().map(SignedBallot::to_proto).collect(),
            wants: wants.iter().map(|digest| digest.to_vec()).collect(),
            proposal: proposal.as_ref().map(SignedProposal::to_proto),
            signature: signature.map_or_else(Vec::new, |it| it.as_bytes().to_vec()),
            evidence: evidence.iter().map(Evidence::to_proto).collect(),
        }
    }

    fn read(message: &proto::Status, network: &str, panel: &Panel) -> Result<Self, Undecodable> {
        let proto::Status { epoch, revision, ballots, wants, proposal, signature, evidence } =
            message;
        let all = panel.keys().len();
        if ballots.len() > all || wants.len() > 2 * all || evidence.len() > all {
            return Err(Undecodable);
        }
        let ballots = ballots.iter().map(|ballot| SignedBallot::read(ballot, network));
        let ballots: Vec<_> = ballots.collect::<Result<_, _>>()?;
        if !ballots.iter().all(|signed| panel.contains(&signed.ballot().authority)) {
            return Err(Undecodable);
        }
        let wants = wants.iter().map(|digest| digest.as_slice().try_into());
        let proposal = proposal.as_ref().map(|it| SignedProposal::read(it, network, panel));
        let signature = match signature.as_slice() {
            [] => None,
            bytes => Some(Signature::from_bytes(bytes.try_into().map_err(|_| Undecodable)?)),
        };
        let evidence = evidence.iter().map(|it| Evidence::read(it, network, panel));
        Ok(Self {
            version: (*epoch, *revision),
            ballots,
            wants: wants.collect::<Result<_, _>>().map_err(|_| Undecodable)?,
            proposal: proposal.transpose()?,
            signature,
            evidence: evidence.collect::<Result<_, _>>()?,
        })
    }
}
