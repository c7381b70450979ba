//! What a run is told when it starts.

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
    /// The network's monerods: asked whether a transaction is in a block, and used by the wallet.
    pub monerods: Vec<String>,
    /// Where spans go.
    pub telemetry: Telemetry,
}
