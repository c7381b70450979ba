//! A run: who takes part, what happens next, and to whom.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use mixbed_client::core::{Event as Told, Limits as ClientLimits, Net, Order, Weights};
use mixbed_directory::Registration;
use mixbed_directory::document::SignedDocument;
use mixbed_node::core::{LinkKind, Outbound};
use mixbed_wire::message::{MessageId, Response};
use mixbed_wire::{DropReason, NodeId, ReplayTag};
use rand::RngExt;
use rand::seq::IteratorRandom;
use rand_distr::{Distribution, Exp1};

use crate::actors::{ActorNo, ClientActor, DIRECTORY, NodeActor, Outcome, Word};
use crate::agenda::Agenda;
use crate::clock::{Clock, nanos};
use crate::directory::{Directory, NETWORK};
use crate::follow::Follow;
use crate::lines::Lines;
use crate::population;
use crate::{Config, ConfigError, Happening, Moment, SimPacket, Transcript};

/// Registrations a lease, as of the registrar of a real node: two may fail.
const RENEWALS_A_LEASE: u32 = 3;

/// How soon a node registers again that could not.
const REGISTER_AGAIN: Duration = Duration::from_secs(1);

/// What is on the agenda.
pub(crate) enum Event {
    /// Somebody's timer.
    Wake(ActorNo),
    /// A frame is through a link.
    Line(usize),
    /// A document comes from the directory, which says what time it was there.
    Document(ActorNo, Arc<SignedDocument>, SystemTime),
    /// A registration comes to the directory.
    Register(ActorNo, u64, Box<Registration>),
    /// A node is to register again, unless it has since.
    Renew(ActorNo, u64),
    /// A service has its answer.
    Served(ActorNo, MessageId, Response),
    /// A client's user wants something.
    Ask(ActorNo),
    /// A client's link to a gateway is up.
    LinkUp(ActorNo, NodeId),
    /// The directory goes away, or comes back.
    Away(bool),
}

/// A network under a virtual clock.
pub struct Sim<P: SimPacket> {
    pub(crate) config: Config,
    clock: Clock,
    now: Moment,
    agenda: Agenda<Event>,
    events: u64,
    wakes: Vec<Option<Moment>>,
    names: Vec<String>,
    numbers: HashMap<NodeId, ActorNo>,
    pub(crate) directory: Directory,
    pub(crate) nodes: Vec<NodeActor<P>>,
    pub(crate) clients: Vec<ClientActor<P>>,
    pub(crate) lines: Lines<P>,
    pub(crate) packets_under_way: u64,
    pub(crate) executions: BTreeMap<MessageId, u32>,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) documents: u64,
    pub(crate) epoch: u64,
    pub(crate) registrations_failed: u64,
    pub(crate) follow: Option<Follow>,
    transcript: Transcript,
}

impl<P: SimPacket> Sim<P> {
    /// A network at its beginning. `origin` is any time of the caller's clock: the cores need one
    /// to count from, and nothing depends on which.
    ///
    /// # Errors
    /// [`ConfigError`] if the configuration makes no network.
    pub fn new(config: Config, origin: Instant) -> Result<Self, ConfigError> {
        config.validate()?;
        let mut people = population::make::<P>(&config);
        let mut agenda = Agenda::default();
        agenda.add(0, Event::Wake(DIRECTORY));
        for away in &config.directory_away {
            agenda.add(nanos(away.start), Event::Away(true));
            agenda.add(nanos(away.end), Event::Away(false));
        }
        let first_client = people.nodes.len() + 1;
        for (at, client) in people.clients.iter_mut().enumerate() {
            if let Some(every) = config.workload.every {
                let wait: f64 = Exp1.sample(&mut client.user);
                agenda.add(nanos(every.mul_f64(wait)), Event::Ask(number(first_client + at)));
            }
        }
        let mut sim = Self {
            clock: Clock::new(origin),
            now: 0,
            agenda,
            events: 0,
            wakes: vec![None; people.names.len()],
            names: people.names,
            numbers: people.numbers,
            directory: people.directory,
            nodes: people.nodes,
            clients: people.clients,
            lines: Lines::new(config.seed),
            packets_under_way: 0,
            executions: BTreeMap::new(),
            outcomes: Vec::new(),
            documents: 0,
            epoch: 0,
            registrations_failed: 0,
            follow: config.follow_packets.then(Follow::default),
            transcript: Transcript::default(),
            config,
        };
        sim.wakes[0] = Some(0);
        Ok(sim)
    }

    /// Lets the virtual clock run until so much of its time has passed since the beginning.
    pub fn run_until(&mut self, end: Duration) {
        let end = nanos(end);
        while let Some((at, event)) = self.agenda.pop(end) {
            self.now = at;
            self.events += 1;
            self.handle(event);
        }
        self.now = self.now.max(end);
    }

