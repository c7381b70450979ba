//! `mixbed run-broadcast`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mixbed_operator::api::Rate;
use mixbed_runner::store::{ClusterStore, FileStore, Store};
use mixbed_runner::{Chain, End, RunConfig, RunError, Tasks};

use crate::failure::Failure;
use crate::settings::{Period, PublicKey};
use crate::{net, output, sidecar, signals};

/// How long telemetry may take to send its last spans.
const LAST_SPANS: Duration = Duration::from_secs(5);

const AFTER_HELP: &str = "\
Examples:
  mixbed run-broadcast --authority-key authority.pub --report run.json \\
    --wallet http://127.0.0.1:18083 --miner http://127.0.0.1:7301 \\
    --monerod http://127.0.0.1:18081 --transactions 50 --rate 2/s

The wallet is a monero-wallet-rpc that nobody else uses, on the same regtest chain. With the report
of a run that was stopped or killed, the same command goes on with that run.

Exit codes: 0 every transaction is in a block, 1 not (the last line says why), 2 the command line is
wrong, 130 stopped before the end: the same command goes on.";

/// Make transactions, send them through a network, and see them mined: what a Broadcast's pod does
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Its name: of its wallet, and in its spans
    #[arg(long, value_name = "NAME", env = "POD_NAME", default_value = "runner")]
    #[arg(hide_env_values = true)]
    name: String,
    /// Name of the network; the directory must say the same
    #[arg(long, value_name = "NAME", default_value = "mixbed")]
    network: String,
    /// URL of the directory
    #[arg(long, value_name = "URL", default_value = "mixbed://127.0.0.1:7100")]
    directory: String,
    /// The directory's public key: 64 hexadecimal digits, or a file with them
    #[arg(long, value_name = "KEY")]
    authority_key: PublicKey,
    /// The gateway to connect to, by name; without one, a random one
    #[arg(long, value_name = "NAME")]
    gateway: Option<String>,
    /// A monero-wallet-rpc that nobody else uses
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:18083")]
    wallet: String,
    /// The network's miner, which gives the wallet money
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7301")]
    miner: String,
    /// The network's monerods; give it once for each. They say what is in a block
    #[arg(long, value_name = "URL", value_delimiter = ',', required_unless_present = "monero_rpc")]
    monerod: Vec<String>,
    /// Instead: ask everything through the network, and listen here for the wallet, which has this
    /// for its daemon
    #[arg(long, value_name = "ADDRESS", conflicts_with = "monerod")]
    monero_rpc: Option<SocketAddr>,
    /// How many transactions
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    transactions: u32,
    /// How often one is sent: 2/s, 30/m, 10/h
    #[arg(long, value_name = "RATE", default_value = "1/s")]
    rate: Rate,
    /// How long the whole run may take
    #[arg(long, value_name = "TIME", default_value = "10m")]
    deadline: Period,
    /// Since when that counts, such as 2026-11-22T23:00:00Z; without it, since now
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_rfc3339)]
    began: Option<SystemTime>,
    /// Whether the packets are traced, if the network allows it
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    traced: bool,
    /// Where the report is written, and gone on from: a file
    #[arg(long, value_name = "FILE", required_unless_present = "report_config_map")]
    report: Option<PathBuf>,
    /// Or a ConfigMap that is there, in the pod's own namespace, with a Secret besides
    #[arg(long, value_name = "NAME", conflicts_with = "report", requires = "run_secret")]
    report_config_map: Option<String>,
    /// That Secret: transactions that are not in a block yet are kept there, and only there
    #[arg(long, value_name = "NAME", requires = "report_config_map")]
    run_secret: Option<String>,
    /// OpenTelemetry collector to send spans to (gRPC)
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
    /// Where a service mesh's sidecar is told to end when the run is over (POST): without that its pod would
    /// stay; once for each
    #[arg(long, value_name = "URL")]
    end_sidecar: Vec<String>,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let trust = args.authority_key.trust(&args.network).map_err(Failure::usage)?;
    let stop = signals::shutdown().map_err(Failure::failed)?;
    let telemetry = net::telemetry(args.otlp.clone(), 0)?;
    let store = match (&args.report, &args.report_config_map, &args.run_secret) {
        (Some(path), ..) => Store::File(FileStore::new(path)),
        (None, Some(report), Some(run)) => {
            let store = ClusterStore::connect(report, run).await.map_err(Failure::usage)?;
            Store::Cluster(Box::new(store))
        }
        (None, ..) => {
            return Err(Failure::usage("give --report, or --report-config-map with --run-secret"));
        }
    };
    let began = args.began.unwrap_or_else(SystemTime::now);
    let config = RunConfig {
        tasks: Tasks {
            transactions: args.transactions,
            interval: args.rate.interval(),
            deadline: args.deadline.0,
            began: began.duration_since(UNIX_EPOCH).unwrap_or_default(),
            traced: args.traced,
        },
        name: args.name,
        directory: args.directory,
        trust,
        gateway: args.gateway,
        wallet: args.wallet,
        miner: args.miner,
        chain: args.monero_rpc.map_or(Chain::Monerods(args.monerod), Chain::Mixnet),
        telemetry: telemetry.clone(),
    };
    let end = mixbed_runner::run(config, store, stop, |line| output::print(line)).await;
    telemetry.shutdown(LAST_SPANS).await;
    if !matches!(end, Err(RunError::Interrupted(_))) {
        sidecar::end(&args.end_sidecar).await;
    }
    match end {
        Ok(End::Complete) => Ok(()),
        Ok(End::Failed { reason, message }) => Err(Failure::failed(format!("{reason}: {message}"))),
        Ok(End::Cancelled) => Err(Failure::failed("Cancelled: nothing more is sent")),
        Err(error @ RunError::Interrupted(_)) => {
            output::complain(&error.to_string());
            Err(Failure::Interrupted)
        }
        Err(error @ RunError::Config(_)) => Err(Failure::usage(error)),
        Err(error) => Err(Failure::failed(error)),
    }
}
