//! Follows transparent packets, to see how long they were held.

use std::collections::HashMap;
use std::time::Duration;

use mixbed_wire::{HOPS, ReplayTag};

use crate::Moment;

/// How long hops held packets, and routes took.
#[derive(Debug, Default)]
pub struct Follow {
    arrived: HashMap<ReplayTag, Moment>,
    routes: HashMap<ReplayTag, (usize, Moment)>,
    hops: Vec<Duration>,
    sums: Vec<Duration>,
}

impl Follow {
    /// How long each hop held each packet that it passed on.
    #[must_use]
    pub fn hops(&self) -> &[Duration] {
        &self.hops
    }

    /// How long all of a route's hops together held each packet. Of the packets that came over a
    /// link to all of them: a node's own loops start at their first hop.
    #[must_use]
    pub fn routes(&self) -> &[Duration] {
        &self.sums
    }

    pub(crate) fn arrived(&mut self, trail: ReplayTag, now: Moment) {
        self.arrived.insert(trail, now);
    }

    pub(crate) fn left(&mut self, trail: ReplayTag, now: Moment) {
        let Some(arrived) = self.arrived.remove(&trail) else { return };
        let held = now - arrived;
        self.hops.push(Duration::from_nanos(held));
        let (hops, sum) = self.routes.entry(trail).or_default();
        *hops += 1;
        *sum += held;
        if *hops == HOPS - 1 {
            self.sums.push(Duration::from_nanos(*sum));
            self.routes.remove(&trail);
        }
    }
}