    /// The virtual time since the beginning.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.now)
    }

    /// Events so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// What has happened.
    #[must_use]
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// The same, to listen to it.
    pub fn transcript_mut(&mut self) -> &mut Transcript {
        &mut self.transcript
    }

    fn instant(&self) -> Instant {
        self.clock.instant(self.now)
    }

    fn wall(&self) -> SystemTime {
        Clock::wall(self.now)
    }

    fn client_no(&self, actor: ActorNo) -> Option<usize> {
        (actor as usize).checked_sub(self.nodes.len() + 1)
    }

    fn note(&mut self, what: &'static str, who: ActorNo, whom: ActorNo, about: &[u8]) {
        let (who, whom) = (&self.names[who as usize], &self.names[whom as usize]);
        self.transcript.note(&Happening { at: self.now, what, who, whom, about });
    }

    fn add(&mut self, after: Duration, event: Event) {
        self.agenda.add(self.now.saturating_add(nanos(after)), event);
    }

    /// Puts somebody's next timer on the agenda, unless it is there.
    fn wake_at(&mut self, actor: ActorNo, at: Option<Moment>) {
        let Some(at) = at.map(|at| at.max(self.now)) else { return };
        let wake = &mut self.wakes[actor as usize];
        if wake.is_none_or(|earlier| at < earlier) {
            *wake = Some(at);
            self.agenda.add(at, Event::Wake(actor));
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Wake(actor) => {
                // An earlier timer came after it.
                if self.wakes[actor as usize] == Some(self.now) {
                    self.wakes[actor as usize] = None;
                    self.wake(actor);
                }
            }
            Event::Line(place) => self.handle_line(place),
            Event::Document(actor, signed, told) => self.handle_document(actor, &signed, told),
            Event::Register(actor, registration, message) => {
                self.handle_register(actor, registration, &message);
            }
            Event::Renew(actor, registration) => {
                if self.node(actor).registration == registration {
                    self.register(actor);
                }
            }
            Event::Served(actor, message, response) => {
                let now = self.instant();
                self.node(actor).core.handle_response(message, &response, now);
                self.settle_node(actor);
            }
            Event::Ask(actor) => self.handle_ask(actor),
            Event::LinkUp(actor, gateway) => self.handle_link_up(actor, gateway),
            Event::Away(away) => self.handle_away(away),
        }
    }

    fn wake(&mut self, actor: ActorNo) {
        let now = self.instant();
        if actor == DIRECTORY {
            self.publish();
        } else if let Some(client) = self.client_no(actor) {
            let client = &mut self.clients[client];
            client.core.handle_timeout(now);
            if client.core.is_link_silent() {
                self.lose_link(actor);
            }
            self.settle_client(actor);
        } else {
            let node = self.node(actor);
            node.core.handle_timeout(now, &mut node.rng);
            self.settle_node(actor);
        }
    }

    fn node(&mut self, actor: ActorNo) -> &mut NodeActor<P> {
        &mut self.nodes[actor as usize - 1]
    }

    // The directory.

    /// Sends a new document to everyone, if there is one.
    fn publish(&mut self) {
        let wall = self.wall();
        if let Some(signed) = self.directory.poll(wall) {
            self.documents += 1;
            self.send_document(&signed);
        }
        if !self.directory.is_away() {
            let at = self.directory.poll_at().max(self.now + 1);
            self.wake_at(DIRECTORY, Some(at));
        }
    }

    fn send_document(&mut self, signed: &Arc<SignedDocument>) {
        let wall = self.wall();
        for actor in 1..number(self.names.len()) {
            let event = Event::Document(actor, Arc::clone(signed), wall);
            self.add(self.config.directory_latency, event);
        }
    }

    fn handle_document(&mut self, actor: ActorNo, signed: &SignedDocument, told: SystemTime) {
        if self.directory.is_away() {
            return;
        }
        self.note("document", actor, DIRECTORY, &signed.signatures[0].signature.as_bytes()[..]);
        let wall = self.wall();
        let following = match self.client_no(actor) {
            Some(client) => &mut self.clients[client].following,
            None => &mut self.node(actor).following,
        };
        following.core.handle_time(told, wall);
        // One that is refused changes nothing.
        let _ = following.core.handle_document(signed.clone(), wall);
        self.settle(actor);
    }

    fn handle_away(&mut self, away: bool) {
        let wall = self.wall();
        if away {
            self.note("away", DIRECTORY, DIRECTORY, &[]);
            self.directory.leave();
            for actor in 1..number(self.names.len()) {
                let following = match self.client_no(actor) {
                    Some(client) => &mut self.clients[client].following,
                    None => &mut self.node(actor).following,
                };
                following.core.handle_lost("the directory is away".to_owned(), wall);
            }
        } else {
            self.note("back", DIRECTORY, DIRECTORY, &[]);
            // What it wrote down itself it can read.
            if self.directory.come_back(wall).is_ok() {
                self.publish();
            }
        }
    }

    /// A node registers.
    fn register(&mut self, actor: ActorNo) {
        let wall = self.wall();
        let secret = self.directory.join_secret().clone();
        let node = self.node(actor);
        node.registration += 1;
        node.last_issued = wall.max(node.last_issued + Duration::from_millis(1));
        let descriptor = node.core.descriptor().clone();
        let registration =
            Registration::new(descriptor, NETWORK, node.last_issued, &node.identity, &secret);
        let number = node.registration;
        let event = Event::Register(actor, number, Box::new(registration));
        self.add(self.config.directory_latency, event);
    }

    fn handle_register(&mut self, actor: ActorNo, number: u64, registration: &Registration) {
        let wall = self.wall();
        let again = match self.directory.register(registration, wall) {
            Some(lease) => {
                self.note("registered", actor, DIRECTORY, &number.to_be_bytes());
                self.publish();
                lease / RENEWALS_A_LEASE
            }
            None => {
                self.registrations_failed += 1;
                REGISTER_AGAIN
            }
        };
        self.add(again, Event::Renew(actor, number));
    }

    // Links.

    fn send(&mut self, from: ActorNo, to: ActorNo, frame: Option<P>) -> Result<(), DropReason> {
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

    fn handle_line(&mut self, place: usize) {
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

    fn handle_packet(&mut self, from: ActorNo, to: ActorNo, packet: &P) {
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
        let taken = match linked {
            true => client.core.handle_packet(packet, now),
            // It was on a link that is no more.
            false => Err(DropReason::LinkLost),
        };
        client.accounts.received += 1;
        match taken {
            Ok(()) => client.accounts.delivered += 1,
            Err(reason) => client.accounts.drop(reason),
        }
        self.settle_client(to);
    }

    // Nodes.

    fn settle(&mut self, actor: ActorNo) {
        if self.client_no(actor).is_some() {
            self.settle_client(actor);
        } else {
            self.settle_node(actor);
        }
    }

    /// Does what a node wants done, and sets its timer.
    fn settle_node(&mut self, actor: ActorNo) {
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

    // Clients.

    /// Does what a client wants done, and sets its timer.
    fn settle_client(&mut self, actor: ActorNo) {
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
    fn show_net(&mut self, client: usize) {
        let now = self.instant();
        let client = &mut self.clients[client];
        if let Some(((document, epoch), gateway)) = client.document.clone().zip(client.gateway) {
            let weights = Weights::default(); // the core has its own
            let net = Net { document, epoch, gateway, weights };
            client.core.handle_net(net, now, &mut client.rng);
        }
    }

    /// A client without a link that knows of gateways dials one.
    fn dial(&mut self, actor: ActorNo) {
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
        let gateways: Vec<_> = document.gateways().map(mixbed_directory::Descriptor::id).collect();
        let weights = client.core.suspicion().weights(now);
        if let Some(gateway) = client.failed.pick(&gateways, &weights, now, &mut client.rng) {
            client.dialling = true;
            self.add(self.config.handshake, Event::LinkUp(actor, gateway));
        }
    }

    fn handle_link_up(&mut self, actor: ActorNo, gateway: NodeId) {
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

    fn lose_link(&mut self, actor: ActorNo) {
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
    fn handle_ask(&mut self, actor: ActorNo) {
        let (now, workload) = (self.instant(), self.config.workload);
        let Some(client) = self.client_no(actor).map(|client| &mut self.clients[client]) else {
            return;
        };
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
        if let Some(provider) = provider.map(mixbed_directory::Descriptor::id) {
            let payload = vec![content; workload.bytes];
            let deadline = now + workload.deadline;
            let order = Order {
                provider,
                service: "echo",
                payload: &payload,
                deadline,
                unheard: None,
                traced: false,
            };
            client.asked += 1;
            match client.core.handle_order(&order, now, &mut client.rng) {
                Ok(message) => {
                    client.open.insert(message, content);
                    length = payload.len();
                }
                Err(_) => {
                    self.outcomes.push(Outcome::refused(client_index(actor, self.nodes.len())))
                }
            }
        }
        self.note("ask", actor, actor, &length.to_be_bytes());
        self.add(every.mul_f64(wait), Event::Ask(actor));
        self.settle_client(actor);
    }

    fn handle_told(&mut self, actor: ActorNo, client: usize, event: Told) {
        let workload = self.config.workload;
        let (message, answered, elapsed, tried) = match event {
            Told::Delivered(message, delivered) => {
                let content = self.clients[client].open.remove(&message).unwrap_or_default();
                let right = Response::Ok(vec![content; workload.bytes]);
                (message, delivered.response == right, delivered.elapsed, delivered.tried)
            }
            Told::DeadlinePassed(message, tried) => {
                self.clients[client].open.remove(&message);
                (message, false, workload.deadline, tried)
            }
            _ => return,
        };
        let _ = message;
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

fn client_index(actor: ActorNo, nodes: usize) -> usize {
    (actor as usize).saturating_sub(nodes + 1)
}

/// An actor's number by its place.
fn number(place: usize) -> ActorNo {
    ActorNo::try_from(place).unwrap_or(ActorNo::MAX)
}

/// What clients are limited to.
pub(crate) fn client_limits() -> ClientLimits {
    ClientLimits::default()
}
