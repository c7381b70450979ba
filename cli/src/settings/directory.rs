//! The directory's configuration.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::{Peer, Period, PublicKey, settings};
use clap::builder::BoolishValueParser;

settings! {
    /// Configuration of `mixbed directory`: lists the network's nodes, and signs who is in it.
    DirectorySettings, DirectoryFlags;

    /// Name of the network: 1 to 63 of a-z, 0-9 and -. All nodes and clients must say the same.
    network: String = "mixbed".to_owned();
    /// Where it listens (gRPC) for nodes and clients; port 0 takes a free one. They are given it
    /// as `directory`.
    listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 7100));
    /// Directory for its signing key and its documents, made when missing; its public key is
    /// written there as authority.pub. Without one, everything is forgotten with the process, the
    /// key too.
    state_dir: Option<PathBuf> = None;
    /// Kubernetes Secret in the pod's own namespace to keep the same in, instead of a directory:
    /// for pods without a disk that outlives them. Its service account has to get and patch it.
    state_secret: Option<String> = None;
    /// File with the key that it signs with, 64 hexadecimal digits (openssl rand -hex 32), instead
    /// of one drawn at its first start. It does not start with a state that has another key.
    authority_secret_key_file: Option<PathBuf> = None;
    /// Whether a key that the state has, and that is another than the one in the file, signs too: for
    /// as long as nodes and clients are told of the new one.
    #[arg(num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    sign_with_former_key: bool = false;
    /// File with the secret that lets nodes into the network, 16 bytes or more; all nodes must
    /// have the same. Or give the secret itself in the variable MIXBED_JOIN_SECRET. Without
    /// either, one is drawn and kept in the state directory as join-secret. No matter where there
    /// is a list of nodes.
    join_secret_file: Option<PathBuf> = None;
    /// File with the join secret that was good before: it is good still, for as long as it is given
    /// here, so that one can replace the other while the network runs.
    former_join_secret_file: Option<PathBuf> = None;
    /// YAML file with the list of nodes, as for `mixbed nodes set`: with a list, these may be nodes
    /// and nobody else, whatever secret they know. It can be changed while the directory runs.
    nodes: Option<PathBuf> = None;
    /// Mean of the delay that senders draw for each hop. Longer hides better and takes longer:
    /// there are five hops there and five back. All nodes and clients learn it from here.
    mean_hop_delay: Period = Period::millis(50);
    /// Whether senders may have their packets traced: whoever collects the spans then sees their
    /// whole way. All nodes and clients learn it from here.
    #[arg(num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    tracing_allowed: bool = false;
    /// How long an epoch lasts, 1 s to 24 h. All nodes and clients learn it from here.
    epoch_length: Period = Period::secs(600);
    /// Whether cover traffic is sent, at rates that a laptop carries: then who broadcasts looks like
    /// who does not, and waits 0.05 s longer (about 0.5 s for a packet there and back, not
    /// 0.45 s). `mixbed parameters` changes the rates. All nodes and clients
    /// learn it from here.
    #[arg(num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    cover: bool = true;
    /// YAML file with rules that impair links, as for `mixbed impair --file`. They can be changed
    /// while it runs. All nodes learn them from here.
    impairments: Option<PathBuf> = None;
    /// How long a node stays listed without a sign of life, 1 s to 1 h.
    lease: Period = Period::secs(60);
    /// How many nodes and clients may watch documents at once; more are refused.
    max_watchers: usize = 10_000;
    /// How far apart the moments are at which /metrics changes; 0s: each reading is of now. Readings that
    /// are close together tell who came when.
    metrics_step: Period = Period::secs(15);
    /// Where /healthz, /readyz and /metrics are served; port 0 takes a free one.
    http: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 7101));
    /// Where /healthz and /readyz are served besides, without metrics and without reasons: for
    /// Kubernetes, so that nobody else has to reach the metrics. Without one, only at http.
    probes: Option<SocketAddr> = None;

    lists {
        /// Public key of an admin: 64 hexadecimal digits, or a file with them. Admins change the
        /// network while it runs, by orders that they sign (`mixbed parameters`, `mixbed impair`).
        /// Several: again, or with commas between them. Without any, one is drawn and kept in the
        /// state directory as admin.key; without that, nobody changes anything.
        #[arg(value_name = "KEY")]
        admin_key: PublicKey;
        /// The network's other directories, as KEY@URL: the key that each signs with, and where it
        /// is. With this one they are an odd number, and a majority signs each document. Several:
        /// again, or with commas between them. This one's own key has to be known to the others
        /// before: give it as authority_secret_key_file. Without any, it signs alone.
        #[arg(value_name = "KEY@URL")]
        peers: Peer;
    }
}
