//! Reply blocks: a way back to a client who stays unknown to whoever uses it.

use std::ops::Range;
use std::time::Duration;

use rand::Rng;
use zeroize::Zeroizing;

use crate::packet::write_header;
use crate::sphinx::{self, HopSecrets, PayloadSeed};
use crate::{
    DropReason, Exit, HopAddress, Identifier, MAX_DELAY, MAX_PLAINTEXT, Packet, Route, SealError,
};

/// Where a block has its parts: how long the reply waits before it leaves, in microseconds; the header,
/// the first hop's address and the seed of the payload's key.
const WAIT: Range<usize> = 0..4;
const HEADER: Range<usize> = WAIT.end..WAIT.end + sphinx::HEADER;
const FIRST_HOP: Range<usize> = HEADER.end..HEADER.end + sphinx::ADDRESS;
const SEED: Range<usize> = FIRST_HOP.end..FIRST_HOP.end + size_of::<PayloadSeed>();

/// Bytes of a reply block: how long the reply waits before it leaves, and Sphinx's block.
pub const REPLY_BLOCK_SIZE: usize = SEED.end;

/// A single-use reply block (SURB, Sphinx section 3.5, in sphinx-packet's version 260): a sealed
/// header whose last hop is its own creator, and one key. The replier learns the first hop, and
/// cannot recognise the payload at any later one.
///
/// With it goes the time that the reply is to wait at the replier, as a packet waits at each hop. It
/// is drawn anew for each block, so whoever makes the blocks knows how long each reply may take,
/// however many there are, and whenever they are made.
pub struct ReplyBlock(Box<[u8; REPLY_BLOCK_SIZE]>);

impl std::fmt::Debug for ReplyBlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReplyBlock(to {:?})", self.first_hop())
    }
}

/// A reply, ready to leave.
#[derive(Clone, Debug)]
pub struct SealedReply<P = Packet> {
    /// Where it has to be handed in: the first hop, and the trace that this hop reports to.
    pub first_hop: HopAddress,
    /// How long it is to wait before.
    pub wait: Duration,
    /// The packet.
    pub packet: P,
}

/// What the creator of a [`ReplyBlock`] keeps to read the reply.
pub struct ReplyKey {
    identifier: Identifier,
    seeds: Zeroizing<[PayloadSeed; sphinx::HOPS]>,
}

impl std::fmt::Debug for ReplyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReplyKey({})", hex::encode(self.identifier))
    }
}

impl ReplyBlock {
    /// Makes a reply block whose route ends at its creator.
    ///
    /// `identifier` names the reply when it arrives; it must not be zero. The last hop of `route`
    /// is the creator, with its own packet key and in a [`HopAddress`] that its gateway knows.
    /// `wait` is how long the reply waits before it leaves: whole microseconds, at most [`MAX_DELAY`].
    pub fn create<R: Rng + ?Sized>(
        route: &Route,
        destination: HopAddress,
        identifier: Identifier,
        wait: Duration,
        rng: &mut R,
    ) -> Result<(Self, ReplyKey), SealError> {
        if identifier == Identifier::default() {
            return Err(SealError::Unnamed);
        }
        let mut bytes = Box::new([0; REPLY_BLOCK_SIZE]);
        let micros = u32::try_from(wait.min(MAX_DELAY).as_micros()).unwrap_or(u32::MAX);
        bytes[WAIT].copy_from_slice(&micros.to_be_bytes());
        let sender = write_header(route, destination, identifier, &mut bytes[HEADER], rng);
        bytes[FIRST_HOP].copy_from_slice(&route[0].address.to_bytes());
        let seeds = Zeroizing::new(sender.hops().each_ref().map(HopSecrets::payload_seed));
        bytes[SEED].copy_from_slice(&seeds[sphinx::HOPS - 1]);
        Ok((Self(bytes), ReplyKey { identifier, seeds }))
    }

    /// Reads a reply block.
    ///
    /// # Errors
    /// [`DropReason::DelayTooLong`] if its reply would wait for longer than [`MAX_DELAY`].
    pub fn from_bytes(bytes: &[u8; REPLY_BLOCK_SIZE]) -> Result<Self, DropReason> {
        let block = Self(Box::new(*bytes));
        if block.wait() > MAX_DELAY {
            return Err(DropReason::DelayTooLong);
        }
        Ok(block)
    }

    /// The block's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; REPLY_BLOCK_SIZE] {
        &self.0
    }

    /// The block's [`REPLY_BLOCK_SIZE`] bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// Where a reply has to be handed in: the first hop, and the trace it reports to.
    #[must_use]
    pub fn first_hop(&self) -> HopAddress {
        HopAddress::from_bytes(self.part(FIRST_HOP))
    }

    fn wait(&self) -> Duration {
        Duration::from_micros(u32::from_be_bytes(self.part(WAIT)).into())
    }

    fn part<const N: usize>(&self, at: Range<usize>) -> [u8; N] {
        let mut part = [0; N];
        part.copy_from_slice(&self.0[at]);
        part
    }

    /// Makes the reply. Using the block up is the point: one that is used twice makes two packets
    /// with one replay tag, of which one arrives.
    pub fn reply(self, plaintext: &[u8]) -> Result<SealedReply, SealError> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(SealError::TooLong(plaintext.len()));
        }
        let seed = Zeroizing::new(self.part(SEED));
        Ok(SealedReply {
            first_hop: self.first_hop(),
            wait: self.wait(),
            packet: Packet::reply(&self.0[HEADER], plaintext, &seed),
        })
    }
}

impl ReplyKey {
    /// The name that the reply will bring.
    #[must_use]
    pub fn identifier(&self) -> &Identifier {
        &self.identifier
    }

    /// Reads the reply that came in `exit`.
    ///
    /// # Errors
    /// [`DropReason::BadPayload`] if it was changed on the way or belongs to another key.
    pub fn read(&self, mut exit: Exit) -> Result<Vec<u8>, DropReason> {
        exit.packet.payload().take_way(&self.seeds);
        exit.plaintext()
    }
}
