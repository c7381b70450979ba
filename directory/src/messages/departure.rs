//! A node's request to be taken off the list.

use std::time::SystemTime;

use prost::Message;

use super::Rejection;
use crate::document::canonical;
use crate::identity::{IdentityPublic, IdentitySecret, Signature};
use crate::proto;
use crate::time::{from_millis, to_millis};

const DOMAIN: &[u8] = b"mixbed departure v1\0";

/// A node's signed word that it leaves a network. Its identity's signature is enough: nobody
/// else can make one, and it can only remove that node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    pub(crate) bytes: Vec<u8>,
    pub(crate) signature: Signature,
}

impl Departure {
    /// Longer than any valid one.
    const MAX_BYTES: usize = 256;

    /// Makes a departure. `issued_at` is the time now, and later than that of the identity's last
    /// registration.
    #[must_use]
    pub fn new(network: &str, issued_at: SystemTime, identity: &IdentitySecret) -> Self {
        let bytes = proto::Departure {
            network: network.to_owned(),
            issued_at_ms: to_millis(issued_at),
            identity: identity.public().as_bytes().to_vec(),
        }
        .encode_to_vec();
        let signature = identity.sign(DOMAIN, &bytes);
        Self { bytes, signature }
    }

    /// A departure as it came, whatever it is: the authority checks all of it.
    #[must_use]
    pub fn from_parts(bytes: Vec<u8>, signature: Signature) -> Self {
        Self { bytes, signature }
    }

    /// Who leaves, and when that was said; checks everything that needs no memory.
    pub(crate) fn verify(&self, network: &str) -> Result<(IdentityPublic, SystemTime), Rejection> {
        if self.bytes.len() > Self::MAX_BYTES {
            return Err(Rejection::Malformed);
        }
        let message: proto::Departure = canonical(&self.bytes).ok_or(Rejection::Malformed)?;
        if message.network != network {
            return Err(Rejection::WrongNetwork {
                ours: network.to_owned(),
                theirs: message.network.chars().take(80).collect(),
            });
        }
        let identity = message.identity.as_slice().try_into();
        let identity = IdentityPublic::from_bytes(identity.map_err(|_| Rejection::Malformed)?);
        if !identity.verifies(DOMAIN, &self.bytes, &self.signature) {
            return Err(Rejection::BadSignature);
        }
        let issued_at = from_millis(message.issued_at_ms).ok_or(Rejection::Malformed)?;
        Ok((identity, issued_at))
    }
}

impl From<&Departure> for proto::UnregisterRequest {
    fn from(departure: &Departure) -> Self {
        let Departure { bytes, signature } = departure;
        Self { departure: bytes.clone(), signature: signature.as_bytes().to_vec() }
    }
}

impl TryFrom<proto::UnregisterRequest> for Departure {
    type Error = Rejection;

    fn try_from(message: proto::UnregisterRequest) -> Result<Self, Self::Error> {
        let signature = message.signature.as_slice().try_into();
        let signature = Signature::from_bytes(signature.map_err(|_| Rejection::BadSignature)?);
        Ok(Self { bytes: message.departure, signature })
    }
}
