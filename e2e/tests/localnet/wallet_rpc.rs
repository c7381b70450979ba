//! Stock wallets whose daemon is the daemon RPC endpoint.

use std::net::SocketAddr;
use std::time::Duration;

use mixbed_client::{Client, ClientConfig};
use mixbed_directory::{Follower, FollowerConfig};
use mixbed_fronts::{RpcConfig, RpcFront};
use mixbed_localnet::LocalNetConfig;
use mixbed_monero::Daemon;
use mixbed_monero::rpc::Endpoint;
use serde_json::{Value, json};

use crate::sockets::{Watch, connected};
use crate::wallet_world::{StockWallet, WalletWorld, XMR};

/// A net as it is.
fn usual(_: &mut LocalNetConfig, _: &str) {}

fn anywhere() -> RpcConfig {
    RpcConfig { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..RpcConfig::default() }
}

async fn front(client: &Client) -> RpcFront {
    RpcFront::start(client.clone(), anywhere()).await.expect("a free port")
}

/// A wallet as its user would start it.
async fn wallet(front: &RpcFront) -> StockWallet {
    let daemon = Daemon::new(&format!("http://{}", front.addr())).expect("an address");
    StockWallet::start(&daemon, &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_does_everything_by_the_endpoint_and_contacts_nobody_else() {
    let world = WalletWorld::with(usual).await;
    world.ready().await;
    let front = front(&world.client).await;
    let wallet = wallet(&front).await;
    let watch = Watch::of(wallet.rpc.pid());
    world.everything(&wallet, &world.chain.alice, &world.chain.bob).await;
    watch.end().assert_only(&[front.addr()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_asks_before_the_mixnet_is_ready_waits_for_it() {
    let mut world = WalletWorld::with(usual).await;
    world.ready().await;
    world.net.stop_directory().await;
    let follower = FollowerConfig::new(world.net.directory_url(), world.net.trust().clone());
    let client = Client::connect(ClientConfig::new(Follower::start(follower).expect("a URL")));
    let front = front(&client).await;
    let wallet = wallet(&front).await;
    assert!(client.wait_ready(Duration::ZERO).await.is_err(), "it cannot be ready");
    // Its first question is what its daemon's version is.
    let refreshed = async {
        wallet.restore(&world.chain.alice).await;
        wallet.refresh_all().await;
    };
    let came_up = async {
        connected(wallet.rpc.pid(), front.addr()).await;
        world.net.start_directory().await.expect("it starts");
    };
    tokio::join!(refreshed, came_up);
    assert_eq!(wallet.shown().await, world.directly(&world.chain.alice).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_wallets_at_one_endpoint_send_each_other_money() {
    let world = WalletWorld::with(usual).await;
    world.ready().await;
    let front = front(&world.client).await;
    let (alice, bob) = tokio::join!(wallet(&front), wallet(&front));
    let watches = [&alice, &bob].map(|wallet| Watch::of(wallet.rpc.pid()));
    world.send_each_other_money(&alice, &bob).await;
    for watch in watches {
        watch.end().assert_only(&[front.addr()]);
    }
}

/// The user's own daemon has the blocks, and the mixnet's providers alone get the transaction: a
/// daemon that is cut off from them never hears of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_syncs_from_a_daemon_and_submits_through_the_mixnet() {
    let world = WalletWorld::with(usual).await;
    let dir = tempfile::tempdir().expect("a directory");
    let own = world.chain.monerod(&dir.path().join("own")).await;
    world.ready().await;
    let sync = Some(own.url().to_owned());
    let config = RpcConfig { sync, ..anywhere() };
    let front = RpcFront::start(world.client.clone(), config).await.expect("a free port");
    let wallet = wallet(&front).await;
    let watch = Watch::of(wallet.rpc.pid());
    wallet.restore(&world.chain.alice).await;
    wallet.refresh_all().await;
    let txid = wallet.transfer(&world.chain.bob.address, XMR).await;
    assert!(world.state(txid).await.is_known(), "the provider's monerod has it");
    let there = own.daemon().transaction(txid).await.expect("it answers");
    assert!(!there.is_known(), "the daemon that it syncs from has not heard of it");
    watch.end().assert_only(&[front.addr()]);
}

/// What a program reads at the endpoint is what it reads at monerod, field by field.
#[tokio::test(flavor = "multi_thread")]
async fn submissions_are_answered_as_monerod_answers_them() {
    let world = WalletWorld::with(usual).await;
    world.ready().await;
    let front = front(&world.client).await;
    let at_front = Endpoint::new(&format!("http://{}", front.addr())).expect("an address");
    let wallet = StockWallet::start(world.monerod.daemon(), &[]).await;
    wallet.restore(&world.chain.alice).await;
    wallet.refresh().await;
    let outputs = wallet.rpc.wallet().outputs().await.expect("outputs");
    let output = outputs.iter().find(|output| output.unlocked).expect("money that can be spent");
    let image = output.key_image.as_str();
    let spend = async || {
        let made = wallet.rpc.wallet().sweep_single(image, &world.chain.bob.address).await;
        hex::encode(&made.expect("made").raw)
    };
    let (raw, rival) = (spend().await, spend().await);
    let (before, after) = raw.split_at(raw.len() / 2);
    let digit = if after.starts_with('0') { '1' } else { '0' };
    let spoilt = format!("{before}{digit}{}", &after[1..]);
    let ask = async |endpoint: &Endpoint, tx: &str| -> Value {
        let body = json!({ "tx_as_hex": tx, "do_not_relay": false, "do_sanity_checks": true });
        endpoint.post("/sendrawtransaction", &body).await.expect("an answer")
    };
    let first = ask(&at_front, &raw).await;
    assert_eq!((&first["status"], &first["not_relayed"]), (&json!("OK"), &json!(false)));
    let cases =
        [("again", raw), ("spent", rival), ("spoilt", spoilt), ("garbage", "ab".repeat(99))];
    for (what, tx) in cases {
        let (here, there) =
            (ask(&at_front, &tx).await, ask(world.monerod.daemon().endpoint(), &tx).await);
        for (field, value) in there.as_object().expect("fields") {
            // Words of ours where monerod has none.
            if field != "reason" {
                assert_eq!(here[field], *value, "{what}: {field} of {here}, not {there}");
            }
        }
    }
}
