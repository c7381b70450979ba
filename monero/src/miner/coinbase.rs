//! A block whose reward goes to one address in several outputs.
//!
//! monerod's templates have one output. A block may have more, as those of pools do that pay their
//! members so; a wallet that is to make many independent transactions is then funded with few
//! blocks. Keys and view tags as in `src/cryptonote_core/cryptonote_tx_utils.cpp` of monero.

use curve25519_dalek::{EdwardsPoint, Scalar};
use monero_oxide::block::Block;
use monero_oxide::ed25519::CompressedPoint;
use monero_oxide::io::VarInt as _;
use monero_oxide::primitives::keccak256;
use monero_oxide::transaction::{Output, Transaction};

use super::Address;

/// What a transaction's extra field has before its public key.
const PUBLIC_KEY: u8 = 1;

/// Why a template cannot be made use of.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// Not a block.
    #[error("monerod's block template cannot be read: {why}")]
    Malformed {
        /// What is wrong.
        why: String,
    },
}

/// A block, ready to be handed to a monerod that asks for no proof of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) blob: Vec<u8>,
    pub(super) hash: [u8; 32],
    /// Those that it holds, its own not counted.
    pub(super) transactions: u64,
}

/// The block of a template, its reward in `outputs` (at least one) equal outputs for `to`.
///
/// `secret` is the key of the transaction that pays them: random, and not used for another.
pub(super) fn pay(
    template: &[u8],
    to: &Address,
    outputs: u64,
    secret: [u8; 32],
) -> Result<Made, TemplateError> {
    let malformed = |why: &str| TemplateError::Malformed { why: why.to_owned() };
    let mut rest = template;
    let block = Block::read(&mut rest).map_err(|error| malformed(&error.to_string()))?;
    if !rest.is_empty() {
        return Err(malformed("bytes follow its end"));
    }
    let mut coinbase = block.miner_transaction().clone();
    let Transaction::V2 { prefix, .. } = &mut coinbase else {
        return Err(malformed("its reward is no transaction of version 2"));
    };
    let reward = prefix.outputs.iter().filter_map(|output| output.amount).sum::<u64>();
    let tagged = prefix.outputs.iter().all(|output| output.view_tag.is_some());
    let outputs = outputs.max(1);
    let secret = Scalar::from_bytes_mod_order(secret);
    let shared = (secret * to.keys.view).mul_by_cofactor().compress().to_bytes();
    prefix.outputs = (0..outputs)
        .map(|index| Output {
            amount: Some(share(reward, outputs, index)),
            key: one_time_key(&shared, index, to),
            view_tag: tagged.then(|| view_tag(&shared, index)),
        })
        .collect();
    prefix.extra = vec![PUBLIC_KEY];
    prefix.extra.extend(EdwardsPoint::mul_base(&secret).compress().to_bytes());
    let transactions = block.transactions.len() as u64;
    let made = Block::new(block.header, coinbase, block.transactions)
        .ok_or_else(|| malformed("it pays nobody"))?;
    Ok(Made { blob: made.serialize(), hash: made.hash(), transactions })
}

/// The reward is shared to the last unit.
fn share(reward: u64, outputs: u64, index: u64) -> u64 {
    reward / outputs + u64::from(index < reward % outputs)
}

fn numbered(prefix: &[u8], shared: &[u8; 32], index: u64) -> Vec<u8> {
    let mut bytes = [prefix, shared].concat();
    // Writing to a vector does not fail.
    let _ = u64::write(&index, &mut bytes);
    bytes
}

fn one_time_key(shared: &[u8; 32], index: u64, to: &Address) -> CompressedPoint {
    let offset = Scalar::from_bytes_mod_order(keccak256(numbered(b"", shared, index)));
    CompressedPoint::from((EdwardsPoint::mul_base(&offset) + to.keys.spend).compress().to_bytes())
}

fn view_tag(shared: &[u8; 32], index: u64) -> u8 {
    keccak256(numbered(b"view_tag", shared, index))[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reward_is_shared_to_the_last_unit() {
        for (reward, outputs) in [(35_184_338_534_400, 16), (7, 16), (0, 3), (u64::MAX, 7)] {
            let shares: Vec<u64> =
                (0..outputs).map(|index| share(reward, outputs, index)).collect();
            assert_eq!(shares.iter().sum::<u64>(), reward);
            assert!(shares[0] - shares[shares.len() - 1] <= 1);
        }
    }

    #[test]
    fn what_is_no_block_is_refused() {
        let to = crate::miner::NOBODY.parse().unwrap();
        for template in [&[][..], &[0xff; 40], &[16, 16]] {
            pay(template, &to, 1, [7; 32]).unwrap_err();
        }
    }
}
