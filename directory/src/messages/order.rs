//! An admin's order to a directory.

use std::time::SystemTime;

use prost::Message;
use sha2::{Digest, Sha256};

use super::{Instruction, Rejection};
use crate::document::canonical;
use crate::identity::{IdentityPublic, IdentitySecret, Signature};
use crate::proto;
use crate::time::{from_millis, to_millis};

const DOMAIN: &[u8] = b"mixbed order v1\0";

/// What an order says.
#[derive(Debug)]
pub(crate) struct Ordered {
    pub(crate) instruction: Instruction,
    pub(crate) issued_at: SystemTime,
    /// The digest of what it replaces, if it names that.
    pub(crate) replaces: Option<[u8; 32]>,
    /// Of the order's bytes: another order has another.
    pub(crate) digest: [u8; 32],
}

impl Ordered {
    /// Whether it does the same or nothing, whenever it comes: it names what it replaces or removes.
    pub(crate) const fn names_its_object(&self) -> bool {
        self.replaces.is_some() || matches!(self.instruction, Instruction::Remove(_))
    }
}

/// An instruction to a network's directory, signed by one of the admin keys that the directory
/// was given.
///
/// The join secret lets nodes in and orders nothing: a node that is in bad hands changes nothing
/// for the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub(crate) bytes: Vec<u8>,
    pub(crate) admin: IdentityPublic,
    pub(crate) signature: Signature,
}

impl Order {
    /// Longer than any valid one: 1,000 nodes with names of 63 characters are 107 KiB.
    pub(crate) const MAX_BYTES: usize = 128 << 10;

    /// Makes an order. `issued_at` is the time now, and later than that of the last order. If this
    /// clock may be off by seconds, make one that is [`replacing`](Self::replacing) something.
    #[must_use]
    pub fn new(
        instruction: &Instruction,
        network: &str,
        issued_at: SystemTime,
        admin: &IdentitySecret,
    ) -> Self {
        Self::make(instruction, Vec::new(), network, issued_at, admin)
    }

    /// Makes an order that counts only while `replaced` holds: of two admins who order at the same
    /// time, neither undoes unknowingly what the other did.
    #[must_use]
    pub fn replacing(
        replaced: &Instruction,
        instruction: &Instruction,
        network: &str,
        issued_at: SystemTime,
        admin: &IdentitySecret,
    ) -> Self {
        Self::make(instruction, replaced.digest().to_vec(), network, issued_at, admin)
    }

    fn make(
        instruction: &Instruction,
        replaces: Vec<u8>,
        network: &str,
        issued_at: SystemTime,
        admin: &IdentitySecret,
    ) -> Self {
        let bytes = proto::Order {
            network: network.to_owned(),
            issued_at_ms: to_millis(issued_at),
            replaces,
            instruction: Some(instruction.to_proto()),
        }
        .encode_to_vec();
        let signature = admin.sign(DOMAIN, &bytes);
        Self { bytes, admin: admin.public(), signature }
    }

    /// An order as it came, whatever it is: the authority checks all of it.
    #[must_use]
    pub fn from_parts(bytes: Vec<u8>, admin: IdentityPublic, signature: Signature) -> Self {
        Self { bytes, admin, signature }
    }

    /// What is ordered, and when; checks everything that needs no memory, the signature before the
    /// order is even decoded.
    pub(crate) fn verify(
        &self,
        network: &str,
        admins: &[IdentityPublic],
    ) -> Result<Ordered, Rejection> {
        if self.bytes.len() > Self::MAX_BYTES {
            return Err(Rejection::Malformed);
        }
        if !admins.contains(&self.admin) {
            return Err(Rejection::NotAdmin { key: self.admin, network: network.to_owned() });
        }
        if !self.admin.verifies(DOMAIN, &self.bytes, &self.signature) {
            return Err(Rejection::BadSignature);
        }
        let message: proto::Order = canonical(&self.bytes).ok_or(Rejection::Malformed)?;
        if message.network != network {
            return Err(Rejection::WrongNetwork {
                ours: network.to_owned(),
                theirs: message.network.chars().take(80).collect(),
            });
        }
        let instruction = message.instruction.ok_or(Rejection::Malformed)?;
        let instruction = Instruction::from_proto(&instruction)?;
        let issued_at = from_millis(message.issued_at_ms).ok_or(Rejection::Malformed)?;
        let replaces = match message.replaces.as_slice() {
            [] => None,
            digest => Some(digest.try_into().map_err(|_| Rejection::Malformed)?),
        };
        let digest = Sha256::digest(&self.bytes).into();
        Ok(Ordered { instruction, issued_at, replaces, digest })
    }
}

impl From<&Order> for proto::OrderRequest {
    fn from(order: &Order) -> Self {
        Self {
            order: order.bytes.clone(),
            admin: order.admin.as_bytes().to_vec(),
            signature: order.signature.as_bytes().to_vec(),
        }
    }
}

impl TryFrom<proto::OrderRequest> for Order {
    type Error = Rejection;

    fn try_from(message: proto::OrderRequest) -> Result<Self, Self::Error> {
        let admin = message.admin.as_slice().try_into().map_err(|_| Rejection::BadSignature)?;
        let signature =
            message.signature.as_slice().try_into().map_err(|_| Rejection::BadSignature)?;
        Ok(Self {
            bytes: message.order,
            admin: IdentityPublic::from_bytes(admin),
            signature: Signature::from_bytes(signature),
        })
    }
}
