//! The links that packets cross.

use std::collections::BTreeMap;
use std::time::Instant;

use mixbed_wire::{DropReason, FRAME_SIZE, Impaired, Impairment};
use rand_chacha::ChaCha20Rng;

use crate::actors::{ActorNo, stream};

/// Frames that wait on a link: more than a second of any that a simulated client or node fills.
const BOUND: usize = 16_384;

/// A link, one way. `None` is a dummy frame.
pub(crate) struct Line<P> {
    pub(crate) from: ActorNo,
    pub(crate) to: ActorNo,
    queue: Impaired<Option<P>>,
    /// The version of the document by which it is impaired.
    by: Option<(u64, u64)>,
    rng: ChaCha20Rng,
    /// Whether its next frame is on the agenda.
    awaited: bool,
}

/// All links that were ever used.
pub(crate) struct Lines<P> {
    all: Vec<Line<P>>,
    places: BTreeMap<(ActorNo, ActorNo), usize>,
    seed: u64,
}

impl<P> Lines<P> {
    pub(crate) fn new(seed: u64) -> Self {
        Self { all: Vec::new(), places: BTreeMap::new(), seed }
    }

    /// The place of the link between two, which is made if there was none.
    pub(crate) fn place(&mut self, from: ActorNo, to: ActorNo) -> usize {
        *self.places.entry((from, to)).or_insert_with(|| {
            let rng = stream(self.seed, 1 << 63 | u64::from(from) << 32 | u64::from(to));
            let queue = Impaired::new([], BOUND);
            self.all.push(Line { from, to, queue, by: None, rng, awaited: false });
            self.all.len() - 1
        })
    }

    /// The version of the document by which a link is impaired; none before the first time, and
    /// then 0 and 0 where there was no document.
    pub(crate) fn impaired_by(&self, place: usize) -> Option<(u64, u64)> {
        self.all[place].by
    }

    /// From now on a link suffers this, by the document of this version.
    pub(crate) fn impair(&mut self, place: usize, by: (u64, u64), impairments: Vec<Impairment>) {
        self.all[place].by = Some(by);
        self.all[place].queue.handle_change(impairments);
    }

    /// Puts a frame on a link. Says when the link is to be looked at, if that is not known yet; or
    /// why it lost the frame.
    pub(crate) fn send(
        &mut self,
        place: usize,
        frame: Option<P>,
        now: Instant,
    ) -> Result<Option<Instant>, DropReason> {
        let line = &mut self.all[place];
        line.queue.handle(frame, FRAME_SIZE, now, &mut line.rng).map_err(|(_, why)| why)?;
        Ok(line.await_next())
    }

    /// The next frame that is through a link: where from, where to.
    pub(crate) fn poll_due(
        &mut self,
        place: usize,
        now: Instant,
    ) -> Option<(ActorNo, ActorNo, Option<P>)> {
        let line = &mut self.all[place];
        line.awaited = false;
        let frame = line.queue.poll_due(now)?;
        Some((line.from, line.to, frame))
    }

    /// When a link is to be looked at again, if that is not known yet.
    pub(crate) fn next_due(&mut self, place: usize) -> Option<Instant> {
        self.all[place].await_next()
    }

    /// Frames on all links, dummies included.
    pub(crate) fn under_way(&self) -> usize {
        self.all.iter().map(|line| line.queue.len()).sum()
    }
}

impl<P> Line<P> {
    fn await_next(&mut self) -> Option<Instant> {
        let due = self.queue.next_due().filter(|_| !self.awaited)?;
        self.awaited = true;
        Some(due)
    }
}
