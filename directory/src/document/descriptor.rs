//! What a node says of itself, and signs.

use mixbed_wire::{LinkPublic, NodeId, SphinxPublic};
use prost::Message;

use super::{Role, check, codec};
use crate::identity::{IdentityPublic, IdentitySecret, Signature};
use crate::limits::{MAX_DESCRIPTOR_BYTES, MAX_SERVICES, MAX_SPHINX_KEYS};

const DOMAIN: &[u8] = b"mixbed descriptor v1\0";

/// A packet key and the epoch it begins to serve in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SphinxKey {
    /// The epoch.
    pub epoch: u64,
    /// The key.
    pub key: SphinxPublic,
}

/// One node: who it is, what it does, where it listens, with which keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Its name, such as `gateway-0`: 1 to 63 of `a-z`, `0-9` and `-`, unique in a network.
    pub name: String,
    /// The key it signs with; its id is made of it.
    pub identity: IdentityPublic,
    /// What it does.
    pub role: Role,
    /// The key its links are authenticated with.
    pub link_key: LinkPublic,
    /// Where peers dial it: `host:port`.
    pub address: String,
    /// Its packet keys, ascending by epoch, one to four.
    pub sphinx_keys: Vec<SphinxKey>,
    /// Names of the services it offers, up to 16; only providers and gateways have any.
    pub services: Vec<String>,
    /// Its program's version, up to 63 printable characters; may be empty.
    pub version: String,
}

impl Descriptor {
    /// The node's id.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.identity.id()
    }

    /// The packet key to seal with in an epoch: the newest that begins then or before, as a key
    /// serves until a later one takes over. Nothing if all begin later.
    #[must_use]
    pub fn sphinx_key(&self, epoch: u64) -> Option<&SphinxPublic> {
        let serving = self.sphinx_keys.iter().rev().find(|key| key.epoch <= epoch)?;
        Some(&serving.key)
    }

    /// Whether every field is within its bounds.
    pub fn validate(&self) -> Result<(), DescriptorError> {
        let clip = |text: &str| text.chars().take(80).collect::<String>();
        if !check::is_label(&self.name) {
            return Err(DescriptorError::Name(clip(&self.name)));
        }
        if let Role::Mix { layer } = self.role
            && !(1..=crate::limits::LAYERS).contains(&layer)
        {
            return Err(DescriptorError::Role);
        }
        if !check::is_address(&self.address) {
            return Err(DescriptorError::Address(clip(&self.address)));
        }
        let keys = &self.sphinx_keys;
        if keys.is_empty()
            || keys.len() > MAX_SPHINX_KEYS
            || !keys.is_sorted_by(|a, b| a.epoch < b.epoch)
        {
            return Err(DescriptorError::SphinxKeys);
        }
        if self.services.len() > MAX_SERVICES
            || (!self.services.is_empty() && !self.role.has_services())
        {
            return Err(DescriptorError::Services);
        }
        for (i, service) in self.services.iter().enumerate() {
            if !check::is_service(service) || self.services[..i].contains(service) {
                return Err(DescriptorError::Service(clip(service)));
            }
        }
        if !check::is_version(&self.version) {
            return Err(DescriptorError::Version);
        }
        Ok(())
    }

    /// Its canonical bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        codec::descriptor_to_proto(self).encode_to_vec()
    }

    /// The length of its canonical bytes.
    pub(crate) fn encoded_len(&self) -> usize {
        codec::descriptor_to_proto(self).encoded_len()
    }

    /// Reads canonical bytes, whoever wrote them.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, DescriptorError> {
        if bytes.len() > MAX_DESCRIPTOR_BYTES {
            return Err(DescriptorError::TooLarge { bytes: bytes.len() });
        }
        let message = codec::canonical(bytes).ok_or(DescriptorError::NotCanonical)?;
        codec::descriptor_from_proto(message)
    }

    /// Signs the descriptor. It is not validated: whoever reads it does that.
    #[must_use]
    pub fn sign(self, secret: &IdentitySecret) -> SignedDescriptor {
        let bytes = self.to_bytes();
        let signature = secret.sign(DOMAIN, &bytes);
        SignedDescriptor { bytes, signature }
    }
}

/// A descriptor as its node signed it; to be verified before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedDescriptor {
    /// The descriptor's canonical bytes.
    pub bytes: Vec<u8>,
    /// The signature of the descriptor's own identity over them.
    pub signature: Signature,
}

impl SignedDescriptor {
    /// The descriptor, if it is valid and signed by the identity that it names.
    pub fn verify(&self) -> Result<Descriptor, DescriptorError> {
        let descriptor = Descriptor::from_bytes(&self.bytes)?;
        if !descriptor.identity.verifies(DOMAIN, &self.bytes, &self.signature) {
            return Err(DescriptorError::BadSignature);
        }
        Ok(descriptor)
    }
}

/// What is wrong with a descriptor.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum DescriptorError {
    /// The bytes are no descriptor, or not encoded the one canonical way.
    #[error("the descriptor is not in canonical encoding")]
    NotCanonical,
    /// Longer than any valid descriptor.
    #[error("the descriptor has {bytes} bytes, more than 2 KiB")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// Not signed by its identity.
    #[error("the descriptor is not signed by the identity in it")]
    BadSignature,
    /// A key of another length than 32 bytes; the field's name.
    #[error("the descriptor's {0} is not 32 bytes long")]
    Key(&'static str),
    /// See [`Descriptor::name`].
    #[error("a node's name is 1 to 63 of a-z, 0-9 and -, not {0:?}")]
    Name(String),
    /// No role, or a layer that does not fit it.
    #[error(
        "the role is gateway, provider, or mix with a layer of 1 to 3, and this is none of them"
    )]
    Role,
    /// See [`Descriptor::address`].
    #[error("an address is host:port, such as 10.0.0.7:9000, not {0:?}")]
    Address(String),
    /// See [`Descriptor::sphinx_keys`].
    #[error("a node has one to four packet keys, one an epoch, ascending")]
    SphinxKeys,
    /// See [`Descriptor::services`].
    #[error("up to 16 services, at a provider or a gateway only")]
    Services,
    /// See [`Descriptor::services`].
    #[error("a service's name is 1 to 63 of a-z, 0-9, -, _ and ., and unique, not {0:?}")]
    Service(String),
    /// See [`Descriptor::version`].
    #[error("a version is up to 63 printable characters")]
    Version,
}
