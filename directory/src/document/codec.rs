//! Between the domain's types and the protocol's.

use std::time::Duration;

use mixbed_wire::{LinkPublic, SphinxPublic};
use prost::Message;

use super::impairment::{rules_from_proto, rules_to_proto};
use super::{
    Descriptor, DescriptorError, Document, DocumentError, DocumentSignature, Malformed, Parameters,
    Rates, Role, SignedDocument, SphinxKey,
};
use crate::identity::{IdentityPublic, Signature};
use crate::limits::{MAX_NODES, MAX_SIGNATURES};
use crate::proto;
use crate::time::{from_millis, to_millis};

/// Decodes bytes that are the one encoding of their message, and no others: what is signed in two
/// ways could be read in two.
pub(crate) fn canonical<M: Message + Default>(bytes: &[u8]) -> Option<M> {
    let message = M::decode(bytes).ok()?;
    (message.encode_to_vec() == bytes).then_some(message)
}

pub(crate) fn role_to_proto(role: Role) -> (proto::Role, u32) {
    match role {
        Role::Gateway => (proto::Role::Gateway, 0),
        Role::Mix { layer } => (proto::Role::Mix, u32::from(layer)),
        Role::Provider => (proto::Role::Provider, 0),
    }
}

pub(crate) fn role_from_proto(role: proto::Role, layer: u32) -> Option<Role> {
    match (role, u8::try_from(layer)) {
        (proto::Role::Gateway, Ok(0)) => Some(Role::Gateway),
        (proto::Role::Provider, Ok(0)) => Some(Role::Provider),
        (proto::Role::Mix, Ok(layer)) => Some(Role::Mix { layer }),
        _ => None,
    }
}

pub(crate) fn descriptor_to_proto(descriptor: &Descriptor) -> proto::Descriptor {
    let Descriptor { name, identity, role, link_key, address, sphinx_keys, services, version } =
        descriptor;
    let (role, layer) = role_to_proto(*role);
    proto::Descriptor {
        name: name.clone(),
        identity: identity.as_bytes().to_vec(),
        role: role.into(),
        layer,
        link_key: link_key.as_bytes().to_vec(),
        address: address.clone(),
        sphinx_keys: sphinx_keys
            .iter()
            .map(|key| proto::SphinxKey { epoch: key.epoch, key: key.key.as_bytes().to_vec() })
            .collect(),
        services: services.clone(),
        version: version.clone(),
    }
}

pub(crate) fn descriptor_from_proto(
    message: proto::Descriptor,
) -> Result<Descriptor, DescriptorError> {
    let key =
        |bytes: &[u8], field| <[u8; 32]>::try_from(bytes).map_err(|_| DescriptorError::Key(field));
    let role = role_from_proto(message.role(), message.layer).ok_or(DescriptorError::Role)?;
    let sphinx_keys = message.sphinx_keys.iter().map(|sphinx| {
        let bytes = key(&sphinx.key, "packet key")?;
        Ok(SphinxKey { epoch: sphinx.epoch, key: SphinxPublic::from_bytes(bytes) })
    });
    let descriptor = Descriptor {
        identity: IdentityPublic::from_bytes(key(&message.identity, "identity")?),
        link_key: LinkPublic::from_bytes(key(&message.link_key, "link key")?),
        sphinx_keys: sphinx_keys.collect::<Result<_, DescriptorError>>()?,
        role,
        name: message.name,
        address: message.address,
        services: message.services,
        version: message.version,
    };
    descriptor.validate()?;
    Ok(descriptor)
}

pub(crate) fn parameters_to_proto(parameters: &Parameters) -> proto::Parameters {
    let Parameters { mean_hop_delay, tracing_allowed, epoch_length, rates, impairments } =
        parameters;
    let Rates { payload, drop, client_loop, node_loop, downlink } = *rates;
    proto::Parameters {
        mean_hop_delay_us: u64::try_from(mean_hop_delay.as_micros()).unwrap_or(u64::MAX),
        tracing_allowed: *tracing_allowed,
        epoch_length_ms: u64::try_from(epoch_length.as_millis()).unwrap_or(u64::MAX),
        rates: Some(proto::Rates { payload, drop, client_loop, node_loop, downlink }),
        impairments: rules_to_proto(impairments),
    }
}

