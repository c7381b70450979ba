//! Packets sealed ahead of the ticks that they leave on, by a thread beside.
//!
//! Sealing takes about two milliseconds. Nothing of that may show on the link, so a tick finds its
//! packet ready, and no tick waits for a packet that is being sealed.

use std::collections::VecDeque;

use mixbed_wire::NodeId;
use tokio::task::JoinHandle;

use crate::core::{self, Net, Payload, PostError, Return, Sealed, SealedLoop};

/// Decoys, for drops and for loops, that are kept ready: enough for as many ticks at once. 24 KiB.
const STOCK: usize = 8;

/// How long a packet may take to be sealed, a busy machine included, in seconds.
const SEALING: f64 = 0.03;

/// Packets of messages and sessions that are sealed ahead at most: 24 KiB.
const MOST_PAYLOADS: usize = 8;

/// The gateway, epoch and revision that something was sealed for.
type Of = (NodeId, u64, u64);

/// What is ready, and what is being sealed.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    of: Option<Of>,
    payloads: VecDeque<(Payload, Sealed)>,
    /// For a tick on which nothing else would leave.
    spare: Option<(Payload, Sealed)>,
    decoys: VecDeque<SealedLoop>,
    sealing: Option<Job>,
}

/// One at a time.
#[derive(Debug)]
struct Job {
    of: Option<Of>,
    /// What is to be drafted again if it comes to nothing.
    draft: Option<Payload>,
    work: JoinHandle<Result<Made, PostError>>,
}

#[derive(Debug)]
enum Made {
    Payload(Box<Sealed>),
    Spare(Box<Sealed>),
    Decoy(Box<SealedLoop>),
}

/// What came of a job.
#[derive(Debug)]
pub(super) enum Finished {
    /// A packet of a message or a session is ready.
    Payload,
    /// A decoy, or what is said twice.
    Stock,
    /// It was sealed for another gateway or by another document, and is thrown away; so is this
    /// draft, if it was one.
    Stale(Option<Payload>),
    /// It could not be sealed.
    Failed(Option<Payload>, PostError),
}

impl Ahead {
    /// What is ready is thrown away if it was sealed for another gateway or by another document.
    /// Returns the drafts that were among it.
    pub(super) fn handle_net(&mut self, net: &Net) -> Vec<Payload> {
        let of = Some((net.gateway, net.epoch, net.document.revision));
        if self.of == of {
            return Vec::new();
        }
        self.of = of;
        self.decoys.clear();
        self.payloads.drain(..).chain(self.spare.take()).map(|(draft, _)| draft).collect()
    }

    /// Whether nothing is being sealed.
    pub(super) fn is_idle(&self) -> bool {
        self.sealing.is_none()
    }

    /// Whether another packet of a message or a session is to be sealed, at so many ticks for
    /// them a second.
    ///
    /// More than one, because ticks of a Poisson clock come close together, and one on which a drop
    /// left while a packet was being sealed is lost to a stream. No more than that takes: what is
    /// sealed says what was to be said then, and whatever is urgent leaves after it.
    pub(super) fn lacks_payload(&self, rate: f64) -> bool {
        self.payloads.len() < payloads_at(rate)
    }

    pub(super) fn lacks_spare(&self) -> bool {
        self.spare.is_none()
    }

    /// The newest packet of a message or a session.
    pub(super) fn last_payload(&self) -> Option<&(Payload, Sealed)> {
        self.payloads.back()
    }

    pub(super) fn take_payload(&mut self) -> Option<(Payload, Sealed)> {
        self.payloads.pop_front()
    }

    pub(super) fn take_spare(&mut self) -> Option<(Payload, Sealed)> {
        self.spare.take()
    }

    pub(super) fn has_decoy(&self) -> bool {
        !self.decoys.is_empty()
    }

    pub(super) fn take_decoy(&mut self) -> Option<SealedLoop> {
        self.decoys.pop_front()
    }

    /// Begins to seal a packet of a message or a session.
    pub(super) fn begin_payload(
        &mut self,
        draft: Payload,
        net: Net,
        own: Return,
        trace: Option<mixbed_wire::TraceContext>,
    ) {
        let copy = draft.clone();
        let seal = move || core::seal(&copy, &net, own, trace, &mut rand::rng());
        self.begin(Some(draft), move || Ok(Made::Payload(Box::new(seal()?))));
    }

    /// Begins to seal what may be said twice.
    pub(super) fn begin_spare(&mut self, draft: Payload, net: Net, own: Return) {
        let copy = draft.clone();
        let seal = move || core::seal(&copy, &net, own, None, &mut rand::rng());
        self.begin(Some(draft), move || Ok(Made::Spare(Box::new(seal()?))));
    }

    /// Begins to seal what the stock lacks, if it lacks something.
    pub(super) fn begin_stock(&mut self, net: &Net, own: Return) {
        if self.decoys.len() >= STOCK {
            return;
        }
        let net = net.clone();
        self.begin(None, move || {
            Ok(Made::Decoy(Box::new(core::seal_loop(&net, own, &mut rand::rng())?)))
        });
    }

    fn begin(
        &mut self,
        draft: Option<Payload>,
        work: impl FnOnce() -> Result<Made, PostError> + Send + 'static,
    ) {
        let work = tokio::task::spawn_blocking(work);
        self.sealing = Some(Job { of: self.of, draft, work });
    }

    /// Waits until what is being sealed is done; for ever, if nothing is. Cancel safe.
    pub(super) async fn finished(&mut self) -> Finished {
        let Some(job) = &mut self.sealing else { return std::future::pending().await };
        let made = (&mut job.work).await;
        let Some(Job { of, draft, .. }) = self.sealing.take() else { return Finished::Stale(None) };
        let made = match made {
            // It was cancelled, as the runtime is shutting down.
            Err(_) => return Finished::Stale(draft),
            Ok(Err(error)) => return Finished::Failed(draft, error),
            Ok(Ok(_)) if of != self.of => return Finished::Stale(draft),
            Ok(Ok(made)) => made,
        };
        match (made, draft) {
            (Made::Payload(sealed), Some(draft)) => {
                self.payloads.push_back((draft, *sealed));
                return Finished::Payload;
            }
            (Made::Spare(sealed), Some(draft)) => self.spare = Some((draft, *sealed)),
            (Made::Payload(_) | Made::Spare(_), None) => {}
            (Made::Decoy(decoy), _) => self.decoys.push_back(*decoy),
        }
        Finished::Stock
    }
}

/// Packets to have ready, at so many ticks a second: one, and those that may be due while it is made
/// anew.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is not below 0, and a cast that is too large saturates"
)]
fn payloads_at(rate: f64) -> usize {
    ((rate * SEALING).ceil() as usize).saturating_add(1).min(MOST_PAYLOADS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_clocks_have_more_packets_ready() {
        let rates = [0.01, 20.0, 100.0, 10_000.0, f64::MAX];
        assert_eq!(rates.map(payloads_at), [2, 2, 4, MOST_PAYLOADS, MOST_PAYLOADS]);
    }
}
