//! Stock wallets through the SOCKS port, by a name that only the provider knows.

use std::net::SocketAddr;
use std::time::Duration;

use mixbed_client::{Client, ClientConfig};
use mixbed_directory::{Follower, FollowerConfig};
use mixbed_fronts::{SocksConfig, SocksFront};
use mixbed_localnet::LocalNetConfig;
use mixbed_monero::Daemon;
use mixbed_node::provider::TcpConfig;

use crate::sockets::{Watch, connected};
use crate::wallet_world::{StockWallet, WalletWorld};

/// What the wallets call their daemon: nobody has heard of it but the provider.
const DAEMON: &str = "monerod.mixbed:18081";

/// Providers that connect to their monerod, and to nothing else.
pub(crate) fn monerod_by_name(config: &mut LocalNetConfig, url: &str) {
    let place = url.trim_start_matches("http://");
    config.tcp = TcpConfig {
        targets: vec![DAEMON.parse().expect("a rule")],
        names: vec![format!("{DAEMON}={place}").parse().expect("a name")],
    };
}

async fn world() -> WalletWorld {
    WalletWorld::with(monerod_by_name).await
}

async fn front(client: &Client) -> SocksFront {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = SocksConfig { listen, ..SocksConfig::default() };
    SocksFront::start(client.clone(), config).await.expect("a free port")
}

/// A wallet as its user would start it.
pub(crate) async fn wallet(socks: SocketAddr) -> StockWallet {
    let daemon = Daemon::new(&format!("http://{DAEMON}")).expect("an address");
    // Without the second one, wallets that have a proxy want TLS.
    let args = [format!("--proxy={socks}"), "--daemon-ssl-allow-any-cert".to_owned()];
    StockWallet::start(&daemon, &args).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_does_everything_by_socks_and_contacts_nobody_else() {
    let world = world().await;
    world.ready().await;
    let front = front(&world.client).await;
    let wallet = wallet(front.addr()).await;
    let watch = Watch::of(wallet.rpc.pid());
    world.everything(&wallet, &world.chain.alice, &world.chain.bob).await;
    watch.end().assert_only(&[front.addr()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_starts_before_the_mixnet_waits_for_it() {
    let mut world = world().await;
    world.ready().await;
    world.net.stop_directory().await;
    let follower = FollowerConfig::new(world.net.directory_url(), world.net.trust().clone());
    let client = Client::connect(ClientConfig::new(Follower::start(follower).expect("a URL")));
    let front = front(&client).await;
    let wallet = wallet(front.addr()).await;
    wallet.restore(&world.chain.alice).await;
    assert!(client.wait_ready(Duration::ZERO).await.is_err(), "it cannot be ready");
    let came_up = async {
        connected(wallet.rpc.pid(), front.addr()).await;
        world.net.start_directory().await.expect("it starts");
    };
    tokio::join!(wallet.refresh_all(), came_up);
    assert_eq!(wallet.shown().await, world.directly(&world.chain.alice).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_wallets_at_once_send_each_other_money() {
    let world = world().await;
    world.ready().await;
    let front = front(&world.client).await;
    let (alice, bob) = tokio::join!(wallet(front.addr()), wallet(front.addr()));
    let watches = [&alice, &bob].map(|wallet| Watch::of(wallet.rpc.pid()));
    world.send_each_other_money(&alice, &bob).await;
    for watch in watches {
        watch.end().assert_only(&[front.addr()]);
    }
}
