//! A whole node without its I/O: the rules of the other modules put together.
#![deny(clippy::disallowed_methods)]

mod accounts;
mod downlink;
mod onward;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use mixbed_directory::{Descriptor, Document, Role, SphinxKey};
use mixbed_wire::message::{MessageId, Response};
use mixbed_wire::{DropReason, NodeId, Packet, PacketFormat, PoissonClock, SealedReply, Unwrapped};
use rand::Rng;

pub use accounts::Accounts;
use downlink::{Downlink, Frame};
pub use onward::LinkKind;
pub(crate) use onward::{Came, Ending, ends_here, pass_on, reply_leaves};

use crate::cover::{LoopTally, SealedLoop, Sensor, seal_loop};
use crate::packets::{KeyRing, KeySet, MixPool};
use crate::provider::Bounds;
use crate::provider::exchange::{Call, Exchange, Incoming};
use crate::{Limits, topology};

/// A node that only lacks a network, a clock and threads: what [`Node`](crate::Node) is with them,
/// less traces, metrics, mailboxes and the queues between threads. What decides is the same code:
/// keys and replays, the order of the layers, the mixing pool, the provider's exchange, loops.
///
/// It works in no time: a packet that comes is unwrapped at once. `handle_*` with what happened,
/// then [`poll_call`](Self::poll_call) and [`poll_transmit`](Self::poll_transmit) until there is
/// nothing more, then wait until [`poll_timeout`](Self::poll_timeout).
pub struct NodeCore<P: PacketFormat = Packet> {
    descriptor: Descriptor,
    document: Option<Arc<Document>>,
    epoch: u64,
    ring: KeyRing<P>,
    keys: KeySet<P>,
    next_hops: BTreeSet<NodeId>,
    clients: BTreeMap<NodeId, Downlink<P>>,
    client_queue: usize,
    pool: MixPool<(LinkKind, NodeId, P)>,
    exchange: Option<Exchange<Came<P::ReplyBlock>>>,
    sensor: Sensor,
    loops: PoissonClock,
    out: VecDeque<Outbound<P>>,
    accounts: Accounts,
}

/// A frame on its way out.
#[derive(Clone, Debug)]
pub struct Outbound<P> {
    /// Whom to.
    pub to: NodeId,
    /// Whether that is a node or a client.
    pub kind: LinkKind,
    /// A packet; `None` for a dummy, which a client's link carries where no packet waits.
    pub packet: Option<P>,
}

impl<P: PacketFormat> std::fmt::Debug for NodeCore<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NodeCore")
            .field("name", &self.descriptor.name)
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}

impl<P: PacketFormat> NodeCore<P> {
    /// A node without keys, links and document. Of `limits`, those of queues between threads and
    /// of sockets mean nothing here.
    #[must_use]
    pub fn new(descriptor: Descriptor, limits: &Limits) -> Self {
        let serves = descriptor.role == Role::Provider;
        Self {
            descriptor,
            document: None,
            epoch: 0,
            ring: KeyRing::new(limits.replay_tags),
            keys: KeySet::default(),
            next_hops: BTreeSet::new(),
            clients: BTreeMap::new(),
            client_queue: limits.client_queue,
            pool: MixPool::new(limits.pool),
            exchange: serves.then(|| Exchange::new(Bounds::default())),
            sensor: Sensor::default(),
            loops: PoissonClock::default(),
            out: VecDeque::new(),
            accounts: Accounts::default(),
        }
    }

    /// What the node says of itself.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The document that it goes by, or went by last.
    #[must_use]
    pub fn document(&self) -> Option<&Arc<Document>> {
        self.document.as_ref()
    }

    /// The document to go by, and the epoch that it is. Says whether the node has other keys than
    /// before: then its [`descriptor`](Self::descriptor) is to be registered.
    pub fn handle_document<R: Rng + ?Sized>(
        &mut self,
        document: &Arc<Document>,
        epoch: u64,
        now: Instant,
        rng: &mut R,
    ) -> bool {
        self.document = Some(Arc::clone(document));
        self.epoch = epoch;
        let changed = self.ring.handle_epoch(epoch, document.parameters.key_grace(), rng);
        if changed {
            self.keys = self.ring.key_set();
            let published = self.ring.public().into_iter();
            self.descriptor.sphinx_keys =
                published.map(|(epoch, key)| SphinxKey { epoch, key }).collect();
        }
        let rates = &document.parameters.rates;
        self.loops.handle_rate(rates.node_loop, now, rng);
        self.sensor.retain(|name| document.by_name(name).is_some());
        for link in self.clients.values_mut() {
            link.handle_rate(rates.downlink, now, rng);
        }
        self.poll_downlinks(now, rng);
        if document.node(&self.descriptor.id()).is_some() {
            let next_hops = topology::next_hops(self.descriptor.role, document);
            self.next_hops = next_hops.map(Descriptor::id).collect();
        }
        changed
    }

