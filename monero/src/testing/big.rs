//! A valid transaction close to monerod's size limit.
//!
//! The wallet splits what it sends into transactions of at most two thirds of the limit, with one
//! exception: once the destinations are paid it adds inputs for the *fee* without looking at the
//! size. So it is given outputs that are worth barely more than the fee for spending them. The fee
//! is then never paid, until the last of them, at another address so that it is taken last, pays
//! the rest.

use crate::FundError;
use crate::funded::FundedWallet;
use crate::wallet::{Destination, PreparedTransfer, Priority, Wallet};

/// Inputs of the transaction, the last one not counted. 213 inputs make 141,316 bytes; the limit
/// of 149,400 would be reached with 225.
const INPUTS: usize = 212;

/// What an input weighs in the wallet's estimate; in truth it is some 20 less.
const INPUT_WEIGHT: u64 = 679;

/// An output's worth in fees for its weight, in thousandths: enough not to be ignored as dust, and
/// too little to pay for the rest of the transaction within [`INPUTS`].
const WORTH: u64 = 1_002;

/// The last input's worth, in bytes' fees: it pays for what the others do not (about 2,220), and is
/// too little to pay for a transaction of its own (3,180), which the wallet would prefer.
const LAST_WORTH: u64 = 2_350;

/// What the transaction sends, in bytes' fees.
const SENT: u64 = 1_000;

/// The wallet makes at most 16 outputs a transaction, one of them its change.
const DESTINATIONS: usize = 15;

/// Blocks until an ordinary output can be spent, and one for the transactions themselves.
const UNLOCK_BLOCKS: u64 = 11;

/// Makes a valid transaction of some 141 kB, and tells nobody of it. Takes about twenty seconds:
/// the outputs that it spends are made, mined and unlocked first.
pub async fn prepare_big(funded: &FundedWallet) -> Result<PreparedTransfer, FundError> {
    let rate = funded.daemon().fee_rate().await?;
    let account = make_outputs(funded, rate).await?;
    let to = Destination { amount: rate * SENT, address: funded.address().to_owned() };
    Ok(account.transfer(&[to], Priority::Low, true).await?)
}

async fn make_outputs(funded: &FundedWallet, rate: u64) -> Result<Wallet, FundError> {
    let wallet = funded.wallet();
    let account = wallet.in_account(wallet.create_account().await?);
    let many = Destination {
        amount: rate * INPUT_WEIGHT * WORTH / 1_000,
        address: account.address().await?,
    };
    let last = Destination { amount: rate * LAST_WORTH, address: account.create_address().await? };
    let mut destinations = vec![many; INPUTS];
    destinations.push(last);
    for some in destinations.chunks(DESTINATIONS) {
        wallet.transfer(some, Priority::Default, false).await?;
    }
    funded.mine(UNLOCK_BLOCKS).await?;
    wallet.refresh().await?;
    Ok(account)
}
