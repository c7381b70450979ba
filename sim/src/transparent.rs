//! A packet that anyone can look into, in Sphinx's place.

use std::sync::Arc;
use std::time::Duration;

use mixbed_wire::{
    DropReason, HOPS, HopAddress, Identifier, MAX_DELAY, MAX_PLAINTEXT, PacketFormat,
    REPLY_BLOCK_SIZE, ReplayTag, Route, SealError, SealedReply, SphinxPublic, Unwrapped,
};
use rand::Rng;

/// A packet in the clear: it shows the cores what a Sphinx packet of the same route would, at the
/// price of a copied pointer a hop instead of 130 µs. For its size on a link it counts as one.
///
/// Its replay tag is a number drawn when it is made. A hop opens it only with the key that it was
/// made for, so keys, epochs and replays mean what they mean with Sphinx; nothing is hidden, and
/// nothing can be tampered with.
#[derive(Clone, Debug)]
pub struct Transparent {
    way: Arc<Way>,
    hop: usize,
    plaintext: Arc<[u8]>,
}

/// A route with what its creator wrote for its last hop: what a Sphinx header hides.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Way {
    hops: [Hop; HOPS],
    destination: HopAddress,
    identifier: Identifier,
    nonce: ReplayTag,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hop {
    address: HopAddress,
    key: KeyHalf,
    delay: Duration,
}

/// Half of a key tells it from all others; all of it would not fit into a reply block's bytes.
type KeyHalf = [u8; 16];

/// The end of a transparent packet's route.
#[derive(Clone, Debug)]
pub struct TransparentExit {
    way: Arc<Way>,
    plaintext: Arc<[u8]>,
}

/// A transparent reply block.
#[derive(Clone, Debug)]
pub struct TransparentBlock {
    way: Way,
    wait: Duration,
}

/// Tells the reply that came by one block from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransparentKey(ReplayTag);

/// What stands for a secret: its public half.
#[derive(Clone, Copy, Debug)]
pub struct TransparentSecret(SphinxPublic);

impl Transparent {
    /// The number that was drawn when it was made.
    #[must_use]
    pub fn nonce(&self) -> ReplayTag {
        self.way.nonce
    }

    /// The replay tag at the hop that it is on its way to.
    pub(crate) fn tag(&self) -> ReplayTag {
        let mut tag = self.way.nonce;
        tag[0] ^= u8::try_from(self.hop).unwrap_or(u8::MAX);
        tag
    }

    fn new(way: Way, plaintext: &[u8]) -> Result<Self, SealError> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(SealError::TooLong(plaintext.len()));
        }
        Ok(Self { way: Arc::new(way), hop: 0, plaintext: plaintext.into() })
    }
}

impl Way {
    fn draw<R: Rng + ?Sized>(
        route: &Route,
        destination: HopAddress,
        identifier: Identifier,
        rng: &mut R,
    ) -> Self {
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let hops = route.map(|hop| Hop {
            address: hop.address,
            key: half(&hop.key),
            // What a Sphinx header has room for.
            delay: Duration::from_nanos(u64::try_from(hop.delay.as_nanos()).unwrap_or(u64::MAX)),
        });
        Self { hops, destination, identifier, nonce }
    }

    fn to_bytes(&self) -> [u8; REPLY_BLOCK_SIZE] {
        let mut written = Vec::with_capacity(REPLY_BLOCK_SIZE);
        written.extend_from_slice(&self.nonce);
        written.extend_from_slice(&self.identifier);
        written.extend_from_slice(&self.destination.to_bytes());
        for Hop { address, key, delay } in &self.hops {
            written.extend_from_slice(&address.to_bytes());
            written.extend_from_slice(key);
            let nanos = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
            written.extend_from_slice(&nanos.to_be_bytes());
        }
        let mut bytes = [0; REPLY_BLOCK_SIZE];
        bytes[..written.len()].copy_from_slice(&written);
        bytes
    }

    fn from_bytes(bytes: &[u8; REPLY_BLOCK_SIZE]) -> Self {
        let mut rest = bytes.as_slice();
        let nonce = take(&mut rest);
        let identifier = take(&mut rest);
        let destination = HopAddress::from_bytes(take(&mut rest));
        let hops = std::array::from_fn(|_| Hop {
            address: HopAddress::from_bytes(take(&mut rest)),
            key: take(&mut rest),
            delay: Duration::from_nanos(u64::from_be_bytes(take(&mut rest))),
        });
        Self { hops, destination, identifier, nonce }
    }
}

