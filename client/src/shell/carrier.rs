//! What carries packets over one link, both ways.

use std::time::{Instant, SystemTime};

use mixbed_link::{LinkReader, LinkWriter};
use mixbed_telemetry::ClientMetrics;
use mixbed_wire::{DropReason, Frame, Packet};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::link::{FromLink, Inbound};

/// Packets that wait to be written; 32 of them are 97 KiB.
pub(super) const OUTBOUND: usize = 32;

/// Why a link ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The client was stopped: nothing is wrong.
    Stopped,
    /// The gateway has left the network, or moved; what is under way still comes.
    Left,
    /// What went wrong.
    Failed(String),
}

/// A link at work.
pub(super) struct Carrier {
    pub(super) reader: LinkReader,
    pub(super) writer: LinkWriter,
    pub(super) outbound: mpsc::Receiver<Packet>,
    pub(super) metrics: ClientMetrics,
    pub(super) events: mpsc::Sender<FromLink>,
    /// Ends it, because the gateway seems to be dead.
    pub(super) hung: CancellationToken,
}

impl Carrier {
    /// Until the link ends, or the client does; says why. When nobody writes any more, it goes on
    /// reading: another link may have taken its place.
    pub(super) async fn run(self) -> End {
        let Self { reader, writer, mut outbound, metrics, events, hung } = self;
        let end = tokio::select! {
            end = read(reader, &metrics, &events) => end,
            end = write(writer, &mut outbound, &metrics) => end,
            () = events.closed() => End::Stopped,
            () = hung.cancelled() => {
                End::Failed("it takes packets, and nothing comes back".to_owned())
            }
        };
        outbound.close();
        while outbound.recv().await.is_some() {
            metrics.dropped(DropReason::LinkLost.index());
        }
        end
    }
}

async fn read(
    mut reader: LinkReader,
    metrics: &ClientMetrics,
    events: &mpsc::Sender<FromLink>,
) -> End {
    loop {
        let frame = match reader.read().await {
            Ok(Some(frame)) => frame,
            Ok(None) => return End::Failed("the gateway closed the link".to_owned()),
            Err(error) => return End::Failed(error.to_string()),
        };
        let Frame::Packet(packet) = frame else { continue };
        metrics.packets_received.inc();
        let (arrived, arrived_at) = (Instant::now(), SystemTime::now());
        let inbound = Inbound { packet, arrived, arrived_at };
        if events.send(FromLink::Packet(inbound)).await.is_err() {
            return End::Stopped;
        }
    }
}

/// Writes what is there in one go, never more than what waits, until that fails.
async fn write(
    mut writer: LinkWriter,
    packets: &mut mpsc::Receiver<Packet>,
    metrics: &ClientMetrics,
) -> End {
    let mut batch = Vec::with_capacity(OUTBOUND);
    loop {
        if packets.recv_many(&mut batch, OUTBOUND).await == 0 {
            // The writer is kept: dropping it would close the link.
            std::future::pending::<()>().await;
        }
        let count = batch.len() as u64;
        let pushed = batch.drain(..).try_for_each(|packet| writer.push(&Frame::Packet(packet)));
        let written = match pushed {
            Ok(()) => writer.flush().await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            for _ in 0..count {
                metrics.dropped(DropReason::LinkLost.index());
            }
            return End::Failed(error.to_string());
        }
        metrics.packets_sent.inc_by(count);
    }
}
