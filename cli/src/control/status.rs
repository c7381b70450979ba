//! `GET /v1/status`

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::extract::State;
use mixbed_directory::{Descriptor, Document};
use mixbed_node::Node;
use mixbed_wire::DropReason;

use super::api::{
    AuthorityStatus, ClientStatus, DirectoryStatus, DocumentStatus, Inside, NodeStatus, Status,
};
use super::loops::loops;
use super::server::{Control, Nodes};
use crate::impairments::list;

pub(super) async fn handle(State(control): State<Control>) -> Json<Status> {
    let follower = control.client.directory();
    let (state, document) = (follower.state(), follower.last());
    let client = control.client.state().borrow().clone();
    Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        network: control.network.clone(),
        ready: control.health.is_ready(),
        reasons: control.health.reasons(),
        directory: DirectoryStatus {
            url: control.directory.clone(),
            state: state.as_str().to_owned(),
            words: state.to_string(),
            document: document.as_deref().map(of_document),
            inside: authorities(&control.nodes),
        },
        client: Some(ClientStatus {
            name: control.name.clone(),
            id: control.client.id().to_string(),
            state: client.as_str().to_owned(),
            words: client.to_string(),
            suspects: control.client.suspects().iter().map(ToString::to_string).collect(),
        }),
        loops: loops(&control, document.as_deref()),
        nodes: nodes(&control.nodes, document.as_deref()),
        monerod: control.monerod.clone(),
    })
}

/// What there is to say of a document.
pub(crate) fn of_document(document: &Document) -> DocumentStatus {
    DocumentStatus {
        epoch: document.epoch,
        revision: document.revision,
        epoch_end_ms: millis(document.epoch_end),
        valid_until_ms: millis(document.valid_until),
        mean_hop_delay_us: micros(document.parameters.mean_hop_delay),
        tracing_allowed: document.parameters.tracing_allowed,
        impairments: list(document),
    }
}

/// The directories in this process.
fn authorities(nodes: &Nodes) -> Vec<AuthorityStatus> {
    let Nodes::Inside(net) = nodes else { return Vec::new() };
    let authorities = net.authorities().filter_map(|(name, authority)| Some((name, authority?)));
    authorities
        .map(|(name, authority)| {
            let (epoch, revision) =
                authority.document().map_or((0, 0), |document| document.version());
            AuthorityStatus {
                name: name.to_owned(),
                url: authority.url(),
                key: authority.public_key().to_string(),
                epoch,
                revision,
            }
        })
        .collect()
}

/// The document's nodes, with what those in this process say of themselves.
fn nodes(nodes: &Nodes, document: Option<&Document>) -> Vec<NodeStatus> {
    let mut listed = document.map(listed_nodes).unwrap_or_default();
    if let Nodes::Inside(net) = nodes {
        for node in &mut listed {
            node.inside = net.nodes().get(&node.name).map(of_node);
        }
    }
    listed
}

/// A document's nodes, in the order that packets pass them.
pub(crate) fn listed_nodes(document: &Document) -> Vec<NodeStatus> {
    let mut listed: Vec<&Descriptor> = document.nodes.iter().collect();
    listed.sort_by(|a, b| (a.role, &a.name).cmp(&(b.role, &b.name)));
    listed
        .into_iter()
        .map(|node| NodeStatus {
            name: node.name.clone(),
            id: node.id().to_string(),
            role: node.role.as_str().to_owned(),
            layer: node.role.layer(),
            address: node.address.clone(),
            services: node.services.clone(),
            inside: None,
        })
        .collect()
}

fn of_node(node: &Node) -> Inside {
    let readings = node.readings();
    let dropped: BTreeMap<_, _> = DropReason::NAMES
        .iter()
        .zip(&readings.dropped)
        .filter(|(_, count)| **count > 0)
        .map(|(reason, count)| ((*reason).to_owned(), *count))
        .collect();
    Inside {
        ready: node.health().is_ready(),
        reasons: node.health().reasons(),
        received: readings.received,
        made: readings.made,
        sent: readings.sent,
        delivered: readings.delivered,
        held: readings.held,
        dropped,
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
