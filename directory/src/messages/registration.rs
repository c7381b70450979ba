//! A node's request to be listed.

use std::time::SystemTime;

use prost::Message;

use super::Rejection;
use crate::admission::Admission;
use crate::document::{Descriptor, DescriptorError, SignedDescriptor, canonical};
use crate::identity::{IdentitySecret, Signature};
use crate::join::JoinSecret;
use crate::limits::MAX_DESCRIPTOR_BYTES;
use crate::proto;
use crate::time::{from_millis, to_millis};

const DOMAIN: &[u8] = b"mixbed registration v1\0";
const JOIN_DOMAIN: &[u8] = b"mixbed join v1\0";

/// A signed descriptor with the node's word that it holds now, in this network, and the proof
/// that the node knows the join secret, if it has one. A listed node needs none.
///
/// The proof covers everything, so it fits no other descriptor and no other time. The identity
/// signs the time too: another node, which knows the secret as well, cannot bring an old
/// descriptor back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    pub(crate) bytes: Vec<u8>,
    pub(crate) signature: Signature,
    pub(crate) join_proof: Vec<u8>,
}

impl Registration {
    /// Longer than any valid one.
    const MAX_BYTES: usize = MAX_DESCRIPTOR_BYTES + 256;

    /// Makes a registration. `issued_at` is the time now, and later than that of the identity's
    /// last one.
    #[must_use]
    pub fn new(
        descriptor: Descriptor,
        network: &str,
        issued_at: SystemTime,
        identity: &IdentitySecret,
        join_secret: Option<&JoinSecret>,
    ) -> Self {
        let SignedDescriptor { bytes, signature } = descriptor.sign(identity);
        let bytes = proto::Registration {
            network: network.to_owned(),
            issued_at_ms: to_millis(issued_at),
            descriptor: Some(proto::SignedDescriptor {
                descriptor: bytes,
                signature: signature.as_bytes().to_vec(),
            }),
        }
        .encode_to_vec();
        let signature = identity.sign(DOMAIN, &bytes);
        let parts = [network.as_bytes(), &bytes, signature.as_bytes()];
        let prove = |secret: &JoinSecret| secret.prove(JOIN_DOMAIN, &parts).to_vec();
        let join_proof = join_secret.map(prove).unwrap_or_default();
        Self { bytes, signature, join_proof }
    }

    /// A registration as it came, whatever it is: the authority checks all of it.
    #[must_use]
    pub fn from_parts(bytes: Vec<u8>, signature: Signature, join_proof: Vec<u8>) -> Self {
        Self { bytes, signature, join_proof }
    }

    /// The name of the node that it says it is about, for the log; nobody vouches for it.
    pub(crate) fn claimed_name(&self) -> Option<String> {
        if self.bytes.len() > Self::MAX_BYTES {
            return None;
        }
        let message = proto::Registration::decode(self.bytes.as_slice()).ok()?;
        let descriptor = Descriptor::from_bytes(&message.descriptor?.descriptor).ok()?;
        Some(descriptor.name)
    }

    /// Checks everything that needs no memory of earlier messages: first whether it may come from a
    /// node at all.
    pub(crate) fn verify(
        &self,
        network: &str,
        admission: &Admission,
        join_secrets: &[JoinSecret],
    ) -> Result<VerifiedRegistration, Rejection> {
        if self.bytes.len() > Self::MAX_BYTES {
            return Err(Rejection::Malformed);
        }
        let message: proto::Registration = canonical(&self.bytes).ok_or(Rejection::Malformed)?;
        if message.network != network {
            return Err(Rejection::WrongNetwork {
                ours: network.to_owned(),
                theirs: message.network.chars().take(80).collect(),
            });
        }
        let signed = message.descriptor.ok_or(Rejection::Malformed)?;
        match admission {
            // Nobody can know a secret that there is not: this waits for a list.
            Admission::Open if join_secrets.is_empty() => {
                let Descriptor { identity, .. } = Descriptor::from_bytes(&signed.descriptor)?;
                return Err(Rejection::NotListed { identity });
            }
            Admission::Open => self.check_join_proof(network, join_secrets)?,
            Admission::Listed(_) => {
                admission.check(&Descriptor::from_bytes(&signed.descriptor)?)?;
            }
        }
        let signature = signed.signature.as_slice().try_into();
        let signature = Signature::from_bytes(signature.map_err(|_| Rejection::Malformed)?);
        let descriptor = SignedDescriptor { bytes: signed.descriptor, signature }.verify()?;
        if !descriptor.identity.verifies(DOMAIN, &self.bytes, &self.signature) {
            return Err(Rejection::BadSignature);
        }
        let issued_at = from_millis(message.issued_at_ms).ok_or(Rejection::Malformed)?;
        Ok(VerifiedRegistration { descriptor, issued_at })
    }

    fn check_join_proof(&self, network: &str, secrets: &[JoinSecret]) -> Result<(), Rejection> {
        let parts = [network.as_bytes(), &self.bytes, self.signature.as_bytes()];
        let proves = |secret: &JoinSecret| secret.accepts(JOIN_DOMAIN, &parts, &self.join_proof);
        if secrets.iter().any(proves) {
            return Ok(());
        }
        Err(Rejection::WrongJoinSecret { network: network.to_owned() })
    }
}

/// What a registration says once it is believed.
#[derive(Debug)]
pub(crate) struct VerifiedRegistration {
    pub(crate) descriptor: Descriptor,
    pub(crate) issued_at: SystemTime,
}

impl From<&Registration> for proto::RegisterRequest {
    fn from(registration: &Registration) -> Self {
        let Registration { bytes, signature, join_proof } = registration;
        Self {
            registration: bytes.clone(),
            signature: signature.as_bytes().to_vec(),
            join_proof: join_proof.clone(),
        }
    }
}

impl TryFrom<proto::RegisterRequest> for Registration {
    type Error = Rejection;

    fn try_from(message: proto::RegisterRequest) -> Result<Self, Self::Error> {
        let signature = message.signature.as_slice().try_into();
        let signature = signature.map_err(|_| Rejection::from(DescriptorError::BadSignature))?;
        Ok(Self {
            bytes: message.registration,
            signature: Signature::from_bytes(signature),
            join_proof: message.join_proof,
        })
    }
}
