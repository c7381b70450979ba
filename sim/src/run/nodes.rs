//! What nodes do in a run.

use mixbed_node::core::Outbound;
use mixbed_wire::DropReason;
use mixbed_wire::message::Response;

use super::{Event, Sim};
use crate::SimPacket;
use crate::actors::{ActorNo, Word};

impl<P: SimPacket> Sim<P> {
    pub(super) fn settle(&mut self, actor: ActorNo) {
        if self.client_no(actor).is_some() {
            self.settle_client(actor);
        } else {
            self.settle_node(actor);
        }
    }

    /// Does what a node wants done, and sets its timer.
    pub(super) fn settle_node(&mut self, actor: ActorNo) {
        let (now, wall) = (self.instant(), self.wall());
        let node = self.node(actor);
        let mut other_keys = false;
        match node.following.poll(wall) {
            None => {}
            Some(Word::Expired) => node.core.handle_expired(),
            Some(Word::Document(document, epoch)) => {
                other_keys = node.core.handle_document(&document, epoch, now, &mut node.rng);
                self.epoch = self.epoch.max(epoch);
            }
        }
        if other_keys {
            self.register(actor);
        }
        while let Some(call) = self.node(actor).core.poll_call() {
            *self.executions.entry(call.message).or_default() += 1;
            self.note("call", actor, actor, call.message.as_bytes());
            let service = self.config.workload.service;
            self.add(service, Event::Served(actor, call.message, Response::Ok(call.payload)));
        }
        while let Some(Outbound { to, packet, .. }) = self.node(actor).core.poll_transmit() {
            let is_packet = packet.is_some();
            if let Some((follow, trail)) =
                self.follow.as_mut().zip(packet.as_ref().and_then(SimPacket::trail))
            {
                follow.left(trail, self.now);
            }
            let sent = match self.numbers.get(&to) {
                Some(&to) => self.send(actor, to, packet),
                None => Err(DropReason::UnknownNextHop),
            };
            let node = self.node(actor);
            match sent {
                Ok(()) if is_packet => node.core.handle_sent(),
                Err(reason) if is_packet => node.core.handle_unsent(reason),
                _ => {}
            }
        }
        let node = self.node(actor);
        let (timer, turn) = (node.core.poll_timeout(), node.following.poll_at(wall));
        self.wake_at(actor, timer.map(|at| self.clock.moment(at)));
        self.wake_at(actor, turn);
    }
}
