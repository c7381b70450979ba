//! A carrier that takes routes through layers of mixes, some of them dead, over links that lose.

use std::collections::HashSet;
use std::time::Duration;

use mixbed_client::core::{Draft, Messenger, Sent, Weights};
use mixbed_wire::message::Answer;
use mixbed_wire::{DropReason, Identifier, NodeId, REPLY_BLOCK_SIZE};
use rand::RngExt;
use rand_chacha::ChaCha20Rng;

use crate::pair::{Carrier, PROVIDER};
use crate::plain::{Packet, Plain};

pub(crate) const GATEWAY: NodeId = NodeId::from_bytes([1; 8]);

/// A mix, by layer and number.
pub(crate) fn mix(layer: u8, number: u8) -> NodeId {
    NodeId::from_bytes([0xa0, layer, number, 0, 0, 0, 0, 0])
}

pub(crate) struct Routed {
    pub(crate) per_layer: u8,
    pub(crate) dead: HashSet<NodeId>,
    /// The share of packets that each link loses.
    pub(crate) link_loss: f64,
    /// Whether routes follow what the client suspects.
    pub(crate) learns: bool,
    /// Mixes chosen so far, those that are dead among them.
    pub(crate) chosen: u64,
    pub(crate) chosen_dead: u64,
    weights: Weights,
    plain: Plain,
}

/// A packet, and the nodes that it is to pass.
#[derive(Clone)]
pub(crate) struct OnRoute {
    route: Vec<NodeId>,
    packet: Packet,
}

impl Routed {
    pub(crate) fn new(per_layer: u8) -> Self {
        Self {
            per_layer,
            dead: HashSet::new(),
            link_loss: 0.0,
            learns: true,
            chosen: 0,
            chosen_dead: 0,
            weights: Weights::default(),
            plain: Plain,
        }
    }

    fn mixes(&mut self, rng: &mut ChaCha20Rng) -> Vec<NodeId> {
        let mut mixes = Vec::new();
        for layer in 1..=3 {
            let of_layer = (0..self.per_layer).map(|number| mix(layer, number));
            let chosen = self.weights.choose(of_layer, rng).expect("a mix");
            let chosen = mix(layer, u8::try_from(chosen).expect("few"));
            self.chosen += 1;
            self.chosen_dead += u64::from(self.dead.contains(&chosen));
            mixes.push(chosen);
        }
        mixes
    }
}

impl Carrier for Routed {
    type Packet = OnRoute;
    type Key = ();
    type Block = (Vec<NodeId>, (Identifier, Duration));

    fn seal(&mut self, draft: &Draft, rng: &mut ChaCha20Rng) -> (Sent<()>, OnRoute) {
        let (mut sent, packet) = self.plain.seal(draft, rng);
        sent.route = [vec![GATEWAY], self.mixes(rng), vec![PROVIDER]].concat();
        for reply in &mut sent.replies {
            reply.route = [self.mixes(rng), vec![GATEWAY]].concat();
        }
        let routes: Vec<_> = sent.replies.iter().map(|reply| reply.route.clone()).collect();
        let packet = Plain::with_routes(packet, &routes);
        let route = sent.route.clone();
        (sent, OnRoute { route, packet })
    }

    fn arrive(&mut self, packet: OnRoute) -> Vec<u8> {
        self.plain.arrive(packet.packet)
    }

    fn choose_by(&mut self, weights: Weights) {
        if self.learns {
            self.weights = weights;
        }
    }

    /// Five links each way.
    fn loses(&mut self, packet: &OnRoute, rng: &mut ChaCha20Rng) -> bool {
        packet.route.iter().any(|node| self.dead.contains(node))
            || (0..5).any(|_| rng.random_bool(self.link_loss))
    }

    fn block(&mut self, bytes: &[u8; REPLY_BLOCK_SIZE]) -> Self::Block {
        (Plain::route_in(bytes), self.plain.block(bytes))
    }

    fn reply(&mut self, (route, block): Self::Block, answer: &Answer) -> (Duration, OnRoute) {
        let (back, packet) = self.plain.reply(block, answer);
        (back, OnRoute { route, packet })
    }

    fn read(
        &mut self,
        messenger: &Messenger<()>,
        packet: OnRoute,
    ) -> Result<(Identifier, Vec<u8>), DropReason> {
        self.plain.read(messenger, packet.packet)
    }
}
