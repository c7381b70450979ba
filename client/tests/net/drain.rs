//! Nodes that leave in order while messages go through them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mixbed_client::{Answer, Client, RequestError};
use mixbed_localnet::{Audit, LocalNet, LocalNetConfig, Shape};
use mixbed_telemetry::Telemetry;
use tokio::sync::RwLock;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::rig::{SOON, client};

/// How long each node may take to leave.
const DRAIN: Duration = Duration::from_secs(10);

async fn net() -> (LocalNet, Client) {
    let shape = Shape { gateways: 2, mixes_per_layer: 2, providers: 2 };
    // With the usual delays: a node that leaves waits for so much longer than they are.
    let config = LocalNetConfig { shape, ..LocalNetConfig::default() };
    let net = LocalNet::start(config).await.expect("a net");
    net.wait_ready(SOON).await.expect("a whole net");
    let client = client(&net, &Telemetry::disabled(), None);
    client.wait_ready(SOON).await.expect("ready");
    (net, client)
}

/// Sends requests, a few at a time, until told to stop; none while the gate is held.
fn flow(client: &Client) -> (CancellationToken, Arc<RwLock<()>>, JoinSet<Vec<Answer>>) {
    let (stop, gate) = (CancellationToken::new(), Arc::new(RwLock::new(())));
    let mut senders = JoinSet::new();
    for _ in 0..4 {
        let (stop, gate, client) = (stop.clone(), Arc::clone(&gate), client.clone());
        senders.spawn(async move {
            let mut answers = Vec::new();
            while !stop.is_cancelled() {
                let _open = gate.read().await;
                match client.request("echo", b"hello", SOON).await {
                    Ok(answer) => answers.push(answer),
                    // It was chosen, and left before a packet was sealed for it.
                    Err(RequestError::ProviderGone { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            answers
        });
    }
    (stop, gate, senders)
}

/// The accounts of all when nothing is under way any more.
async fn settled(net: &LocalNet, client: &Client) -> Audit {
    let settled = async {
        loop {
            let audit = net.books().audit(&[client.readings()]);
            if audit.held == 0 && audit.lost_with_links <= 0 {
                return audit;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(SOON, settled).await;
    waited.unwrap_or_else(|_| net.books().audit(&[client.readings()]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_leaves_in_order_loses_no_packet() {
    let (mut net, client) = net().await;
    let (stop, gate, flow) = flow(&client);
    // Each in turn, and back before the next one goes: one of the gateways is the client's.
    for name in ["mix-1-0", "mix-2-1", "mix-3-0", "gateway-0", "gateway-1", "provider-0"] {
        let began = Instant::now();
        net.stop_node(name, DRAIN).await;
        assert!(began.elapsed() < DRAIN, "{name} waited in vain");
        // The client may know that it is back before those who send to it do.
        let _closed = gate.write().await;
        net.start_node(name).await.expect("its port is free");
        net.wait_ready(SOON).await.expect("listed again");
    }
    stop.cancel();
    let answers = flow.join_all().await.concat();
    assert!(answers.len() > 20, "{} requests", answers.len());
    // Where the machine is slow, answers may be late and asked for again: that is no loss.
    let again: u64 = answers.iter().map(|answer| answer.retransmissions).sum();
    let audit = settled(&net, &client).await;
    assert_eq!((audit.dropped, audit.lost_with_links), (Vec::new(), 0), "{again} sent again");
    client.stop().await;
    net.stop(Duration::from_secs(1)).await;
}
