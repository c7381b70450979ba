//! HMAC-SHA256 and HKDF over it, for inputs whose length is known: half of what the general ones
//! would hash and copy is known before.

use sha2::block_api::compress256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const BLOCK: usize = 64;

/// SHA-256's state before its first block (FIPS 180-4, section 5.3.3).
const START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// An HMAC's key: SHA-256's states after it (RFC 2104).
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Hmac {
    inner: [u32; 8],
    outer: [u32; 8],
}

impl Hmac {
    /// Takes a key of at most 64 bytes.
    pub(super) fn new(key: &[u8]) -> Self {
        debug_assert!(key.len() <= BLOCK, "a longer key would be hashed");
        let after = |pad: u8| {
            let mut block = Zeroizing::new([pad; BLOCK]);
            block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
            let mut state = START;
            compress256(&mut state, std::slice::from_ref(&block));
            state
        };
        Self { inner: after(0x36), outer: after(0x5c) }
    }

    /// The MAC of a message that [`pad`] has put into blocks.
    fn of_blocks(&self, blocks: &[[u8; BLOCK]]) -> [u8; 32] {
        let mut inner = Zeroizing::new(self.inner);
        compress256(&mut inner, blocks);
        let mut last = Zeroizing::new([[0; BLOCK]]);
        last[0][..32].copy_from_slice(&bytes(&inner));
        pad(&mut *last, 32);
        let mut outer = Zeroizing::new(self.outer);
        compress256(&mut outer, &*last);
        bytes(&outer)
    }

    /// The MAC of a message that takes so many blocks with its padding, which is 9 bytes at least.
    pub(super) fn of<const BLOCKS: usize>(&self, message: &[u8]) -> [u8; 32] {
        let mut blocks = Zeroizing::new([[0; BLOCK]; BLOCKS]);
        blocks.as_flattened_mut()[..message.len()].copy_from_slice(message);
        pad(&mut *blocks, message.len());
        self.of_blocks(&*blocks)
    }
}

/// SHA-256's padding behind a message of this length, which follows on a block that is the key.
fn pad(blocks: &mut [[u8; BLOCK]], length: usize) {
    let bytes = blocks.as_flattened_mut();
    bytes[length] = 0x80;
    let bits = (8 * (BLOCK + length) as u64).to_be_bytes();
    let end = bytes.len();
    bytes[end - 8..].copy_from_slice(&bits);
}

fn bytes(state: &[u32; 8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (place, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *place = word.to_be_bytes();
    }
    bytes
}

/// HKDF (RFC 5869): expands what `salt` extracts from `input`, which are 32 bytes at most. `BLOCKS` is
/// what the longest step takes with its padding: 32 bytes, `info` and 10 more.
pub(super) fn expand<const BLOCKS: usize>(
    salt: &Hmac,
    input: &[u8],
    info: &[u8],
    output: &mut [u8],
) {
    let key = Hmac::new(&*Zeroizing::new(salt.of::<1>(input)));
    let mut blocks = Zeroizing::new([[0; BLOCK]; BLOCKS]);
    let mut last = Zeroizing::new([0; 32]);
    for (number, chunk) in (1_u8..).zip(output.chunks_mut(32)) {
        // The first step has nothing before it.
        let before = if number == 1 { 0 } else { 32 };
        let length = before + info.len() + 1;
        let message = blocks.as_flattened_mut();
        message.fill(0);
        message[..before].copy_from_slice(&last[..before]);
        message[before..length - 1].copy_from_slice(info);
        message[length - 1] = number;
        let blocks = &mut blocks[..(length + 9).div_ceil(BLOCK)];
        pad(blocks, length);
        *last = key.of_blocks(blocks);
        chunk.copy_from_slice(&last[..chunk.len()]);
    }
}
