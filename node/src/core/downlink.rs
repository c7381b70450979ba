//! What waits for a client, and when the next frame goes down to it.

use std::collections::VecDeque;
use std::time::Instant;

use mixbed_wire::PoissonClock;
use rand::Rng;

/// A gateway's link down to one client: packets at once, or a frame on each tick of a clock.
#[derive(Debug)]
pub(super) struct Downlink<P> {
    waiting: VecDeque<P>,
    clock: PoissonClock,
    bound: usize,
}

/// A frame for a client; without a packet it is a dummy.
pub(super) struct Frame<P> {
    pub(super) packet: Option<P>,
}

impl<P> Downlink<P> {
    pub(super) fn new(bound: usize) -> Self {
        Self { waiting: VecDeque::new(), clock: PoissonClock::default(), bound }
    }

    /// Frames a second; 0: each packet at once.
    pub(super) fn handle_rate<R: Rng + ?Sized>(&mut self, rate: f64, now: Instant, rng: &mut R) {
        self.clock.handle_rate(rate, now, rng);
    }

    /// Whether packets wait for ticks.
    pub(super) fn is_paced(&self) -> bool {
        self.clock.is_on()
    }

    /// Takes a packet, or gives it back if too many wait.
    pub(super) fn push(&mut self, packet: P) -> Result<(), P> {
        if self.waiting.len() >= self.bound {
            return Err(packet);
        }
        self.waiting.push_back(packet);
        Ok(())
    }

    /// The next frame that is due: a packet, or nothing in it where none waits.
    pub(super) fn poll_frame<R: Rng + ?Sized>(
        &mut self,
        now: Instant,
        rng: &mut R,
    ) -> Option<Frame<P>> {
        if !self.clock.is_on() {
            return self.waiting.pop_front().map(|packet| Frame { packet: Some(packet) });
        }
        let due = self.clock.poll_due(now, rng);
        due.then(|| Frame { packet: self.waiting.pop_front() })
    }

    /// When a frame is due that is not yet; packets that leave at once are due when they come.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.clock.next_due()
    }

    /// Packets that wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}
