//! A mixnet, a monerod, wallets, and a miner that gives them money.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::post;
use mixbed_localnet::{LocalNet, LocalNetConfig, Shape};
use mixbed_monero::miner::{Miner, MinerConfig, Rules};
use mixbed_monero::testing::Stock;
use mixbed_monero::{Daemon, Monerod, MonerodOptions, WalletRpc, WalletRpcOptions};
use mixbed_operator::api::Report;
use mixbed_runner::store::{FileStore, Store};
use mixbed_runner::{Chain, End, RunConfig, RunError, Tasks};
use mixbed_telemetry::{Options, Telemetry};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A minute and more: the machine may have other work.
pub(crate) const PATIENCE: Duration = Duration::from_secs(100);

pub(crate) struct World {
    pub(crate) monerod: Monerod,
    pub(crate) net: LocalNet,
    pub(crate) telemetry: Telemetry,
    miner: Mining,
    miner_url: String,
    dir: TempDir,
}

/// Mines as long as it is there.
type Mining = Arc<Mutex<Option<Arc<Miner>>>>;

/// A run that can be begun again.
pub(crate) struct Plan {
    config: RunConfig,
    report: PathBuf,
    wallet: WalletRpc,
}

impl World {
    pub(crate) async fn new() -> Self {
        let stock = Stock::open(Path::new(env!("CARGO_TARGET_TMPDIR"))).await.expect("a stock");
        let monerod = stock.monerod(MonerodOptions::default()).await.expect("a monerod");
        let telemetry = Telemetry::new(&Options { memory_spans: 10_000, ..Options::default() })
            .expect("telemetry");
        let net = LocalNet::start(LocalNetConfig {
            shape: Shape { providers: 2, ..Shape::default() },
            monerod: Some(monerod.daemon().clone()),
            telemetry: telemetry.clone(),
            ..LocalNetConfig::default()
        });
        let net = net.await.expect("a net");
        net.wait_ready(SOON).await.expect("ready");
        let rules = Rules { block_time: Duration::from_millis(500), ..Rules::default() };
        let monerods = vec![monerod.daemon().clone()];
        let miner = Arc::new(Miner::start(MinerConfig { monerods, rules }));
        let miner = Arc::new(Mutex::new(Some(miner)));
        let miner_url = serve(Arc::clone(&miner)).await;
        let dir = tempfile::tempdir().expect("a directory");
        Self { monerod, net, telemetry, miner, miner_url, dir }
    }

    /// Nothing is mined from now on.
    pub(crate) fn stop_mining(&self) {
        self.miner.lock().expect("not poisoned").take();
    }

    pub(crate) async fn plan(&self, name: &str, transactions: u32) -> Plan {
        let wallet = WalletRpc::start(self.monerod.daemon(), WalletRpcOptions::default());
        let wallet = wallet.await.expect("a wallet");
        let config = RunConfig {
            tasks: Tasks {
                transactions,
                interval: Duration::from_millis(200),
                deadline: PATIENCE,
                began: now(),
                traced: true,
            },
            name: name.to_owned(),
            directory: self.net.directory_url(),
            trust: self.net.trust().clone(),
            gateway: None,
            wallet: wallet.wallet().url().to_owned(),
            miner: self.miner_url.clone(),
            chain: Chain::Monerods(vec![self.monerod.url().to_owned()]),
            telemetry: self.telemetry.clone(),
        };
        Plan { config, report: self.dir.path().join(format!("{name}.json")), wallet }
    }

    /// A run that is told of no monerod, and whose wallet has the run's own port for its daemon.
    pub(crate) async fn hidden_plan(&self, name: &str, transactions: u32) -> Plan {
        let mut plan = self.plan(name, transactions).await;
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let listen = free.local_addr().expect("its address");
        drop(free);
        let daemon = Daemon::new(&format!("http://{listen}")).expect("an address");
        let wallet = WalletRpc::start(&daemon, WalletRpcOptions::default());
        plan.wallet = wallet.await.expect("a wallet");
        plan.config.wallet = plan.wallet.wallet().url().to_owned();
        plan.config.chain = Chain::Mixnet(listen);
        plan
    }

    /// How many transactions are in blocks.
    pub(crate) async fn mined(&self) -> u64 {
        self.monerod.daemon().get_info().await.expect("monerod").tx_count
    }
}

impl Plan {
    /// From now on, this is how long it may take.
    pub(crate) fn within(&mut self, deadline: Duration) {
        (self.config.tasks.began, self.config.tasks.deadline) = (now(), deadline);
    }

    /// From now on, one is sent so often.
    pub(crate) fn each(&mut self, interval: Duration) {
        self.config.tasks.interval = interval;
    }

    /// Waits until so many transactions are written down with their bytes.
    pub(crate) async fn kept(&self, count: usize) {
        let kept = || -> Option<usize> {
            let text = std::fs::read(&self.report).ok()?;
            let saved: serde_json::Value = serde_json::from_slice(&text).ok()?;
            Some(saved["unresolved"].as_array()?.len())
        };
        let found = async {
            while kept().unwrap_or_default() < count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("written down");
    }

    /// Begins, or goes on, in a task of its own.
    pub(crate) fn start(
        &self,
        stop: &CancellationToken,
    ) -> tokio::task::JoinHandle<Result<End, RunError>> {
        let (config, stop) = (self.config.clone(), stop.clone());
        let store = Store::File(FileStore::new(&self.report));
        let name = config.name.clone();
        tokio::spawn(async move {
            mixbed_runner::run(config, store, stop, |line| println!("{name}: {line}")).await
        })
    }

    /// What is written down.
    pub(crate) fn report(&self) -> Report {
        let text = std::fs::read(&self.report).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Waits until what is written down is as wanted.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&Report) -> bool) -> Report {
        let found = async {
            loop {
                let report = self.report();
                if wanted(&report) {
                    return report;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, found).await;
        found.unwrap_or_else(|_| panic!("{what}: {:#?}", self.report()))
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

/// As `mixbed miner` serves it.
async fn serve(miner: Mining) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new().route("/v1/fund", post(fund)).with_state(miner);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn fund(
    State(miner): State<Mining>,
    Query(query): Query<HashMap<String, String>>,
) -> (StatusCode, String) {
    let miner = miner.lock().expect("not poisoned").clone();
    let away = || (StatusCode::SERVICE_UNAVAILABLE, r#"{"error":"away"}"#.to_owned());
    let Some(miner) = miner else { return away() };
    let address = query["address"].parse().expect("an address");
    let outputs = query["outputs"].parse().expect("a number");
    match miner.fund(address, outputs, PATIENCE).await {
        Ok(_) => (StatusCode::OK, "{}".to_owned()),
        Err(_) => away(),
    }
}
