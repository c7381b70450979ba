//! What links do in a run.

use mixbed_node::core::LinkKind;
use mixbed_wire::{DropReason, ReplayTag};

use super::{Event, Sim};
use crate::SimPacket;
use crate::actors::ActorNo;

impl<P: SimPacket> Sim<P> {
    pub(super) fn send(
        &mut self,
        from: ActorNo,
        to: ActorNo,
        frame: Option<P>,
    ) -> Result<(), DropReason> {
        let between_nodes = self.client_no(from).is_none() && self.client_no(to).is_none();
        let impairment =
            if between_nodes { self.config.node_links } else { self.config.client_links };
        let (now, is_packet) = (self.instant(), frame.is_some());
        let mark = frame.as_ref().map(SimPacket::mark);
        match self.lines.send((from, to), frame, impairment, now) {
            Ok(next) => {
                self.packets_under_way += u64::from(is_packet);
                if let Some((place, at)) = next {
                    self.agenda.add(self.clock.moment(at), Event::Line(place));
                }
                Ok(())
            }
            Err(reason) => {
                self.note("lost", from, to, &mark.unwrap_or_default());
                Err(reason)
            }
        }
    }

    pub(super) fn handle_line(&mut self, place: usize) {
        let now = self.instant();
        while let Some((from, to, frame)) = self.lines.poll_due(place, now) {
            let mark: ReplayTag = frame.as_ref().map(SimPacket::mark).unwrap_or_default();
            let what = if frame.is_some() { "packet" } else { "dummy" };
            self.note(what, to, from, &mark);
            if let Some(packet) = frame {
                self.packets_under_way -= 1;
                self.handle_packet(from, to, &packet);
            }
        }
        if let Some(at) = self.lines.next_due(place) {
            self.agenda.add(self.clock.moment(at), Event::Line(place));
        }
    }

    pub(super) fn handle_packet(&mut self, from: ActorNo, to: ActorNo, packet: &P) {
        let now = self.instant();
        if let Some((follow, trail)) = self.follow.as_mut().zip(packet.trail()) {
            follow.arrived(trail, self.now);
        }
        let Some(client) = self.client_no(to) else {
            let from_client = self.client_no(from).is_some();
            let kind = if from_client { LinkKind::Client } else { LinkKind::Node };
            self.node(to).core.handle_packet(packet, kind, now);
            return self.settle_node(to);
        };
        let client = &mut self.clients[client];
        let linked = client.gateway.and_then(|id| self.numbers.get(&id)) == Some(&from);
        let taken = if linked {
            client.core.handle_packet(packet, now)
        } else {
            // It was on a link that is no more.
            Err(DropReason::LinkLost)
        };
        client.accounts.received += 1;
        match taken {
            Ok(()) => client.accounts.delivered += 1,
            Err(reason) => client.accounts.drop(reason),
        }
        self.settle_client(to);
    }
}
