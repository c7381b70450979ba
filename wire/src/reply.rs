//! Reply blocks: a way back to a client who stays unknown to whoever uses it.

use std::time::Duration;

use rand::Rng;
use sphinx_packet::constants::{NODE_ADDRESS_LENGTH, PAYLOAD_KEY_SEED_SIZE};
use sphinx_packet::header::HEADER_SIZE;
use sphinx_packet::surb::{SURB, SURBMaterial, SurbReplyRecovery};
use sphinx_packet::version::SINGLE_SEED_SURB_VERSION;

use crate::packet::{PAYLOAD_SIZE, ephemeral_secret, sphinx_destination, sphinx_route};
use crate::{
    DropReason, Exit, HopAddress, Identifier, MAX_DELAY, MAX_PLAINTEXT, Packet, Route, SealError,
};

/// Bytes of the delay before the block proper, in microseconds.
const WAIT: usize = 4;

/// Bytes of the library's part: a header, the first hop's address and one key seed.
const SURB_SIZE: usize = HEADER_SIZE + NODE_ADDRESS_LENGTH + PAYLOAD_KEY_SEED_SIZE;

/// Bytes of a reply block: how long the reply waits before it leaves, and the library's block.
pub const REPLY_BLOCK_SIZE: usize = WAIT + SURB_SIZE;

/// A single-use reply block (SURB, Sphinx section 3.5, in the library's version 260): a sealed
/// header whose last hop is its own creator, and one key. The replier learns the first hop, and
/// cannot recognise the payload at any later one.
///
/// With it goes the time that the reply is to wait at the replier, as a packet waits at each hop. It
/// is drawn anew for each block, so whoever makes the blocks knows how long each reply may take,
/// however many there are, and whenever they are made.
#[derive(Debug)]
pub struct ReplyBlock {
    wait: Duration,
    surb: SURB,
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
#[derive(Debug)]
pub struct ReplyKey(SurbReplyRecovery);

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
        let (nodes, delays) = sphinx_route(route);
        let material = SURBMaterial::new(
            nodes,
            delays,
            sphinx_destination(destination, identifier),
            SINGLE_SEED_SURB_VERSION,
        );
        let (block, key) = SURB::new_recoverable(ephemeral_secret(rng), material)?;
        Ok((Self { wait: wait.min(MAX_DELAY), surb: block }, ReplyKey(key)))
    }

    /// Reads a reply block.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if the bytes cannot be one, [`DropReason::DelayTooLong`] if
    /// its reply would wait for longer than [`MAX_DELAY`].
    pub fn from_bytes(bytes: &[u8; REPLY_BLOCK_SIZE]) -> Result<Self, DropReason> {
        let (wait, block) = bytes.split_at(WAIT);
        let mut micros = [0; WAIT];
        micros.copy_from_slice(wait);
        let wait = Duration::from_micros(u32::from_be_bytes(micros).into());
        if wait > MAX_DELAY {
            return Err(DropReason::DelayTooLong);
        }
        let surb = SURB::from_bytes(block).map_err(|_| DropReason::UnknownMessage)?;
        Ok(Self { wait, surb })
    }

    /// The block's [`REPLY_BLOCK_SIZE`] bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let micros = u32::try_from(self.wait.as_micros()).unwrap_or(u32::MAX);
        [micros.to_be_bytes().as_slice(), &self.surb.to_bytes()].concat()
    }

    /// Where a reply has to be handed in: the first hop, and the trace it reports to.
    #[must_use]
    pub fn first_hop(&self) -> HopAddress {
        HopAddress::from_bytes(self.surb.first_hop().to_bytes())
    }

    /// Makes the reply. Using the block up is the point: one that is used twice makes two packets
    /// with one replay tag, of which one arrives.
    pub fn reply(self, plaintext: &[u8]) -> Result<SealedReply, SealError> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(SealError::TooLong(plaintext.len()));
        }
        let (packet, first_hop) = self.surb.use_surb(plaintext, PAYLOAD_SIZE)?;
        Ok(SealedReply {
            first_hop: HopAddress::from_bytes(first_hop.to_bytes()),
            wait: self.wait,
            packet: Packet::from_sphinx(&packet),
        })
    }
}

impl ReplyKey {
    /// The name that the reply will bring.
    #[must_use]
    pub fn identifier(&self) -> &Identifier {
        self.0.identifier()
    }

    /// Reads the reply that came in `exit`.
    ///
    /// # Errors
    /// [`DropReason::BadPayload`] if it was changed on the way or belongs to another key.
    pub fn read(&self, exit: Exit) -> Result<Vec<u8>, DropReason> {
        self.0.recover_plaintext(exit.payload).map_err(|_| DropReason::BadPayload)
    }
}