    /// There is no document to go by any more. Keys do not outlive the documents that published
    /// them.
    pub fn handle_expired(&mut self) {
        self.ring.erase();
        self.keys = self.ring.key_set();
    }

    /// A client's link is up, at a gateway.
    pub fn handle_client_up<R: Rng + ?Sized>(&mut self, id: NodeId, now: Instant, rng: &mut R) {
        let mut link = Downlink::new(self.client_queue);
        if let Some(document) = &self.document {
            link.handle_rate(document.parameters.rates.downlink, now, rng);
        }
        if let Some(previous) = self.clients.insert(id, link) {
            self.lose(&previous);
        }
    }

    /// A client's link is gone, with what waited for it.
    pub fn handle_client_down(&mut self, id: NodeId) {
        if let Some(link) = self.clients.remove(&id) {
            self.lose(&link);
        }
    }

    fn lose(&mut self, link: &Downlink<P>) {
        for _ in 0..link.len() {
            self.accounts.drop(DropReason::LinkLost);
        }
    }

    /// A packet came over a link, of a client or of a node.
    pub fn handle_packet(&mut self, packet: P, from: LinkKind, now: Instant) {
        self.accounts.received += 1;
        self.take(packet, from == LinkKind::Client, now);
    }

    /// A packet came over a link and was taken at once by what the link is made to suffer.
    pub fn handle_refused(&mut self, reason: DropReason) {
        self.accounts.received += 1;
        self.accounts.drop(reason);
    }

    /// A service has answered.
    pub fn handle_response(&mut self, message: MessageId, response: &Response, now: Instant) {
        if let Some(exchange) = &mut self.exchange {
            exchange.handle_response(message, response, now);
        }
        self.reply(now);
        self.let_out(now);
    }

    /// Time has passed: what is due leaves the pool, and loops go out.
    pub fn handle_timeout<R: Rng + ?Sized>(&mut self, now: Instant, rng: &mut R) {
        self.let_out(now);
        if let Some(exchange) = &mut self.exchange {
            exchange.handle_timeout(now);
        }
        while self.sensor.poll_lost(now).is_some() {}
        while self.loops.poll_due(now, rng) {
            self.send_loop(now, rng);
        }
        self.poll_downlinks(now, rng);
    }

    fn poll_downlinks<R: Rng + ?Sized>(&mut self, now: Instant, rng: &mut R) {
        for (to, link) in &mut self.clients {
            while let Some(Frame { packet }) = link.poll_frame(now, rng) {
                self.out.push_back(Outbound { to: *to, kind: LinkKind::Client, packet });
            }
        }
    }

    /// A request for the provider's service; to be answered with
    /// [`handle_response`](Self::handle_response).
    pub fn poll_call(&mut self) -> Option<Call> {
        self.exchange.as_mut().and_then(Exchange::poll_call)
    }

    /// A frame that is to be handed to its link now. Of a packet, say whether the link took it:
    /// [`handle_sent`](Self::handle_sent) or [`handle_unsent`](Self::handle_unsent).
    pub fn poll_transmit(&mut self) -> Option<Outbound<P>> {
        self.out.pop_front()
    }

    /// The link took the packet.
    pub fn handle_sent(&mut self) {
        self.accounts.sent += 1;
    }

    /// The link did not take the packet, which is no more.
    pub fn handle_unsent(&mut self, reason: DropReason) {
        self.accounts.drop(reason);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let exchange = self.exchange.as_ref().and_then(Exchange::poll_timeout);
        let times =
            [self.pool.next_release(), exchange, self.sensor.poll_at(), self.loops.next_due()];
        let links = self.clients.values().filter_map(Downlink::poll_timeout);
        times.into_iter().flatten().chain(links).min()
    }

    /// What became of its packets.
    #[must_use]
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Packets that are here, counted where they are: the accounts have to agree.
    #[must_use]
    pub fn held(&self) -> u64 {
        let leaving = self.out.iter().filter(|out| out.packet.is_some()).count();
        let waiting: usize = self.clients.values().map(Downlink::len).sum();
        (self.pool.len() + leaving + waiting) as u64
    }

    /// How its loops did, by the name of the next hop.
    #[must_use]
    pub fn tallies(&self) -> BTreeMap<String, LoopTally> {
        self.sensor.tallies()
    }

