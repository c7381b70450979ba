//! The example against a real monerod, through a whole mixnet.

use std::time::Duration;

use mixbed_client::{Client, ClientConfig};
use mixbed_localnet::{LocalNet, LocalNetConfig};
use mixbed_monero::{Monerod, MonerodOptions};
use mixbed_native_wallet::{Keys, Mixnet, Wallet, WalletError};

const SOON: Duration = Duration::from_secs(30);

/// What its choice of decoys needs.
const BLOCKS: u64 = 250;

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_in_rust_is_paid_pays_and_sees_it_through_the_mixnet_only() {
    let monerod = Monerod::start(MonerodOptions::default()).await.expect("a monerod");
    let mut config =
        LocalNetConfig { monerod: Some(monerod.daemon().clone()), ..LocalNetConfig::default() };
    // Hundreds of questions.
    config.parameters.mean_hop_delay = Duration::from_millis(10);
    let net = LocalNet::start(config).await.expect("a net");
    net.wait_ready(SOON).await.expect("ready");
    let client = Client::connect(ClientConfig::new(net.follower().clone()));
    client.wait_ready(SOON).await.expect("ready");

    let keys = Keys::generate().expect("keys");
    let daemon = monerod.daemon();
    let address = keys.address().to_string();
    for _ in 0..BLOCKS / 10 {
        daemon.generate_blocks(10, &address).await.expect("blocks");
    }
    let mixnet = Mixnet::new(client);
    let mut wallet = Wallet::open(keys, mixnet.clone(), 0).await.expect("a wallet");
    assert_eq!(wallet.refresh().await.expect("the chain"), 250);
    let (before, unlocked) = (wallet.outputs().balance(), wallet.outputs().unlocked());
    assert!(unlocked > 0 && unlocked < before, "{unlocked} of {before}");
    assert_eq!(mixnet.provider().as_deref(), Some("provider-0"));

    let receiver = Keys::generate().expect("keys");
    let too_much = wallet.pay(receiver.address(), before).await.expect_err("locked");
    assert!(matches!(too_much, WalletError::NotEnough { .. }), "{too_much}");

    let amount = 1_234_567_890;
    let payment = wallet.pay(receiver.address(), amount).await.expect("taken");
    assert_eq!(payment.report.provider, "provider-0");
    // monerod itself knows it, and mines it.
    let txid = payment.report.txid;
    let elsewhere = Keys::generate().expect("keys").address().to_string();
    daemon.mine_until_included(&[txid], &elsewhere, SOON).await.expect("mined");

    let mut other = Wallet::open(receiver, mixnet, 245).await.expect("a wallet");
    other.refresh().await.expect("the chain");
    assert_eq!(other.outputs().balance(), amount);
    // What it spent is gone, and its change has come.
    wallet.refresh().await.expect("the chain");
    assert_eq!(wallet.outputs().balance(), before - amount - payment.fee);
}
