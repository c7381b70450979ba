//! A wallet on a busy chain: answers that no message carries.

use std::net::SocketAddr;
use std::time::Duration;

use mixbed_fronts::{RpcConfig, RpcFront};
use mixbed_localnet::{LocalNet, LocalNetConfig};
use mixbed_monero::miner::{Miner, MinerConfig, Rules};
use mixbed_monero::{Daemon, Monerod, MonerodOptions};

use crate::sockets::Watch;
use crate::wallet_chain::WalletChain;
use crate::wallet_world::StockWallet;
use crate::world::{SOON, client_of};

/// Full blocks, of some 50 kB each.
const BLOCKS: u64 = 28;

/// What a block pays to: as many outputs as it has room for.
const OUTPUTS: u64 = 1_000;

/// How long it takes to mine a hundred blocks, on a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_takes_in_a_chain_whose_blocks_no_message_carries() {
    let alice = WalletChain::open().await.alice;
    let monerod = Monerod::start(MonerodOptions::default()).await.expect("a monerod");
    let block_time = Duration::from_millis(5);
    let rules =
        Rules { block_time, start_blocks: BLOCKS, block_outputs: OUTPUTS, ..Rules::default() };
    let monerods = vec![monerod.daemon().clone()];
    let miner = Miner::start(MinerConfig { monerods, rules });
    let address = alice.address.parse().expect("an address");
    let funded = miner.fund(address, 20, PATIENCE).await.expect("mined");
    assert!(funded.height > BLOCKS, "{funded:?}");
    drop(miner);

    let config =
        LocalNetConfig { monerod: Some(monerod.daemon().clone()), ..LocalNetConfig::default() };
    let net = LocalNet::start(config).await.expect("a net");
    net.wait_ready(SOON).await.expect("ready");
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = RpcConfig { listen, ..RpcConfig::default() };
    let front = RpcFront::start(client_of(&net), config).await.expect("a free port");
    let daemon = Daemon::new(&format!("http://{}", front.addr())).expect("an address");
    let wallet = StockWallet::start(&daemon, &[]).await;
    let watch = Watch::of(wallet.rpc.pid());
    wallet.restore(&alice).await;
    wallet.refresh().await;
    let shown = wallet.shown().await;
    watch.end().assert_only(&[front.addr()]);

    let direct = StockWallet::start(monerod.daemon(), &[]).await;
    direct.restore(&alice).await;
    direct.refresh().await;
    assert_eq!(shown, direct.shown().await);
    assert!(shown.height > BLOCKS && shown.balance > 0, "{shown:?}");

    let bytes: u64 = net.nodes().keys().map(|node| streamed(&net, node)).sum();
    assert!(bytes > 1 << 20, "{bytes} bytes came on streams");
}

/// Bytes that this node has sent to clients on streams of the service.
fn streamed(net: &LocalNet, node: &str) -> u64 {
    let name = format!(
        r#"mixbed_stream_bytes_total{{node="{node}",service="monero.rpc",direction="to_clients"}} "#
    );
    let text = net.telemetry().metrics_text();
    text.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap_or_default()
}
