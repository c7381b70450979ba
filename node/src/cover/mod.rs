//! A node's cover traffic: loops through the net, back to itself.
//!
//! A loop is a packet like any other, of five hops: the node itself, the next three nodes in the
//! order of the [topology](crate::topology), and the node itself again. In that order the circle
//! closes by way of a gateway, since mix 3 passes on to gateways and these to mix 1:
//!
//! ```text
//! gateway  gateway → mix 1 → mix 2 → mix 3 → gateway
//! mix 1    mix 1 → mix 2 → mix 3 → gateway → mix 1
//! mix 2    mix 2 → mix 3 → gateway → mix 1 → mix 2
//! mix 3    mix 3 → gateway → mix 1 → mix 2 → mix 3
//! ```
//!
//! The node hands the loop to its own workers, as if it had come over a link: so it waits in the
//! mixing pool among the others and leaves like them, and no observer of its links can tell which
//! packets are its own. That costs the node one unwrapping a loop, and no second kind of route.
//!
//! The identifier in the loop's last layer names it; only the node can read it there. What the
//! packet carries besides is ignored.

mod route;
mod sensor;
mod shell;

pub(crate) use route::{SealedLoop, seal_loop};
pub use sensor::LoopTally;
pub(crate) use sensor::Sensor;
pub(crate) use shell::{Loops, SharedSensor};
