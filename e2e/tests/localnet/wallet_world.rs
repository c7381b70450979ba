//! Stock wallets that know monerod only by way of the mixnet, and one that asks it directly.

use std::time::Duration;

use mixbed_client::Client;
use mixbed_localnet::{LocalNet, LocalNetConfig};
use mixbed_monero::daemon::TxState;
use mixbed_monero::{Daemon, Monerod, TxId, Wallet, WalletRpc, WalletRpcOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::wallet_chain::{Person, WalletChain};
use crate::world::{SOON, client_of};

/// How long a wallet's work may take: a sweep makes forty proofs, on a machine that does other
/// things.
const PATIENCE: Duration = Duration::from_secs(240);

/// One XMR in atomic units.
pub(crate) const XMR: u64 = 1_000_000_000_000;

/// A monerod behind a mixnet, with two people's money on its chain.
pub(crate) struct WalletWorld {
    pub(crate) chain: WalletChain,
    pub(crate) monerod: Monerod,
    pub(crate) net: LocalNet,
    pub(crate) client: Client,
    _dir: TempDir,
}

impl WalletWorld {
    /// `change` may depend on where monerod is: its URL.
    pub(crate) async fn with(change: impl FnOnce(&mut LocalNetConfig, &str)) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let chain = WalletChain::open().await;
        let monerod = chain.monerod(&dir.path().join("chain")).await;
        let mut config = LocalNetConfig {
            monerod: Some(monerod.daemon().clone()),
            state_dir: Some(dir.path().join("net")),
            ..LocalNetConfig::default()
        };
        change(&mut config, monerod.url());
        let net = LocalNet::start(config).await.expect("a net");
        let client = client_of(&net);
        Self { chain, monerod, net, client, _dir: dir }
    }

    /// Waits until packets can be sent.
    pub(crate) async fn ready(&self) {
        self.net.wait_ready(SOON).await.expect("ready");
        self.client.wait_ready(SOON).await.expect("ready");
    }

    /// Mines until all of these are in blocks, and on until what they moved can be spent.
    pub(crate) async fn mined(&self, txids: &[TxId]) {
        let daemon = self.monerod.daemon();
        daemon.mine_until_included(txids, &self.chain.miner, SOON).await.expect("mined");
        daemon.generate_blocks(10, &self.chain.miner).await.expect("mined");
    }

    /// Where monerod itself says that a transaction is.
    pub(crate) async fn state(&self, txid: TxId) -> TxState {
        self.monerod.daemon().transaction(txid).await.expect("monerod answers")
    }

    /// What a wallet is shown that asks monerod directly.
    pub(crate) async fn directly(&self, person: &Person) -> Shown {
        let wallet = StockWallet::start(self.monerod.daemon(), &[]).await;
        wallet.restore(person).await;
        wallet.refresh().await;
        wallet.shown().await
    }

    /// Everything that a person does with a wallet: restore, refresh over three hundred blocks, a
    /// transfer, a sweep of forty inputs, each seen by monerod; at the end the wallet shows what
    /// one shows that asks monerod directly.
    pub(crate) async fn everything(&self, wallet: &StockWallet, person: &Person, to: &Person) {
        wallet.restore(person).await;
        wallet.refresh_all().await;
        let before = wallet.balance().await;
        assert!(before > 0, "there is money");

        let txid = wallet.transfer(&to.address, XMR).await;
        assert!(self.state(txid).await.is_known(), "monerod has the transfer {txid}");
        self.mined(&[txid]).await;
        wallet.refresh().await;

        let (txids, inputs) = wallet.sweep(&to.address).await;
        assert!(inputs >= 40, "a sweep of {inputs} inputs");
        for txid in &txids {
            assert!(self.state(*txid).await.is_known(), "monerod has the sweep {txid}");
        }
        self.mined(&txids).await;
        wallet.refresh().await;
        let shown = wallet.shown().await;
        assert_eq!(shown, self.directly(person).await);
        let sent = [&[txid][..], &txids].concat();
        for txid in &sent {
            assert!(shown.transfers.iter().any(|of| of.txid == *txid), "{txid} in {shown:?}");
        }
        assert!(shown.balance < before);
    }

    /// Two people's wallets, which have seen nothing yet, send each other money, both at once.
    pub(crate) async fn send_each_other_money(&self, alice: &StockWallet, bob: &StockWallet) {
        let people = &self.chain;
        tokio::join!(alice.restore(&people.alice), bob.restore(&people.bob));
        tokio::join!(alice.refresh_all(), bob.refresh_all());
        let (from_alice, from_bob) = tokio::join!(
            alice.transfer(&people.bob.address, 2 * XMR),
            bob.transfer(&people.alice.address, 3 * XMR),
        );
        for txid in [from_alice, from_bob] {
            assert!(self.state(txid).await.is_known(), "monerod has {txid}");
        }
        self.mined(&[from_alice, from_bob]).await;
        tokio::join!(alice.refresh(), bob.refresh());
        for (wallet, person) in [(alice, &people.alice), (bob, &people.bob)] {
            let shown = wallet.shown().await;
            assert_eq!(shown, self.directly(person).await);
            let has = |txid| shown.transfers.iter().any(|of| of.txid == txid);
            assert!(has(from_alice) && has(from_bob), "both: {shown:?}");
        }
    }
}

