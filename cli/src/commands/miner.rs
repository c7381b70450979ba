//! `mixbed miner`

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use mixbed_guard::{AllowedHost, Guard};
use mixbed_monero::Daemon;
use mixbed_monero::miner::{
    Address, FundingError, Miner, MinerConfig, MinerStatus, MonerodStatus, Rules,
};
use mixbed_telemetry::{Counter, Health, MinerMetrics, Step, Telemetry, router, serve_router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::settings::Period;
use crate::{net, output, signals};

/// How long a request for money may take: less than its connection may last.
const FUND_LIMIT: Duration = Duration::from_secs(280);

/// Where orders are taken unless something else is said; `mixbed fund` looks there.
const HTTP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7301);

/// A chain grows by a block an hour at least, and not faster than blocks are verified.
const BLOCK_TIMES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(3_600)];

const AFTER_HELP: &str = "\
Examples:
  mixbed miner --monerod http://127.0.0.1:18081
  mixbed miner --monerod http://provider-0:18081,http://provider-1:18081 --block-time 5s
  mixbed fund ADDRESS --outputs 10      have it mine money to a wallet

A block comes every block time while transactions wait, then ten more; an idle chain does not grow.
Each block is mined at a monerod that has the longest chain, never at one that is not synchronized.
There may be one miner, and the chain must be a regtest chain with --fixed-difficulty 1.";

/// Mine a regtest chain: a block every few seconds while transactions wait, and money on request
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The monerods, as http://HOST:PORT, with commas between; more than one must be peers
    #[arg(long, value_name = "URL,URL", required = true, value_delimiter = ',', value_parser = daemon)]
    monerod: Vec<Daemon>,
    /// For one monerod without peers that is not offline: its address for peers, at which it is
    /// greeted as by a peer, for otherwise it waits for one for good
    #[arg(long, value_name = "HOST:PORT")]
    alone: Option<String>,
    /// Time between two blocks, 100ms to 1h
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = block_time)]
    block_time: Period,
    /// Where orders for money, health and metrics are served
    #[arg(long, value_name = "ADDRESS", default_value_t = HTTP)]
    http: SocketAddr,
    /// Where only whether it is well is served besides, for Kubernetes
    #[arg(long, value_name = "ADDRESS")]
    probes: Option<SocketAddr>,
    /// Names by which that port may be addressed, beside addresses and names of a cluster's services, with
    /// commas between them
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    allow_host: Vec<AllowedHost>,
    /// Its name in metrics
    #[arg(long, value_name = "NAME", default_value = "miner")]
    name: String,
}

fn daemon(url: &str) -> Result<Daemon, String> {
    Daemon::new(url).map_err(|error| error.to_string())
}

fn block_time(text: &str) -> Result<Period, String> {
    let period: Period = text.parse().map_err(|error| format!("{error}"))?;
    let [least, most] = BLOCK_TIMES;
    if (least..=most).contains(&period.0) {
        Ok(period)
    } else {
        Err("it is 100ms to 1h".to_owned())
    }
}

/// What is asked for.
#[derive(Debug, Deserialize)]
struct Order {
    address: String,
    #[serde(default = "one")]
    outputs: u64,
}

fn one() -> u64 {
    1
}

/// An address has money that it can spend.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Funded {
    pub(super) address: String,
    /// In so many outputs, at least as many as were asked for.
    pub(super) outputs: u64,
    /// Blocks from the first one that pays to the newest.
    pub(super) blocks: u64,
    /// Blocks of the chain.
    pub(super) height: u64,
    pub(super) elapsed_ms: u64,
}

/// Why not.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Refusal {
    pub(super) error: String,
}

/// How the miner is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Status {
    pub(super) height: u64,
    pub(super) pool: u64,
    pub(super) orders: usize,
    /// Each monerod that cannot be mined at, and why.
    pub(super) troubles: Vec<String>,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let shutdown = signals::shutdown().map_err(Failure::failed)?;
    let telemetry = Telemetry::disabled();
    let http = net::bind(args.http, "--http").await?;
    let http_address = http.local_addr().map_err(Failure::failed)?;
    let rules = Rules { block_time: args.block_time.0, ..Rules::default() };
    let config = MinerConfig { monerods: args.monerod, rules };
    let miner = match args.alone {
        None => Miner::start(config),
        Some(_) if config.monerods.len() > 1 => {
            return Err(Failure::usage(
                "--alone is for one monerod: several are each other's peers",
            ));
        }
        Some(peers) => Miner::start_greeting(config, peers),
    };
    let miner = Arc::new(miner);
    let health = Health::new();
    let metrics = MinerMetrics::new(&telemetry, &args.name);
    let routes = orders(&miner).merge(router(telemetry, health.clone(), Step::LIVE));
    let stop = shutdown.clone();
    let guard = Guard::new(http_address).with_hosts(&args.allow_host);
    let serving = tokio::spawn(serve_router(http, routes, guard, stop.cancelled_owned()));
    net::probes(args.probes, &health, &shutdown).await?;
    tracing::info!(miner = args.name, http = %http_address, "started");

    let died = tokio::select! {
        () = shutdown.cancelled() => false,
        () = watch(&miner, &health, &metrics, http_address) => true,
    };
    shutdown.cancel();
    let _ = serving.await;
    if died {
        return Err(Failure::failed("the miner stopped by itself: its log says why"));
    }
    Ok(())
}

