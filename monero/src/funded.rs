//! A wallet with money on regtest, and transfers made of it.

use std::time::Duration;

use crate::daemon::{Daemon, DaemonError, Inclusion};
use crate::wallet::{Destination, PreparedTransfer, Priority, Wallet, WalletError};
use crate::{TxId, TxParseError};

/// Blocks that are mined to a new wallet: 60 of their rewards can then be spent.
pub const FUNDING_BLOCKS: u64 = 120;

/// Mined in steps of so many, so that progress can be shown.
const STEP: u64 = 10;

/// After so many blocks at the latest there is a reward that can be spent.
const UNLOCK_BLOCKS: u64 = 70;

/// One XMR in atomic units.
pub const XMR: u64 = 1_000_000_000_000;

/// Why a wallet could not be funded, or a transfer not be made.
#[derive(Debug, thiserror::Error)]
pub enum FundError {
    /// monerod did not answer, or not as hoped.
    #[error("funding a wallet: {0}")]
    Daemon(#[from] DaemonError),
    /// monero-wallet-rpc did not answer, or not as hoped.
    #[error("funding a wallet: {0}")]
    Wallet(#[from] WalletError),
    /// Not a regtest chain, where nobody can mine at will.
    #[error("monerod is on {nettype}, and only a regtest chain (fakechain) can be mined at will")]
    NotRegtest {
        /// The network that it is on.
        nettype: String,
    },
    /// The wallet sees none of the money that was mined to it.
    #[error(
        "the wallet sees no money after {blocks} blocks were mined to it; is it on the same daemon?"
    )]
    NoMoney {
        /// How many blocks were mined.
        blocks: u64,
    },
    /// The wallet made bytes that are no transaction.
    #[error("the wallet's transaction cannot be read: {0}")]
    Unreadable(#[from] TxParseError),
    /// The wallet's id for a transaction is not what its bytes say.
    #[error("the wallet calls a transaction {said}, its bytes say {computed}")]
    WrongTxId {
        /// The wallet's id.
        said: TxId,
        /// The id computed from the bytes.
        computed: TxId,
    },
}

/// A wallet with spendable money on a regtest chain.
#[derive(Clone, Debug)]
pub struct FundedWallet {
    daemon: Daemon,
    wallet: Wallet,
    address: String,
}

impl FundedWallet {
    /// Creates a wallet named `name` in monero-wallet-rpc, mines [`FUNDING_BLOCKS`] blocks to it
    /// (about ten seconds) and waits until it sees its money. `progress` is told the blocks mined
    /// so far and in all.
    pub async fn new(
        daemon: &Daemon,
        wallet: &Wallet,
        name: &str,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Self, FundError> {
        // Asked first: a wallet made while its daemon is away would look for its money too late.
        let nettype = daemon.get_info().await?.nettype;
        if nettype != "fakechain" {
            return Err(FundError::NotRegtest { nettype });
        }
        wallet.create(name).await?;
        let address = wallet.address().await?;
        let funded = Self { daemon: daemon.clone(), wallet: wallet.clone(), address };
        let mut mined = 0;
        while mined < FUNDING_BLOCKS {
            funded.mine(STEP).await?;
            mined += STEP;
            progress(mined, FUNDING_BLOCKS);
        }
        wallet.refresh().await?;
        if wallet.balance().await?.unlocked == 0 {
            return Err(FundError::NoMoney { blocks: mined });
        }
        Ok(funded)
    }

    /// Opens a wallet that was funded before, in a monero-wallet-rpc that has it on disk.
    pub async fn open(daemon: &Daemon, wallet: &Wallet, name: &str) -> Result<Self, FundError> {
        wallet.open(name).await?;
        wallet.refresh().await?;
        let address = wallet.address().await?;
        Ok(Self { daemon: daemon.clone(), wallet: wallet.clone(), address })
    }

    /// The wallet's address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The wallet itself.
    #[must_use]
    pub fn wallet(&self) -> &Wallet {
        &self.wallet
    }

    /// The daemon that it mines with.
    #[must_use]
    pub fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// Mines `count` blocks, the rewards to this wallet.
    pub async fn mine(&self, count: u64) -> Result<(), FundError> {
        self.daemon.generate_blocks(count, &self.address).await?;
        Ok(())
    }

    /// Mines until every one of `txids` is in a block.
    pub async fn mine_until_included(
        &self,
        txids: &[TxId],
        deadline: Duration,
    ) -> Result<Vec<Inclusion>, FundError> {
        Ok(self.daemon.mine_until_included(txids, &self.address, deadline).await?)
    }

    /// Makes one transfer of `amount` atomic units to the wallet itself and tells nobody of it.
    ///
    /// What it spends is frozen: no later transfer spends the same, and all of them can be mined.
    /// [`FundedWallet::release`] gives it back if the transfer is never submitted.
    pub async fn prepare(&self, amount: u64) -> Result<PreparedTransfer, FundError> {
        let to = Destination { amount, address: self.address.clone() };
        let prepared = self.wallet.transfer(&[to], Priority::Default, true).await?;
        let computed = TxId::of(&prepared.raw)?;
        if computed != prepared.txid {
            return Err(FundError::WrongTxId { said: prepared.txid, computed });
        }
        for key_image in &prepared.key_images {
            self.wallet.freeze(key_image).await?;
        }
        Ok(prepared)
    }

    /// Makes `count` transfers of one XMR each that can all be mined, in any order.
    ///
    /// A newly funded wallet has outputs for 30 of them; for more, blocks are mined on the way.
    pub async fn prepare_independent(
        &self,
        count: usize,
    ) -> Result<Vec<PreparedTransfer>, FundError> {
        let mut prepared = Vec::with_capacity(count);
        for _ in 0..count {
            prepared.push(self.prepare_with_patience(XMR).await?);
        }
        Ok(prepared)
    }

    async fn prepare_with_patience(&self, amount: u64) -> Result<PreparedTransfer, FundError> {
        let mut mined = 0;
        loop {
            match self.prepare(amount).await {
                Err(FundError::Wallet(WalletError::Locked | WalletError::NotEnoughMoney))
                    if mined < UNLOCK_BLOCKS =>
                {
                    self.mine(STEP).await?;
                    mined += STEP;
                    self.wallet.refresh().await?;
                }
                other => return other,
            }
        }
    }

    /// Lets the wallet spend again what an abandoned transfer would have spent.
    pub async fn release(&self, abandoned: &PreparedTransfer) -> Result<(), FundError> {
        for key_image in &abandoned.key_images {
            self.wallet.thaw(key_image).await?;
        }
        Ok(())
    }
}
