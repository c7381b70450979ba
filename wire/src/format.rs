//! What the cores need of a packet, whatever it is made of.

use std::fmt::Debug;
use std::time::Duration;

use rand::Rng;

use crate::{
    DropReason, Exit, HopAddress, Identifier, Opened, Packet, REPLY_BLOCK_SIZE, ReplayTag,
    ReplyBlock, ReplyKey, Route, SealError, SealedReply, SphinxPublic, SphinxSecret, Unwrapped,
};

/// A packet format: what the clients' and the nodes' cores do with a packet.
///
/// There is one that goes over a network, Sphinx, and its type is [`Packet`]. A simulator may put
/// another in its place that shows the same to the cores and costs less to make and to open. Each
/// method does what its name does at [`Packet`], [`Opened`], [`Exit`], [`ReplyBlock`] and
/// [`ReplyKey`]; each format has the same sizes and bounds.
pub trait PacketFormat: Clone + Debug + Send + Sync + 'static {
    /// What opens a packet.
    type Secret: Debug + Send + Sync;
    /// What takes the layer off a packet that proved to be for a key.
    type Opened: Debug;
    /// The end of a route.
    type Exit: Debug;
    /// A way back.
    type ReplyBlock: Debug;
    /// What reads a reply.
    type ReplyKey: Debug;

    /// Draws a new secret.
    fn secret<R: Rng + ?Sized>(rng: &mut R) -> Self::Secret;

    /// A secret's public half, for descriptors and routes.
    fn public(secret: &Self::Secret) -> SphinxPublic;

    /// See [`Packet::seal`].
    fn seal<R: Rng + ?Sized>(
        route: &Route,
        destination: HopAddress,
        identifier: Identifier,
        plaintext: &[u8],
        rng: &mut R,
    ) -> Result<Self, SealError>;

    /// See [`Packet::open`].
    fn open(&self, key: &Self::Secret) -> Result<Self::Opened, DropReason>;

    /// See [`Opened::replay_tag`].
    fn replay_tag(opened: &Self::Opened) -> ReplayTag;

    /// See [`Opened::unwrap`].
    fn unwrap(opened: Self::Opened, packet: Self) -> Result<Unwrapped<Self>, DropReason>;

    /// What the route's creator wrote for its last hop: [`Exit::destination`] and
    /// [`Exit::identifier`].
    fn ends_at(exit: &Self::Exit) -> (HopAddress, Identifier);

    /// See [`Exit::plaintext`].
    fn plaintext(exit: Self::Exit) -> Result<Vec<u8>, DropReason>;

    /// See [`ReplyBlock::create`]; the block as bytes.
    fn reply_block<R: Rng + ?Sized>(
        route: &Route,
        destination: HopAddress,
        identifier: Identifier,
        wait: Duration,
        rng: &mut R,
    ) -> Result<([u8; REPLY_BLOCK_SIZE], Self::ReplyKey), SealError>;

    /// See [`ReplyBlock::from_bytes`].
    fn read_block(bytes: &[u8; REPLY_BLOCK_SIZE]) -> Result<Self::ReplyBlock, DropReason>;

    /// See [`ReplyBlock::reply`].
    fn reply(block: Self::ReplyBlock, plaintext: &[u8]) -> Result<SealedReply<Self>, SealError>;

    /// See [`ReplyKey::read`].
    fn read_reply(key: &Self::ReplyKey, exit: Self::Exit) -> Result<Vec<u8>, DropReason>;
}

impl PacketFormat for Packet {
    type Secret = SphinxSecret;
    type Opened = Opened;
    type Exit = Exit;
    type ReplyBlock = ReplyBlock;
    type ReplyKey = ReplyKey;

    fn secret<R: Rng + ?Sized>(rng: &mut R) -> SphinxSecret {
        SphinxSecret::generate(rng)
    }

    fn public(secret: &SphinxSecret) -> SphinxPublic {
        secret.public()
    }

    fn seal<R: Rng + ?Sized>(
        route: &Route,
        destination: HopAddress,
        identifier: Identifier,
        plaintext: &[u8],
        rng: &mut R,
    ) -> Result<Self, SealError> {
        Self::seal(route, destination, identifier, plaintext, rng)
    }

    fn open(&self, key: &SphinxSecret) -> Result<Opened, DropReason> {
        self.open(key)
    }

    fn replay_tag(opened: &Opened) -> ReplayTag {
        opened.replay_tag()
    }

    fn unwrap(opened: Opened, packet: Self) -> Result<Unwrapped, DropReason> {
        opened.unwrap(packet)
    }

    fn ends_at(exit: &Exit) -> (HopAddress, Identifier) {
        (exit.destination, exit.identifier)
    }

    fn plaintext(exit: Exit) -> Result<Vec<u8>, DropReason> {
        exit.plaintext()
    }

    fn reply_block<R: Rng + ?Sized>(
        route: &Route,
        destination: HopAddress,
        identifier: Identifier,
        wait: Duration,
        rng: &mut R,
    ) -> Result<([u8; REPLY_BLOCK_SIZE], ReplyKey), SealError> {
        let (block, key) = ReplyBlock::create(route, destination, identifier, wait, rng)?;
        Ok((*block.as_bytes(), key))
    }

    fn read_block(bytes: &[u8; REPLY_BLOCK_SIZE]) -> Result<ReplyBlock, DropReason> {
        ReplyBlock::from_bytes(bytes)
    }

    fn reply(block: ReplyBlock, plaintext: &[u8]) -> Result<SealedReply, SealError> {
        block.reply(plaintext)
    }

    fn read_reply(key: &ReplyKey, exit: Exit) -> Result<Vec<u8>, DropReason> {
        key.read(exit)
    }
}