/// What a wallet says it has, and has done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) height: u64,
    pub(crate) balance: u64,
    pub(crate) unlocked: u64,
    /// Each with its height and amount, sorted.
    pub(crate) transfers: Vec<ShownTransfer>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ShownTransfer {
    pub(crate) txid: TxId,
    pub(crate) height: u64,
    pub(crate) amount: u64,
}

/// A stock monero-wallet-rpc.
pub(crate) struct StockWallet {
    pub(crate) rpc: WalletRpc,
    wallet: Wallet,
}

impl StockWallet {
    /// One that knows its daemon by this address, with these arguments on top.
    pub(crate) async fn start(daemon: &Daemon, extra_args: &[String]) -> Self {
        let extra_args = extra_args.to_vec();
        let options = WalletRpcOptions { extra_args, ..WalletRpcOptions::default() };
        let rpc = WalletRpc::start(daemon, options).await.expect("a wallet");
        let wallet = rpc.wallet().clone().with_timeout(PATIENCE);
        Self { rpc, wallet }
    }

    /// A wallet of this person, which has seen nothing yet.
    pub(crate) async fn restore(&self, person: &Person) {
        let params = json!({
            "filename": "restored", "password": "", "seed": person.seed, "restore_height": 0,
        });
        let restored = self.call("restore_deterministic_wallet", params).await;
        assert_eq!(restored["address"], person.address.as_str());
    }

    /// Takes in what is new.
    pub(crate) async fn refresh(&self) {
        self.wallet.refresh().await.unwrap_or_else(|error| panic!("no refresh: {error}"));
    }

    /// Takes in a whole chain of more than three hundred blocks. How many a refresh has fetched is
    /// not what it says: monero-wallet-rpc refreshes by itself now and then, too.
    pub(crate) async fn refresh_all(&self) {
        self.refresh().await;
        let height = self.height().await;
        assert!(height > 300, "more than three hundred blocks, not {height}");
    }

    /// Up to which block it has seen the chain.
    async fn height(&self) -> u64 {
        self.call("get_height", json!({})).await["height"].as_u64().expect("a height")
    }

    /// All its money.
    pub(crate) async fn balance(&self) -> u64 {
        self.wallet.balance().await.expect("a balance").total
    }

    /// Sends money, through whatever it calls its daemon.
    pub(crate) async fn transfer(&self, to: &str, amount: u64) -> TxId {
        let params = json!({ "destinations": [{ "amount": amount, "address": to }] });
        txid(&self.call("transfer", params).await["tx_hash"])
    }

    /// Sends all that it can, and says in which transactions and of how many inputs.
    pub(crate) async fn sweep(&self, to: &str) -> (Vec<TxId>, usize) {
        let swept = self.call("sweep_all", json!({ "address": to })).await;
        let spent = swept["spent_key_images_list"].as_array().expect("key images").iter();
        let inputs = spent.map(|of| of["key_images"].as_array().expect("a list").len()).sum();
        (swept["tx_hash_list"].as_array().expect("ids").iter().map(txid).collect(), inputs)
    }

    /// What it says it has, and has done.
    pub(crate) async fn shown(&self) -> Shown {
        let height = self.height().await;
        let balance = self.wallet.balance().await.expect("a balance");
        let kinds =
            json!({ "in": true, "out": true, "pending": true, "failed": true, "pool": true });
        let found = self.call("get_transfers", kinds).await;
        let lists = found.as_object().expect("lists").values();
        let shown =
            lists.flat_map(|list| list.as_array().expect("a list")).map(|of| ShownTransfer {
                txid: txid(&of["txid"]),
                height: of["height"].as_u64().expect("a height"),
                amount: of["amount"].as_u64().expect("an amount"),
            });
        let mut transfers: Vec<_> = shown.collect();
        transfers.sort();
        Shown { height, balance: balance.total, unlocked: balance.unlocked, transfers }
    }

    async fn call(&self, method: &str, params: Value) -> Value {
        let answer = self.wallet.endpoint().call(method, params).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}; {}", self.rpc.last_words()))
    }
}

fn txid(value: &Value) -> TxId {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no id: {value}"))
}
