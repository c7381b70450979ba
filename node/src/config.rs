//! What a node is told when it starts.

use std::path::PathBuf;
use std::time::Duration;

use mixbed_directory::{IdentitySecret, JoinSecret, Role, Trust};
use mixbed_monero::Daemon;
use mixbed_wire::LinkSecret;

use crate::mailbox::MailboxConfig;
use crate::provider::TcpConfig;

/// Everything a node needs to know.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Its name in the document, such as `gateway-0`.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// Where peers dial it: `host:port`, or an IP address, to which the port is added that it
    /// listens on; nothing: the address that it listens on.
    pub advertise: Option<String>,
    /// The directory's URL, such as `mixbed://127.0.0.1:7100`.
    pub directory: String,
    /// Whose documents to believe, and of which network.
    pub trust: Trust,
    /// The secret that lets nodes into the network.
    pub join_secret: Option<JoinSecret>,
    /// The key that it signs with, and that its id is made of.
    pub identity: IdentitySecret,
    /// The key of its links.
    pub link_key: LinkSecret,
    /// A provider's monerod; without it `monero.submit` answers that it is not offered here.
    pub monerod: Option<Daemon>,
    /// The restricted listener of the same monerod, which wallets' questions go to. Without one, they go to
    /// `monerod`.
    pub monerod_restricted: Option<Daemon>,
    /// What a provider's stream service `tcp` may connect to; nothing: it is not offered.
    pub tcp: TcpConfig,
    /// A gateway's mailboxes.
    pub mailboxes: MailboxConfig,
    /// A file to keep the last good document in, so that the node can start again while the
    /// directory is away; nothing: it waits for the directory.
    pub keep_document_in: Option<PathBuf>,
    /// How much it takes on.
    pub limits: Limits,
}

/// Bounds of a node's queues and of what others may ask of it.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Threads that unwrap packets; nothing: one a core.
    pub workers: Option<usize>,
    /// Packets of nodes that wait for one worker, of which one link may have two thirds: 32, the
    /// burst of one message's fragments. At 130 µs a packet 48 are 6 ms, the longest wait that
    /// overload causes; a gateway has half as many places more, for its clients.
    pub queue_per_worker: usize,
    /// Packets in the mixing pool. 16,384 are 50 MiB, and at 10,000 packets a second (two cores)
    /// they allow a mean delay of 1.6 s.
    pub pool: usize,
    /// Packets that wait for one link to a node: 1,024 are 3 MiB.
    pub link_queue: usize,
    /// Packets that wait for one client's link: 256 are 0.8 MiB.
    pub client_queue: usize,
    /// Packets that wait for all clients' links together: 32,768 are 100 MiB.
    pub client_queues: usize,
    /// Frames a second that a client may send while the document's rates leave payload unpaced; an
    /// unwrap takes 130 µs, so 500 are a fifteenth of a core. Otherwise it is those rates.
    pub client_rate: u32,
    /// Frames that a client may send at once: the fragments of the largest message, and some.
    pub client_burst: u32,
    /// Clients' links at once. Those of nodes are bounded by the document.
    pub links: usize,
    /// Clients' links from one address at once (IPv6: from one /64).
    pub links_per_address: usize,
    /// Handshakes with others at once: they cost several scalar multiplications, so a flood of
    /// them must not take the place of packets.
    pub handshakes: usize,
    /// How long a handshake may take.
    pub handshake: Duration,
    /// Packets that are remembered, as long as their keys are good, to drop copies of them. 20
    /// million take at most 500 MB, on demand, and are 16,000 packets a second (two cores) for the
    /// default epoch and the one after it.
    pub replay_tags: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            workers: None,
            queue_per_worker: 48,
            pool: 16_384,
            link_queue: 1024,
            client_queue: 256,
            client_queues: 32_768,
            client_rate: 500,
            client_burst: 512,
            links: 4096,
            links_per_address: 1024,
            handshakes: 64,
            handshake: Duration::from_secs(5),
            replay_tags: 20_000_000,
        }
    }
}

/// A bound that cannot work.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name} is 1 to {most}, not {value}")]
pub struct LimitsError {
    /// The bound's name.
    pub name: &'static str,
    /// The highest that makes sense.
    pub most: u128,
    /// What it was.
    pub value: u128,
}

impl Limits {
    /// Whether every bound lets something through, and none is beyond what a machine has.
    pub fn validate(&self) -> Result<(), LimitsError> {
        let Self {
            workers,
            queue_per_worker,
            pool,
            link_queue,
            client_queue,
            client_queues,
            client_rate,
            client_burst,
            links,
            links_per_address,
            handshakes,
            handshake,
            replay_tags,
        } = *self;
        let million = 1_000_000;
        let bounds = [
            ("workers", workers.unwrap_or(1) as u128, 1024),
            ("queue_per_worker", queue_per_worker as u128, million),
            ("pool", pool as u128, 100 * million),
            ("link_queue", link_queue as u128, million),
            ("client_queue", client_queue as u128, million),
            ("client_queues", client_queues as u128, 100 * million),
            ("client_rate", client_rate.into(), million),
            ("client_burst", client_burst.into(), million),
            ("links", links as u128, million),
            ("links_per_address", links_per_address as u128, million),
            ("handshakes", handshakes as u128, million),
            ("handshake (in ms)", handshake.as_millis(), 10 * 60 * 1000),
            ("replay_tags", replay_tags as u128, 10_000 * million),
        ];
        match bounds.into_iter().find(|(_, value, most)| !(1..=*most).contains(value)) {
            Some((name, value, most)) => Err(LimitsError { name, most, value }),
            None => Ok(()),
        }
    }

    /// Threads that unwrap packets.
    pub(crate) fn worker_count(&self) -> usize {
        self.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }
}
