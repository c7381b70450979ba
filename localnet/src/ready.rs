//! When a local net can carry packets.

use std::time::Duration;

use mixbed_directory::Document;
use tokio::time::Instant;

use crate::{LocalNet, LocalNetError};

/// How often the nodes are looked at.
const LOOK: Duration = Duration::from_millis(2);

impl LocalNet {
    /// Waits until the document has a node of every role and layer and every node of this net, and
    /// each of them goes by it: a document comes to one a moment sooner than to another, and a node
    /// that has an older one does not know all next hops of packets that are sent by the newer.
    ///
    /// # Errors
    /// [`LocalNetError::NotReady`] if there is no such document within `limit`, and
    /// [`LocalNetError::Behind`] with the names of the nodes that do not go by it.
    pub async fn wait_ready(&self, limit: Duration) -> Result<(), LocalNetError> {
        let began = Instant::now();
        let all_listed = |document: &Document| {
            document.is_complete().is_ok()
                && self.nodes().values().all(|node| document.node(&node.id()).is_some())
        };
        loop {
            let left = limit.saturating_sub(began.elapsed());
            let document = self.follower().wait_for(left, all_listed).await?;
            let behind = self.behind(&document);
            if behind.is_empty() {
                return Ok(());
            }
            if left.is_zero() {
                return Err(LocalNetError::Behind { waited: limit, nodes: behind.join(", ") });
            }
            tokio::time::sleep(LOOK.min(left)).await;
        }
    }

    /// The nodes that do not go by this document yet.
    fn behind(&self, document: &Document) -> Vec<&str> {
        let nodes = self.nodes().values();
        nodes.filter(|node| !node.goes_by(document)).map(mixbed_node::Node::name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LocalNetConfig;

    const SOON: Duration = Duration::from_secs(20);

    #[tokio::test(flavor = "multi_thread")]
    async fn a_net_is_not_ready_before_each_node_knows_its_next_hops() {
        let state = tempfile::tempdir().expect("a directory");
        let config = LocalNetConfig {
            state_dir: Some(state.path().to_owned()),
            ..LocalNetConfig::default()
        };
        let mut net = LocalNet::start(config).await.expect("a net");
        net.wait_ready(SOON).await.expect("ready");
        // A mix that is listed, and does not know the document that lists it.
        net.stop_directory().await;
        net.stop_node("mix-1-0", Duration::ZERO).await;
        net.start_node("mix-1-0").await.expect("a mix");

        let refused = net.wait_ready(Duration::from_millis(100)).await.expect_err("it is behind");
        assert!(
            matches!(&refused, LocalNetError::Behind { nodes, .. } if nodes == "mix-1-0"),
            "{refused}"
        );
        net.start_directory().await.expect("the same directory");
        net.wait_ready(SOON).await.expect("ready again");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_three_directories_one_may_die_and_what_is_changed_holds_everywhere() {
        let config = LocalNetConfig { directories: 3, ..LocalNetConfig::default() };
        let mut net = LocalNet::start(config).await.expect("it starts");
        net.wait_ready(SOON).await.expect("it is ready");
        assert_eq!(net.trust().threshold, 2);
        for dead in 0..2 {
            net.stop_one_directory(dead).await;
            let delay = Duration::from_millis(20 + dead as u64);
            net.change(|parameters| parameters.mean_hop_delay = delay).await.expect("two agree");
            let document = net.follower().current().expect("there is one");
            assert_eq!((document.parameters.mean_hop_delay, document.nodes.len()), (delay, 9));
            net.start_one_directory(dead).await.expect("it starts again");
            // It forgot everything but its key, and hears from the others what holds.
            let version = document.version();
            let has_heard = |net: &LocalNet| {
                let authority = net.authorities().nth(dead).and_then(|(_, authority)| authority);
                let document = authority.and_then(mixbed_directory::Authority::document);
                document.is_some_and(|document| document.version() >= version)
            };
            let began = Instant::now();
            while !has_heard(&net) {
                assert!(began.elapsed() < SOON, "directory {dead} does not catch up");
                tokio::time::sleep(LOOK).await;
            }
        }
        net.stop(SOON).await;
    }
}
