//! What links do in a run.

use std::sync::Arc;

use mixbed_directory::Document;
use mixbed_directory::document::impairment::{LinkEnd, lets_in, link_impairments};
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
        let place = self.lines.place(from, to);
        self.impair(place, from, to);
        let (now, is_packet) = (self.instant(), frame.is_some());
        let mark = frame.as_ref().map(SimPacket::mark);
        match self.lines.send(place, frame, now) {
            Ok(next) => {
                self.packets_under_way += u64::from(is_packet);
                if let Some(at) = next {
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
                self.handle_packet(from, to, packet);
            }
        }
        if let Some(at) = self.lines.next_due(place) {
            self.agenda.add(self.clock.moment(at), Event::Line(place));
        }
    }

    pub(super) fn handle_packet(&mut self, from: ActorNo, to: ActorNo, packet: P) {
        let now = self.instant();
        if let Some((follow, trail)) = self.follow.as_mut().zip(packet.trail()) {
            follow.arrived(trail, self.now);
        }
        let Some(client) = self.client_no(to) else {
            let from_client = self.client_no(from).is_some();
            let kind = if from_client { LinkKind::Client } else { LinkKind::Node };
            if self.lets_in(to, from) {
                self.node(to).core.handle_packet(packet, kind, now);
            } else {
                self.node(to).core.handle_refused(DropReason::Impaired);
            }
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

    /// Keeps a link in step with the document. One between nodes is impaired by its sender, a
    /// client's both ways by the gateway.
    fn impair(&mut self, place: usize, from: ActorNo, to: ActorNo) {
        let (from_client, to_client) =
            (self.client_no(from).is_some(), self.client_no(to).is_some());
        let document = self.document_of(if from_client { to } else { from });
        let version = document.as_ref().map_or((0, 0), |document| document.version());
        if self.lines.impaired_by(place) == Some(version) {
            return;
        }
        let client_link = from_client || to_client;
        let always = if client_link { self.config.client_links } else { self.config.node_links };
        let mut impairments = document.map_or_else(Vec::new, |document| {
            let rules = &document.parameters.impairments;
            link_impairments(rules, self.end(from), self.end(to))
        });
        impairments.push(always);
        self.lines.impair(place, version, impairments);
    }

    /// The document that a node goes by.
    fn document_of(&self, actor: ActorNo) -> Option<Arc<Document>> {
        self.nodes.get((actor as usize).checked_sub(1)?)?.core.document().cloned()
    }

    /// Somebody, as the document's rules see it.
    fn end(&self, actor: ActorNo) -> LinkEnd<'_> {
        match self.client_no(actor) {
            Some(client) => LinkEnd::Client(self.clients[client].core.id()),
            None => self.nodes[actor as usize - 1].core.descriptor().into(),
        }
    }

    /// Whether a node is honest enough to take what comes from there.
    fn lets_in(&self, node: ActorNo, from: ActorNo) -> bool {
        self.document_of(node).is_none_or(|document| {
            let rules = &document.parameters.impairments;
            rules.is_empty() || lets_in(rules, self.end(node), self.end(from))
        })
    }
}
