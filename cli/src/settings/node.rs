//! A node's configuration.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use mixbed_node::Limits;
use mixbed_node::provider::{TargetRule, TcpName};
use serde::{Deserialize, Serialize};

use super::{CertificateChoice, LoginChoice, Period, PublicKey, settings};

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RoleName {
    /// Clients connect here: the first hop there, the last node back.
    Gateway,
    /// Delays and reorders, in one of the layers 1 to 3.
    Mix,
    /// The exit: hands transactions to monerod.
    Provider,
}

impl RoleName {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Mix => "mix",
            Self::Provider => "provider",
        }
    }
}

settings! {
    /// Configuration of `mixbed node`: a gateway, mix or provider.
    NodeSettings, NodeFlags;

    /// What the node does: gateway, mix or provider. Needed.
    role: Option<RoleName> = None;
    /// A mix's layer, 1 to 3; the others have none.
    layer: Option<u8> = None;
    /// Its name, unique in the network: 1 to 63 of a-z, 0-9 and -. Needed.
    name: Option<String> = None;
    /// Name of the network; the directory must say the same.
    network: String = "mixbed".to_owned();
    /// URL of the directory: what it prints when it is ready. Of several directories all, with
    /// commas between.
    directory: String = "mixbed://127.0.0.1:7100".to_owned();
    /// The directory's public key: 64 hexadecimal digits, or a file with them. Of several
    /// directories all, with commas between: a majority of them has to sign. Needed.
    authority_key: Option<PublicKey> = None;
    /// File with the secret that lets nodes into the network; the directory must have the same.
    /// Or give the secret itself in the variable MIXBED_JOIN_SECRET. Needed where the directory has
    /// no list of its nodes; a listed node needs none.
    join_secret_file: Option<PathBuf> = None;
    /// Where other nodes and, at a gateway, clients connect; port 0 takes a free one.
    listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    /// The address by which others reach it, told to all by the directory: host:port, or an IP
    /// address alone, to which the port is added that it listens on. Without one, it is the
    /// address that it listens on; one that listens on all addresses (0.0.0.0 or ::) needs it.
    advertise: Option<String> = None;
    /// File with its keys, which go before those in state_dir: a line `identity`, a space and 64
    /// hexadecimal digits, and a line `link` with another 64. Any 32 random bytes make a key. Empty
    /// lines and those that begin with # are skipped.
    keys_file: Option<PathBuf> = None;
    /// Directory for its keys, for the network's last document, to start from while the directory
    /// is away, and for a gateway's mailboxes; made when missing. Without one, keys are drawn anew
    /// at each start, to the network it is a new node, a start waits for the directory, and
    /// letters are kept in memory only.
    state_dir: Option<PathBuf> = None;
    /// A provider's monerod, such as http://127.0.0.1:18081. Without one, a provider does not
    /// offer to submit transactions.
    monerod: Option<String> = None;
    /// The restricted listener (--rpc-restricted-bind-port) of the same monerod, which wallets' questions
    /// go to. Without one they go to `monerod`: then that is to be a restricted one, as others' clients
    /// would see there which transactions came to it first. A target for them (tcp_allow) is to be a
    /// restricted one in any case: by the other listener they end your monerod.
    monerod_restricted: Option<String> = None;
    /// Login for both (monerod's --rpc-login): USER:PASSWORD, or @FILE for a file with that. The
    /// password does not travel (HTTP digest).
    #[arg(value_name = "LOGIN")]
    monerod_login: Option<LoginChoice> = None;
    /// Which certificate a monerod at https:// has to have: its SHA-256 fingerprint, or @FILE for a PEM
    /// file with the authorities that may have signed it. Without this, one that this machine trusts.
    #[arg(value_name = "CERTIFICATE")]
    monerod_certificate: Option<CertificateChoice> = None;
    /// Where /healthz, /readyz and /metrics are served; port 0 takes a free one.
    http: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    /// Where /healthz and /readyz are served besides, without metrics and without reasons: for
    /// Kubernetes, so that nobody else has to reach the metrics. Without one, only at http.
    probes: Option<SocketAddr> = None;
    /// How far apart the moments are at which /metrics changes; 0s: each reading is of now. Readings that
    /// are close together tell who sent what when.
    metrics_step: Period = Period::secs(15);
    /// OpenTelemetry collector to send spans to (gRPC), such as http://127.0.0.1:4317. Without
    /// one, none are sent.
    otlp: Option<String> = None;
    /// How long stopping may take at most. It leaves the document at once and goes on until nothing
    /// comes in any more, usually for two seconds, then lets out what it holds; what it then still
    /// holds is dropped. 0s: it just ends. A second signal ends it at once. In a pod,
    /// terminationGracePeriodSeconds has to be longer.
    drain: Period = Period::secs(10);
    /// Threads that unwrap packets. Without a number, one a core.
    workers: Option<usize> = Limits::default().workers;
    /// Packets that may wait for each of these threads; one more is dropped as queue_full.
    queue_per_worker: usize = Limits::default().queue_per_worker;
    /// Packets that it may hold for their delays, 3 KiB each; one more is dropped as pool_full.
    pool: usize = Limits::default().pool;
    /// Packets that may wait for the link to one node; one more is dropped as link_queue_full.
    link_queue: usize = Limits::default().link_queue;
    /// Packets that may wait for one client's link; one more is dropped as link_queue_full.
    client_queue: usize = Limits::default().client_queue;
    /// Links that clients may have with it at once. Those of nodes do not count.
    links: usize = Limits::default().links;
    /// Links that may be shaking hands at once.
    handshakes: usize = Limits::default().handshakes;
    /// How long a link may take to shake hands.
    handshake: Period = Period(Limits::default().handshake);
    /// Packets that it remembers as long as their keys are good, to drop copies of them (25 bytes
    /// each); one more is dropped as replay_filter_full.
    replay_tags: usize = Limits::default().replay_tags;

    lists {
        /// Targets that a provider connects clients to, as the service tcp: HOST:PORT, *.SUFFIX:PORT
        /// or IP/PREFIX:PORT (IPv6 in brackets, as in [fd00::/8]:18081); PORT may be *. Several:
        /// again, or with commas between them. It makes connections in its own name and place: what
        /// only this machine reaches, clients reach then. A name is allowed by name only, whatever
        /// its address is. Without any, the service is not offered.
        #[arg(value_name = "TARGET")]
        tcp_allow: TargetRule;
        /// Where a name is that this provider alone knows: NAME=HOST:PORT, or NAME:PORT=HOST:PORT for
        /// one port of it. Clients ask for the name; the target must be allowed by that name.
        #[arg(value_name = "NAME=HOST:PORT")]
        tcp_name: TcpName;
    }
}
