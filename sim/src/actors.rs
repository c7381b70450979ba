//! Who takes part: nodes and clients, each a core with what it keeps around it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use mixbed_client::core::{ClientCore, FailedGateways, MessageNo};
use mixbed_directory::follower::FollowerCore;
use mixbed_directory::{Document, FollowerState, IdentitySecret};
use mixbed_node::core::{Accounts, NodeCore};
use mixbed_wire::{NodeId, PacketFormat};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::Moment;
use crate::clock::Clock;

/// Numbers those who take part: 0 is the directory, then come the nodes, then the clients.
pub(crate) type ActorNo = u32;

/// The directory's number.
pub(crate) const DIRECTORY: ActorNo = 0;

/// A generator of its own for each number, whatever the others draw.
pub(crate) fn stream(seed: u64, number: u64) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    rng.set_stream(number);
    rng
}

/// What a follower has to say to whoever goes by it.
pub(crate) enum Word {
    /// A document and the epoch that it is, other than before.
    Document(Arc<Document>, u64),
    /// There is none to go by any more.
    Expired,
}

/// A follower, and what it said last.
pub(crate) struct Following {
    pub(crate) core: FollowerCore,
    said: Option<((u64, u64), u64)>,
}

impl Following {
    pub(crate) fn new(core: FollowerCore) -> Self {
        Self { core, said: None }
    }

    /// What is new.
    pub(crate) fn poll(&mut self, now: SystemTime) -> Option<Word> {
        if matches!(self.core.state(now), FollowerState::Expired { .. }) {
            return self.said.take().map(|_| Word::Expired);
        }
        let (document, epoch) = (self.core.last()?, self.core.epoch(now)?);
        let saying = Some((document.version(), epoch));
        if self.said == saying {
            return None;
        }
        self.said = saying;
        Some(Word::Document(Arc::clone(document), epoch))
    }

    /// When to ask again.
    pub(crate) fn poll_at(&self, now: SystemTime) -> Option<Moment> {
        self.core.poll_at(now).map(Clock::moment_of)
    }
}

/// A node.
pub(crate) struct NodeActor<P: PacketFormat> {
    pub(crate) core: NodeCore<P>,
    pub(crate) following: Following,
    pub(crate) identity: IdentitySecret,
    pub(crate) last_issued: SystemTime,
    /// Which of its registrations counts: earlier ones are not renewed.
    pub(crate) registration: u64,
    pub(crate) rng: ChaCha20Rng,
}

/// A client and whoever uses it.
pub(crate) struct ClientActor<P: PacketFormat> {
    pub(crate) core: ClientCore<P>,
    pub(crate) following: Following,
    pub(crate) failed: FailedGateways,
    pub(crate) gateway: Option<NodeId>,
    /// Whether it is at getting a link.
    pub(crate) dialling: bool,
    pub(crate) document: Option<(Arc<Document>, u64)>,
    pub(crate) rng: ChaCha20Rng,
    /// Of the user, who asks the same whatever the client does.
    pub(crate) user: ChaCha20Rng,
    pub(crate) asked: u64,
    /// What was asked, by a byte that stands for it.
    pub(crate) open: BTreeMap<MessageNo, u8>,
    pub(crate) accounts: Accounts,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The client, from 0.
    pub client: usize,
    /// Whether the right answer came.
    pub answered: bool,
    /// From the order to its end.
    pub elapsed: Duration,
    /// Packets that were sent for it.
    pub sends: u64,
    /// How many of them said what an earlier one had said in vain.
    pub retransmissions: u64,
}

impl Outcome {
    /// The client did not take the request.
    pub(crate) fn refused(client: usize) -> Self {
        Self { client, answered: false, elapsed: Duration::ZERO, sends: 0, retransmissions: 0 }
    }
}

impl<P: PacketFormat> ClientActor<P> {
    /// Its link is of no use: says to whom it was.
    pub(crate) fn lose_link(&mut self, now: Instant) -> Option<NodeId> {
        let gateway = self.gateway.take()?;
        self.failed.insert(gateway, now);
        self.core.handle_link_down();
        Some(gateway)
    }
}
