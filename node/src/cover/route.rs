//! The way of a loop.
#![deny(clippy::disallowed_methods)]

use std::time::Duration;

use mixbed_directory::{Descriptor, Document, Role};
use mixbed_wire::message::Forward;
use mixbed_wire::{
    HOPS, HopAddress, Identifier, NodeId, PacketFormat, Route, RouteHop, SealError,
    exponential_delay,
};
use rand::Rng;
use rand::seq::IteratorRandom;

use crate::topology;

/// A loop's route, and what its sender wants to remember of it.
#[derive(Debug)]
struct LoopRoute {
    /// From the node to the node.
    route: Route,
    /// The name of the first other node on it.
    next: String,
}

/// Draws a loop's nodes and delays, with the packet keys of an epoch. Nothing if the document does
/// not list the node, lists nobody for one of the hops, or lacks a packet key of one.
fn draw<R: Rng + ?Sized>(
    own: NodeId,
    document: &Document,
    epoch: u64,
    rng: &mut R,
) -> Option<LoopRoute> {
    let own = document.node(&own)?;
    let mut hops = vec![own];
    for role in circle(own.role)? {
        hops.push(document.nodes.iter().filter(|node| node.role == role).choose(rng)?);
    }
    hops.push(own);
    let mean = document.parameters.mean_hop_delay;
    let planned = hops.iter().map(|node| hop(node, epoch)).collect::<Option<Vec<_>>>()?;
    let mut route: Route = planned.try_into().ok()?;
    // The last hop holds nothing.
    for hop in &mut route[..HOPS - 1] {
        hop.delay = exponential_delay(mean, rng);
    }
    Some(LoopRoute { route, next: hops[1].name.clone() })
}

/// A loop ready to be sent.
#[derive(Debug)]
pub(crate) struct SealedLoop<P> {
    /// The packet.
    pub(crate) packet: P,
    /// Its name in its last layer.
    pub(crate) identifier: Identifier,
    /// The name of the first other node on its way.
    pub(crate) next: String,
    /// The nodes that it passes, from its sender to its sender.
    pub(crate) hops: Vec<NodeId>,
    /// The sum of the delays drawn for it.
    pub(crate) delays: Duration,
}

/// Seals a loop. Nothing if [`draw`] finds no route; an error if a node published a key that is
/// none.
pub(crate) fn seal_loop<P: PacketFormat, R: Rng + ?Sized>(
    own: NodeId,
    document: &Document,
    epoch: u64,
    rng: &mut R,
) -> Option<Result<SealedLoop<P>, SealError>> {
    let LoopRoute { route, next } = draw(own, document, epoch, rng)?;
    let mut identifier = Identifier::default();
    rng.fill_bytes(&mut identifier);
    let destination = HopAddress { node: own, trace: None };
    let sealed = P::seal(&route, destination, identifier, &Forward::Cover.encode(), rng);
    let delays = route.iter().map(|hop| hop.delay).sum();
    let hops = route.iter().map(|hop| hop.address.node).collect();
    Some(sealed.map(|packet| SealedLoop { packet, identifier, next, hops, delays }))
}

/// The roles between a node and itself, in the order of the topology. A provider has none: it
/// passes on replies only.
fn circle(role: Role) -> Option<[Role; HOPS - 2]> {
    let mix = |layer| Role::Mix { layer };
    let around = [Role::Gateway, mix(1), mix(2), mix(3)];
    let own = around.iter().position(|at| *at == role)?;
    let roles = std::array::from_fn(|hop| around[(own + 1 + hop) % around.len()]);
    debug_assert!(topology::passes_on(role, roles[0]));
    Some(roles)
}

fn hop(node: &Descriptor, epoch: u64) -> Option<RouteHop> {
    Some(RouteHop {
        address: HopAddress { node: node.id(), trace: None },
        key: *node.sphinx_key(epoch)?,
        delay: Duration::ZERO,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hop_of_a_loop_is_one_that_nodes_go_along_with() {
        let mix = |layer| Role::Mix { layer };
        for own in [Role::Gateway, mix(1), mix(2), mix(3)] {
            let between = circle(own).expect("it has a way round");
            let way: Vec<_> = [own].into_iter().chain(between).chain([own]).collect();
            assert_eq!(way.len(), HOPS);
            for pair in way.windows(2) {
                assert!(topology::passes_on(pair[0], pair[1]), "{way:?}");
            }
        }
        assert_eq!(circle(Role::Provider), None);
    }
}
