//! What is wanted and not there: pods, and nodes that impairments name.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeSet;

use mixbed_directory::Document;
use mixbed_directory::document::impairment::Selector;

use crate::api::NodeState;
use crate::mixnet::observe::Observed;
use crate::mixnet::story::Missing;
use crate::mixnet::{Names, ValidMixnet};

/// What is wanted and not there: nodes first, in the order of a packet's way.
pub(super) fn missing(
    observed: &Observed,
    valid: &ValidMixnet,
    nodes: &[NodeState],
    heard: bool,
) -> Vec<Missing> {
    let names = Names(valid.name());
    let mut missing = Vec::new();
    let directory = format!("{}-0", names.directory());
    let pod = observed.pod(&directory);
    missing.extend(Missing::pod(&directory, pod, observed.refusal(&names.directory()), false));
    let heard = heard || !missing.is_empty();
    if !heard {
        missing.push(Missing::silent(&names.directory()));
    }
    for node in nodes {
        let set = node.name.rsplit_once('-').map_or("", |(set, _)| set);
        let refusal = observed.refusal(set);
        let lacking = Missing::pod(&node.name, observed.pod(&node.name), refusal, true);
        let unlisted = || (!node.listed).then(|| Missing::unlisted(&node.name));
        missing.extend(lacking.or_else(unlisted));
    }
    let miner = names.miner();
    missing.extend(Missing::pod(&miner, observed.miner(), observed.refusal(&miner), false));
    missing
}

/// Names in the document's impairments that no node of it has.
pub(super) fn nameless(document: &Document) -> Vec<String> {
    let selectors = document
        .parameters
        .impairments
        .iter()
        .flat_map(|rule| rule.links.selectors().chain(rule.only_from.as_ref()));
    let named = selectors.filter_map(|selector| match selector {
        Selector::Named(name) => Some(name),
        _ => None,
    });
    let known = |name: &str| {
        document.nodes.iter().any(|node| node.name == name || node.id().to_string() == name)
    };
    // What looks like an id may be a client's, which no document lists.
    let is_id = |name: &str| name.len() == 16 && name.bytes().all(|b| b.is_ascii_hexdigit());
    let unknown = named.filter(|name| !known(name) && !is_id(name)).cloned();
    unknown.collect::<BTreeSet<_>>().into_iter().collect()
}
