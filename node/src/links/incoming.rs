//! A link that somebody else dialled: a node that passes packets on, or at a gateway a client.

use std::sync::Arc;
use std::time::Instant;

use mixbed_link::{Error, Link, LinkReader, LinkWriter};
use mixbed_wire::{DropReason, Frame, LinkPublic, MAX_DELAY, NodeId};
use tokio::sync::{Semaphore, mpsc};

use super::downlink::write_down;
use super::impaired::FrameLane;
use super::listener::{Listener, Peer};
use super::{LinkQueue, Outbound, drop_queued};
use crate::impair::{Far, Way};
use crate::packets::{Arrived, Stay};

/// Frames read at a time from a node, and from a client: 193 KiB and 12 KiB of buffer.
const NODE_READ_AHEAD: usize = 64;
const CLIENT_READ_AHEAD: usize = 4;

/// Packets of one client that wait for a worker at a time. More stay in its connection, which
/// slows the client down and nobody else.
const CLIENT_WAITING: usize = 8;

impl Listener {
    /// Lets packets in until the link ends, or is to end.
    pub(super) async fn serve(&self, link: Link, peer: Peer) {
        self.books.metrics.links_in.inc();
        let Link { reader, writer, peer: key } = link;
        let (who, ended) = match peer {
            Peer::Node(name) => {
                let lane = FrameLane::new(&self.end, Far::Node(key), Way::In, &self.follower, 0);
                let reader = reader.read_ahead(NODE_READ_AHEAD);
                let reading = self.read_packets(reader, lane, None);
                let ended = tokio::select! {
                    ended = reading => ended,
                    () = self.expelled(&key) => Err(Error::Closed),
                    () = self.entrance_stop.cancelled() => Err(Error::Closed),
                };
                (name, ended)
            }
            Peer::Client(id) => {
                (format!("client {id}"), self.serve_client(id, reader, writer).await)
            }
        };
        self.books.metrics.links_in.dec();
        self.books.link_ended(&who, &ended.err().unwrap_or(Error::Closed));
    }

    /// Reads and writes until either fails. When the entrance closes it goes on writing: replies
    /// that are being held here still go out.
    async fn serve_client(
        &self,
        id: NodeId,
        reader: LinkReader,
        writer: LinkWriter,
    ) -> Result<(), Error> {
        let (queue, mut packets) = mpsc::channel(self.limits.client_queue);
        let own = LinkQueue { queue, stop: self.stop.child_token() };
        self.links.add_client(id, own.clone());
        let waiting = Arc::new(Semaphore::new(CLIENT_WAITING));
        let (far, bound) = (Far::Client(id), self.limits.client_queue);
        let lane = |way| FrameLane::new(&self.end, far, way, &self.follower, bound);
        let (up, mut down) = (lane(Way::In), lane(Way::Out));
        let reading = async {
            let reader = reader.read_ahead(CLIENT_READ_AHEAD);
            let read = self.read_packets(reader, up, Some(waiting));
            match self.entrance_stop.run_until_cancelled(read).await {
                Some(ended) => ended,
                None => std::future::pending().await,
            }
        };
        let follower = self.follower.clone();
        let downward = write_down(&mut packets, &mut down, writer, follower, &self.books);
        let ended = tokio::select! {
            ended = reading => ended,
            error = downward => Err(error),
            () = own.stop.cancelled() => Err(Error::Closed),
        };
        self.links.remove_client(id, &own);
        packets.close();
        drop_queued(&mut packets, DropReason::ClientOffline);
        down.lose(DropReason::ClientOffline);
        ended
    }

    /// Reads packets; those of a client only as fast as workers take them up.
    async fn read_packets(
        &self,
        mut reader: LinkReader,
        mut lane: FrameLane,
        client: Option<Arc<Semaphore>>,
    ) -> Result<(), Error> {
        loop {
            tokio::select! {
                frame = reader.read() => {
                    let Some(frame) = frame? else { return Ok(()) };
                    let frame = match frame {
                        Frame::Packet(packet) => {
                            let stay = Stay::received(&self.books, Instant::now());
                            Some(Outbound { packet, stay })
                        }
                        Frame::Dummy => None,
                    };
                    if lane.is_clear() {
                        self.let_in(frame, client.as_ref()).await;
                    } else {
                        lane.take([frame]);
                    }
                }
                frames = lane.ready() => for frame in frames {
                    self.let_in(frame, client.as_ref()).await;
                }
            }
        }
    }

    /// Hands a packet to the workers; a client's in its turn.
    async fn let_in(&self, frame: Option<Outbound>, client: Option<&Arc<Semaphore>>) {
        let Some(Outbound { packet, stay }) = frame else { return };
        let turn = match client {
            Some(waiting) => Arc::clone(waiting).acquire_owned().await.ok(),
            None => None,
        };
        let from_client = client.is_some();
        self.entrance.enter(Arrived { packet, from_client, turn, stay });
    }

    /// Waits until the document has not listed the peer for as long as the packets take that it
    /// may still hold: a node that leaves in order leaves the document first.
    async fn expelled(&self, key: &LinkPublic) {
        let mut follower = self.follower.clone();
        loop {
            if self.admit(key).is_ok() {
                follower.changed().await;
            } else {
                tokio::time::sleep(MAX_DELAY).await;
                if self.admit(key).is_err() {
                    return;
                }
            }
        }
    }
}