/// Where money is ordered.
fn orders(miner: &Arc<Miner>) -> Router {
    Router::new()
        .route("/v1/fund", post(fund))
        .route("/v1/status", get(status))
        .with_state(Arc::clone(miner))
}

/// A miner within another program. Dropped, it mines no more.
#[derive(Debug)]
pub(super) struct Inside {
    /// Where money is ordered.
    pub(super) http: SocketAddr,
    _miner: Arc<Miner>,
    serving: JoinHandle<()>,
}

impl Inside {
    /// Mines at one monerod until `shutdown`. Orders are taken where `mixbed fund` looks, or at any
    /// free port if that one is in use.
    pub(super) async fn start(
        monerod: Daemon,
        shutdown: &CancellationToken,
    ) -> Result<Self, Failure> {
        let http = match TcpListener::bind(HTTP).await {
            Ok(listener) => listener,
            Err(_) => net::bind(SocketAddr::new(HTTP.ip(), 0), "the miner").await?,
        };
        let address = http.local_addr().map_err(Failure::failed)?;
        let config = MinerConfig { monerods: vec![monerod], rules: Rules::default() };
        let miner = Arc::new(Miner::start(config));
        let guard = Guard::new(address);
        let serving = serve_router(http, orders(&miner), guard, shutdown.clone().cancelled_owned());
        Ok(Self { http: address, _miner: miner, serving: tokio::spawn(serving) })
    }

    pub(super) async fn stop(self) {
        let _ = self.serving.await;
    }
}

async fn fund(
    State(miner): State<Arc<Miner>>,
    order: Result<Query<Order>, QueryRejection>,
) -> Response {
    let refuse = |status, error: String| (status, Json(Refusal { error })).into_response();
    let order = match order {
        Ok(Query(order)) => order,
        Err(error) => {
            let why = format!("{}; ask /v1/fund?address=ADDRESS&outputs=NUMBER", error.body_text());
            return refuse(StatusCode::BAD_REQUEST, why);
        }
    };
    let address: Address = match order.address.parse() {
        Ok(address) => address,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, format!("address: {error}")),
    };
    let began = Instant::now();
    match miner.fund(address, order.outputs, FUND_LIMIT).await {
        Ok(funding) => Json(Funded {
            address: order.address,
            outputs: funding.outputs,
            blocks: funding.blocks,
            height: funding.height,
            elapsed_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
        .into_response(),
        Err(error @ FundingError::Outputs { .. }) => {
            refuse(StatusCode::BAD_REQUEST, error.to_string())
        }
        Err(error) => refuse(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    }
}

async fn status(State(miner): State<Arc<Miner>>) -> Json<Status> {
    let MinerStatus { monerods, height, pool, orders, .. } = miner.status();
    let troubles = monerods.iter().filter_map(MonerodStatus::trouble).collect();
    Json(Status { height, pool, orders, troubles })
}

/// Carries how it is over to health, metrics and the log; ends if the miner does.
async fn watch(miner: &Miner, health: &Health, metrics: &MinerMetrics, http: SocketAddr) {
    let mut follow = miner.follow();
    let mut said = None;
    loop {
        let status = follow.borrow_and_update().clone();
        count(&status, metrics);
        let reasons = status.reasons();
        if reasons.is_empty() {
            health.set_ready(true);
        } else {
            health.set_not_ready(reasons.join("; "));
        }
        if said.as_ref() != Some(&reasons) {
            if reasons.is_empty() {
                output::print(format!(
                    "ready: miner, orders for money and metrics at http://{http}"
                ));
            } else if said.is_some() {
                // At first, no monerod was asked yet.
                tracing::warn!(why = reasons.join("; "), "not ready; trying on");
            }
            said = Some(reasons);
        }
        if follow.changed().await.is_err() {
            return;
        }
    }
}

fn count(status: &MinerStatus, metrics: &MinerMetrics) {
    let mined = &status.mined;
    let counters: [(&Counter, u64); 6] = [
        (&metrics.start, mined.start),
        (&metrics.transactions, mined.transactions),
        (&metrics.confirmations, mined.confirmations),
        (&metrics.fund, mined.fund),
        (&metrics.included, mined.included),
        (&metrics.outputs, mined.outputs),
    ];
    for (counter, value) in counters {
        counter.inc_by(value.saturating_sub(counter.get()));
    }
    let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    metrics.height.set(signed(status.height));
    metrics.pool.set(signed(status.pool));
    metrics.monerods.set(signed(status.usable() as u64));
}
