//! One mix of layer 2 between a mix of layer 1 and one of layer 3 that the test plays.

use std::time::Duration;

use mixbed_directory::{IdentitySecret, JoinSecret, Role};
use mixbed_link::Link;
use mixbed_localnet::{HandPeer, LocalNet, LocalNetConfig, Shape};
use mixbed_node::mailbox::MailboxConfig;
use mixbed_node::{Limits, Node, NodeConfig};
use mixbed_telemetry::{Options, Readings, Telemetry};
use mixbed_wire::{
    DropReason, Frame, HopAddress, LinkSecret, NodeId, Packet, Route, RouteHop, SphinxPublic,
    SphinxSecret, TraceContext,
};
use tokio::net::TcpListener;

pub(crate) const SOON: Duration = Duration::from_secs(10);

pub(crate) struct Rig {
    pub(crate) net: LocalNet,
    pub(crate) config: Box<NodeConfig>,
    pub(crate) node: Node,
    pub(crate) telemetry: Telemetry,
    pub(crate) before: HandPeer,
    pub(crate) after: HandPeer,
    /// From the peer before to the node.
    pub(crate) there: Link,
    /// From the node to the peer after.
    pub(crate) onward: Link,
    pub(crate) key: SphinxPublic,
}

impl Rig {
    pub(crate) async fn new(limits: Limits) -> Self {
        // Its future is large: a whole net is begun in it.
        Box::pin(Self::begin(limits)).await
    }

    async fn begin(limits: Limits) -> Self {
        let telemetry = Telemetry::new(&Options { memory_spans: 100, ..Options::default() })
            .expect("telemetry");
        let shape = Shape { gateways: 0, mixes_per_layer: 0, providers: 0 };
        let config = LocalNetConfig { shape, ..LocalNetConfig::default() };
        let net = Box::pin(LocalNet::start(config)).await.expect("a directory");
        let before = join(&net, "before", Role::Mix { layer: 1 }).await;
        let after = join(&net, "after", Role::Mix { layer: 3 }).await;
        let config = Box::new(node_config(&net, "tested", net.join_secret().clone(), limits));
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let node = Node::start((*config).clone(), socket, &telemetry).expect("a node");
        let onward = after.accept().await.expect("the node dials its next hop");
        let listed = |document: &mixbed_directory::Document| document.node(&node.id()).is_some();
        let document = net.follower().wait_for(SOON, listed).await.expect("listed");
        node.follower().wait_for(SOON, listed).await.expect("listed");
        let descriptor = document.node(&node.id()).expect("listed");
        let key = *descriptor.sphinx_key(document.epoch).expect("a key");
        let there = before.dial(descriptor).await.expect("a link");
        Self { net, config, node, telemetry, before, after, there, onward, key }
    }

    /// A route whose first hop is the node and whose second is `next`; only these two matter.
    pub(crate) fn route(
        &self,
        next: NodeId,
        delay: Duration,
        trace: Option<TraceContext>,
    ) -> Route {
        let filler = SphinxSecret::generate(&mut rand::rng()).public();
        std::array::from_fn(|hop| match hop {
            0 => RouteHop {
                address: HopAddress { node: self.node.id(), trace },
                key: self.key,
                delay,
            },
            1 => RouteHop {
                address: HopAddress { node: next, trace },
                key: self.after.sphinx_key.public(),
                delay: Duration::ZERO,
            },
            _ => RouteHop { address: self.after.hop_address(), key: filler, delay: Duration::ZERO },
        })
    }

    /// A packet for the node, to be passed on to the peer after it.
    pub(crate) fn packet(&self) -> Packet {
        self.seal(&self.route(self.after.id(), Duration::ZERO, None))
    }

    pub(crate) fn seal(&self, route: &Route) -> Packet {
        Packet::seal(route, self.after.hop_address(), [0; 16], b"hello", &mut rand::rng())
            .expect("fits")
    }

    pub(crate) async fn send(&mut self, packet: &Packet) {
        self.there.writer.write(&Frame::Packet(packet.clone())).await.expect("the link is up");
    }

    pub(crate) async fn receive(&mut self) -> Packet {
        match tokio::time::timeout(SOON, self.onward.reader.read()).await {
            Ok(Ok(Some(Frame::Packet(packet)))) => packet,
            other => panic!("wanted a packet, not {other:?}"),
        }
    }

    /// Waits until the accounts look as wanted; they have to close then.
    pub(crate) async fn books(&self, wanted: impl Fn(&Readings) -> bool) -> Readings {
        let reading = async {
            loop {
                let readings = self.node.readings();
                if wanted(&readings) && readings.closes() {
                    return readings;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let settled = tokio::time::timeout(SOON, reading).await;
        settled.unwrap_or_else(|_| panic!("the books say {:?}", self.node.readings()))
    }

    /// Waits until the node says that it is not ready for this reason.
    pub(crate) async fn unready(&self, because: &str) {
        let unready = async {
            while !self.node.health().reasons().iter().any(|reason| reason.contains(because)) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(SOON, unready).await;
        waited.unwrap_or_else(|_| panic!("it says {:?}", self.node.health().reasons()));
    }

    /// Waits until that many packets were dropped for that reason.
    pub(crate) async fn dropped(&self, reason: DropReason, count: u64) {
        self.books(|books| books.dropped[reason.index()] == count).await;
    }
}

/// The number that a metric has with this label.
pub(crate) fn metric(telemetry: &Telemetry, name: &str, label: &str) -> u64 {
    let text = telemetry.metrics_text();
    let line = text.lines().find(|line| line.starts_with(name) && line.contains(label));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
}

pub(crate) async fn join(net: &LocalNet, name: &str, role: Role) -> HandPeer {
    HandPeer::join(name, role, &net.directory_url(), net.trust(), net.join_secret())
        .await
        .expect("admitted")
}

pub(crate) fn node_config(
    net: &LocalNet,
    name: &str,
    join_secret: JoinSecret,
    limits: Limits,
) -> NodeConfig {
    NodeConfig {
        name: name.to_owned(),
        role: Role::Mix { layer: 2 },
        advertise: None,
        directory: net.directory_url(),
        trust: net.trust().clone(),
        join_secret: Some(join_secret),
        identity: IdentitySecret::generate(&mut rand::rng()),
        link_key: LinkSecret::generate(&mut rand::rng()),
        monerod: None,
        monerod_restricted: None,
        tcp: mixbed_node::provider::TcpConfig::default(),
        mailboxes: MailboxConfig::default(),
        keep_document_in: None,
        limits,
    }
}
