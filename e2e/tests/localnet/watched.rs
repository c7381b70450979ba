//! Nodes whose links an observer sees from outside.

use std::time::Duration;

use mixbed_directory::{Document, IdentitySecret, Role};
use mixbed_node::mailbox::MailboxConfig;
use mixbed_node::provider::TcpConfig;
use mixbed_node::{Limits, Node, NodeConfig};
use mixbed_wire::LinkSecret;
use tokio::net::TcpListener;

use crate::recorder::{Line, Recorder};
use crate::world::{SOON, World};

/// A node of a world's net whose address in the document is the recorder's: what others send to it
/// passes there.
pub(crate) async fn watched_node(world: &World, name: &str, role: Role) -> (Node, Recorder) {
    let front = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let target = socket.local_addr().expect("bound");
    let recorder = Recorder::start(front, target);
    let config = NodeConfig {
        name: name.to_owned(),
        role,
        advertise: Some(recorder.address.to_string()),
        directory: world.net.directory_url(),
        trust: world.net.trust().clone(),
        join_secret: Some(world.net.join_secret().clone()),
        identity: IdentitySecret::generate(&mut rand::rng()),
        link_key: LinkSecret::generate(&mut rand::rng()),
        monerod: None,
        monerod_restricted: None,
        tcp: TcpConfig::default(),
        keep_document_in: None,
        mailboxes: MailboxConfig::default(),
        limits: Limits::default(),
    };
    let node = Node::start(config, socket, world.net.telemetry()).expect("a node");
    let listed = |document: &Document| document.by_name(name).is_some();
    world.net.follower().wait_for(SOON, listed).await.expect("listed");
    (node, recorder)
}

/// The connections to a watched node, as soon as there are so many.
pub(crate) async fn lines(recorder: &Recorder, wanted: usize) -> Vec<Line> {
    let there = async {
        while recorder.lines().len() < wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, there).await.expect("connected");
    recorder.lines()
}
