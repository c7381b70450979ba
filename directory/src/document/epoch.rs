//! One epoch's view of the network.

use std::fmt;
use std::time::SystemTime;

use mixbed_wire::{LinkPublic, NodeId};

use super::{Descriptor, DocumentError, Malformed, Parameters, Role, check, codec};
use crate::limits::{LAYERS, MAX_DOCUMENT_BYTES, MAX_NODES};
use crate::time::whole_millis;

/// Who is in the network in an epoch, and by which parameters.
///
/// An epoch has several documents, one after another, as nodes come and go: the pair of `epoch`
/// and `revision` orders them all.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Names the network, so that two networks' documents cannot be swapped: 1 to 63 of `a-z`,
    /// `0-9` and `-`.
    pub network: String,
    /// The epoch, counted from 1.
    pub epoch: u64,
    /// Counts the network's documents over its whole life; it does not start again in an epoch.
    pub revision: u64,
    /// When the epoch starts. Times are whole milliseconds.
    pub valid_from: SystemTime,
    /// When the next epoch starts; a document for it is due then.
    pub epoch_end: SystemTime,
    /// Until when the document may be used if no newer one can be had.
    pub valid_until: SystemTime,
    /// The parameters.
    pub parameters: Parameters,
    /// The nodes, ascending by id; ids, names and link keys are unique.
    pub nodes: Vec<Descriptor>,
}

impl Document {
    /// The gateways, ascending by id.
    pub fn gateways(&self) -> impl Iterator<Item = &Descriptor> {
        self.nodes.iter().filter(|node| node.role == Role::Gateway)
    }

    /// The mixes of a layer, 1 to 3, ascending by id.
    pub fn mixes(&self, layer: u8) -> impl Iterator<Item = &Descriptor> {
        self.nodes.iter().filter(move |node| node.role == Role::Mix { layer })
    }

    /// The providers, ascending by id.
    pub fn providers(&self) -> impl Iterator<Item = &Descriptor> {
        self.nodes.iter().filter(|node| node.role == Role::Provider)
    }

    /// The node with an id.
    #[must_use]
    pub fn node(&self, id: &NodeId) -> Option<&Descriptor> {
        let at = self.nodes.binary_search_by_key(id, Descriptor::id).ok()?;
        self.nodes.get(at)
    }

    /// The node with a link key.
    #[must_use]
    pub fn by_link_key(&self, key: &LinkPublic) -> Option<&Descriptor> {
        self.nodes.iter().find(|node| node.link_key == *key)
    }

    /// The node with a name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Descriptor> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// Whether routes can be built: a gateway, a mix in each layer and a provider are there.
    pub fn is_complete(&self) -> Result<(), Vec<MissingPart>> {
        let mut missing = Vec::new();
        if self.gateways().next().is_none() {
            missing.push(MissingPart::Gateway);
        }
        for layer in 1..=LAYERS {
            if self.mixes(layer).next().is_none() {
                missing.push(MissingPart::Mix { layer });
            }
        }
        if self.providers().next().is_none() {
            missing.push(MissingPart::Provider);
        }
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    /// The document's place in the order of the network's documents.
    #[must_use]
    pub const fn version(&self) -> (u64, u64) {
        (self.epoch, self.revision)
    }

    /// Whether every field is within its bounds and the nodes are sorted and unique.
    pub fn validate(&self) -> Result<(), Malformed> {
        if !check::is_label(&self.network) {
            return Err(Malformed::Network);
        }
        if self.epoch == 0 || self.revision == 0 {
            return Err(Malformed::Numbers);
        }
        let times = [self.valid_from, self.epoch_end, self.valid_until];
        if !times.is_sorted_by(|a, b| a < b) || times.iter().any(|t| whole_millis(*t) != *t) {
            return Err(Malformed::Times);
        }
        self.parameters.validate().map_err(Malformed::Parameters)?;
        validate_nodes(&self.nodes)
    }

    /// The canonical bytes, which are what is signed. Refuses what is not valid.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Malformed> {
        self.validate()?;
        let bytes = codec::document_bytes(self);
        if bytes.len() > MAX_DOCUMENT_BYTES {
            return Err(Malformed::TooLarge { bytes: bytes.len() });
        }
        Ok(bytes)
    }

    /// Reads canonical bytes. Nothing is said of who signed them: see
    /// [`SignedDocument::verify`](super::SignedDocument::verify).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DocumentError> {
        if bytes.len() > MAX_DOCUMENT_BYTES {
            return Err(Malformed::TooLarge { bytes: bytes.len() }.into());
        }
        let document = codec::document_from_bytes(bytes)?;
        document.validate()?;
        Ok(document)
    }
}

/// Whether nodes are within their bounds, sorted and unique.
pub(crate) fn validate_nodes(nodes: &[Descriptor]) -> Result<(), Malformed> {
    if nodes.len() > MAX_NODES {
        return Err(Malformed::TooManyNodes { nodes: nodes.len() });
    }
    for node in nodes {
        node.validate().map_err(Malformed::Node)?;
    }
    if !nodes.is_sorted_by(|a, b| a.id() < b.id()) {
        return Err(Malformed::Order);
    }
    let mut names: Vec<_> = nodes.iter().map(|node| &node.name).collect();
    names.sort_unstable();
    let mut keys: Vec<_> = nodes.iter().map(|node| node.link_key).collect();
    keys.sort_unstable();
    if !names.is_sorted_by(|a, b| a < b) || !keys.is_sorted_by(|a, b| a < b) {
        return Err(Malformed::Twice);
    }
    Ok(())
}

/// A part without which no route can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingPart {
    /// There is no gateway.
    Gateway,
    /// There is no mix in a layer.
    Mix {
        /// The layer, 1 to 3.
        layer: u8,
    },
    /// There is no provider.
    Provider,
}

impl fmt::Display for MissingPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway => f.write_str("a gateway"),
            Self::Mix { layer } => write!(f, "a mix in layer {layer}"),
            Self::Provider => f.write_str("a provider"),
        }
    }
}
