//! `mixbed connect`

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::cluster::{ClusterArgs, InCluster, Session};
use crate::commands::client;
use crate::failure::Failure;
use crate::output;
use crate::settings::ClientSettings;

const AFTER_HELP: &str = "\
Examples:
  mixbed connect                              the Mixnet of the kubeconfig's current context
  mixbed connect --context kind-kind --namespace mixnet
  mixbed broadcast tx.hex                     in another terminal: through the cluster's mixnet
  mixbed status; mixbed address; mixbed send ADDRESS 'hello'

It forwards ports of this machine to the mixnet's directory and to one of its gateways, by way of
the API server as `kubectl port-forward` does, and runs a client on them. Everything else is as with
`mixbed client`. It needs the right to forward ports to pods in the namespace.";

/// Run a client on this machine of a Mixnet in Kubernetes
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The gateway, by name; without one, any that is ready
    #[arg(long, value_name = "NAME")]
    gateway: Option<String>,
    /// Where it serves the control API, and /healthz, /readyz and /metrics; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7070")]
    control: SocketAddr,
    /// Directory for what it is to remember: keys, letters, broadcasts; made when missing
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Where programs connect through the mixnet by SOCKS (4, 4a and 5), 127.0.0.1:1080 if only
    /// --socks is said; without it, there is no such port
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:1080")]
    socks: Option<SocketAddr>,
    /// Where a Monero wallet finds its daemon, 127.0.0.1:18089 if only --monero-rpc is said; without
    /// it, there is no such port
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:18089")]
    monero_rpc: Option<SocketAddr>,
    /// Daemon (http://HOST:PORT) that wallets at that port sync from, directly and not through the
    /// mixnet; transactions alone go through it
    #[arg(long, value_name = "URL", requires = "monero_rpc")]
    monero_rpc_sync: Option<String>,
    /// Let that port be where other machines reach it
    #[arg(long, requires = "monero_rpc")]
    monero_rpc_exposed: bool,
    /// OpenTelemetry collector to send its spans to; without one, the mixnet's own
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let found = InCluster::find(&args.cluster).await.map_err(Failure::failed)?;
    let session = Session::open(&found, args.gateway.as_deref()).await.map_err(Failure::failed)?;
    let mut settings = ClientSettings {
        control: args.control,
        state_dir: args.state_dir,
        socks: args.socks,
        monero_rpc: args.monero_rpc,
        monero_rpc_sync: args.monero_rpc_sync,
        monero_rpc_exposed: args.monero_rpc_exposed,
        otlp: args.otlp,
        ..ClientSettings::default()
    };
    session.lead(&mut settings);
    output::say(format!(
        "Mixnet {} in namespace {}, by {}",
        found.name(),
        found.namespace,
        session.gateway().unwrap_or_default()
    ));
    // The forwards live as long as the client.
    let ended = client::serve(settings).await;
    drop(session);
    ended
}