    fn take(&mut self, packet: P, from_client: bool, now: Instant) {
        let taken = match self.keys.open(&packet).and_then(|opened| P::unwrap(opened, packet)) {
            Ok(Unwrapped::Forward { next, delay, packet }) => {
                let next = next.node;
                self.kind(next, from_client).and_then(|kind| {
                    let held = self.pool.push(now + delay, (kind, next, packet));
                    held.map_err(|_| DropReason::PoolFull)
                })
            }
            Ok(Unwrapped::Exit(exit)) => {
                let ended = self.end(exit, from_client, now);
                self.accounts.delivered += u64::from(ended.is_ok());
                ended
            }
            Err(reason) => Err(reason),
        };
        if let Err(reason) = taken {
            self.accounts.drop(reason);
        }
        self.reply(now);
        // Whatever has no delay.
        self.let_out(now);
    }

    fn let_out(&mut self, now: Instant) {
        while let Some((kind, to, packet)) = self.pool.pop_due(now) {
            self.send(kind, to, packet);
        }
    }

    fn kind(&self, next: NodeId, from_client: bool) -> Result<LinkKind, DropReason> {
        let kind = if self.next_hops.contains(&next) {
            Some(LinkKind::Node)
        } else {
            self.clients.contains_key(&next).then_some(LinkKind::Client)
        };
        pass_on(self.descriptor.role, from_client, kind, || {
            self.document.as_ref().is_some_and(|document| document.node(&next).is_some())
        })
    }

    fn end(&mut self, exit: P::Exit, from_client: bool, now: Instant) -> Result<(), DropReason> {
        let (destination, identifier) = P::ends_at(&exit);
        let ending = ends_here(from_client, self.exchange.is_some(), &identifier)?;
        let plaintext = P::plaintext(exit);
        if let (Ending::Service, Some(exchange)) = (ending, &mut self.exchange) {
            let plaintext = plaintext?;
            let incoming = Incoming::read::<P>(&plaintext)?;
            let incoming = incoming.with_blocks(|block| Came { block, at: now });
            return exchange.handle(incoming, destination.trace, now);
        }
        let back = self.sensor.handle_exit(&identifier, plaintext.is_ok(), now);
        back.ok_or(DropReason::NotForThisRole)?;
        plaintext.map(drop)
    }

    /// Makes the replies that the exchange wants sent, and holds them.
    fn reply(&mut self, now: Instant) {
        let mean = self.document.as_ref().map(|document| document.parameters.mean_hop_delay);
        let mean = mean.unwrap_or_default();
        while let Some((Came { block, at }, answer)) =
            self.exchange.as_mut().and_then(Exchange::poll_reply)
        {
            // No answer is longer than a packet.
            if let Ok(SealedReply { first_hop, wait, packet }) = P::reply(block, &answer.encode()) {
                self.accounts.made += 1;
                let release = reply_leaves(at, wait, mean, now);
                let held = self.pool.push(release, (LinkKind::Node, first_hop.node, packet));
                if held.is_err() {
                    self.accounts.drop(DropReason::PoolFull);
                }
            }
        }
    }

    fn send_loop<R: Rng + ?Sized>(&mut self, now: Instant, rng: &mut R) {
        let Some(document) = self.document.clone().filter(|_| self.sensor.has_room()) else {
            return;
        };
        let Some(Ok(sealed)) = seal_loop(self.descriptor.id(), &document, self.epoch, rng) else {
            return;
        };
        let SealedLoop { packet, identifier, next, hops, delays } = sealed;
        self.sensor.handle_sent(identifier, &next, hops, delays, now);
        self.accounts.made += 1;
        self.take(packet, false, now);
    }

    /// Hands a packet to the link that it leaves by, or drops it by name if that is gone.
    fn send(&mut self, kind: LinkKind, to: NodeId, packet: P) {
        match kind {
            LinkKind::Node if self.next_hops.contains(&to) => {
                self.out.push_back(Outbound { to, kind, packet: Some(packet) });
            }
            LinkKind::Node => self.accounts.drop(DropReason::LinkLost),
            LinkKind::Client => match self.clients.get_mut(&to) {
                None => self.accounts.drop(DropReason::ClientOffline),
                Some(link) if link.is_paced() => {
                    if link.push(packet).is_err() {
                        self.accounts.drop(DropReason::LinkQueueFull);
                    }
                }
                Some(_) => self.out.push_back(Outbound { to, kind, packet: Some(packet) }),
            },
        }
    }
}
