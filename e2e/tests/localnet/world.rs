//! A mixnet with a client at one end and a monerod at the other.

use std::path::Path;
use std::time::Duration;

use mixbed_client::{BroadcastError, BroadcastOptions, BroadcastReport, Client, ClientConfig};
use mixbed_localnet::{LocalNet, LocalNetConfig, NetBooks};
use mixbed_monero::testing::Stock;
use mixbed_monero::{Monerod, MonerodOptions, PreparedTransfer, TxId};
use mixbed_telemetry::{Options, Telemetry};

use crate::audit::{Links, audited};

pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) stock: Stock,
    pub(crate) monerod: Monerod,
    pub(crate) net: LocalNet,
    pub(crate) client: Client,
    pub(crate) telemetry: Telemetry,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut LocalNetConfig)) -> Self {
        let (stock, monerod) = monerod().await;
        let telemetry = Telemetry::new(&Options { memory_spans: 1000, ..Options::default() })
            .expect("telemetry");
        let mut config = LocalNetConfig {
            monerod: Some(monerod.daemon().clone()),
            telemetry: telemetry.clone(),
            ..LocalNetConfig::default()
        };
        change(&mut config);
        let net = LocalNet::start(config).await.expect("a net");
        net.wait_ready(SOON).await.expect("ready");
        let client = client_of(&net);
        client.wait_ready(SOON).await.expect("ready");
        Self { stock, monerod, net, client, telemetry }
    }

    pub(crate) async fn broadcast(
        &self,
        raw: &[u8],
        deadline: Duration,
    ) -> Result<BroadcastReport, BroadcastError> {
        self.client.broadcast(raw, BroadcastOptions { deadline, ..options() }).await
    }

    /// Broadcasts in the background.
    pub(crate) fn begin(
        &self,
        transfer: &PreparedTransfer,
    ) -> tokio::task::JoinHandle<Result<BroadcastReport, BroadcastError>> {
        let (client, raw) = (self.client.clone(), transfer.raw.clone());
        tokio::spawn(async move { client.broadcast(&raw, options()).await })
    }

    /// Waits until packets have come to the end of their routes at this provider.
    pub(crate) async fn delivered(&self, provider: &str, count: u64) {
        self.books(|books| books.nodes[provider].delivered >= count).await;
    }

    /// Mines the transaction, and asserts that monerod has it in a block: once, as there is only
    /// one chain.
    pub(crate) async fn mined(&self, txid: TxId) {
        let daemon = self.monerod.daemon();
        daemon.mine_until_included(&[txid], &self.stock.address, SOON).await.expect("mined");
    }

    /// Waits until the accounts look as wanted.
    pub(crate) async fn books(&self, wanted: impl Fn(&NetBooks) -> bool) -> NetBooks {
        let settled = async {
            loop {
                let books = self.net.books();
                if wanted(&books) {
                    return books;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let books = tokio::time::timeout(SOON, settled).await;
        books.unwrap_or_else(|_| panic!("the books say {:#?}", self.net.books()))
    }

    /// After a test in which no link broke and no other client was.
    pub(crate) async fn at_rest(&self) -> NetBooks {
        audited(&self.net, &[&self.client], Links::Whole).await
    }

    /// After a test that broke links.
    pub(crate) async fn at_rest_after_broken_links(&self) -> NetBooks {
        audited(&self.net, &[&self.client], Links::Broken).await
    }
}

pub(crate) fn options() -> BroadcastOptions {
    BroadcastOptions::default()
}

pub(crate) fn client_of(net: &LocalNet) -> Client {
    Client::connect(ClientConfig {
        telemetry: net.telemetry().clone(),
        ..ClientConfig::new(net.follower().clone())
    })
}

async fn monerod() -> (Stock, Monerod) {
    let stock = Stock::open(Path::new(env!("CARGO_TARGET_TMPDIR"))).await.expect("a stock");
    let monerod = stock.monerod(MonerodOptions::default()).await.expect("a monerod");
    (stock, monerod)
}
