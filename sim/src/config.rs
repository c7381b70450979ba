//! What is to be simulated.

use std::ops::Range;
use std::time::Duration;

use mixbed_directory::{Parameters, Rates};
use mixbed_wire::{Impairment, Latency};

/// A network, its links, and what its clients do.
#[derive(Clone, Debug)]
pub struct Config {
    /// Everything random follows from it.
    pub seed: u64,
    /// Gateways.
    pub gateways: usize,
    /// Mixes in each of the three layers.
    pub mixes_a_layer: usize,
    /// Providers.
    pub providers: usize,
    /// Clients, each with a link to a gateway that it chooses.
    pub clients: usize,
    /// The network's parameters, as the directory's documents have them.
    pub parameters: Parameters,
    /// What links between nodes do to packets.
    pub node_links: Impairment,
    /// What links between a client and its gateway do to packets, each way.
    pub client_links: Impairment,
    /// How long a message to the directory takes, or a document from there.
    pub directory_latency: Duration,
    /// How many directories there are: one, or an odd number of which a majority signs.
    pub directories: usize,
    /// When one of several directories is away, by its number, from the start of the run. It ends as
    /// if it were killed, and comes back with what it had written down.
    pub one_away: Vec<(usize, Range<Duration>)>,
    /// When the directory is away, all of several, from the start of the run. It ends as if it were killed, and
    /// comes back with what it had written down.
    pub directory_away: Vec<Range<Duration>>,
    /// How long a client takes to get a link to a gateway.
    pub handshake: Duration,
    /// What clients ask for.
    pub workload: Workload,
    /// Whether to note how long each hop held each packet and each route took. Only a transparent
    /// packet can be followed.
    pub follow_packets: bool,
}

/// What each client asks of a provider that it chooses anew each time: a service that answers
/// with what it got.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// The mean time between a client's requests, which are a Poisson process; nothing: none.
    pub every: Option<Duration>,
    /// When clients ask for nothing more, from the start of the run; nothing: they go on.
    pub until: Option<Duration>,
    /// The most requests of a client.
    pub at_most: u64,
    /// Bytes of a request's payload.
    pub bytes: usize,
    /// How long a client waits for the answer.
    pub deadline: Duration,
    /// How long the service takes.
    pub service: Duration,
}

impl Default for Workload {
    fn default() -> Self {
        Self {
            every: Some(Duration::from_secs(60)),
            until: None,
            at_most: u64::MAX,
            bytes: 1_800,
            deadline: Duration::from_secs(60),
            service: Duration::from_millis(5),
        }
    }
}

impl Config {
    /// Five milliseconds on each link, 20 to the directory, and a request a minute of each client.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let link =
            Impairment { latency: Latency::Constant(Duration::from_millis(5)), ..Impairment::NONE };
        Self {
            seed,
            gateways: 2,
            mixes_a_layer: 2,
            providers: 1,
            clients: 3,
            parameters: Parameters::default(),
            node_links: link,
            client_links: link,
            directory_latency: Duration::from_millis(20),
            directories: 1,
            one_away: Vec::new(),
            directory_away: Vec::new(),
            handshake: Duration::from_millis(20),
            workload: Workload::default(),
            follow_packets: false,
        }
    }

    /// A seventh of what [`Rates::COVER`] has clients send: half a minute of many of them takes
    /// a seventh as long.
    pub const LIGHT_COVER: Rates =
        Rates { payload: 2.5, drop: 0.5, client_loop: 2.0, node_loop: 1.0, downlink: 12.0 };

    /// The network that the project promises to simulate: 500 clients over 30 nodes.
    #[must_use]
    pub fn large(seed: u64) -> Self {
        let parameters = Parameters { rates: Self::LIGHT_COVER, ..Parameters::default() };
        let sizes =
            Self { gateways: 6, mixes_a_layer: 7, providers: 3, clients: 500, ..Self::new(seed) };
        Self { parameters, ..sizes }
    }

    /// Nodes.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.gateways + 3 * self.mixes_a_layer + self.providers
    }

    /// Whether every value is in its range.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.gateways == 0 || self.mixes_a_layer == 0 || self.providers == 0 {
            return Err(ConfigError::NoRoute);
        }
        if self.nodes() > mixbed_directory::limits::MAX_NODES || self.clients > MAX_CLIENTS {
            return Err(ConfigError::TooLarge { nodes: self.nodes(), clients: self.clients });
        }
        let is_panel = (3..=MAX_DIRECTORIES).contains(&self.directories)
            && !self.directories.is_multiple_of(2);
        if self.directories != 1 && !is_panel {
            return Err(ConfigError::Directories(self.directories));
        }
        if self.one_away.iter().any(|(at, _)| *at >= self.directories) {
            return Err(ConfigError::Away(self.directories));
        }
        if self.workload.every.is_some_and(|every| every.is_zero()) {
            return Err(ConfigError::Workload);
        }
        for links in [self.node_links, self.client_links] {
            links.validate().map_err(|error| ConfigError::Links(error.to_string()))?;
        }
        self.parameters.validate().map_err(|error| ConfigError::Parameters(error.to_string()))
    }
}

/// As many as can sign a document.
const MAX_DIRECTORIES: usize = mixbed_directory::voting::Panel::MAX;

/// More clients than any machine could simulate in a day.
const MAX_CLIENTS: usize = 1_000_000;

/// What cannot be simulated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A part without which there is no route.
    #[error("a network needs a gateway, a mix in each layer and a provider")]
    NoRoute,
    /// More than a document or a machine has room for.
    #[error("{nodes} nodes and {clients} clients: at most 1,000 and 1,000,000")]
    TooLarge {
        /// Nodes asked for.
        nodes: usize,
        /// Clients asked for.
        clients: usize,
    },
    /// No majority, or no way to count it.
    #[error("a network has one directory, or an odd number up to {MAX_DIRECTORIES}, not {0}")]
    Directories(usize),
    /// One that is not there cannot go away.
    #[error("there are {0} directories, counted from 0: no other can be away")]
    Away(usize),
    /// Requests without end.
    #[error("the time between a client's requests must not be zero")]
    Workload,
    /// See [`Impairment`].
    #[error("links: {0}")]
    Links(String),
    /// See [`Parameters`].
    #[error("parameters: {0}")]
    Parameters(String),
}
