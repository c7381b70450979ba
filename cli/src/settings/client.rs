//! The client's configuration.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::builder::BoolishValueParser;

use super::{PublicKey, ReceiptsTo, settings};

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
    directory: String = "http://127.0.0.1:7100".to_owned();
    /// The directory's public key: 64 hexadecimal digits, or a file with them. Of several
    /// directories all, with commas between: a majority of them has to sign. Needed.
    authority_key: Option<PublicKey> = None;
    /// The gateway to connect to, by name. Without one, a random one, and another when it fails.
    gateway: Option<String> = None;
    /// The address (host:port) by which that gateway is reached from here, instead of the one in
    /// the directory's document: behind a port forward, say. Who answers there still has to have
    /// the gateway's key. Only with a gateway.
    gateway_at: Option<String> = None;
    /// Directory for its link key, its mailbox's key and which letters it has, for the network's
    /// last document, to start from while the directory is away, and for its broadcasts, which it
    /// goes on with when it is started again; made when missing. Without one, keys are drawn at
    /// each start, so that a gateway does not recognise it, a start waits for the directory, and
    /// broadcasts end with the process.
    state_dir: Option<PathBuf> = None;
    /// Who is told that a letter of theirs was accepted, and so that this client is there: nobody,
    /// contacts, or everybody who has the address.
    receipts: ReceiptsTo = ReceiptsTo::Contacts;
    /// Where it serves the control API, and /healthz, /readyz and /metrics; port 0 takes a free
    /// one. Whoever reaches it may send transactions: keep it on loopback.
    control: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 7070));
    /// Where programs connect through the network by SOCKS (4, 4a and 5), 127.0.0.1:1080 if only
    /// --socks is said; names are looked up by the provider. Whoever reaches it may connect: keep
    /// it on loopback. Without it, there is no such port.
    #[arg(num_args = 0..=1, default_missing_value = "127.0.0.1:1080", value_name = "ADDRESS")]
    socks: Option<SocketAddr> = None;
    /// Where a Monero wallet finds its daemon: what it asks goes to a provider's monerod through
    /// the network, 127.0.0.1:18089 if only --monero-rpc is said. Without it, there is no such port.
    #[arg(num_args = 0..=1, default_missing_value = "127.0.0.1:18089", value_name = "ADDRESS")]
    monero_rpc: Option<SocketAddr> = None;
    /// Daemon (http://HOST:PORT) that wallets at that port sync from, directly and not through the
    /// network: it sees this machine's address and what they ask for. Transactions alone go
    /// through the network. Without it, everything does.
    #[arg(value_name = "URL")]
    monero_rpc_sync: Option<String> = None;
    /// Whether that port may be where other machines reach it. It speaks in clear, and asks nobody
    /// who they are.
    #[arg(num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    monero_rpc_exposed: bool = false;
    /// OpenTelemetry collector to send spans to (gRPC), such as http://127.0.0.1:4317. Without
    /// one, none are sent.
    otlp: Option<String> = None;
    /// Spans kept in memory for `mixbed trace`, about 1 KiB each.
    memory_spans: usize = 10_000;
}
