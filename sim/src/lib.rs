//! The real cores of nodes, clients and the directory under a virtual clock: the seed of a
//! simulator.
//!
//! A [`Sim`] is a whole network in one thread. What decides in it is what decides in a real one:
//!
//! | part | is |
//! |---|---|
//! | a node | [`NodeCore`](mixbed_node::core::NodeCore): keys and replays, order of layers, mixing pool, provider's exchange, loops, a gateway's clocks |
//! | a client | [`ClientCore`](mixbed_client::core::ClientCore): messages and retransmission, routes, cover, loops, which gateway failed |
//! | the directory | [`authority::Core`](mixbed_directory::authority::Core): registrations, leases, epochs, signed documents |
//! | who follows it | [`FollowerCore`](mixbed_directory::follower::FollowerCore), one in each node and client |
//! | a link | [`Impaired`](mixbed_wire::Impaired): latency, jitter, loss, bandwidth, in order; by the configuration and by the rules in the directory's document |
//!
//! Only time, the agenda, the links' ends and the users are its own. Nodes, clients and links
//! have no processing time: what a machine's speed adds is for `make bench` to measure. There are
//! no mailboxes yet, nor the queues between a node's threads.
//!
//! # The same seed, the same run
//!
//! Whoever draws has a generator of its own ([`ChaCha20`](rand_chacha), one stream of the seed each),
//! events of one moment happen in the order in which they were put on the agenda, and no map is
//! gone through whose order is another in each process. So a configuration and a seed make one run
//! and no other: its [`Transcript`], with times to the nanosecond, packets and signed documents,
//! hashes to the same value. With Sphinx a packet counts by its header's group element, since its
//! library pads the innermost header with bytes of its own.
//!
//! # A packet in Sphinx's place
//!
//! [`Packet`](mixbed_wire::Packet) is Sphinx. [`Transparent`] is a packet of the same interface
//! ([`PacketFormat`](mixbed_wire::PacketFormat)) that hides nothing and costs next to nothing:
//! cores cannot tell, so large runs behave as they would with Sphinx, a hundred times as fast.
//! Since the two draw differently, a run with one is not the same run with the other.
//!
//! # A clean room
//!
//! The library does no I/O, looks at no clock and draws from no generator but the seed's. The
//! origin of time is an argument, because the standard library makes no `Instant` of numbers; no
//! event depends on it.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use mixbed_sim::{Config, Sim, Transparent};
//!
//! # fn main() -> Result<(), mixbed_sim::ConfigError> {
//! let mut sim = Sim::<Transparent>::new(Config::new(1), Instant::now())?;
//! sim.run_until(Duration::from_secs(120));
//! let report = sim.report();
//! assert!(report.packets.close());
//! assert_eq!(report.requests.unanswered, 0);
//! # Ok(())
//! # }
//! ```
#![deny(clippy::disallowed_methods)]

mod actors;
mod agenda;
mod clock;
mod config;
mod directory;
mod follow;
mod lines;
mod population;
mod report;
mod run;
pub mod stats;
mod transcript;
mod transparent;

pub use actors::Outcome;
pub use agenda::{Agenda, Moment};
pub use config::{Config, ConfigError, Workload};
pub use follow::Follow;
pub use report::{Loops, Packets, Report, Requests};
pub use run::Sim;
pub use transcript::{Happening, SimPacket, Transcript};
pub use transparent::{
    Transparent, TransparentBlock, TransparentExit, TransparentKey, TransparentSecret,
};
