//! The client's configuration.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::builder::BoolishValueParser;

use mixbed_guard::{AllowedHost, Origin};

use super::{LoginChoice, Period, PublicKey, ReceiptsTo, settings};

settings! {
    /// Configuration of `mixbed client`: sends transactions through a network for whoever asks at
    /// its control address.
    ClientSettings, ClientFlags;

    /// Its name in its own metrics, spans and logs; nobody else hears it.
    name: String = "client".to_owned();
    /// Name of the network; the directory must say the same.
    network: String = "mixbed".to_owned();
    /// URL of the directory: what it prints when it is ready. Of several directories all, with
    /// commas between.
    directory: String = "mixbed://127.0.0.1:7100".to_owned();
    /// The directory's public key: 64 hexadecimal digits, or a file with them. Of several
    /// directories all, with commas between: a majority of them has to sign. Needed.
    authority_key: Option<PublicKey> = None;
    /// The gateway to connect to, by name. Without one, a random one, and another when it fails.
    gateway: Option<String> = None;
    /// The address (host:port) by which that gateway is reached from here, instead of the one in
    /// the directory's document: behind a port forward, say. Who answers there still has to have
    /// the gateway's key. Only with a gateway.
    gateway_at: Option<String> = None;
    /// Directory for its mailbox's key and which letters it has, for the network's last document, to
    /// start from while the directory is away, and for its broadcasts, which it goes on with when it is
    /// started again; made when missing. Its link key is not in it: that is a new one at each start, so
    /// that no gateway recognises it. Without a directory its mailbox is a new one at each start, too, a
    /// start waits for the network's directory, and broadcasts end with the process.
    state_dir: Option<PathBuf> = None;
    /// Who is told that a letter of theirs was accepted, and so that this client is there: nobody,
    /// contacts, or everybody who has the address.
    receipts: ReceiptsTo = ReceiptsTo::Contacts;
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
    /// Whether transactions that are sent from here are traced where the network allows it, unless
    /// their sender says otherwise. Any two nodes on the way of a traced packet can see that it is the
    /// same one, whether they send spans or not: leave it off where others' nodes are.
    #[arg(num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    traced: bool = false;
    /// How far apart the moments are at which /metrics changes; 0s: each reading is of now. Readings that
    /// are close together tell who sent what when.
    metrics_step: Period = Period::secs(15);
    /// OpenTelemetry collector to send spans to (gRPC), such as http://127.0.0.1:4317. Without
    /// one, none are sent.
    otlp: Option<String> = None;
    /// Spans kept in memory for `mixbed trace`, about 1 KiB each.
    memory_spans: usize = 10_000;

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
    }
}
