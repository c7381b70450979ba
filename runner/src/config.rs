//! What a run is told when it starts.

use std::net::SocketAddr;
use std::time::Duration;

use mixbed_directory::Trust;
use mixbed_telemetry::Telemetry;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Tasks {
    /// How many transactions.
    pub transactions: u32,
    /// The time from one to the next.
    pub interval: Duration,
    /// How long the whole run may take.
    pub deadline: Duration,
    /// Since when that counts, since the Unix epoch.
    pub began: Duration,
    /// Whether the packets are traced, if the network allows it.
    pub traced: bool,
}

/// How a run, and its wallet, ask what is in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chain {
    /// The network's monerods themselves, at these URLs.
    Monerods(Vec<String>),
    /// Providers, through the mixnet: the run listens here, `127.0.0.1:18089`, for its wallet, and asks
    /// there itself. It is told of no monerod.
    Mixnet(SocketAddr),
}

/// Everything a run needs to know.
#[derive(Clone, Debug)]
pub struct RunConfig {
    /// What is to be done.
    pub tasks: Tasks,
    /// Its name: of its wallet, and in its client's spans.
    pub name: String,
    /// The directory's URL.
    pub directory: String,
    /// Whose documents to believe.
    pub trust: Trust,
    /// The gateway to use; without one, a random one.
    pub gateway: Option<String>,
    /// A monero-wallet-rpc with no wallet open, which nobody else uses.
    pub wallet: String,
    /// The miner that gives it money.
    pub miner: String,
    /// Where it is asked whether a transaction is in a block, and where the wallet asks.
    pub chain: Chain,
    /// Where spans go.
    pub telemetry: Telemetry,
}
