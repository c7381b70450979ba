//! How a Mixnet is: what its operator says, its document, and its nodes' own counters.

use std::time::Duration;

use futures::future::join_all;
use mixbed_operator::api::{NODE_HTTP_PORT, is_true};
use tokio::time::timeout;

use super::{ClusterError, InCluster, Session, inside};
use crate::control::{DirectoryStatus, LoopsStatus, NodeStatus, Status, listed_nodes, of_document};

/// Asks operator, directory and every node.
pub(crate) async fn status(found: &InCluster) -> Result<Status, ClusterError> {
    let told = found.told()?;
    let ready = is_true(&told.conditions, "Ready");
    let document = match Session::to_directory(found).await {
        Ok(session) => session.document().await,
        Err(error) => Err(error),
    };
    let (state, words) = match &document {
        Ok(_) => {
            ("following", format!("{} of {} nodes ready", told.ready_nodes(), told.nodes.len()))
        }
        Err(error) => ("connecting", error.to_string()),
    };
    let document = document.ok();
    let nodes = document.as_ref().map(listed_nodes).unwrap_or_default();
    Ok(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        network: told.network.clone(),
        ready,
        reasons: if ready { Vec::new() } else { vec![told.message.clone()] },
        directory: DirectoryStatus {
            url: told.endpoints.directory.clone(),
            state: state.to_owned(),
            words,
            document: document.as_ref().map(of_document),
            inside: Vec::new(),
        },
        client: None,
        loops: LoopsStatus::default(),
        nodes: join_all(nodes.into_iter().map(|node| with_counters(found, node))).await,
        monerod: Some(told.endpoints.monerods.join(", ")).filter(|all| !all.is_empty()),
    })
}

/// How long a node may take to say its counters: the API server is asked again and again while its
/// pod does not listen.
const ANSWER: Duration = Duration::from_secs(3);

/// A node with what it says of itself, if it answers.
async fn with_counters(found: &InCluster, mut node: NodeStatus) -> NodeStatus {
    let path = format!("pods/{}:{NODE_HTTP_PORT}/proxy/metrics", node.name);
    // A node that does not answer is listed without its counters, and holds up nobody.
    if let Ok(Ok(metrics)) = timeout(ANSWER, found.http(&path)).await {
        let nodes = found.mixnet.status.as_ref().map(|status| status.nodes.as_slice());
        let ready = nodes.unwrap_or_default().iter().any(|n| n.name == node.name && n.ready);
        node.inside = Some(inside::read(&metrics, ready));
    }
    node
}
