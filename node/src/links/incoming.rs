//! A link that somebody else dialled: a node that passes packets on, or at a gateway a client.

use std::sync::Arc;
use std::time::Instant;

use mixbed_link::{Error, Link, LinkReader, LinkWriter};
use mixbed_wire::{DropReason, Frame, LinkPublic, MAX_DELAY, NodeId};
use tokio::sync::mpsc;

use super::downlink::write_down;
use super::impaired::FrameLane;
use super::listener::{LinkPlace, Listener, Peer};
use super::pace::Pace;
use super::{LinkQueue, Outbound, drop_queued};
use crate::impair::{Far, Way};
use crate::packets::{Arrived, Origin, Source, Stay};

/// Frames read at a time from a node, and from a client: 193 KiB and 12 KiB of buffer.
const NODE_READ_AHEAD: usize = 64;
const CLIENT_READ_AHEAD: usize = 4;

impl Listener {
    /// Lets packets in until the link ends, or is to end.
    pub(super) async fn serve(&self, link: Link, peer: Peer, place: LinkPlace) {
        let Link { reader, writer, peer: key } = link;
        let (who, ended) = match peer {
            Peer::Node(name) => {
                self.books.metrics.links_in.inc();
                let lane = FrameLane::new(&self.end, Far::Node(key), Way::In, &self.follower, 0);
                let reader = reader.read_ahead(NODE_READ_AHEAD);
                let origin = Origin::node();
                let reading = self.read_packets(reader, lane, &origin, None);
                let replaced = async {
                    match &place {
                        LinkPlace::Node(place) => place.replaced.cancelled().await,
                        LinkPlace::Client(_) => std::future::pending().await,
                    }
                };
                let ended = tokio::select! {
                    ended = reading => ended,
                    () = self.expelled(&key) => Err(Error::Closed),
                    () = replaced => Err(Error::Closed),
                    () = self.entrance_stop.cancelled() => Err(Error::Closed),
                };
                (name, ended)
            }
            Peer::Client(id) => {
                ("a client".to_owned(), self.serve_client(&key, id, reader, writer).await)
            }
        };
        self.books.metrics.links_in.dec();
        self.books.link_ended(&who, &ended.err().unwrap_or(Error::Closed));
    }

    /// Reads and writes until either fails. When the entrance closes it goes on writing: replies
    /// that are being held here still go out.
    async fn serve_client(
        &self,
        key: &LinkPublic,
        id: NodeId,
        reader: LinkReader,
        writer: LinkWriter,
    ) -> Result<(), Error> {
        let (queue, mut packets) = mpsc::channel(self.limits.client_queue);
        let (stop, waiting) = (self.stop.child_token(), Source::default());
        let own = LinkQueue { queue, stop, waiting };
        self.links.add_client(id, own.clone());
        // Whoever sees the link counted may count on the gateway's knowing the client.
        self.books.metrics.links_in.inc();
        let pace = Pace::new(&self.limits, &self.follower, &self.books.metrics.frames_slowed);
        let (far, bound) = (Far::Client(id), self.limits.client_queue);
        let lane = |way| FrameLane::new(&self.end, far, way, &self.follower, bound);
        let (up, mut down) = (lane(Way::In), lane(Way::Out));
        let reading = async {
            let reader = reader.read_ahead(CLIENT_READ_AHEAD);
            let origin = Origin::client();
            let read = self.read_packets(reader, up, &origin, Some(pace));
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
            () = self.enlisted(key) => Err(Error::Closed),
        };
        self.links.remove_client(id, &own);
        packets.close();
        drop_queued(&mut packets, DropReason::ClientOffline);
        down.lose(DropReason::ClientOffline);
        ended
    }

    /// Reads packets; those of a client only as fast as it may send, and as workers take them up.
    async fn read_packets(
        &self,
        mut reader: LinkReader,
        mut lane: FrameLane,
        origin: &Arc<Origin>,
        mut pace: Option<Pace>,
    ) -> Result<(), Error> {
        loop {
            let paced = async {
                if let Some(pace) = &mut pace {
                    pace.ready().await;
                }
                reader.read().await
            };
            tokio::select! {
                frame = paced => {
                    let Some(frame) = frame? else { return Ok(()) };
                    if let Some(pace) = &mut pace {
                        pace.handle_frame();
                    }
                    let frame = match frame {
                        Frame::Packet(packet) => {
                            let stay = Stay::received(&self.books, Instant::now());
                            Some(Outbound { packet, stay, place: None })
                        }
                        Frame::Dummy => None,
                    };
                    if lane.is_clear() {
                        self.let_in(frame, origin).await;
                    } else {
                        lane.take([frame]);
                    }
                }
                frames = lane.ready() => for frame in frames {
                    self.let_in(frame, origin).await;
                }
            }
        }
    }

    /// Hands a packet to the workers; a client's in its turn.
    async fn let_in(&self, frame: Option<Outbound>, origin: &Arc<Origin>) {
        let Some(Outbound { packet, stay, .. }) = frame else { return };
        let arrived = Arrived { packet, origin: Arc::clone(origin), stay };
        if origin.is_client() {
            self.entrance.enter_in_turn(arrived).await;
        } else {
            self.entrance.enter(arrived);
        }
    }

    /// Waits until the document lists the owner of a key that was taken for a client's, as it
    /// dialled before this node had heard of it. What it passes on is not a client's: it is to dial
    /// again.
    async fn enlisted(&self, key: &LinkPublic) {
        let mut follower = self.follower.clone();
        while self.follower.current().is_none_or(|known| known.by_link_key(key).is_none()) {
            follower.changed().await;
        }
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
