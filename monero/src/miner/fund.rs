//! Who wants money, and how far that is. Without I/O.
#![deny(clippy::disallowed_methods)]

use std::collections::VecDeque;
use std::time::Instant;

use super::{Address, Rules};

/// As many callers are served at a time.
const JOBS: usize = 16;

/// Names a job as long as the miner runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct JobId(u64);

/// A block, by its height and hash.
pub(super) type Located = (u64, [u8; 32]);

/// Too many want money at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// An address has its money, and can spend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Funded {
    pub(super) job: JobId,
    pub(super) outputs: u64,
    /// Blocks from the first one that pays to the newest.
    pub(super) blocks: u64,
    /// Blocks that the chain has.
    pub(super) height: u64,
}

#[derive(Debug)]
struct Paid {
    height: u64,
    hash: [u8; 32],
    outputs: u64,
}

#[derive(Debug)]
struct Job {
    id: JobId,
    address: Address,
    wanted: u64,
    paid: Vec<Paid>,
    /// Since when the best monerod has the blocks that it takes.
    ripe_since: Option<Instant>,
}

impl Job {
    fn outputs(&self) -> u64 {
        self.paid.iter().map(|paid| paid.outputs).sum()
    }

    fn missing(&self) -> u64 {
        self.wanted.saturating_sub(self.outputs())
    }

    /// The number of blocks with which all that was paid so far can be spent.
    fn ripe_at(&self, after: u64) -> u64 {
        let last = self.paid.iter().map(|paid| paid.height).max();
        last.map_or(0, |height| height + 1 + after)
    }
}

#[derive(Debug, Default)]
pub(super) struct Jobs {
    next: u64,
    /// Oldest first.
    under_way: Vec<Job>,
    done: VecDeque<Funded>,
}

impl Jobs {
    pub(super) fn len(&self) -> usize {
        self.under_way.len()
    }

    pub(super) fn add(&mut self, address: Address, outputs: u64) -> Result<JobId, Full> {
        if let Some(job) = self.under_way.iter_mut().find(|job| job.address == address) {
            job.wanted = job.wanted.max(outputs);
            job.ripe_since = None;
            return Ok(job.id);
        }
        if self.under_way.len() >= JOBS {
            return Err(Full);
        }
        let id = JobId(self.next);
        self.next += 1;
        let paid = Vec::new();
        self.under_way.push(Job { id, address, wanted: outputs, paid, ripe_since: None });
        Ok(id)
    }

    pub(super) fn paid(&mut self, id: JobId, height: u64, hash: [u8; 32], outputs: u64) {
        if let Some(job) = self.under_way.iter_mut().find(|job| job.id == id) {
            job.paid.push(Paid { height, hash, outputs });
        }
    }

    /// Who is to be paid next, and how many outputs are missing.
    pub(super) fn unpaid(&self) -> Option<(JobId, Address, u64)> {
        let job = self.under_way.iter().find(|job| job.missing() > 0)?;
        Some((job.id, job.address.clone(), job.missing()))
    }

    /// Whether more blocks are needed until all that was paid can be spent.
    pub(super) fn unripe(&self, height: u64, after: u64) -> bool {
        self.under_way.iter().any(|job| job.ripe_at(after) > height)
    }

    /// A job with all that it takes, on all monerods, or at least on the best for so long that the
    /// others are not waited for.
    pub(super) fn complete(
        &mut self,
        everywhere: u64,
        now: Instant,
        rules: &Rules,
    ) -> Option<(JobId, Vec<Located>)> {
        for job in &mut self.under_way {
            let since = *job.ripe_since.get_or_insert(now);
            let ripe = everywhere >= job.ripe_at(rules.ripe_after);
            if ripe || now >= since + rules.patience {
                let blocks = job.paid.iter().map(|paid| (paid.height, paid.hash)).collect();
                return Some((job.id, blocks));
            }
        }
        None
    }

    pub(super) fn checked(&mut self, id: JobId, lost: Option<&[u64]>, height: u64) {
        let Some(at) = self.under_way.iter().position(|job| job.id == id) else { return };
        let (Some(lost), Some(job)) = (lost, self.under_way.get_mut(at)) else { return };
        job.paid.retain(|paid| !lost.contains(&paid.height));
        if job.missing() > 0 {
            job.ripe_since = None;
            return;
        }
        let job = self.under_way.remove(at);
        let first = job.paid.iter().map(|paid| paid.height).min().unwrap_or(height);
        let blocks = height.saturating_sub(first);
        self.done.push_back(Funded { job: job.id, outputs: job.outputs(), blocks, height });
    }

    /// Blocks from this height on are lost, and what they paid is to be paid again.
    pub(super) fn lost_from(&mut self, height: u64) {
        for job in &mut self.under_way {
            job.paid.retain(|paid| paid.height < height);
            job.ripe_since = None;
        }
    }

    pub(super) fn poll_done(&mut self) -> Option<Funded> {
        self.done.pop_front()
    }
}
