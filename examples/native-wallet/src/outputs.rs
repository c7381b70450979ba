//! What a wallet owns.

use std::collections::BTreeMap;

use curve25519_dalek::Scalar;
use monero_wallet::ed25519::Point;
use monero_wallet::interface::ScannableBlock;
use monero_wallet::transaction::{Input, Timelock};
use monero_wallet::{DEFAULT_LOCK_WINDOW, ScanError, Scanner, WalletOutput};

use crate::Keys;

/// Outputs that came and were not spent, as far as blocks have been seen.
pub struct Outputs {
    keys: Keys,
    scanner: Scanner,
    /// By key image, which is what shows in the block where one is spent.
    unspent: BTreeMap<[u8; 32], Held>,
    /// The block to come next.
    next: usize,
    /// The hash of the one before, if that has come.
    last: Option<[u8; 32]>,
}

/// Why a block is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputsError {
    /// It cannot be read.
    #[error("block {0}: {1}")]
    Scan(usize, ScanError),
    /// The chain was reorganised, or two daemons have two.
    #[error("block {0} does not follow the one before it: open the wallet again")]
    Unchained(usize),
}

/// An output and the block in which it came.
struct Held {
    output: WalletOutput,
    block: usize,
}

impl std::fmt::Debug for Outputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outputs({} before block {})", self.unspent.len(), self.next)
    }
}

impl Outputs {
    /// None yet, with this block to come next. In the first of all, 0, there is nothing of anybody's.
    #[must_use]
    pub fn new(keys: Keys, from: usize) -> Self {
        let scanner = Scanner::new(keys.pair().clone());
        Self { keys, scanner, unspent: BTreeMap::new(), next: from.max(1), last: None }
    }

    /// The number of the block to come next.
    #[must_use]
    pub fn next_block(&self) -> usize {
        self.next
    }

    /// The next block.
    pub fn handle_block(&mut self, block: ScannableBlock) -> Result<(), OutputsError> {
        let (number, hash) = (self.next, block.block.hash());
        if self.last.is_some_and(|last| last != block.block.header.previous) {
            return Err(OutputsError::Unchained(number));
        }
        let spent = block.transactions.iter().flat_map(|transaction| &transaction.prefix().inputs);
        let spent: Vec<_> = spent.filter_map(key_image_of).collect();
        let found = self.scanner.scan(block).map_err(|error| OutputsError::Scan(number, error))?;
        for image in spent {
            self.unspent.remove(&image);
        }
        for output in found.ignore_additional_timelock() {
            self.unspent.insert(self.key_image(&output), Held { output, block: number });
        }
        (self.next, self.last) = (number + 1, Some(hash));
        Ok(())
    }

    /// All that there is, in piconero, also what cannot be spent yet.
    #[must_use]
    pub fn balance(&self) -> u64 {
        self.unspent.values().map(|held| held.output.commitment().amount).sum()
    }

    /// What can be spent now, in piconero.
    #[must_use]
    pub fn unlocked(&self) -> u64 {
        self.spendable().map(|output| output.commitment().amount).sum()
    }

    /// Outputs worth at least so much, at least two if there are (as stock wallets take them, so
    /// that the number does not show who made the transaction), the largest first.
    #[must_use]
    pub fn choose(&self, amount: u64) -> Option<Vec<WalletOutput>> {
        let mut all: Vec<_> = self.spendable().collect();
        all.sort_by_key(|output| std::cmp::Reverse(output.commitment().amount));
        let mut sum = 0_u64;
        let mut chosen = Vec::new();
        for output in all {
            if sum >= amount && chosen.len() >= 2 {
                break;
            }
            sum = sum.saturating_add(output.commitment().amount);
            chosen.push(output.clone());
        }
        (sum >= amount).then_some(chosen)
    }

    /// An output is gone, though no block says so yet.
    pub fn handle_spent(&mut self, spent: &WalletOutput) {
        self.unspent.remove(&self.key_image(spent));
    }

    fn spendable(&self) -> impl Iterator<Item = &WalletOutput> {
        self.unspent.values().filter(|held| self.is_unlocked(held)).map(|held| &held.output)
    }

    /// Whether the next block may spend it.
    fn is_unlocked(&self, held: &Held) -> bool {
        let own = match held.output.additional_timelock() {
            Timelock::None => true,
            Timelock::Block(block) => block <= self.next,
            // Nobody but the output's maker can tell when that is: it is left alone.
            Timelock::Time(_) => false,
        };
        own && held.block + DEFAULT_LOCK_WINDOW <= self.next
    }

    fn key_image(&self, output: &WalletOutput) -> [u8; 32] {
        let spend: Scalar = (**self.keys.spend()).into();
        let offset: Scalar = output.key_offset().into();
        let base = Point::biased_hash(output.key().compress().to_bytes()).into();
        Point::from((spend + offset) * base).compress().to_bytes()
    }
}

fn key_image_of(input: &Input) -> Option<[u8; 32]> {
    match input {
        Input::ToKey { key_image, .. } => Some(key_image.to_bytes()),
        Input::Gen(_) => None,
    }
}