pub(crate) fn parameters_from_proto(message: &proto::Parameters) -> Option<Parameters> {
    let proto::Parameters {
        mean_hop_delay_us,
        tracing_allowed,
        epoch_length_ms,
        rates,
        impairments,
    } = message;
    let proto::Rates { payload, drop, client_loop, node_loop, downlink } = (*rates)?;
    Some(Parameters {
        mean_hop_delay: Duration::from_micros(*mean_hop_delay_us),
        tracing_allowed: *tracing_allowed,
        epoch_length: Duration::from_millis(*epoch_length_ms),
        rates: Rates { payload, drop, client_loop, node_loop, downlink },
        impairments: rules_from_proto(impairments)?,
    })
}

pub(super) fn document_bytes(document: &Document) -> Vec<u8> {
    let Document {
        network,
        epoch,
        revision,
        valid_from,
        epoch_end,
        valid_until,
        parameters,
        nodes,
    } = document;
    proto::Document {
        network: network.clone(),
        epoch: *epoch,
        revision: *revision,
        valid_from_ms: to_millis(*valid_from),
        epoch_end_ms: to_millis(*epoch_end),
        valid_until_ms: to_millis(*valid_until),
        parameters: Some(parameters_to_proto(parameters)),
        nodes: nodes.iter().map(descriptor_to_proto).collect(),
    }
    .encode_to_vec()
}

pub(super) fn document_from_bytes(bytes: &[u8]) -> Result<Document, DocumentError> {
    let message = proto::Document::decode(bytes).map_err(|_| Malformed::Undecodable)?;
    if message.encode_to_vec() != bytes {
        return Err(DocumentError::NotCanonical);
    }
    if message.nodes.len() > MAX_NODES {
        return Err(Malformed::TooManyNodes { nodes: message.nodes.len() }.into());
    }
    let time = |millis| from_millis(millis).ok_or(Malformed::Times);
    let parameters = message.parameters.as_ref().and_then(parameters_from_proto);
    let nodes = message.nodes.into_iter().map(descriptor_from_proto);
    Ok(Document {
        network: message.network,
        epoch: message.epoch,
        revision: message.revision,
        valid_from: time(message.valid_from_ms)?,
        epoch_end: time(message.epoch_end_ms)?,
        valid_until: time(message.valid_until_ms)?,
        parameters: parameters.ok_or(Malformed::Undecodable)?,
        nodes: nodes.collect::<Result<_, _>>().map_err(Malformed::Node)?,
    })
}

impl From<&SignedDocument> for proto::SignedDocument {
    fn from(signed: &SignedDocument) -> Self {
        let signatures = signed.signatures.iter().map(|s| proto::DocumentSignature {
            authority: s.authority.as_bytes().to_vec(),
            signature: s.signature.as_bytes().to_vec(),
        });
        Self { document: signed.bytes.clone(), signatures: signatures.collect() }
    }
}

impl TryFrom<proto::SignedDocument> for SignedDocument {
    type Error = DocumentError;

    fn try_from(message: proto::SignedDocument) -> Result<Self, Self::Error> {
        if message.signatures.len() > MAX_SIGNATURES {
            return Err(Malformed::Signatures.into());
        }
        let signatures = message.signatures.iter().map(|s| {
            Some(DocumentSignature {
                authority: IdentityPublic::from_bytes(s.authority.as_slice().try_into().ok()?),
                signature: Signature::from_bytes(s.signature.as_slice().try_into().ok()?),
            })
        });
        let signatures: Option<_> = signatures.collect();
        Ok(Self { bytes: message.document, signatures: signatures.ok_or(Malformed::Signatures)? })
    }
}
