//! What clients and their users do in a run.

use mixbed_client::core::{Event as Told, Net, Order, Weights};
use mixbed_directory::Descriptor;
use mixbed_wire::NodeId;
use mixbed_wire::message::Response;
use rand::RngExt;
use rand::seq::IteratorRandom;
use rand_distr::{Distribution, Exp1};

use super::{Event, Sim};
use crate::SimPacket;
use crate::actors::{ActorNo, Outcome, Word};
use crate::clock::nanos;

impl<P: SimPacket> Sim<P> {
    /// Does what a client wants done, and sets its timer.
    pub(super) fn settle_client(&mut self, actor: ActorNo) {
        let (now, wall) = (self.instant(), self.wall());
        let Some(client_no) = self.client_no(actor) else { return };
        let client = &mut self.clients[client_no];
        match client.following.poll(wall) {
            None => {}
            Some(Word::Expired) => {
                client.document = None;
                client.core.handle_link_down();
            }
            Some(Word::Document(document, epoch)) => {
                client.document = Some((document, epoch));
                self.show_net(client_no);
            }
        }
        self.dial(actor);
        let client = &mut self.clients[client_no];
        if let Some(gateway) = client.gateway.and_then(|id| self.numbers.get(&id)).copied() {
            while let Some(packet) = {
                let client = &mut self.clients[client_no];
                client.core.poll_transmit(now, &mut client.rng)
            } {
                let sent = self.send(actor, gateway, Some(packet));
                let accounts = &mut self.clients[client_no].accounts;
                accounts.made += 1;
                match sent {
                    Ok(()) => accounts.sent += 1,
                    Err(reason) => accounts.drop(reason),
                }
            }
        }
        while let Some(event) = self.clients[client_no].core.poll_event() {
            self.handle_told(actor, client_no, event);
        }
        let client = &self.clients[client_no];
        let (timer, turn) = (client.core.poll_timeout(), client.following.poll_at(wall));
        self.wake_at(actor, timer.map(|at| self.clock.moment(at)));
        self.wake_at(actor, turn);
    }

    /// Shows a client with a link the network by its document.
    pub(super) fn show_net(&mut self, client: usize) {
        let now = self.instant();
        let client = &mut self.clients[client];
        if let Some(((document, epoch), gateway)) = client.document.clone().zip(client.gateway) {
            let weights = Weights::default(); // the core has its own
            let net = Net { document, epoch, gateway, weights };
            client.core.handle_net(net, now, &mut client.rng);
        }
    }

    /// A client without a link that knows of gateways dials one.
    pub(super) fn dial(&mut self, actor: ActorNo) {
        let now = self.instant();
        let Some(client) = self.client_no(actor).map(|client| &mut self.clients[client]) else {
            return;
        };
        if client.gateway.is_some() || client.dialling {
            return;
        }
        let Some((document, _)) = &client.document else { return };
        if document.is_complete().is_err() {
            return;
        }
        let gateways: Vec<_> = document.gateways().map(Descriptor::id).collect();
        let weights = client.core.suspicion().weights(now);
        if let Some(gateway) = client.failed.pick(&gateways, &weights, now, &mut client.rng) {
            client.dialling = true;
            self.add(self.config.handshake, Event::LinkUp(actor, gateway));
        }
    }

    pub(super) fn handle_link_up(&mut self, actor: ActorNo, gateway: NodeId) {
        let now = self.instant();
        let Some(client_no) = self.client_no(actor) else { return };
        let client = &mut self.clients[client_no];
        let id = client.core.id();
        client.dialling = false;
        client.gateway = Some(gateway);
        client.core.handle_link_up(now);
        if let Some(&at) = self.numbers.get(&gateway) {
            self.note("link", actor, at, &[]);
            let node = self.node(at);
            node.core.handle_client_up(id, now, &mut node.rng);
            self.settle_node(at);
        }
        self.show_net(client_no);
        self.settle_client(actor);
    }

    pub(super) fn lose_link(&mut self, actor: ActorNo) {
        let now = self.instant();
        let Some(client) = self.client_no(actor).map(|client| &mut self.clients[client]) else {
            return;
        };
        let id = client.core.id();
        if let Some(&at) = client.lose_link(now).and_then(|gateway| self.numbers.get(&gateway)) {
            self.note("link_lost", actor, at, &[]);
            self.node(at).core.handle_client_down(id);
            self.settle_node(at);
        }
    }

    /// A client's user asks for something, and thinks of when to do so again.
    pub(super) fn handle_ask(&mut self, actor: ActorNo) {
        let (now, workload) = (self.instant(), self.config.workload);
        let Some(client_no) = self.client_no(actor) else { return };
        let client = &mut self.clients[client_no];
        let over = workload.until.is_some_and(|until| self.now >= nanos(until));
        let Some(every) = workload.every.filter(|_| !over && client.asked < workload.at_most)
        else {
            return;
        };
        let wait: f64 = Exp1.sample(&mut client.user);
        let content: u8 = client.user.random();
        let providers = client.document.as_ref().map(|(document, _)| document.providers());
        let provider = providers.and_then(|providers| providers.choose(&mut client.user));
        let mut length = 0;
        if let Some(provider) = provider.map(Descriptor::id) {
            let payload = vec![content; workload.bytes];
            let deadline = now + workload.deadline;
            let order = Order {
                provider,
                service: "echo",
                payload: &payload,
                deadline,
                unheard: None,
                expected: 0,
                traced: false,
            };
            client.asked += 1;
            match client.core.handle_order(&order, now, &mut client.rng) {
                Ok(message) => {
                    client.open.insert(message, content);
                    length = payload.len();
                }
                Err(_) => self.outcomes.push(Outcome::refused(client_no)),
            }
        }
        self.note("ask", actor, actor, &length.to_be_bytes());
        self.add(every.mul_f64(wait), Event::Ask(actor));
        self.settle_client(actor);
    }

    pub(super) fn handle_told(&mut self, actor: ActorNo, client: usize, event: Told) {
        let workload = self.config.workload;
        let (answered, elapsed, tried) = match event {
            Told::Delivered(message, delivered) => {
                let content = self.clients[client].open.remove(&message).unwrap_or_default();
                let right = Response::Ok(vec![content; workload.bytes]);
                (delivered.response == right, delivered.elapsed, delivered.tried)
            }
            Told::DeadlinePassed(message, tried) => {
                self.clients[client].open.remove(&message);
                (false, workload.deadline, tried)
            }
            _ => return,
        };
        let what = if answered { "answered" } else { "unanswered" };
        self.note(what, actor, actor, &tried.packets_sent.to_be_bytes());
        self.outcomes.push(Outcome {
            client,
            answered,
            elapsed,
            sends: tried.packets_sent,
            retransmissions: tried.retransmissions,
        });
    }
}
