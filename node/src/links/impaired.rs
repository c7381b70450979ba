//! Packets and dummies on an impaired link, with their books.

use std::sync::Arc;
use std::time::Instant;

use mixbed_directory::Follower;
use mixbed_wire::DropReason;

use super::Outbound;
use crate::impair::{Far, Lane, OwnEnd, Way};

/// One direction of a link: a [`Lane`] for packets, and for dummies, which are `None`. What waits
/// in it is held by this node; what waits when it is dropped was lost with the link.
pub(super) struct FrameLane(Lane<Option<Outbound>>);

impl FrameLane {
    /// A link's lane, on which at most `bound` frames wait.
    pub(super) fn new(
        own: &Arc<OwnEnd>,
        far: Far,
        way: Way,
        follower: &Follower,
        bound: usize,
    ) -> Self {
        Self(Lane::new(own, far, way, follower.clone(), bound))
    }

    /// Whether what comes now goes on at once, without this lane.
    pub(super) fn is_clear(&mut self) -> bool {
        self.0.is_clear()
    }

    /// Takes frames that do not go on at once; drops by name what does not get in.
    pub(super) fn take(&mut self, frames: impl IntoIterator<Item = Option<Outbound>>) {
        let now = Instant::now();
        for frame in frames {
            if let Err((Some(out), reason)) = self.0.enter(frame, now) {
                out.stay.dropped(now, reason);
            }
        }
    }

    /// The frames that are through; waits until there are some, for ever if none waits. May be
    /// cancelled.
    pub(super) async fn ready(&mut self) -> Vec<Option<Outbound>> {
        let mut ready = self.0.due().await;
        for (frame, held) in &mut ready {
            if let Some(out) = frame {
                out.stay.impaired(*held);
            }
        }
        ready.into_iter().map(|(frame, _)| frame).collect()
    }

    /// Drops what waits.
    pub(super) fn lose(&mut self, reason: DropReason) {
        let now = Instant::now();
        for out in self.0.drain().flatten() {
            out.stay.dropped(now, reason);
        }
    }
}

impl Drop for FrameLane {
    fn drop(&mut self) {
        self.lose(DropReason::LinkLost);
    }
}
