//! The payload's cipher, π in the paper: one block, as long as the payload.

use blake2b_simd::Params;
use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// LIONESS with `ChaCha20` and keyed BLAKE2b-256 (Anderson and Biham, *Two Practical and Provably Secure
/// Block Ciphers: BEAR and LION*): four rounds, each of which changes one side of the block by the
/// other, the left side being its first 32 bytes.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Lioness {
    streams: [[u8; 32]; 2],
    hashes: [[u8; 64]; 2],
}

impl Lioness {
    pub(super) const KEY: usize = 192;

    pub(super) fn new(key: &[u8; Self::KEY]) -> Self {
        let mut lioness = Self { streams: [[0; 32]; 2], hashes: [[0; 64]; 2] };
        for (round, half) in key.as_chunks::<96>().0.iter().enumerate() {
            lioness.streams[round].copy_from_slice(&half[..32]);
            lioness.hashes[round].copy_from_slice(&half[32..]);
        }
        lioness
    }

    /// Puts a layer on. The block has more than 32 bytes.
    pub(super) fn encrypt(&self, block: &mut [u8]) {
        let Some((left, right)) = block.split_first_chunk_mut() else { return };
        for (stream, hash) in self.streams.iter().zip(&self.hashes) {
            change_right(stream, left, right);
            change_left(hash, left, right);
        }
    }

    /// Takes a layer off.
    pub(super) fn decrypt(&self, block: &mut [u8]) {
        let Some((left, right)) = block.split_first_chunk_mut() else { return };
        for (stream, hash) in self.streams.iter().zip(&self.hashes).rev() {
            change_left(hash, left, right);
            change_right(stream, left, right);
        }
    }
}

/// R ⊕= S(L ⊕ key)
fn change_right(key: &[u8; 32], left: &[u8; 32], right: &mut [u8]) {
    let mut key = Zeroizing::new(*key);
    key.iter_mut().zip(left).for_each(|(key, left)| *key ^= left);
    ChaCha20::new((&*key).into(), &[0; 12].into()).apply_keystream(right);
}

/// L ⊕= H(key, R)
fn change_left(key: &[u8; 64], left: &mut [u8; 32], right: &[u8]) {
    let hash = Params::new().hash_length(32).key(key).hash(right);
    left.iter_mut().zip(hash.as_bytes()).for_each(|(left, hash)| *left ^= hash);
}
