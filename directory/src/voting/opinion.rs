//! What an authority would put into the document.

use prost::Message as _;
use sha2::{Digest as _, Sha256};

use super::Undecodable;
use crate::document::{
    Descriptor, Parameters, canonical, descriptor_from_proto, descriptor_to_proto,
    parameters_from_proto, parameters_to_proto, validate_nodes,
};
use crate::limits::{MAX_DOCUMENT_BYTES, MAX_NODES};
use crate::proto;

/// A SHA-256.
pub type Digest = [u8; 32];

/// Who should be in the network, and by which parameters, as an authority sees it. Two authorities
/// that see the same have the same bytes, so the digest is often all that travels.
#[derive(Clone, Debug, PartialEq)]
pub struct Opinion {
    /// The parameters.
    pub parameters: Parameters,
    /// The nodes, ascending by id; ids, names and link keys are unique.
    pub nodes: Vec<Descriptor>,
}

impl Opinion {
    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        proto::Opinion {
            parameters: Some(parameters_to_proto(&self.parameters)),
            nodes: self.nodes.iter().map(descriptor_to_proto).collect(),
        }
        .encode_to_vec()
    }

    /// Reads canonical bytes, whoever wrote them. What comes out could be a document's content.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Undecodable> {
        if bytes.len() > MAX_DOCUMENT_BYTES {
            return Err(Undecodable);
        }
        let message: proto::Opinion = canonical(bytes).ok_or(Undecodable)?;
        if message.nodes.len() > MAX_NODES {
            return Err(Undecodable);
        }
        let parameters = message.parameters.as_ref().and_then(parameters_from_proto);
        let parameters = parameters.ok_or(Undecodable)?;
        parameters.validate().map_err(|_| Undecodable)?;
        let nodes = message.nodes.into_iter().map(descriptor_from_proto);
        let nodes: Vec<_> = nodes.collect::<Result<_, _>>().map_err(|_| Undecodable)?;
        validate_nodes(&nodes).map_err(|_| Undecodable)?;
        Ok(Self { parameters, nodes })
    }
}

/// The digest of bytes.
pub(super) fn digest(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}