/// Where a block has the time that its reply waits, in microseconds: behind the way.
const WAIT: std::ops::Range<usize> = REPLY_BLOCK_SIZE - 4..REPLY_BLOCK_SIZE;

/// The next bytes; zeros where there are none.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let mut taken = [0; N];
    if let Some((first, others)) = rest.split_at_checked(N) {
        taken.copy_from_slice(first);
        *rest = others;
    }
    taken
}

fn half(key: &SphinxPublic) -> KeyHalf {
    let mut half = [0; 16];
    half.copy_from_slice(&key.as_bytes()[..16]);
    half
}

impl PacketFormat for Transparent {
    type Secret = TransparentSecret;
    type Opened = ReplayTag;
    type Exit = TransparentExit;
    type ReplyBlock = TransparentBlock;
    type ReplyKey = TransparentKey;

    fn secret<R: Rng + ?Sized>(rng: &mut R) -> TransparentSecret {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        TransparentSecret(SphinxPublic::from_bytes(bytes))
    }

    fn public(secret: &TransparentSecret) -> SphinxPublic {
        secret.0
    }

    fn seal<R: Rng + ?Sized>(
        route: &Route,
        destination: HopAddress,
        identifier: Identifier,
        plaintext: &[u8],
        rng: &mut R,
    ) -> Result<Self, SealError> {
        Self::new(Way::draw(route, destination, identifier, rng), plaintext)
    }

    fn open(&self, key: &TransparentSecret) -> Result<ReplayTag, DropReason> {
        if self.way.hops[self.hop].key == half(&key.0) {
            Ok(self.tag())
        } else {
            Err(DropReason::BadMac)
        }
    }

    fn replay_tag(opened: &ReplayTag) -> ReplayTag {
        *opened
    }

    fn unwrap(_: ReplayTag, packet: Self) -> Result<Unwrapped<Self>, DropReason> {
        let Self { way, hop, plaintext } = packet;
        let Some(next) = way.hops.get(hop + 1) else {
            return Ok(Unwrapped::Exit(TransparentExit { way, plaintext }));
        };
        let (next, delay) = (next.address, way.hops[hop].delay);
        if delay > MAX_DELAY {
            return Err(DropReason::DelayTooLong);
        }
        let packet = Self { way, hop: hop + 1, plaintext };
        Ok(Unwrapped::Forward { next, delay, packet })
    }

    fn ends_at(exit: &TransparentExit) -> (HopAddress, Identifier) {
        (exit.way.destination, exit.way.identifier)
    }

    fn plaintext(exit: TransparentExit) -> Result<Vec<u8>, DropReason> {
        Ok(exit.plaintext.to_vec())
    }

    fn reply_block<R: Rng + ?Sized>(
        route: &Route,
        destination: HopAddress,
        identifier: Identifier,
        wait: Duration,
        rng: &mut R,
    ) -> Result<([u8; REPLY_BLOCK_SIZE], TransparentKey), SealError> {
        let way = Way::draw(route, destination, identifier, rng);
        let mut bytes = way.to_bytes();
        let micros = u32::try_from(wait.min(MAX_DELAY).as_micros()).unwrap_or(u32::MAX);
        bytes[WAIT].copy_from_slice(&micros.to_be_bytes());
        Ok((bytes, TransparentKey(way.nonce)))
    }

    fn read_block(bytes: &[u8; REPLY_BLOCK_SIZE]) -> Result<TransparentBlock, DropReason> {
        let mut micros = &bytes[WAIT];
        let wait = Duration::from_micros(u32::from_be_bytes(take(&mut micros)).into());
        if wait > MAX_DELAY {
            return Err(DropReason::DelayTooLong);
        }
        Ok(TransparentBlock { way: Way::from_bytes(bytes), wait })
    }

    fn reply(block: TransparentBlock, plaintext: &[u8]) -> Result<SealedReply<Self>, SealError> {
        let TransparentBlock { way, wait } = block;
        let first_hop = way.hops[0].address;
        Ok(SealedReply { first_hop, wait, packet: Self::new(way, plaintext)? })
    }

    fn read_reply(key: &TransparentKey, exit: TransparentExit) -> Result<Vec<u8>, DropReason> {
        if exit.way.nonce == key.0 {
            Ok(exit.plaintext.to_vec())
        } else {
            Err(DropReason::BadPayload)
        }
    }
}

#[cfg(test)]
mod tests;
