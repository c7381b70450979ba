//! Reads from a client no faster than it may send: the rest stays in its connection.

use std::time::Instant;

use mixbed_directory::{Follower, Rates};
use mixbed_telemetry::Counter;

use super::bucket::Bucket;
use crate::config::Limits;

/// When the next frame of a client may be read.
pub(super) struct Pace {
    bucket: Bucket,
    unpaced: u32,
    follower: Follower,
    slowed: Counter,
    /// A token was taken for the next frame.
    ready: bool,
}

impl Pace {
    /// A client has just come. `slowed` counts the frames that were made to wait.
    pub(super) fn new(limits: &Limits, follower: &Follower, slowed: &Counter) -> Self {
        let (follower, slowed) = (follower.clone(), slowed.clone());
        let rate = rate(&follower, limits.client_rate);
        let bucket = Bucket::new(rate, limits.client_burst, Instant::now());
        Self { bucket, unpaced: limits.client_rate, follower, slowed, ready: false }
    }

    /// Waits until the next frame may be read. Cancel safe.
    pub(super) async fn ready(&mut self) {
        let mut waited = false;
        while !self.ready {
            let now = Instant::now();
            self.bucket.handle_rate(rate(&self.follower, self.unpaced), now);
            match self.bucket.take(now) {
                Ok(()) => self.ready = true,
                Err(later) => {
                    if !waited {
                        self.slowed.inc();
                        waited = true;
                    }
                    tokio::select! {
                        () = tokio::time::sleep_until(later.into()) => {}
                        () = self.follower.changed() => {}
                    }
                }
            }
        }
    }

    /// The frame was read.
    pub(super) fn handle_frame(&mut self) {
        self.ready = false;
    }
}

/// By the document; without one as if its rates were 0.
fn rate(follower: &Follower, unpaced: u32) -> f64 {
    let document = follower.current();
    let rates = document.map_or_else(Rates::default, |document| document.parameters.rates);
    Bucket::rate(&rates, unpaced)
}
