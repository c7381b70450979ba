//! One direction of a link, with what waits on it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mixbed_directory::Follower;
use mixbed_link::Alarm;
use mixbed_wire::{DropReason, FRAME_SIZE, Impaired};

use super::choice::{Choice, Far, OwnEnd, Way};

/// What comes out at a time.
const BATCH: usize = 64;

/// One direction of a link, kept in step with the document. While no rule is about it, nothing
/// goes through it: whoever has something to send asks [`is_clear`](Self::is_clear) first.
pub(crate) struct Lane<T> {
    own: Arc<OwnEnd>,
    far: Far,
    way: Way,
    follower: Follower,
    /// By the document that was there at the last look; none before the first.
    choice: Option<Choice>,
    impaired: Impaired<(Instant, T)>,
    alarm: Alarm,
}

impl<T> Lane<T> {
    /// A link's lane, on which at most `bound` frames wait.
    pub(crate) fn new(
        own: &Arc<OwnEnd>,
        far: Far,
        way: Way,
        follower: Follower,
        bound: usize,
    ) -> Self {
        Self {
            own: Arc::clone(own),
            far,
            way,
            follower,
            choice: None,
            impaired: Impaired::new([], bound),
            alarm: Alarm::default(),
        }
    }

    /// Looks whether the document is another one. Without a usable document the last one's rules
    /// go on.
    fn look(&mut self) {
        if self.choice.is_none() || self.follower.take_change() {
            let document = self.follower.current();
            let of = |document: &_| Choice::of(document, &self.own, self.far, self.way);
            let choice = document.as_deref().map(of);
            if let Some(choice) = choice.filter(|choice| self.choice.as_ref() != Some(choice)) {
                self.impaired.handle_change(choice.impairments.as_slice());
                self.choice = Some(choice);
            }
        }
    }

    fn lets_in(&self) -> bool {
        self.choice.as_ref().is_none_or(|choice| choice.lets_in)
    }

    /// Whether what comes now may go on at once: nothing impairs it, and nothing waits before it.
    pub(crate) fn is_clear(&mut self) -> bool {
        self.look();
        self.impaired.is_clear() && self.lets_in()
    }

    /// A frame enters; or is given back with the reason to drop it.
    pub(crate) fn enter(&mut self, frame: T, now: Instant) -> Result<(), (T, DropReason)> {
        if !self.lets_in() {
            return Err((frame, DropReason::Impaired));
        }
        self.impaired
            .handle((now, frame), FRAME_SIZE, now, &mut rand::rng())
            .map_err(|((_, frame), reason)| (frame, reason))
    }

    /// The frames that are through, and how long each was held; waits until there are some, for
    /// ever if none waits. May be cancelled.
    pub(crate) async fn due(&mut self) -> Vec<(T, Duration)> {
        self.alarm.until(self.impaired.next_due()).await;
        let now = Instant::now();
        let next = || self.impaired.poll_due(now);
        let held = |(since, frame)| (frame, now - since);
        std::iter::from_fn(next).take(BATCH).map(held).collect()
    }

    /// All that waits, due or not: the link is no more.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> + '_ {
        self.impaired.drain().map(|(_, frame)| frame)
    }
}
