//! A run: who takes part, what happens next, and to whom.

mod clients;
mod directory;
mod links;
mod nodes;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use mixbed_directory::Registration;
use mixbed_directory::document::SignedDocument;
use mixbed_wire::NodeId;
use mixbed_wire::message::{MessageId, Response};
use rand_distr::{Distribution, Exp1};

use crate::actors::{ActorNo, ClientActor, DIRECTORY, NodeActor, Outcome};
use crate::agenda::Agenda;
use crate::clock::{Clock, nanos};
use crate::directory::{Directory, Said};
use crate::follow::Follow;
use crate::lines::Lines;
use crate::population;
use crate::{Config, ConfigError, Happening, Moment, SimPacket, Transcript};

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
    /// A directory goes away, or comes back.
    Away(usize, bool),
    /// A directory hears another one.
    Said(Box<Said>),
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
        let mut people = population::make::<P>(&config)
            .map_err(|_| ConfigError::Directories(config.directories))?;
        let mut agenda = Agenda::default();
        agenda.add(0, Event::Wake(DIRECTORY));
        for away in &config.directory_away {
            for at in 0..config.directories {
                agenda.add(nanos(away.start), Event::Away(at, true));
                agenda.add(nanos(away.end), Event::Away(at, false));
            }
        }
        for (at, away) in &config.one_away {
            agenda.add(nanos(away.start), Event::Away(*at, true));
            agenda.add(nanos(away.end), Event::Away(*at, false));
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
            Event::Away(at, away) => self.handle_away(at, away),
            Event::Said(said) => self.handle_said(*said),
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
}

/// An actor's number by its place.
fn number(place: usize) -> ActorNo {
    ActorNo::try_from(place).unwrap_or(ActorNo::MAX)
}
