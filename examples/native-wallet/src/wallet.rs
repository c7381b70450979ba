//! The wallet: looks at the chain, makes transactions, hands them in.

use futures::{StreamExt as _, stream};
use mixbed_client::{BroadcastError, BroadcastOptions, BroadcastReport};
use monero_daemon_rpc::MoneroDaemon;
use monero_wallet::address::MoneroAddress;
use monero_wallet::interface::prelude::{
    ExpandToScannableBlock as _, FeeError, FeePriority, InterfaceError, ProvidesBlockchain as _,
    ProvidesBlockchainMeta as _, ProvidesFeeRates as _, TransactionsError,
};
use monero_wallet::ringct::RctType;
use monero_wallet::send::{Change, SendError, SignableTransaction};
use monero_wallet::{OutputWithDecoys, WalletOutput};
use rand_core::{OsRng, RngCore as _};
use zeroize::Zeroizing;

use crate::{Keys, Mixnet, Outputs, OutputsError};

/// Members of a ring: since 2022 each input has so many.
const RING: u8 = 16;

/// Blocks that are asked for at once: each takes two questions, one after the other, and a client has
/// at most 64 under way. `contiguous_scannable_blocks` asks for many blocks in one question instead,
/// but where monerod leaves something out (0.18.0 does, of blocks with transactions) it asks for
/// each of them again, one after another: minutes for a few hundred.
const BLOCKS_AT_ONCE: usize = 24;

/// A fee above this many piconero a byte is nothing that an honest daemon asks for: it follows the
/// reward of a block, and that of regtest's first ones is sixty times today's.
const MAX_FEE_RATE: u64 = 20_000_000;

/// How often an input's decoys are drawn anew at most.
const DRAWS: usize = 5;

/// What is set aside for the fee before it is known: as for a transaction of so many bytes. One with
/// two inputs has 2,200.
const FEE_FOR: u64 = 20_000;

/// A wallet that reaches daemons through the mixnet only.
#[derive(Debug)]
pub struct Wallet {
    keys: Keys,
    mixnet: Mixnet,
    daemon: MoneroDaemon<Mixnet>,
    outputs: Outputs,
}

/// A payment that a provider's monerod has taken.
#[derive(Clone, Debug)]
pub struct Payment {
    /// The transaction's fee, in piconero.
    pub fee: u64,
    /// Its inputs.
    pub inputs: usize,
    /// Its bytes.
    pub raw: Vec<u8>,
    /// How it got there.
    pub report: BroadcastReport,
}

/// What a wallet cannot do, and why.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    /// A daemon was asked and did not answer well.
    #[error("the daemon: {0}")]
    Daemon(#[from] InterfaceError),
    /// The fee that it names.
    #[error("the fee: {0}")]
    Fee(#[from] FeeError),
    /// A block's transactions could not be had.
    #[error("a block: {0}")]
    Block(#[from] TransactionsError),
    /// A block that cannot be taken.
    #[error(transparent)]
    Scan(#[from] OutputsError),
    /// Decoys could not be had.
    #[error("decoys: {0} (a chain of regtest needs 250 blocks)")]
    Decoys(TransactionsError),
    /// There is less than that.
    #[error("{wanted} piconero are wanted, fee included, and {unlocked} of {balance} can be spent")]
    NotEnough {
        /// The payment and what is set aside for its fee.
        wanted: u64,
        /// What can be spent now.
        unlocked: u64,
        /// All that there is.
        balance: u64,
    },
    /// The transaction could not be made.
    #[error("the transaction: {0}")]
    Send(#[from] SendError),
    /// No provider took it.
    #[error(transparent)]
    Broadcast(#[from] BroadcastError),
}

impl Wallet {
    /// A wallet that has seen no block yet, and looks at those from this one on: nothing came to it
    /// before. Asks the daemon nothing.
    pub async fn open(keys: Keys, mixnet: Mixnet, from: usize) -> Result<Self, WalletError> {
        let daemon = MoneroDaemon::new(mixnet.clone()).await?;
        Ok(Self { outputs: Outputs::new(keys.clone(), from), keys, mixnet, daemon })
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> MoneroAddress {
        self.keys.address()
    }

    /// What it owns.
    #[must_use]
    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// Looks at the blocks that came since. Says the newest one's number.
    pub async fn refresh(&mut self) -> Result<usize, WalletError> {
        let tip = self.daemon.latest_block_number().await?;
        let daemon = &self.daemon;
        let blocks = (self.outputs.next_block()..=tip).map(async |number| {
            let block = daemon.block_by_number(number).await?;
            daemon.expand_to_scannable_block(block).await
        });
        let mut blocks = stream::iter(blocks).buffered(BLOCKS_AT_ONCE);
        while let Some(block) = blocks.next().await {
            self.outputs.handle_block(block?)?;
        }
        Ok(tip)
    }

    /// Pays so many piconero: makes a transaction, signs it here, and broadcasts it.
    pub async fn pay(&mut self, to: MoneroAddress, amount: u64) -> Result<Payment, WalletError> {
        let tip = self.refresh().await?;
        let rate = self.daemon.fee_rate(FeePriority::Normal, MAX_FEE_RATE).await?;
        let fee = u64::try_from(rate.calculate_fee_from_weight(FEE_FOR)).unwrap_or(u64::MAX);
        let wanted = amount.saturating_add(fee);
        let chosen = self.outputs.choose(wanted).ok_or_else(|| WalletError::NotEnough {
            wanted,
            unlocked: self.outputs.unlocked(),
            balance: self.outputs.balance(),
        })?;

        let mut inputs = Vec::with_capacity(chosen.len());
        for output in &chosen {
            inputs.push(self.with_decoys(output, tip).await.map_err(WalletError::Decoys)?);
        }
        let mut outgoing = Zeroizing::new([0; 32]);
        OsRng.fill_bytes(&mut *outgoing);
        let change = Change::new(self.keys.pair().clone(), None);
        let transaction = SignableTransaction::new(
            RctType::ClsagBulletproofPlus,
            outgoing,
            inputs,
            vec![(to, amount)],
            change,
            Vec::new(),
            rate,
        )?;
        let fee = transaction.necessary_fee();
        let raw = transaction.sign(&mut OsRng, self.keys.spend())?.serialize();

        let client = self.mixnet.client();
        let report = client.broadcast(&raw, BroadcastOptions::default()).await?;
        for spent in &chosen {
            self.outputs.handle_spent(spent);
        }
        Ok(Payment { fee, inputs: chosen.len(), raw, report })
    }

    /// Draws an input's decoys. On a short chain most draws are older than the chain, and the crate
    /// gives up after 160: then it is begun again.
    async fn with_decoys(
        &self,
        output: &WalletOutput,
        tip: usize,
    ) -> Result<OutputWithDecoys, TransactionsError> {
        let mut tries = 1;
        loop {
            let output = output.clone();
            match OutputWithDecoys::new(&mut OsRng, &self.daemon, RING, tip, output).await {
                Err(TransactionsError::InterfaceError(InterfaceError::InternalError(_)))
                    if tries < DRAWS =>
                {
                    tries += 1;
                }
                drawn => return drawn,
            }
        }
    }
}
