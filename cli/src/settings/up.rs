//! The configuration of a whole net in one process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use mixbed_guard::{AllowedHost, Origin};
use mixbed_localnet::Shape;
use mixbed_node::provider::{TargetRule, TcpName};

use super::{CertificateChoice, LoginChoice, MonerodChoice, Period, settings};

settings! {
    /// Configuration of `mixbed up`: a whole network in one process, on this machine.
    UpSettings, UpFlags;

    /// Number of gateways.
    gateways: usize = Shape::default().gateways;
    /// Number of mixes in each of the three layers.
    mixes_per_layer: usize = Shape::default().mixes_per_layer;
    /// Number of providers.
    providers: usize = Shape::default().providers;
    /// The monerod that the providers submit to: regtest (one is started, with a chain of its
    /// own), none, or the URL of one that runs already.
    monerod: MonerodChoice = MonerodChoice::Regtest;
    /// Login for that monerod (its --rpc-login): USER:PASSWORD, or @FILE for a file with that. The
    /// password does not travel (HTTP digest).
    #[arg(value_name = "LOGIN")]
    monerod_login: Option<LoginChoice> = None;
    /// Which certificate a monerod at https:// has to have: its SHA-256 fingerprint, or @FILE for a PEM
    /// file with the authorities that may have signed it. Without this, one that this machine trusts.
    #[arg(value_name = "CERTIFICATE")]
    monerod_certificate: Option<CertificateChoice> = None;
    /// Whether to start monero-wallet-rpc too, with a wallet that has money. Only on regtest.
    #[arg(num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    wallet: bool = false;
    /// Where it serves the control API, and /healthz, /readyz and /metrics; port 0 takes a free
    /// one. Whoever reaches it may send transactions: keep it on loopback.
    control: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 7070));
    /// Login that whoever asks at the control API has to give: USER:PASSWORD, @FILE for a file with
    /// that, or drawn, which is taken if only --control-login is said: then it is kept in mixbed.login,
    /// in the state directory or else where the program was started. Other users of this machine then
    /// cannot send transactions. `mixbed broadcast` and the like are told it in the same way.
    #[arg(num_args = 0..=1, default_missing_value = "drawn", value_name = "LOGIN")]
    control_login: Option<LoginChoice> = None;
    /// Where programs connect through the network by SOCKS (4, 4a and 5), 127.0.0.1:1080 if only
    /// --socks is said; names are looked up by the provider. Whoever reaches it may connect: keep
    /// it on loopback. Without it, there is no such port.
    #[arg(num_args = 0..=1, default_missing_value = "127.0.0.1:1080", value_name = "ADDRESS")]
    socks: Option<SocketAddr> = None;
    /// Login for that port, likewise. Programs give its password by SOCKS 5, with any user name: each name has
    /// streams of its own.
    #[arg(num_args = 0..=1, default_missing_value = "drawn", value_name = "LOGIN")]
    socks_login: Option<LoginChoice> = None;
    /// Where a Monero wallet finds its daemon: what it asks goes to a provider's monerod through
    /// the network, 127.0.0.1:18089 if only --monero-rpc is said. Without it, there is no such port.
    #[arg(num_args = 0..=1, default_missing_value = "127.0.0.1:18089", value_name = "ADDRESS")]
    monero_rpc: Option<SocketAddr> = None;
    /// Daemon (http://HOST:PORT) that wallets at that port sync from, directly and not through the
    /// network: it sees this machine's address and what they ask for. Transactions alone go
    /// through the network. Without it, everything does.
    #[arg(value_name = "URL")]
    monero_rpc_sync: Option<String> = None;
    /// Login that wallets give at that port (--daemon-login), likewise. The password does not
    /// travel (HTTP digest).
    #[arg(num_args = 0..=1, default_missing_value = "drawn", value_name = "LOGIN")]
    monero_rpc_login: Option<LoginChoice> = None;
    /// Whether that port may be where other machines reach it. It speaks in clear.
    #[arg(num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    monero_rpc_exposed: bool = false;
    /// Number of directories: one, or an odd number of which a majority has to sign each document,
    /// so that one of three may fail or lie.
    directories: usize = 1;
    /// Where its directory listens (gRPC); port 0 takes a free one. Further directories have the
    /// ports after it, or free ones. Nodes listen on the same address: `[::1]:0` is a net on IPv6.
    directory: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    /// Directory for what the net's directory has to remember: its key and documents. Without one,
    /// it is a new network at each start.
    state_dir: Option<PathBuf> = None;
    /// Mean of the delay that senders draw for each hop. Longer hides better and takes longer:
    /// there are five hops there and five back.
    mean_hop_delay: Period = Period::millis(50);
    /// Whether transactions are traced, unless their sender says otherwise: whoever sees the spans then
    /// sees their whole way, and any two nodes on it can see that a packet is the same one. Here all of
    /// them are one user's.
    #[arg(num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    tracing_allowed: bool = true;
    /// How long an epoch lasts, 1 s to 24 h.
    epoch_length: Period = Period::secs(600);
    /// Whether cover traffic is sent, at rates that a laptop carries: then who broadcasts looks like
    /// who does not, and waits 0.05 s longer (about 0.5 s for a packet there and back, not
    /// 0.45 s). `mixbed parameters` changes the rates.
    #[arg(num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    cover: bool = true;
    /// YAML file with rules that impair links, as for `mixbed impair --file`. They can be changed
    /// while it runs.
    impairments: Option<PathBuf> = None;
    /// How far apart the moments are at which /metrics changes; 0s: each reading is of now, as the
    /// whole network is one user's.
    metrics_step: Period = Period::millis(0);
    /// OpenTelemetry collector to send spans to (gRPC), such as http://127.0.0.1:4317. Without
    /// one, none are sent.
    otlp: Option<String> = None;
    /// Spans kept in memory for `mixbed trace`, about 1 KiB each; a traced transaction takes 14.
    memory_spans: usize = 20_000;

    lists {
        /// Names by which the control API and the port for wallets may be addressed, beside this
        /// machine's own addresses: NAME or NAME:PORT. Anything else is refused, as a web page may give a
        /// name of its own the address 127.0.0.1. Several: again, or with commas between them.
        #[arg(value_name = "HOST")]
        allow_host: AllowedHost;
        /// Web pages whose wallets may ask at the port for wallets, by their origin, such as
        /// http://localhost:9100. All others are refused. Several: again, or with commas between them.
        #[arg(value_name = "ORIGIN")]
        monero_rpc_origins: Origin;
        /// More targets that its providers connect clients to, as the service tcp, beside its own
        /// monerod: HOST:PORT, *.SUFFIX:PORT or IP/PREFIX:PORT (IPv6 in brackets, as in
        /// [fd00::/8]:18081); PORT may be *. Several: again, or with commas between them. What only
        /// this machine reaches, clients reach then.
        #[arg(value_name = "TARGET")]
        tcp_allow: TargetRule;
        /// Where a name is that its providers alone know: NAME=HOST:PORT, or NAME:PORT=HOST:PORT for
        /// one port of it. The target must be allowed by that name. Its own monerod is
        /// monerod.mixbed:18081 without saying so.
        #[arg(value_name = "NAME=HOST:PORT")]
        tcp_name: TcpName;
    }
}
