//! Packets that say nothing: drops and loops.
//!
//! A loop is a [`Forward::Poll`] for a message that never was, with one reply block. The provider
//! answers it as it answers any such poll, with an empty acknowledgement, and keeps nothing. So a
//! loop runs gateway, mix 1, 2, 3, provider, mix 1, 2, 3, gateway, client: each segment that the
//! client's messages pass, both ways, in two Sphinx packets of five hops. One Sphinx packet could
//! not do it: gateway, mix 1, 2, 3, gateway, client are six hops, and a route that left out the
//! first gateway or a layer is one that no node goes along with.
//!
//! A drop is a loop that the client does not wait for: it is answered, and the answer is thrown away.
//! So whoever watches a provider sees one packet leave for each that came, as for a request.
//!
//! On a link and at each hop but the last these are packets like any other. Only the provider can
//! tell them from payload, as in Loopix.

use std::time::Duration;

use mixbed_wire::message::{Forward, MessageId};
use mixbed_wire::{HopAddress, Identifier, NodeId, Packet, PacketFormat};
use rand::Rng;

use super::post::{WayBack, reply_block};
use super::{Net, PostError, Return, RouteError};

/// A loop or a drop, ready to be sent to the gateway.
#[derive(Debug)]
pub struct SealedLoop<P: PacketFormat = Packet> {
    /// The packet.
    pub packet: P,
    /// The name that it will bring when it is back.
    pub identifier: Identifier,
    /// What reads it then.
    pub key: P::ReplyKey,
    /// The sum of the delays drawn, there and back.
    pub delays: Duration,
    /// The nodes that it passes, in this order, from its gateway there to its gateway back.
    pub nodes: Vec<NodeId>,
}

/// Seals a loop, or a drop, by way of a random provider.
pub fn seal_loop<P: PacketFormat, R: Rng + ?Sized>(
    net: &Net,
    own: Return,
    rng: &mut R,
) -> Result<SealedLoop<P>, PostError> {
    let provider = provider(net, rng)?;
    let WayBack { block, reply, route: back } = reply_block::<P, R>(net, own, None, rng)?;
    let (route, there) = net.there(provider, None, rng)?;
    let destination = HopAddress { node: provider, trace: None };
    let message = MessageId::generate(rng);
    let question = Forward::Poll { message, blocks: &[block], wanted: &[] };
    let packet = P::seal(&route, destination, [0; 16], &question.encode(), rng)?;
    let nodes = route.iter().chain(&back).map(|hop| hop.address.node);
    let nodes = nodes.filter(|node| *node != own.id).collect();
    let delays = there + reply.back;
    Ok(SealedLoop { packet, identifier: reply.identifier, key: reply.key, delays, nodes })
}

fn provider<R: Rng + ?Sized>(net: &Net, rng: &mut R) -> Result<NodeId, RouteError> {
    let chosen = net.choose(net.document.providers(), rng);
    chosen.map(mixbed_directory::Descriptor::id).ok_or(RouteError::NoProvider)
}
