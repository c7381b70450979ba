//! The authorities, one or several, each of which may be away.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mixbed_directory::authority::{Core, CoreConfig, Voted};
use mixbed_directory::document::SignedDocument;
use mixbed_directory::voting::{Panel, PanelError, PeerMessage, Voter, VoterConfig, VoterState};
use mixbed_directory::{
    Admission, IdentitySecret, JoinSecret, Parameters, Registration, Rejection, Trust,
};
use rand_chacha::ChaCha20Rng;

use crate::Moment;
use crate::clock::Clock;

/// The network's name.
pub(crate) const NETWORK: &str = "sim";

/// How long a node stays listed: the directory's default.
const LEASE: Duration = Duration::from_secs(60);

/// A clock that goes back must not delay votes for long.
const LOOK: Duration = Duration::from_secs(1);

/// The authorities' cores, with what they have published.
pub(crate) struct Directory {
    seats: Vec<Seat>,
    config: CoreConfig,
    join_secret: JoinSecret,
    published: Option<(u64, u64)>,
}

/// One authority.
struct Seat {
    secret: IdentitySecret,
    core: Core,
    /// If it is one of several.
    voter: Option<Voter>,
    away: bool,
}

/// What an authority says to another one, by their numbers.
pub(crate) struct Said {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) message: PeerMessage,
}

impl Directory {
    pub(crate) fn new(
        count: usize,
        parameters: Parameters,
        now: SystemTime,
        rng: &mut ChaCha20Rng,
    ) -> Result<Self, PanelError> {
        let first = IdentitySecret::generate(rng);
        let join_secret = JoinSecret::generate(rng);
        let config = CoreConfig {
            network: NETWORK.to_owned(),
            join_secrets: vec![join_secret.clone()],
            admission: Admission::Open,
            admins: Vec::new(),
            parameters,
            lease: LEASE,
        };
        let mut secrets = vec![first];
        secrets.resize_with(count, || IdentitySecret::generate(rng));
        let panel = if count == 1 {
            None
        } else {
            Some(Panel::new(secrets.iter().map(IdentitySecret::public).collect())?)
        };
        let seat = |secret: IdentitySecret| {
            let beginning = |panel| Voted { panel, sequence: 0, pledged: (0, 0) };
            let core = Core::new(config.clone(), secret.clone(), now);
            let core = core.with_voting(panel.clone().map(beginning));
            let voter = voter(&core, &secret, now);
            Seat { secret, core, voter, away: false }
        };
        let seats = secrets.into_iter().map(seat).collect();
        Ok(Self { seats, config, join_secret, published: None })
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::majority(NETWORK, self.seats.iter().map(|seat| seat.core.public_key()).collect())
    }

    pub(crate) fn join_secret(&self) -> &JoinSecret {
        &self.join_secret
    }

    /// Whether nobody can be asked.
    pub(crate) fn is_away(&self) -> bool {
        self.seats.iter().all(|seat| seat.away)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.seats.len()
    }

    /// One is killed.
    pub(crate) fn leave(&mut self, at: usize) {
        self.seats[at].away = true;
    }

    /// It is started again with what it had written down.
    pub(crate) fn come_back(&mut self, at: usize, now: SystemTime) -> Result<(), Rejection> {
        let seat = &mut self.seats[at];
        seat.core = Core::restore(self.config.clone(), seat.core.snapshot(), now)?;
        let voted = seat.core.voting().cloned();
        if voted.is_some() {
            seat.voter = voter(&seat.core, &seat.secret, now);
        }
        seat.away = false;
        if self.seats.len() == 1 {
            self.published = None;
        }
        Ok(())
    }

    /// Lists a node with all that are there; says for how long, if a majority has.
    pub(crate) fn register(
        &mut self,
        registration: &Registration,
        now: SystemTime,
    ) -> Option<Duration> {
        let present = self.seats.iter_mut().filter(|seat| !seat.away);
        let leases: Vec<_> = present
            .filter_map(|seat| seat.core.handle_register(registration, now).ok())
            .map(|registered| registered.lease)
            .collect();
        (leases.len() > self.seats.len() / 2).then(|| leases.first().copied())?
    }

    /// An authority hears another one.
    pub(crate) fn hear(&mut self, said: Said, now: SystemTime) {
        let from = self.seats[said.from].secret.public();
        let seat = &mut self.seats[said.to];
        if let Some(voter) = seat.voter.as_mut().filter(|_| !seat.away) {
            voter.handle(from, said.message, now);
        }
    }

    /// The document that is to be sent to everyone now, if there is a new one; and what the
    /// authorities say to each other.
    pub(crate) fn poll(&mut self, now: SystemTime) -> (Option<Arc<SignedDocument>>, Vec<Said>) {
        let mut said = Vec::new();
        for from in 0..self.seats.len() {
            for (key, message) in self.seats[from].poll(now) {
                let to = self.seats.iter().position(|seat| seat.secret.public() == key);
                said.extend(to.map(|to| Said { from, to, message }));
            }
        }
        let present = self.seats.iter().filter(|seat| !seat.away);
        let newest = present.filter_map(|seat| seat.core.documents().back());
        let newest = newest.max_by_key(|issued| issued.document.version());
        let Some(newest) = newest else { return (None, said) };
        let version = Some(newest.document.version());
        if self.published >= version {
            return (None, said);
        }
        self.published = version;
        (Some(Arc::clone(&newest.signed)), said)
    }

    /// When to poll again.
    pub(crate) fn poll_at(&self, now: SystemTime) -> Moment {
        let present = self.seats.iter().filter(|seat| !seat.away);
        let times = present.flat_map(|seat| {
            let vote = seat.voter.as_ref().map(|voter| voter.poll_at(now).min(now + LOOK));
            [Some(seat.core.poll_at()), vote]
        });
        Clock::moment_of(times.flatten().min().unwrap_or(now + LOOK))
    }
}

impl Seat {
    /// What it says to others.
    fn poll(&mut self, now: SystemTime) -> Vec<(mixbed_directory::IdentityPublic, PeerMessage)> {
        // Of nodes that hold to the limits a document can always be made.
        if self.away || self.core.poll(now).is_err() {
            return Vec::new();
        }
        let Some(voter) = &mut self.voter else {
            self.core.set_saved();
            return Vec::new();
        };
        if let Some(opinion) = self.core.take_opinion() {
            voter.set_opinion(&opinion, now);
        }
        voter.poll(now);
        for adopted in voter.take_adopted() {
            self.core.handle_adopted(&adopted, now);
        }
        let state = voter.state();
        self.core.set_voted(state.sequence, state.pledged);
        voter.set_saved();
        self.core.set_saved();
        voter.take_messages()
    }
}

/// The voter of an authority that is one of several.
fn voter(core: &Core, secret: &IdentitySecret, now: SystemTime) -> Option<Voter> {
    let Voted { panel, sequence, pledged } = core.voting()?.clone();
    let state = VoterState { sequence, pledged, document: core.documents().back().cloned() };
    let config = VoterConfig { network: NETWORK.to_owned(), panel, secret: secret.clone() };
    Some(Voter::new(config, state, now))
}
