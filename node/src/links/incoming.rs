//! The links that others dial: nodes that pass packets on, and at a gateway its clients.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mixbed_directory::{Follower, Role};
use mixbed_link::{Link, LinkReader};
use mixbed_wire::{Frame, LinkPublic, LinkSecret, NodeId};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::downlink::write_down;
use super::{LinkQueue, LinkTable};
use crate::config::Limits;
use crate::packets::{Arrived, Books, Entrance, Stay};
use crate::topology;

/// Frames read at a time from a node, and from a client: 193 KiB and 12 KiB of buffer.
const NODE_READ_AHEAD: usize = 64;
const CLIENT_READ_AHEAD: usize = 4;

/// Accepts links and reads packets from them.
#[derive(Clone)]
pub(crate) struct Listener {
    pub(crate) role: Role,
    pub(crate) network: Arc<str>,
    pub(crate) own: LinkSecret,
    pub(crate) follower: Follower,
    pub(crate) limits: Limits,
    pub(crate) entrance: Entrance,
    pub(crate) links: Arc<LinkTable>,
    pub(crate) books: Arc<Books>,
    pub(crate) stop: CancellationToken,
}

/// Whose link it is.
enum Peer {
    Node(String),
    Client(NodeId),
}

impl Listener {
    /// Accepts until stopped. Connections over the limit are closed at once.
    pub(crate) async fn run(self, socket: TcpListener) {
        let links = Arc::new(Semaphore::new(self.limits.links));
        let handshakes = Arc::new(Semaphore::new(self.limits.handshakes));
        while let Some(accepted) = self.stop.run_until_cancelled(socket.accept()).await {
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file handles, most likely: others have to end before more can come.
                    tracing::warn!(node = self.name(), %error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let (Ok(link), Ok(handshake)) = (
                Arc::clone(&links).try_acquire_owned(),
                Arc::clone(&handshakes).try_acquire_owned(),
            ) else {
                self.books.metrics.link_handshake_failed("too_many");
                tracing::warn!(node = self.name(), %address, "refused a link: there are too many");
                continue;
            };
            let listener = self.clone();
            tokio::spawn(async move {
                let stop = listener.stop.child_token();
                let shaken = listener.shake_hands(stream, address).await;
                drop(handshake);
                if let Some((link, peer)) = shaken {
                    stop.run_until_cancelled(listener.serve(link, peer, stop.clone())).await;
                }
                drop(link);
            });
        }
    }

    fn name(&self) -> &str {
        self.books.service.name()
    }

    async fn shake_hands(&self, stream: TcpStream, address: SocketAddr) -> Option<(Link, Peer)> {
        let limit = self.limits.handshake;
        match mixbed_link::accept(stream, &self.network, &self.own, limit).await {
            Ok(link) => match self.admit(&link.peer) {
                Ok(peer) => Some((link, peer)),
                Err(why) => {
                    self.books.metrics.link_handshake_failed("not_admitted");
                    tracing::debug!(node = self.name(), %address, why, "refused a link");
                    None
                }
            },
            Err(error) => {
                self.books.metrics.link_handshake_failed(error.kind());
                tracing::debug!(node = self.name(), %address, %error, "no link");
                None
            }
        }
    }

    /// Who the owner of a key is, and whether it may hand in packets here.
    fn admit(&self, key: &LinkPublic) -> Result<Peer, &'static str> {
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

    async fn serve(&self, link: Link, peer: Peer, stop: CancellationToken) {
        self.books.metrics.links_in.inc();
        let Link { reader, writer, .. } = link;
        let (who, ended) = match peer {
            Peer::Node(name) => {
                let ended = self.read_packets(reader.read_ahead(NODE_READ_AHEAD)).await;
                (name, ended)
            }
            Peer::Client(id) => {
                let (queue, mut packets) = mpsc::channel(self.limits.client_queue);
                let own = LinkQueue { queue, stop: stop.clone() };
                self.links.add_client(id, own.clone());
                let down = write_down(&mut packets, writer, self.follower.clone(), &self.books);
                let ended = tokio::select! {
                    ended = self.read_packets(reader.read_ahead(CLIENT_READ_AHEAD)) => ended,
                    error = down => Err(error),
                    () = stop.cancelled() => Ok(()),
                };
                self.links.remove_client(id, &own);
                (format!("client {id}"), ended)
            }
        };
        self.books.metrics.links_in.dec();
        match ended {
            Ok(()) => tracing::debug!(node = self.name(), peer = who, "link closed"),
            Err(error) => tracing::info!(node = self.name(), peer = who, %error, "link lost"),
        }
    }

    async fn read_packets(&self, mut reader: LinkReader) -> Result<(), mixbed_link::Error> {
        while let Some(frame) = reader.read().await? {
            match frame {
                Frame::Packet(packet) => {
                    let stay = Stay::received(&self.books, Instant::now());
                    self.entrance.enter(Arrived { packet, stay });
                }
                Frame::Dummy => {}
            }
        }
        Ok(())
    }
}
