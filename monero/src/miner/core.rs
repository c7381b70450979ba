//! When to mine, where, and for whom: without I/O.
//!
//! In: what each monerod says of itself ([`Core::handle_sight`]), what became of a block
//! ([`Core::handle_mined`], [`Core::handle_failed`]), who wants money ([`Core::handle_fund`]), and
//! the time. Out: [`Core::poll`].
//!
//! There is one miner, so a block that is always put on top of the longest chain forks nothing. A
//! monerod that shows less than what was seen already does not have all blocks yet, and is left
//! alone; only when nobody has shown them for [`Rules::patience`] are they taken for lost.
#![deny(clippy::disallowed_methods)]

use std::time::Instant;

use super::fund::{Full, Funded, JobId, Jobs, Located};
use super::{Address, Rules};

/// What a monerod said of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    /// The number of its blocks.
    pub(super) height: u64,
    pub(super) synchronized: bool,
    /// How many transactions wait.
    pub(super) pool: u64,
}

/// Why a block is mined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// So that the first wallet finds others' outputs to hide among.
    Start,
    /// Transactions wait.
    Transactions,
    /// Some came before: the ten blocks after which their change can be spent.
    Confirmations,
    /// Somebody asked for money.
    Fund,
}

/// A block to be mined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// At which monerod, by its number.
    pub(super) at: usize,
    /// How many blocks it must have by then.
    pub(super) above: u64,
    pub(super) purpose: Purpose,
    /// Whom it pays, for which job; else nobody.
    pub(super) pays: Option<(JobId, Address)>,
    /// In how many outputs.
    pub(super) outputs: u64,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Mine, and say what became of it.
    Mine(Order),
    /// Look whether the blocks of a job, by height, are in the chain of the monerod `at`, and say
    /// so with [`Core::handle_checked`].
    Check { job: JobId, at: usize, blocks: Vec<Located> },
    /// Nothing before this time, or before something is handed in.
    Wait(Option<Instant>),
}

#[derive(Debug, Default)]
struct Seen {
    sight: Option<Sight>,
    /// A block could not be mined there: not before this again.
    shunned_until: Option<Instant>,
    /// When a block was last mined there.
    mined_at: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Core {
    rules: Rules,
    monerods: Vec<Seen>,
    /// The most blocks that any monerod had.
    reached: u64,
    /// Since when no monerod that could be mined at has them.
    missing_since: Option<Instant>,
    last_block: Option<Instant>,
    /// Blocks still to come after the last one that held a transaction; unknown at first.
    rest: Option<u64>,
    /// Blocks in a row that held nothing although transactions waited.
    fruitless: u64,
    /// So many transactions are in a pool that no block takes.
    stuck: u64,
    jobs: Jobs,
}

impl Core {
    pub(super) fn new(rules: Rules, monerods: usize) -> Self {
        Self {
            rules,
            monerods: (0..monerods).map(|_| Seen::default()).collect(),
            reached: 0,
            missing_since: None,
            last_block: None,
            rest: None,
            fruitless: 0,
            stuck: 0,
            jobs: Jobs::default(),
        }
    }

    /// What the monerod `at` says, or that it says nothing, asked at this time.
    pub(super) fn handle_sight(&mut self, at: usize, sight: Option<Sight>, asked: Instant) {
        let Some(seen) = self.monerods.get_mut(at) else { return };
        // What it said before its newest block is out of date.
        if seen.mined_at.is_none_or(|mined| asked >= mined) {
            seen.sight = sight;
        }
    }

    /// `address` is to get so many outputs. One that is being served already gets no more than the
    /// larger of both numbers: it was asked for again.
    pub(super) fn handle_fund(&mut self, address: Address, outputs: u64) -> Result<JobId, Full> {
        self.jobs.add(address, outputs)
    }

    /// The block was mined; how many transactions it holds.
    pub(super) fn handle_mined(
        &mut self,
        order: &Order,
        hash: [u8; 32],
        height: u64,
        transactions: u64,
        now: Instant,
    ) {
        self.reached = self.reached.max(height + 1);
        self.last_block = Some(now);
        if let Some(seen) = self.monerods.get_mut(order.at) {
            seen.mined_at = Some(now);
            if let Some(sight) = &mut seen.sight {
                sight.height = sight.height.max(height + 1);
                sight.pool = sight.pool.saturating_sub(transactions);
            }
        }
        if transactions > 0 {
            self.rest = Some(self.rules.rest_blocks);
            self.fruitless = 0;
        } else {
            self.rest = self.rest.map(|rest| rest.saturating_sub(1));
            self.fruitless += u64::from(order.purpose == Purpose::Transactions);
        }
        if let Some((job, _)) = order.pays {
            self.jobs.paid(job, height, hash, order.outputs);
        }
    }

