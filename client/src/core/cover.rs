//! When a client sends, whether it has something to say or not.

use std::time::Instant;

use mixbed_directory::Rates;
use mixbed_wire::PoissonClock;
use rand::Rng;

/// A client's three Poisson clocks (Loopix, section 4.1), at the rates of the document.
///
/// Whatever leaves the client leaves on a tick of one of them. Together they are one Poisson
/// process at the sum of the rates, and which packet a tick takes changes nothing about the next:
/// so from outside a client with much to say looks like one with nothing.
///
/// A rate of 0 is off. While that of payload is, payload leaves at once and shows.
#[derive(Clone, Debug, Default)]
pub struct Cover {
    payload: PoissonClock,
    drop: PoissonClock,
    loops: PoissonClock,
}

/// What is to leave now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// A packet of a message, or a drop when there is none.
    Payload,
    /// A drop.
    Drop,
    /// A loop.
    Loop,
}

impl Cover {
    /// The document's rates. The same ones again change nothing.
    pub fn handle_rates<R: Rng + ?Sized>(&mut self, rates: &Rates, now: Instant, rng: &mut R) {
        self.payload.handle_rate(rates.payload, now, rng);
        self.drop.handle_rate(rates.drop, now, rng);
        self.loops.handle_rate(rates.client_loop, now, rng);
    }

    /// The next tick that is due. Each is told once, in the order in which they fell due.
    pub fn poll_tick<R: Rng + ?Sized>(&mut self, now: Instant, rng: &mut R) -> Option<Tick> {
        let clocks = [
            (Tick::Payload, &mut self.payload),
            (Tick::Drop, &mut self.drop),
            (Tick::Loop, &mut self.loops),
        ];
        let due = clocks.into_iter().filter(|(_, clock)| clock.is_on());
        let (tick, clock) = due.min_by_key(|(_, clock)| clock.next_due())?;
        clock.poll_due(now, rng).then_some(tick)
    }

    /// When the next tick is due, if any clock is on.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let clocks = [&self.payload, &self.drop, &self.loops];
        clocks.into_iter().filter_map(PoissonClock::next_due).min()
    }

    /// Whether payload waits for ticks.
    #[must_use]
    pub fn paces_payload(&self) -> bool {
        self.payload.is_on()
    }

    /// Whether there are drops of any kind.
    #[must_use]
    pub fn has_drops(&self) -> bool {
        self.payload.is_on() || self.drop.is_on()
    }

    /// Whether there are loops.
    #[must_use]
    pub fn has_loops(&self) -> bool {
        self.loops.is_on()
    }
}
