//! `mixbed demo`

use std::path::PathBuf;

use mixbed_localnet::Shape;

use crate::demo::{self, Plan};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::settings::Period;
use crate::signals;

const AFTER_HELP: &str = "\
It starts a directory, gateways, three layers of mixes and a provider in this process, over loopback
TCP; a monerod on regtest and a monero-wallet-rpc as its children; mines some money to a wallet; has
it make transfers that it tells nobody of; broadcasts each through the mixnet, traced; mines; and
asks monerod in which block each is. Nothing of it touches a real network.

For each transaction it prints its packets' way, a row a node: the wait for a worker (queue), taking
off one layer of encryption (unwrap), the delay that the sender asked for and the one that it got
(held), and the way onto the next link. The last line says what was proven. The exit code is 0 only
if everything was.

Examples:
  mixbed demo
  mixbed demo --transactions 10 --mixes-per-layer 3
  mixbed demo --otlp http://127.0.0.1:4317     look at the traces in Jaeger, Tempo, …
  mixbed demo --json | jq .proven";

/// Send real Monero transactions through a mixnet on this machine, and prove that they arrived
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
#[expect(clippy::doc_markdown, reason = "printed as help, where backticks would show")]
pub(crate) struct Args {
    /// How many transactions
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=50))]
    transactions: u32,
    /// Number of gateways
    #[arg(long, value_name = "NUMBER", default_value_t = Shape::default().gateways)]
    gateways: usize,
    /// Number of mixes in each of the three layers
    #[arg(long, value_name = "NUMBER", default_value_t = Shape::default().mixes_per_layer)]
    mixes_per_layer: usize,
    /// Number of providers
    #[arg(long, value_name = "NUMBER", default_value_t = Shape::default().providers)]
    providers: usize,
    /// Mean of the delay that senders draw for each hop
    #[arg(long, value_name = "TIME", default_value = "50ms")]
    mean_hop_delay: Period,
    /// OpenTelemetry collector to send the spans to, too (gRPC), such as http://127.0.0.1:4317
    #[arg(long, value_name = "ENDPOINT")]
    otlp: Option<String>,
    /// Keep the chain, the wallet and the result in this directory, which must be new or empty
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Print the result as one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, quiet: bool) -> Result<(), Failure> {
    let plan = Plan {
        transactions: args.transactions as usize,
        shape: Shape {
            gateways: args.gateways,
            mixes_per_layer: args.mixes_per_layer,
            providers: args.providers,
        },
        mean_hop_delay: args.mean_hop_delay.0,
        otlp: args.otlp,
        keep: args.keep,
        json: args.json,
    };
    let shutdown = signals::shutdown().map_err(Failure::failed)?;
    tokio::select! {
        outcome = demo::run(plan, Progress::new(quiet)) => outcome,
        // What runs is stopped, and its children killed, as it is dropped.
        () = shutdown.cancelled() => Err(Failure::failed("stopped before anything was proven")),
    }
}
