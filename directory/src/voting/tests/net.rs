//! Several authorities under a virtual clock, on a network that delays, loses and cuts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use mixbed_wire::{LinkPublic, SphinxPublic};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

use crate::document::{Descriptor, Document, Parameters, Role, SphinxKey};
use crate::identity::{IdentityPublic, IdentitySecret};
use crate::time::from_millis;
use crate::voting::{Opinion, Panel, PeerMessage, Voter, VoterConfig, VoterState, VotingEvent};

pub(super) const NETWORK: &str = "testnet";

pub(super) fn start() -> SystemTime {
    from_millis(1_700_000_000_000).unwrap()
}

pub(super) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(super) fn secret(seed: u8) -> IdentitySecret {
    IdentitySecret::from_bytes([seed; 32])
}

pub(super) fn node(seed: u8) -> Descriptor {
    Descriptor {
        name: format!("gateway-{seed}"),
        identity: secret(seed).public(),
        role: Role::Gateway,
        link_key: LinkPublic::from_bytes([seed; 32]),
        address: format!("10.0.0.{seed}:9000"),
        sphinx_keys: vec![SphinxKey { epoch: 1, key: SphinxPublic::from_bytes([seed; 32]) }],
        services: Vec::new(),
        version: String::new(),
    }
}

/// The opinion that these nodes, with epochs of 10 s, are the network.
pub(super) fn opinion(nodes: impl IntoIterator<Item = u8>) -> Opinion {
    let mut nodes: Vec<_> = nodes.into_iter().map(node).collect();
    nodes.sort_by_key(Descriptor::id);
    let epoch_length = Duration::from_secs(10);
    Opinion { parameters: Parameters { epoch_length, ..Parameters::default() }, nodes }
}

pub(super) fn seeds(document: &Document) -> BTreeSet<u8> {
    let seed = |node: &Descriptor| node.link_key.as_bytes()[0];
    document.nodes.iter().map(seed).collect()
}

/// One that votes. A liar is two of them with one key.
struct Actor {
    secret: IdentitySecret,
    /// Nothing while it is down.
    voter: Option<Voter>,
    saved: VoterState,
    opinion: Opinion,
    /// Milliseconds that its clock is ahead.
    ahead: i64,
    honest: bool,
}

pub(super) struct Net {
    pub(super) rng: ChaCha20Rng,
    pub(super) panel: Panel,
    now: SystemTime,
    actors: Vec<Actor>,
    queue: BTreeMap<(SystemTime, u64), (usize, IdentityPublic, PeerMessage)>,
    sent: u64,
    pub(super) delay: RangeInclusive<u64>,
    pub(super) loss: f64,
    cut: BTreeSet<(usize, usize)>,
    /// The bytes of each document that got enough signatures, and when it was first there.
    pub(super) documents: BTreeMap<(u64, u64), (Vec<u8>, SystemTime)>,
    pub(super) forks: usize,
    pub(super) events: Vec<(usize, VotingEvent)>,
    polls: u64,
    pub(super) keep_messages: bool,
    /// Who said what, if it is kept.
    pub(super) kept: Vec<(usize, PeerMessage)>,
}

impl Net {
    /// So many honest authorities, which have not heard of each other or of any node.
    pub(super) fn new(size: u8, seed: u64) -> Self {
        let secrets: Vec<_> = (0..size).map(|at| secret(200 + at)).collect();
        let panel = Panel::new(secrets.iter().map(IdentitySecret::public).collect()).unwrap();
        let mut net = Self {
            rng: ChaCha20Rng::seed_from_u64(seed),
            panel,
            now: start(),
            actors: Vec::new(),
            queue: BTreeMap::new(),
            sent: 0,
            delay: 1..=20,
            loss: 0.0,
            cut: BTreeSet::new(),
            documents: BTreeMap::new(),
            forks: 0,
            events: Vec::new(),
            polls: 0,
            keep_messages: false,
            kept: Vec::new(),
        };
        for secret in secrets {
            net.join(secret, true);
        }
        net
    }

    /// One more; with a key that is there already, it is the same liar's second tongue.
    pub(super) fn join(&mut self, secret: IdentitySecret, honest: bool) -> usize {
        let (opinion, saved) = (opinion([]), VoterState::default());
        let actor = Actor { secret, voter: None, saved, opinion, ahead: 0, honest };
        self.actors.push(actor);
        let at = self.actors.len() - 1;
        self.revive(at);
        at
    }

    pub(super) fn key(&self, at: usize) -> IdentityPublic {
        self.actors[at].secret.public()
    }

    pub(super) fn secret(&self, at: usize) -> IdentitySecret {
        self.actors[at].secret.clone()
    }

    pub(super) fn is_liar(&mut self, at: usize) {
        self.actors[at].honest = false;
    }

    pub(super) fn kill(&mut self, at: usize) {
        self.actors[at].voter = None;
    }

    pub(super) fn is_up(&self, at: usize) -> bool {
        self.actors[at].voter.is_some()
    }

    /// Begins again with what it had written down.
    pub(super) fn revive(&mut self, at: usize) {
        let now = self.clock(at);
        let (network, panel) = (NETWORK.to_owned(), self.panel.clone());
        let actor = &mut self.actors[at];
        let config = VoterConfig { network, panel, secret: actor.secret.clone() };
        let mut voter = Voter::new(config, actor.saved.clone(), now);
        voter.set_opinion(&actor.opinion, now);
        actor.voter = Some(voter);
        self.poll(at);
    }

