//! A link that this node dials, and keeps dialling.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mixbed_directory::Follower;
use mixbed_link::{Link, LinkReader, LinkWriter};
use mixbed_wire::{DropReason, Frame, LinkPublic, LinkSecret};
use rand::RngExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::impaired::FrameLane;
use super::standing::Standing;
use super::{LinkQueue, Outbound};
use crate::impair::{Far, OwnEnd, Way};
use crate::packets::{Books, Source};

/// Packets written with one system call: 64 are 193 KiB, what a socket's buffer takes.
pub(super) const BATCH: usize = 64;

/// What waits for a link that has been down for this long is of no use to anybody any more: its
/// sender has long sent it again.
const PATIENCE: Duration = Duration::from_secs(5);

const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// A peer that takes nothing for this long is gone, whatever TCP still hopes.
const STALLED: Duration = Duration::from_secs(10);

/// A link that lasted this long was wanted by both sides: it is dialled anew at once. A shorter
/// one was not, most likely: in Noise XK the dialler is through before the listener has decided.
const GOOD: Duration = Duration::from_secs(10);

/// What all of a node's own links have in common.
#[derive(Clone)]
pub(crate) struct Dialler {
    pub(crate) network: Arc<str>,
    pub(crate) own: LinkSecret,
    pub(crate) handshake_limit: Duration,
    pub(crate) queue_bound: usize,
    pub(crate) books: Arc<Books>,
    /// This end of the links, and the rules about them.
    pub(crate) end: Arc<OwnEnd>,
    pub(crate) follower: Follower,
}

/// A peer as the document has it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) key: LinkPublic,
}

/// Starts the task that keeps a link to `peer` up and writes what is queued for it. It ends when
/// `stop` is cancelled, or when the peer has left the document and closed the link.
pub(crate) fn spawn_link(
    dialler: Dialler,
    peer: Peer,
    mut standing: Standing,
    stop: CancellationToken,
) -> LinkQueue {
    let (queue, mut packets) = mpsc::channel(dialler.queue_bound);
    let link = LinkQueue { queue, stop: stop.clone(), waiting: Source::default() };
    tokio::spawn(async move {
        let (end, far, bound) = (&dialler.end, Far::Node(peer.key), dialler.queue_bound);
        let mut lane = FrameLane::new(end, far, Way::Out, &dialler.follower, bound);
        let keep = Box::pin(keep_up(&dialler, &peer, &mut standing, &mut packets, &mut lane));
        stop.run_until_cancelled(keep).await;
        packets.close();
        drop_queued(&mut packets, DropReason::LinkLost);
    });
    link
}

async fn keep_up(
    dialler: &Dialler,
    peer: &Peer,
    standing: &mut Standing,
    packets: &mut mpsc::Receiver<Outbound>,
    lane: &mut FrameLane,
) {
    let mut retry = FIRST_RETRY;
    let mut down_since = Instant::now();
    loop {
        let attempt = mixbed_link::dial(
            &peer.address,
            &dialler.network,
            &dialler.own,
            &peer.key,
            dialler.handshake_limit,
        );
        match attempt.await {
            Ok(Link { reader, writer, .. }) => {
                let metrics = &dialler.books.metrics;
                tracing::debug!(node = dialler.books.service.name(), peer = peer.name, "link up");
                metrics.links_out.inc();
                let up_since = Instant::now();
                let error = tokio::select! {
                    error = write_until_lost(packets, lane, reader, writer) => error,
                    () = standing.departed() => mixbed_link::Error::Closed,
                };
                metrics.links_out.dec();
                dialler.books.link_ended(&peer.name, &error);
                if up_since.elapsed() > GOOD {
                    retry = FIRST_RETRY;
                }
                down_since = Instant::now();
            }
            Err(error) => {
                dialler.books.metrics.link_handshake_failed(error.kind());
                tracing::debug!(
                    node = dialler.books.service.name(), peer = peer.name, address = peer.address,
                    %error, "no link"
                );
                if down_since.elapsed() > PATIENCE {
                    drop_queued(packets, DropReason::LinkLost);
                    lane.lose(DropReason::LinkLost);
                }
            }
        }
        // Jitter, so that a restarted peer is not dialled by everybody at once.
        let pause = retry.mul_f64(rand::rng().random_range(0.5..1.0));
        let news = standing.is_listed() && standing.news_within(pause).await;
        if !standing.is_listed() {
            return;
        }
        // Other keys: it has started anew, and that very moment.
        retry = if news { FIRST_RETRY } else { (retry * 2).min(LAST_RETRY) };
    }
}

/// Drops what waits for a link that is no more.
pub(crate) fn drop_queued(packets: &mut mpsc::Receiver<Outbound>, reason: DropReason) {
    while let Ok(out) = packets.try_recv() {
        out.stay.dropped(Instant::now(), reason);
    }
}

/// Writes until the link breaks; says why it did. Nothing is read from a link one dialled to
/// write on, so whatever comes from there ends it, and the end is noticed at once.
async fn write_until_lost(
    packets: &mut mpsc::Receiver<Outbound>,
    lane: &mut FrameLane,
    mut reader: LinkReader,
    writer: LinkWriter,
) -> mixbed_link::Error {
    let watch = async {
        match reader.read().await {
            Ok(Some(_)) => mixbed_link::Error::Unexpected,
            Ok(None) => mixbed_link::Error::Closed,
            Err(error) => error,
        }
    };
    tokio::select! {
        error = write_packets(packets, lane, writer) => error,
        error = watch => error,
    }
}

/// Writes what comes out of `packets`, or if the link is impaired out of its lane, as many at a
/// time as there are, until the link fails or the queue is gone. Packets in a batch that could not
/// be written are dropped as `link_lost`.
async fn write_packets(
    packets: &mut mpsc::Receiver<Outbound>,
    lane: &mut FrameLane,
    mut writer: LinkWriter,
) -> mixbed_link::Error {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let written = tokio::select! {
            count = packets.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    return mixbed_link::Error::Closed;
                }
                let frames = batch.drain(..).map(Some);
                if lane.is_clear() {
                    write_batch(&mut writer, frames).await
                } else {
                    lane.take(frames);
                    Ok(())
                }
            }
            frames = lane.ready() => write_batch(&mut writer, frames).await,
        };
        if let Err(error) = written {
            return error;
        }
    }
}

/// Writes frames together: packets, and dummies for what is `None`. Packets that could not be
/// written are dropped as `link_lost`.
pub(super) async fn write_batch(
    writer: &mut LinkWriter,
    frames: impl IntoIterator<Item = Option<Outbound>>,
) -> Result<(), mixbed_link::Error> {
    let mut written = Vec::new();
    let mut result = Ok(());
    for frame in frames {
        let frame = frame.map_or(Frame::Dummy, |Outbound { packet, stay, .. }| {
            written.push(InFlight(Some(stay)));
            Frame::Packet(packet)
        });
        result = result.and_then(|()| writer.push(&frame));
    }
    result?;
    writer.flush_within(STALLED).await?;
    let now = Instant::now();
    for flight in written {
        flight.sent(now);
    }
    Ok(())
}

/// A packet being written: if the write fails, or is cancelled with the link, it was lost with it.
struct InFlight(Option<crate::packets::Stay>);

impl InFlight {
    fn sent(mut self, now: Instant) {
        if let Some(stay) = self.0.take() {
            stay.sent(now);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(stay) = self.0.take() {
            stay.dropped(Instant::now(), DropReason::LinkLost);
        }
    }
}
