//! The miner, at real monerods that are each other's peers.

use std::time::{Duration, Instant};

use mixbed_monero::daemon::TxState;
use mixbed_monero::funded::XMR;
use mixbed_monero::miner::{Address, Miner, MinerConfig, MinerStatus, Rules};
use mixbed_monero::regtest::{WalletRpc, WalletRpcOptions};
use mixbed_monero::testing::free_ports;
use mixbed_monero::{Daemon, FundedWallet, Monerod, MonerodOptions, Outcome, TxId, submit};

/// How long anything may take that takes seconds.
const PATIENCE: Duration = Duration::from_secs(240);

/// Quick, and of few blocks: each takes both monerods a moment of a core.
fn rules() -> Rules {
    Rules { block_time: Duration::from_millis(200), rest_blocks: 3, ..Rules::default() }
}

fn start(monerods: &[&Monerod]) -> Miner {
    let monerods = monerods.iter().map(|monerod| monerod.daemon().clone()).collect();
    Miner::start(MinerConfig { monerods, rules: rules() })
}

async fn pair() -> [Monerod; 2] {
    let ports: [u16; 2] = free_ports();
    let peer = |own: u16, other: u16| MonerodOptions {
        p2p_port: Some(own),
        peers: vec![format!("127.0.0.1:{other}")],
        ..MonerodOptions::default()
    };
    let one = Monerod::start(peer(ports[0], ports[1])).await.unwrap();
    [one, Monerod::start(peer(ports[1], ports[0])).await.unwrap()]
}

/// Waits until the miner says so.
async fn until(miner: &Miner, what: &str, is: impl Fn(&MinerStatus) -> bool) {
    let mut follow = miner.follow();
    let waited = tokio::time::timeout(PATIENCE, follow.wait_for(|status| is(status)));
    assert!(waited.await.is_ok(), "{what}: {:?}", miner.status());
}

async fn fund(miner: &Miner, address: &str, outputs: u64) -> u64 {
    let address: Address = address.parse().unwrap();
    let began = Instant::now();
    let funding = miner.fund(address, outputs, PATIENCE).await.unwrap();
    println!("{outputs} outputs in {:?}: {funding:?}", began.elapsed());
    assert!(funding.outputs >= outputs);
    funding.height
}

struct Purse {
    _rpc: WalletRpc,
    funded: FundedWallet,
}

/// An empty wallet.
async fn purse(daemon: &Daemon) -> Purse {
    let rpc = WalletRpc::start(daemon, WalletRpcOptions::default()).await.unwrap();
    rpc.wallet().create("purse").await.unwrap();
    let funded = FundedWallet::open(daemon, rpc.wallet(), "purse").await.unwrap();
    Purse { _rpc: rpc, funded }
}

/// Makes transactions that spend two outputs each, as wallets do that have some to spare.
async fn send(purse: &Purse, to: &Daemon, count: usize) -> Vec<TxId> {
    purse.funded.wallet().refresh().await.unwrap();
    let mut txids = Vec::new();
    for _ in 0..count {
        let one = purse.funded.prepare(XMR / 1_000).await.unwrap();
        let report = submit(to, &one.raw, PATIENCE).await;
        assert!(matches!(report.outcome, Outcome::Accepted { .. }), "{:?}", report.outcome);
        txids.push(one.txid);
    }
    txids
}

async fn mined(daemon: &Daemon, txids: &[TxId]) {
    buried(daemon, txids, 0).await;
}

