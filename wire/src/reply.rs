//! Reply blocks: a way back to a client who stays unknown to whoever uses it.

use rand::Rng;
use sphinx_packet::constants::{NODE_ADDRESS_LENGTH, PAYLOAD_KEY_SEED_SIZE};
use sphinx_packet::header::HEADER_SIZE;
use sphinx_packet::surb::{SURB, SURBMaterial, SurbReplyRecovery};
use sphinx_packet::version::SINGLE_SEED_SURB_VERSION;

use crate::packet::{PAYLOAD_SIZE, ephemeral_secret, sphinx_destination, sphinx_route};
use crate::{DropReason, Exit, HopAddress, Identifier, MAX_PLAINTEXT, Packet, Route, SealError};

/// Bytes of a reply block: a header, the first hop's address and one key seed.
pub const REPLY_BLOCK_SIZE: usize = HEADER_SIZE + NODE_ADDRESS_LENGTH + PAYLOAD_KEY_SEED_SIZE;

/// A single-use reply block (SURB, Sphinx section 3.5, in the library's version 260): a sealed
/// header whose last hop is its own creator, and one key. The replier learns the first hop, and
/// cannot recognise the payload at any later one.
#[derive(Debug)]
pub struct ReplyBlock(SURB);

/// What the creator of a [`ReplyBlock`] keeps to read the reply.
#[derive(Debug)]
pub struct ReplyKey(SurbReplyRecovery);

impl ReplyBlock {
    /// Makes a reply block whose route ends at its creator.
    ///
    /// `identifier` names the reply when it arrives; it must not be zero. The last hop of `route`
    /// is the creator, with its own packet key and in a [`HopAddress`] that its gateway knows.
    pub fn create<R: Rng + ?Sized>(
        route: &Route,
        destination: HopAddress,
        identifier: Identifier,
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
        Ok((Self(block), ReplyKey(key)))
    }

    /// Reads a reply block.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if the bytes cannot be one.
    pub fn from_bytes(bytes: &[u8; REPLY_BLOCK_SIZE]) -> Result<Self, DropReason> {
        SURB::from_bytes(bytes).map(Self).map_err(|_| DropReason::UnknownMessage)
    }

    /// The block's [`REPLY_BLOCK_SIZE`] bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    /// Where a reply has to be handed in: the first hop, and the trace it reports to.
    #[must_use]
    pub fn first_hop(&self) -> HopAddress {
        HopAddress::from_bytes(self.0.first_hop().to_bytes())
    }

    /// Makes the reply, and says where it has to be handed in. Using it up is the point: a block
    /// used twice makes two packets with one replay tag, of which one arrives.
    pub fn reply(self, plaintext: &[u8]) -> Result<(HopAddress, Packet), SealError> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(SealError::TooLong(plaintext.len()));
        }
        let (packet, first_hop) = self.0.use_surb(plaintext, PAYLOAD_SIZE)?;
        Ok((HopAddress::from_bytes(first_hop.to_bytes()), Packet::from_sphinx(&packet)))
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
