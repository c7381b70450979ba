//! What a local mixnet is made of.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use mixbed_directory::{Parameters, Role};
use mixbed_monero::Daemon;
use mixbed_node::Limits;
use mixbed_node::mailbox::MailboxBounds;
use mixbed_node::provider::TcpConfig;
use mixbed_telemetry::Telemetry;

/// How many nodes there are of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Gateways.
    pub gateways: usize,
    /// Mixes in each of the three layers.
    pub mixes_per_layer: usize,
    /// Providers.
    pub providers: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self { gateways: 2, mixes_per_layer: 2, providers: 1 }
    }
}

impl Shape {
    /// The nodes' names and roles: `gateway-0`, `mix-1-0` (layer 1), `provider-0` and so on.
    pub fn nodes(self) -> impl Iterator<Item = (String, Role)> {
        let many = |count, prefix: &'static str, role| {
            (0..count).map(move |number| (format!("{prefix}-{number}"), role))
        };
        many(self.gateways, "gateway", Role::Gateway)
            .chain((1..=mixbed_directory::limits::LAYERS).flat_map(move |layer| {
                (0..self.mixes_per_layer)
                    .map(move |number| (format!("mix-{layer}-{number}"), Role::Mix { layer }))
            }))
            .chain(many(self.providers, "provider", Role::Provider))
    }
}

/// A local mixnet's configuration; the default is a small complete net without monerod.
#[derive(Clone, Debug)]
pub struct LocalNetConfig {
    /// The network's name.
    pub network: String,
    /// How many nodes of each kind.
    pub shape: Shape,
    /// The network's parameters.
    pub parameters: Parameters,
    /// The monerod that providers submit to.
    pub monerod: Option<Daemon>,
    /// Its restricted listener, which wallets' questions go to. Without one, they go to `monerod`.
    pub monerod_restricted: Option<Daemon>,
    /// Providers' own monerods, in the order of their numbers; those after the last have `monerod`.
    pub monerods: Vec<Daemon>,
    /// What providers' stream service `tcp` may connect to; nothing: it is not offered.
    pub tcp: TcpConfig,
    /// What single providers' may, in the order of their numbers; those after the last have `tcp`.
    pub tcps: Vec<TcpConfig>,
    /// How many directories there are: one, or an odd number of which a majority signs.
    pub directories: usize,
    /// Where the directory listens; port 0 takes a free one. Further ones have the ports after it,
    /// or free ones. Nodes listen on the same address.
    pub directory: SocketAddr,
    /// Where the directory keeps its state (of several, each in a folder of its own), and gateways
    /// their mailboxes; nothing: they forget with the process, or when they are stopped.
    pub state_dir: Option<PathBuf>,
    /// Bounds of each gateway's mailboxes; nothing: the usual ones.
    pub mailboxes: Option<MailboxBounds>,
    /// Each node's bounds.
    pub limits: Limits,
    /// Where spans and metrics go.
    pub telemetry: Telemetry,
}

impl LocalNetConfig {
    /// The address that nodes listen on: the directory's, or that of this machine alone if the directory
    /// listens on all.
    pub(crate) fn ip(&self) -> IpAddr {
        match self.directory.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        }
    }
}

impl Default for LocalNetConfig {
    fn default() -> Self {
        Self {
            network: "local".to_owned(),
            shape: Shape::default(),
            // A net to look at: who asks for a trace gets one.
            parameters: Parameters { tracing_allowed: true, ..Parameters::default() },
            monerod: None,
            monerod_restricted: None,
            monerods: Vec::new(),
            tcp: TcpConfig::default(),
            tcps: Vec::new(),
            directories: 1,
            directory: SocketAddr::from(([127, 0, 0, 1], 0)),
            state_dir: None,
            mailboxes: None,
            limits: Limits::default(),
            telemetry: Telemetry::disabled(),
        }
    }
}