    pub(super) fn forget(&mut self, at: usize) {
        self.actors[at].saved = VoterState::default();
    }

    pub(super) fn set_ahead(&mut self, at: usize, millis: i64) {
        self.actors[at].ahead = millis;
    }

    pub(super) fn clock(&self, at: usize) -> SystemTime {
        let ahead = Duration::from_millis(self.actors[at].ahead.unsigned_abs());
        if self.actors[at].ahead < 0 { self.now - ahead } else { self.now + ahead }
    }

    /// Whether these two hear each other.
    pub(super) fn connect(&mut self, one: usize, other: usize, connected: bool) {
        for pair in [(one, other), (other, one)] {
            if connected {
                self.cut.remove(&pair);
            } else {
                self.cut.insert(pair);
            }
        }
    }

    pub(super) fn cut_off(&mut self, at: usize, cut: bool) {
        for other in (0..self.actors.len()).filter(|other| *other != at) {
            self.connect(at, other, !cut);
        }
    }

    pub(super) fn set_opinion(&mut self, at: usize, opinion: &Opinion) {
        self.actors[at].opinion = opinion.clone();
        let now = self.clock(at);
        if let Some(voter) = &mut self.actors[at].voter {
            voter.set_opinion(opinion, now);
            self.poll(at);
        }
    }

    /// What all honest ones think from now on.
    pub(super) fn all_think(&mut self, opinion: &Opinion) {
        for at in (0..self.actors.len()).filter(|at| self.actors[*at].honest).collect::<Vec<_>>() {
            self.set_opinion(at, opinion);
        }
    }

    pub(super) fn newest(&self, at: usize) -> Option<Document> {
        let newest = self.actors[at].voter.as_ref()?.newest()?;
        Some(Document::clone(&newest.document))
    }

    /// The nodes of the newest document that somebody has.
    pub(super) fn nodes(&self, at: usize) -> BTreeSet<u8> {
        self.newest(at).map(|document| seeds(&document)).unwrap_or_default()
    }

    pub(super) fn saw(&self, at: usize, what: impl Fn(&VotingEvent) -> bool) -> bool {
        self.events.iter().any(|(who, event)| *who == at && what(event))
    }

    /// Says something in the name of an actor.
    pub(super) fn send(&mut self, from: usize, to: usize, message: PeerMessage) {
        if self.cut.contains(&(from, to)) || self.rng.random_bool(self.loss) {
            return;
        }
        if self.keep_messages {
            self.kept.push((from, message.clone()));
        }
        let at = self.now + millis(self.rng.random_range(self.delay.clone()));
        self.sent += 1;
        self.queue.insert((at, self.sent), (to, self.key(from), message));
    }

    pub(super) fn poll(&mut self, at: usize) {
        self.polls += 1;
        let now = self.clock(at);
        let Some(voter) = &mut self.actors[at].voter else { return };
        voter.poll(now);
        let state = voter.state();
        let unsaved = voter.is_unsaved();
        voter.set_saved();
        let (messages, adopted) = (voter.take_messages(), voter.take_adopted());
        let events = voter.take_events();
        if unsaved {
            self.actors[at].saved = state;
        }
        self.events.extend(events.into_iter().map(|event| (at, event)));
        for adopted in adopted {
            let (version, bytes) =
                (adopted.issued.document.version(), adopted.issued.signed.bytes.clone());
            let first = self.documents.entry(version).or_insert((bytes.clone(), self.now));
            self.forks += usize::from(first.0 != bytes);
        }
        for (key, message) in messages {
            for to in (0..self.actors.len()).filter(|to| *to != at).collect::<Vec<_>>() {
                if self.actors[to].secret.public() == key {
                    self.send(at, to, message.clone());
                }
            }
        }
    }

    /// Lets the virtual clock run.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.run_until(end, |_| false);
    }

    /// Until something holds; panics if that takes longer than `within`.
    pub(super) fn wait(&mut self, within: Duration, holds: impl Fn(&Self) -> bool) -> Duration {
        let (began, end) = (self.now, self.now + within);
        self.run_until(end, &holds);
        assert!(holds(self), "not within {within:?}: {:?}", self.events);
        self.now.duration_since(began).unwrap()
    }

    fn run_until(&mut self, end: SystemTime, holds: impl Fn(&Self) -> bool) {
        let (polls, began) = (self.polls, self.now);
        while !holds(self) {
            let message = self.queue.first_key_value().map(|((at, _), _)| (*at, usize::MAX));
            let timers = (0..self.actors.len()).filter_map(|at| {
                let voter = self.actors[at].voter.as_ref()?;
                let clock = self.clock(at);
                let wait = voter.poll_at(clock).duration_since(clock).unwrap_or_default();
                // As the shell: a clock that goes back must not delay anything for long.
                Some((self.now + wait.clamp(millis(1), millis(1_000)), at))
            });
            let Some((at, who)) = message.into_iter().chain(timers).min() else { break };
            if at > end {
                break;
            }
            self.now = at;
            if who == usize::MAX {
                let Some((_, (to, from, message))) = self.queue.pop_first() else { break };
                let clock = self.clock(to);
                if let Some(voter) = &mut self.actors[to].voter {
                    voter.handle(from, message, clock);
                    self.poll(to);
                }
            } else {
                self.poll(who);
            }
            let passed = self.now.duration_since(began).unwrap().as_millis();
            let most = 2_000 + 200 * passed * self.actors.len() as u128;
            assert!(u128::from(self.polls - polls) < most, "it turns on the spot");
        }
        if !holds(self) {
            self.now = end;
        }
    }
}
