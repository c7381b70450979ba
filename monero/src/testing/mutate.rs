//! Real transactions, spoilt in one way each.

use monero_oxide::transaction::{NotPruned, Transaction};

use crate::{TxId, TxParseError};

/// The transaction with one bit of its last ring signature flipped: it reads well, has another id,
/// and does not verify.
pub fn corrupt_signature(raw: &[u8]) -> Result<Vec<u8>, TxParseError> {
    let mut spoilt = raw.to_vec();
    let transaction = read(raw)?;
    // At the end are, for each input, a commitment of 32 bytes; before those the last signature,
    // which ends in two values of 32 bytes after its last ring member's scalar. The low end of
    // that scalar can change without leaving the range of scalars.
    let commitments = 32 * transaction.prefix().inputs.len();
    let scalar = raw.len().checked_sub(commitments + 3 * 32);
    match scalar.and_then(|at| spoilt.get_mut(at)) {
        Some(byte) => *byte ^= 1,
        None => return Err(TxParseError::Empty),
    }
    Ok(spoilt)
}

/// The transaction with `extra` more bytes in its free-form field, and the fee as it was: so many
/// that the fee is too low for the size, or the size over the limit.
///
/// monerod looks at both before it verifies signatures (which the change breaks too).
pub fn make_heavier(raw: &[u8], extra: usize) -> Result<Vec<u8>, TxParseError> {
    let mut transaction = read(raw)?;
    let field = &mut transaction.prefix_mut().extra;
    field.resize(field.len() + extra, 0);
    Ok(transaction.serialize())
}

fn read(raw: &[u8]) -> Result<Transaction<NotPruned>, TxParseError> {
    TxId::of(raw)?;
    let mut rest = raw;
    Transaction::read(&mut rest)
        .map_err(|error| TxParseError::Malformed { size: raw.len(), why: error.to_string() })
}
