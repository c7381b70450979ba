//! Runs of a network under a virtual clock.
//!
//! Seeds are fixed, so each test does the same every time; where chance is tested against theory,
//! the level at which it would fail by chance with another seed is named.

mod delays;
mod epochs;
mod far_side;
mod impaired;
mod large;
mod loss;
mod observer;
mod repeat;

use std::time::Instant;

use mixbed_sim::{Config, Sim, SimPacket};

/// A network at its beginning.
fn sim<P: SimPacket>(config: Config) -> Sim<P> {
    Sim::new(config, Instant::now()).expect("a network")
}
