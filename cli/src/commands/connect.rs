//! `mixbed connect`

use std::net::SocketAddr;
use std::path::PathBuf;

use mixbed_guard::{AllowedHost, Origin};

use crate::cluster::{ClusterArgs, InCluster, Session};
use crate::commands::client;
use crate::failure::Failure;
use crate::output;
use crate::settings::{ClientSettings, LoginChoice};

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
    /// Login that wallets give at that port (--daemon-login): USER:PASSWORD, @FILE for a file with that, or
    /// drawn, which is taken if only --monero-rpc-login is said: then it is kept in a file mixbed.login
    #[arg(long, value_name = "LOGIN", num_args = 0..=1, default_missing_value = "drawn", env = "MIXBED_MONERO_RPC_LOGIN", hide_env_values = true, requires = "monero_rpc")]
    monero_rpc_login: Option<LoginChoice>,
    /// Web pages whose wallets may ask at that port, by their origin, with commas between them
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',', requires = "monero_rpc")]
    monero_rpc_origins: Vec<Origin>,
    /// Login for the SOCKS port, likewise: its password, with any user name
    #[arg(long, value_name = "LOGIN", num_args = 0..=1, default_missing_value = "drawn", env = "MIXBED_SOCKS_LOGIN", hide_env_values = true, requires = "socks")]
    socks_login: Option<LoginChoice>,
    /// Login that whoever asks at the control API has to give, likewise
    #[arg(long, value_name = "LOGIN", num_args = 0..=1, default_missing_value = "drawn", env = "MIXBED_CONTROL_LOGIN", hide_env_values = true)]
    control_login: Option<LoginChoice>,
    /// Names by which these ports may be addressed, beside this machine's own, with commas between them
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    allow_host: Vec<AllowedHost>,
    /// Trace transactions that are sent from here, if the mixnet allows it: any two nodes on the way of a
    /// traced packet can see that it is the same one
    #[arg(long)]
    traced: bool,
    /// OpenTelemetry collector to send its spans to; without one, the mixnet's own with --traced, and
    /// else none
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
        monero_rpc_login: args.monero_rpc_login,
        monero_rpc_origins: args.monero_rpc_origins,
        socks_login: args.socks_login,
        control_login: args.control_login,
        allow_host: args.allow_host,
        traced: args.traced,
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
