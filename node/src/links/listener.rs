//! Where others dial: accepts connections and finds out who they are from.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use mixbed_directory::{Follower, Role};
use mixbed_link::Link;
use mixbed_wire::{LinkPublic, LinkSecret, NodeId};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::LinkTable;
use super::door::{ClientPlace, Door, NodePlace};
use crate::config::Limits;
use crate::impair::OwnEnd;
use crate::packets::{Books, Entrance};
use crate::topology;

/// Accepts links and lets packets in from them.
#[derive(Clone)]
pub(crate) struct Listener {
    pub(crate) role: Role,
    pub(crate) network: Arc<str>,
    pub(crate) own: LinkSecret,
    pub(crate) follower: Follower,
    /// This end of the links, as impairments' rules see it.
    pub(crate) end: Arc<OwnEnd>,
    pub(crate) limits: Limits,
    pub(crate) door: Door,
    pub(crate) entrance: Entrance,
    pub(crate) links: Arc<LinkTable>,
    pub(crate) books: Arc<Books>,
    pub(crate) tasks: TaskTracker,
    /// Nothing more comes in, but what is here still goes out.
    pub(crate) entrance_stop: CancellationToken,
    /// Everything ends.
    pub(crate) stop: CancellationToken,
}

/// Whose link it is.
pub(super) enum Peer {
    Node(String),
    Client(NodeId),
}

/// A link's place among those there may be.
pub(super) enum LinkPlace {
    Node(NodePlace),
    Client(#[expect(dead_code, reason = "held while the link is up")] ClientPlace),
}

impl Listener {
    /// Accepts until stopped. Of connections over the limit of handshakes the oldest one that is
    /// still at it makes room, so silent peers keep nobody out; links over their limits end with
    /// the handshake.
    pub(crate) async fn run(self, socket: TcpListener) {
        let mut handshakes = Handshakes::new(self.limits.handshakes);
        while let Some(accepted) = self.entrance_stop.run_until_cancelled(socket.accept()).await {
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file handles, most likely: others have to end before more can come.
                    tracing::warn!(node = self.name(), %error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let crowded_out = handshakes.begin(&self.entrance_stop);
            let listener = self.clone();
            self.tasks.spawn(async move {
                let handshake = Box::pin(listener.shake_hands(stream, address));
                let shaken = crowded_out.run_until_cancelled(handshake).await;
                drop(crowded_out);
                match shaken {
                    Some(Some((link, peer, place))) => listener.serve(link, peer, place).await,
                    Some(None) => {}
                    None => listener.refused("crowded_out", "others wait"),
                }
            });
        }
    }

    pub(super) fn name(&self) -> &str {
        self.books.service.name()
    }

    /// Whose it was is not said: it may be a client's.
    fn refused(&self, label: &'static str, why: &str) {
        self.books.metrics.link_handshake_failed(label);
        tracing::debug!(node = self.name(), why, "refused a link");
    }

    async fn shake_hands(
        &self,
        stream: TcpStream,
        address: SocketAddr,
    ) -> Option<(Link, Peer, LinkPlace)> {
        let limit = self.limits.handshake;
        match mixbed_link::accept(stream, &self.network, &self.own, limit).await {
            Ok(link) => match self.admit(&link.peer) {
                Ok(peer) => {
                    let place = match &peer {
                        Peer::Node(_) => Some(LinkPlace::Node(self.door.node(link.peer))),
                        Peer::Client(_) => self.door.client(address.ip()).map(LinkPlace::Client),
                    };
                    if place.is_none() {
                        self.refused("too_many", "there are too many");
                    }
                    Some((link, peer, place?))
                }
                Err(why) => {
                    self.refused("not_admitted", why);
                    None
                }
            },
            Err(error) => {
                self.refused(error.kind(), &error.to_string());
                None
            }
        }
    }

    /// Who the owner of a key is, and whether it may hand in packets here.
    pub(super) fn admit(&self, key: &LinkPublic) -> Result<Peer, &'static str> {
        let document = self.follower.current().ok_or("there is no document yet")?;
        match document.by_link_key(key) {
            Some(node) if topology::passes_on(node.role, self.role) => {
                Ok(Peer::Node(node.name.clone()))
            }
            Some(_) => Err("nodes of that role do not pass packets on to this one"),
            None if self.role == Role::Gateway => Ok(Peer::Client(NodeId::of_key(key.as_bytes()))),
            None => Err("the key is not in the document"),
        }
    }
}

/// The handshakes that are going on, oldest first: a peer's token lives as long as its handshake.
struct Handshakes {
    tokens: VecDeque<Weak<CancellationToken>>,
    bound: usize,
}

impl Handshakes {
    fn new(bound: usize) -> Self {
        Self { tokens: VecDeque::new(), bound }
    }

    /// A further one begins; if there are too many, the oldest is told to end.
    fn begin(&mut self, stop: &CancellationToken) -> Arc<CancellationToken> {
        self.tokens.retain(|token| token.strong_count() > 0);
        while self.tokens.len() >= self.bound {
            if let Some(oldest) = self.tokens.pop_front().and_then(|token| token.upgrade()) {
                oldest.cancel();
            }
        }
        let token = Arc::new(stop.child_token());
        self.tokens.push_back(Arc::downgrade(&token));
        token
    }
}
