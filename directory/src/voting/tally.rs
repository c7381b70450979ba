//! What a document says by the opinions of a majority: the same opinions, the same content.

use std::collections::{BTreeMap, BTreeSet};

use mixbed_wire::{LinkPublic, NodeId};

use super::Opinion;
use crate::document::{Descriptor, Document, Parameters};
use crate::limits::{MAX_DOCUMENT_BYTES, MAX_NODES};

/// What a document has besides its nodes: 64 impairments of 320 bytes are most of it.
const RESERVED_BYTES: usize = 24 << 10;

/// What a document says of the network.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Content {
    pub(super) parameters: Parameters,
    pub(super) nodes: Vec<Descriptor>,
}

impl Content {
    /// Whether a document says the same.
    pub(super) fn is_of(&self, document: &Document) -> bool {
        document.parameters == self.parameters && document.nodes == self.nodes
    }
}

/// Why opinions make no content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoParameters;

/// Counts the opinions, one an authority; `threshold` is a majority of all authorities, whether
/// they have said anything or not.
///
/// A node is in as a majority describes it. While the descriptions differ (it has changed, and not
/// everybody has heard) it stays as it was in the last document, as long as a majority wants it at
/// all. Parameters change when a majority has the very same ones. So what fewer than a majority
/// say, withhold or invent changes nothing.
pub(super) fn tally(
    opinions: &[&Opinion],
    threshold: usize,
    base: Option<&Document>,
) -> Result<Content, NoParameters> {
    let parameters = majority(opinions.iter().map(|opinion| &opinion.parameters), threshold);
    let parameters = parameters.or_else(|| base.map(|base| &base.parameters));
    let parameters = parameters.ok_or(NoParameters)?.clone();

    let mut described: BTreeMap<NodeId, Vec<&Descriptor>> = BTreeMap::new();
    for node in opinions.iter().flat_map(|opinion| &opinion.nodes) {
        described.entry(node.id()).or_default().push(node);
    }
    described.retain(|_, descriptions| descriptions.len() >= threshold);

    let (mut agreed, mut kept) = (Vec::new(), Vec::new());
    for (id, descriptions) in described {
        let before = base.and_then(|base| base.node(&id));
        match (majority(descriptions.into_iter(), threshold), before) {
            (Some(node), _) => agreed.push(node),
            (None, Some(node)) => kept.push(node),
            (None, None) => {}
        }
    }
    // A document has no room for all that three times 1,000 nodes can have a majority for: who was
    // in stays.
    agreed.sort_by_key(|node| base.is_none_or(|base| base.node(&node.id()).is_none()));
    let mut list = List::default();
    for node in agreed.into_iter().chain(kept) {
        list.add(node);
    }
    let mut nodes: Vec<_> = list.nodes.into_iter().cloned().collect();
    nodes.sort_by_key(Descriptor::id);
    Ok(Content { parameters, nodes })
}

/// What at least so many say.
fn majority<'a, T: PartialEq>(
    said: impl Iterator<Item = &'a T> + Clone,
    threshold: usize,
) -> Option<&'a T> {
    said.clone().find(move |it| said.clone().filter(|other| it == other).count() >= threshold)
}

/// Nodes that can stand in one document.
#[derive(Default)]
struct List<'a> {
    nodes: Vec<&'a Descriptor>,
    names: BTreeSet<&'a str>,
    keys: BTreeSet<LinkPublic>,
    bytes: usize,
}

impl<'a> List<'a> {
    fn add(&mut self, node: &'a Descriptor) {
        let bytes = self.bytes + node.encoded_len() + 4;
        if self.nodes.len() < MAX_NODES
            && bytes <= MAX_DOCUMENT_BYTES - RESERVED_BYTES
            && !self.names.contains(node.name.as_str())
            && !self.keys.contains(&node.link_key)
        {
            self.names.insert(&node.name);
            self.keys.insert(node.link_key);
            self.nodes.push(node);
            self.bytes = bytes;
        }
    }
}