/// Waits until they are mined, with so many blocks on top.
async fn buried(daemon: &Daemon, txids: &[TxId], blocks: u64) {
    let is_deep = |state: &TxState| matches!(state, TxState::Mined { confirmations, .. } if *confirmations > blocks);
    let begin = Instant::now();
    loop {
        let states = daemon.transactions(txids).await.unwrap();
        if states.iter().all(is_deep) {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "{states:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_wallet_gets_money_that_it_can_spend_at_once() {
    let monerod = Monerod::start(MonerodOptions::default()).await.unwrap();
    let miner = start(&[&monerod]);
    let purse = purse(monerod.daemon()).await;
    let height = fund(&miner, purse.funded.address(), 20).await;
    assert_eq!(height, 1 + 4 + 2 + 60);

    let txids = send(&purse, monerod.daemon(), 10).await;
    buried(monerod.daemon(), &txids, rules().rest_blocks).await;
    // It comes to rest: eight block times without a block.
    let begin = Instant::now();
    let mut height = 0;
    loop {
        let now = monerod.daemon().get_info().await.unwrap().height;
        if now == height {
            break;
        }
        height = now;
        assert!(begin.elapsed() < PATIENCE, "an idle chain grows: {height}");
        tokio::time::sleep(rules().block_time * 8).await;
    }
    let done = miner.status().mined;
    assert!(done.included == 10 && done.confirmations >= rules().rest_blocks, "{done:?}");
}

#[tokio::test]
async fn a_monerod_that_lost_its_chain_is_not_mined_at_before_it_has_caught_up() {
    let [mut one, two] = pair().await;
    let miner = start(&[&one, &two]);
    let purse = purse(two.daemon()).await;
    let height = fund(&miner, purse.funded.address(), 16).await;
    until(&miner, "both have it", |status| {
        let heights = status.monerods.iter().filter_map(|monerod| monerod.state.as_ref().ok());
        heights.filter(|info| info.height >= height).count() == 2
    })
    .await;
    let first = one.daemon().block_hash(1).await.unwrap();

    // The first of the list dies with its data; the other goes on.
    one.kill().unwrap();
    let txids = send(&purse, two.daemon(), 2).await;
    mined(two.daemon(), &txids).await;
    for entry in std::fs::read_dir(one.data_dir().join("fake")).unwrap() {
        std::fs::remove_dir_all(entry.unwrap().path()).unwrap();
    }
    one.restart().await.unwrap();
    let info = one.daemon().get_info().await.unwrap();
    assert_eq!(info.height, 1, "it was emptied");
    // It has nothing of a chain but what it gets from the other.
    let txids = send(&purse, two.daemon(), 2).await;
    mined(two.daemon(), &txids).await;
    let mut heights = Vec::new();
    let begin = Instant::now();
    loop {
        // While it takes blocks in, it may not answer in time.
        if let Ok(info) = one.daemon().get_info().await {
            heights.push(info.height);
            if info.height > 1 {
                let block = one.daemon().block_hash(1).await;
                assert!(block.is_err() || block.is_ok_and(|block| block == first), "another chain");
            }
            if info.synchronized && info.height >= height {
                break;
            }
        }
        assert!(begin.elapsed() < PATIENCE, "{heights:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // What the wallet had is there still, and it is mined at again.
    let txids = send(&purse, one.daemon(), 2).await;
    mined(one.daemon(), &txids).await;
    mined(two.daemon(), &txids).await;
}

#[tokio::test]
async fn two_callers_at_once_and_one_monerod_killed_meanwhile() {
    let [mut one, two] = pair().await;
    let miner = start(&[&one, &two]);
    let purses = [purse(two.daemon()).await, purse(two.daemon()).await];
    let addresses = purses.each_ref().map(|purse| purse.funded.address());
    let kill = async {
        until(&miner, "half of it", |status| status.height > 35).await;
        one.kill().unwrap();
    };
    tokio::join!(fund(&miner, addresses[0], 20), fund(&miner, addresses[1], 5), kill);
    let blocks = two.daemon().get_info().await.unwrap().height;
    assert!(blocks < 90, "both share what comes on top: {blocks}");
    for (purse, count) in purses.iter().zip([10, 2]) {
        let txids = send(purse, two.daemon(), count).await;
        mined(two.daemon(), &txids).await;
    }
}

#[tokio::test]
async fn nobody_to_mine_at_is_told() {
    let nobody = super::common::nobody();
    let miner = Miner::start(MinerConfig { monerods: vec![nobody], rules: rules() });
    let address = mixbed_monero::miner::NOBODY.parse().unwrap();
    let error = miner.fund(address, 1, Duration::from_secs(1)).await.unwrap_err().to_string();
    assert!(error.contains("no monerod") && error.contains("cannot connect"), "{error}");
}

/// One alone waits for a peer for good, unless it is greeted; then it is mined at, and whoever
/// comes later gets its chain from it, without a restart.
#[tokio::test]
async fn one_that_is_alone_is_greeted_and_has_peers_later() {
    let ports: [u16; 2] = free_ports();
    let place = |port: u16| format!("127.0.0.1:{port}");
    let options = |own: u16| MonerodOptions {
        p2p_port: Some(own),
        // The first dials itself, which is refused: it has nobody else.
        peers: vec![place(ports[0])],
        ..MonerodOptions::default()
    };
    let first = Monerod::start(options(ports[0])).await.unwrap();
    assert!(!first.daemon().get_info().await.unwrap().synchronized, "it waits for a peer");

    let config = MinerConfig { monerods: vec![first.daemon().clone()], rules: rules() };
    let miner = Miner::start_greeting(config, place(ports[0]));
    let address = mixbed_monero::miner::NOBODY;
    let height = fund(&miner, address, 1).await;
    assert!(!first.daemon().get_info().await.unwrap().offline);

    let disk = tempfile::tempdir().unwrap();
    let stored = MonerodOptions { data_dir: Some(disk.path().to_owned()), ..options(ports[1]) };
    let second = Monerod::start(stored.clone()).await.unwrap();
    let began = Instant::now();
    loop {
        // While it takes blocks in, it may not answer in time.
        let info = second.daemon().get_info().await;
        if info.as_ref().is_ok_and(|info| info.synchronized && info.height >= height) {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{info:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop((miner, first, second));

    // With a chain it is greeted too: as in a pod that starts again where its disk is.
    let peers = vec![place(ports[1])];
    let third = Monerod::start(MonerodOptions { peers, ..stored }).await.unwrap();
    let config = MinerConfig { monerods: vec![third.daemon().clone()], rules: rules() };
    let miner = Miner::start_greeting(config, place(ports[1]));
    until(&miner, "synchronized again", |status| {
        let mut states = status.monerods.iter().filter_map(|monerod| monerod.state.as_ref().ok());
        states.any(|info| info.synchronized && info.height >= height)
    })
    .await;
}