    /// No block came of it, nor will soon.
    pub(super) fn handle_failed(&mut self, at: usize, now: Instant) {
        if let Some(seen) = self.monerods.get_mut(at) {
            seen.shunned_until = Some(now + self.rules.shun);
        }
    }

    /// Which of a job's blocks are not in the chain; `None`: it could not be found out.
    pub(super) fn handle_checked(&mut self, job: JobId, lost: Option<&[u64]>) {
        self.jobs.checked(job, lost, self.reached);
    }

    /// A job that is done.
    pub(super) fn poll_funded(&mut self) -> Option<Funded> {
        self.jobs.poll_done()
    }

    /// How many jobs there are.
    pub(super) fn jobs(&self) -> usize {
        self.jobs.len()
    }

    /// The most blocks that any monerod had.
    pub(super) fn reached(&self) -> u64 {
        self.reached
    }

    /// What is to be done now.
    pub(super) fn poll(&mut self, now: Instant) -> Step {
        let Some((at, best)) = self.best(now) else {
            return self.nowhere(now);
        };
        self.missing_since = None;
        self.reached = best.height;
        let fresh = best.height < self.rules.first_height();
        // What was before this process began is not known: the last block may have held some.
        let rest = *self.rest.get_or_insert(if fresh { 0 } else { self.rules.rest_blocks });
        let order = |purpose, pays, outputs| {
            Step::Mine(Order { at, above: best.height, purpose, pays, outputs })
        };
        if fresh {
            return order(Purpose::Start, None, self.rules.block_outputs);
        }
        if let Some((job, address, outputs)) = self.jobs.unpaid() {
            return order(
                Purpose::Fund,
                Some((job, address)),
                outputs.min(self.rules.block_outputs),
            );
        }
        if self.jobs.unripe(best.height, self.rules.ripe_after) {
            return order(Purpose::Fund, None, 1);
        }
        if let Some((job, blocks)) = self.jobs.complete(self.everywhere(), now, &self.rules) {
            return Step::Check { job, at, blocks };
        }
        if best.pool == 0 {
            self.fruitless = 0;
        }
        self.stuck = self.stuck.min(best.pool);
        if self.fruitless >= self.rules.fruitless_blocks {
            (self.fruitless, self.stuck) = (0, best.pool);
        }
        let purpose = if best.pool > self.stuck {
            Purpose::Transactions
        } else if rest > 0 {
            Purpose::Confirmations
        } else {
            return Step::Wait(None);
        };
        match self.last_block.map(|last| last + self.rules.block_time) {
            Some(due) if due > now => Step::Wait(Some(due)),
            _ => order(purpose, None, 1),
        }
    }

    /// Where to mine: of those that have every block, where most transactions wait, else the first.
    /// (Transactions take seconds from one pool to another, and a block takes those of its own.)
    fn best(&self, now: Instant) -> Option<(usize, Sight)> {
        let mut best: Option<(usize, Sight)> = None;
        for (at, seen) in self.monerods.iter().enumerate() {
            let Some(sight) = seen.sight.filter(|sight| sight.synchronized) else { continue };
            let shunned = seen.shunned_until.is_some_and(|until| now < until);
            if shunned || sight.height < self.reached {
                continue;
            }
            if best.is_none_or(|(_, best)| (sight.height, sight.pool) > (best.height, best.pool)) {
                best = Some((at, sight));
            }
        }
        best
    }

    /// No monerod can be mined at. If there are some with a shorter chain for long enough, that
    /// one is the chain now.
    fn nowhere(&mut self, now: Instant) -> Step {
        let since = *self.missing_since.get_or_insert(now);
        let shorter = self.monerods.iter().filter_map(|seen| seen.sight);
        let shorter = shorter.filter(|sight| sight.synchronized).map(|sight| sight.height).max();
        let shunned =
            self.monerods.iter().filter_map(|seen| seen.shunned_until).filter(|t| *t > now);
        let shunned = shunned.min();
        let Some(height) = shorter.filter(|height| *height < self.reached) else {
            return Step::Wait(shunned);
        };
        let due = since + self.rules.patience;
        if now < due {
            return Step::Wait(Some(due));
        }
        self.reached = height;
        self.missing_since = None;
        self.rest = None;
        self.jobs.lost_from(height);
        // At once: what it takes is known.
        Step::Wait(Some(now))
    }

    /// As many blocks every synchronised monerod has.
    fn everywhere(&self) -> u64 {
        let sights = self.monerods.iter().filter_map(|seen| seen.sight);
        let synchronized = sights.filter(|sight| sight.synchronized);
        synchronized.map(|sight| sight.height).min().unwrap_or(0)
    }
}

impl Rules {
    fn first_height(&self) -> u64 {
        // The first block is there from the beginning.
        1 + self.start_blocks
    }
}
