//! Between the messenger's drafts and Sphinx packets.

use mixbed_wire::{
    DropReason, HOPS, HopAddress, Identifier, NodeId, Packet, PacketFormat, REPLY_BLOCK_SIZE,
    Route, SealError, SphinxPublic, TraceContext, Unwrapped,
};
use rand::Rng;

use super::route::Back;
use super::{Net, ReplyDue, RouteError, Sealable, Sent};

/// Where replies go: the client itself.
#[derive(Clone, Copy, Debug)]
pub struct Return {
    /// The client's id.
    pub id: NodeId,
    /// The client's packet key.
    pub key: SphinxPublic,
}

/// A packet ready to be sent to the gateway.
#[derive(Debug)]
pub struct Sealed<P: PacketFormat = Packet> {
    /// The packet.
    pub packet: P,
    /// What the messenger has to know of it.
    pub sent: Sent<P::ReplyKey>,
    /// The hops of its way there.
    pub route: [NodeId; HOPS],
}

/// Why a draft became no packet.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// There is no route.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// The packet could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl PostError {
    /// Whether the provider is what is wrong: messages to others go through.
    #[must_use]
    pub fn is_providers(&self) -> bool {
        matches!(self, Self::Route(RouteError::ProviderGone(_)))
    }
}

/// Seals a draft on a fresh route, with reply blocks on fresh routes of their own.
pub fn seal<P: PacketFormat, R: Rng + ?Sized>(
    draft: &impl Sealable,
    net: &Net,
    own: Return,
    trace: Option<TraceContext>,
    rng: &mut R,
) -> Result<Sealed<P>, PostError> {
    let mut blocks = Vec::with_capacity(draft.blocks());
    let mut replies = Vec::with_capacity(draft.blocks());
    for _ in 0..draft.blocks() {
        let WayBack { block, reply, .. } = reply_block::<P, R>(net, own, trace, rng)?;
        blocks.push(block);
        replies.push(reply);
    }
    let (route, there) = net.there(draft.provider(), trace, rng)?;
    let destination = HopAddress { node: draft.provider(), trace };
    let packet = P::seal(&route, destination, [0; 16], &draft.encode(&blocks), rng)?;
    let route = route.map(|hop| hop.address.node);
    Ok(Sealed { packet, sent: Sent { there, route: route.to_vec(), replies }, route })
}

/// A way back.
pub(super) struct WayBack<K> {
    /// The reply block.
    pub(super) block: [u8; REPLY_BLOCK_SIZE],
    /// The reply that may come by it.
    pub(super) reply: ReplyDue<K>,
    /// Its hops.
    pub(super) route: Route,
}

/// A reply block on a fresh route.
pub(super) fn reply_block<P: PacketFormat, R: Rng + ?Sized>(
    net: &Net,
    own: Return,
    trace: Option<TraceContext>,
    rng: &mut R,
) -> Result<WayBack<P::ReplyKey>, PostError> {
    let way = net.back(own.id, own.key, trace, rng)?;
    let (delays, Back { route, wait }) = (way.delays(), way);
    let identifier = identifier(rng);
    let destination = HopAddress { node: own.id, trace };
    let (block, key) = P::reply_block(&route, destination, identifier, wait, rng)?;
    let nodes = route.iter().map(|hop| hop.address.node).filter(|node| *node != own.id).collect();
    Ok(WayBack { block, reply: ReplyDue { identifier, back: delays, route: nodes, key }, route })
}

/// A reply's name: random, and not the zeros that mean "no reply".
fn identifier<R: Rng + ?Sized>(rng: &mut R) -> Identifier {
    let mut identifier = [0; 16];
    while identifier == [0; 16] {
        rng.fill_bytes(&mut identifier);
    }
    identifier
}

/// A packet whose last hop is this client.
#[derive(Debug)]
pub struct Opened<P: PacketFormat = Packet> {
    /// The reply's name.
    pub identifier: Identifier,
    /// The trace that it reports to.
    pub trace: Option<TraceContext>,
    /// What its key reads.
    pub exit: P::Exit,
}

/// Opens a packet that the gateway handed over.
///
/// # Errors
/// Those of [`Packet::open`] and [`unwrap`](mixbed_wire::Opened::unwrap);
/// [`DropReason::NotForThisRole`] if it wants to go on to another hop.
pub fn open<P: PacketFormat>(packet: P, secret: &P::Secret) -> Result<Opened<P>, DropReason> {
    match P::unwrap(packet.open(secret)?, packet)? {
        Unwrapped::Exit(exit) => {
            let (destination, identifier) = P::ends_at(&exit);
            Ok(Opened { identifier, trace: destination.trace, exit })
        }
        Unwrapped::Forward { .. } => Err(DropReason::NotForThisRole),
    }
}
