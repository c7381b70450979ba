//! The link down to a client: packets at once, or frames on a clock.

use std::time::Instant;

use mixbed_directory::Follower;
use mixbed_link::{Alarm, LinkWriter};
use mixbed_wire::PoissonClock;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;

use super::Outbound;
use super::impaired::FrameLane;
use super::outgoing::{BATCH, write_batch};
use crate::packets::Books;

/// Writes what comes out of `packets` to a client, until the link fails or the queue is gone.
///
/// While the document's rate `downlink` is 0, each packet at once. Else one frame on each tick of
/// a Poisson clock, a packet or, if none waits, a dummy: so from outside, a client that receives
/// looks like one that does not. What comes faster than the rate waits in the queue, and is dropped
/// by name once that is full. Without a usable document it goes on as before.
pub(super) async fn write_down(
    packets: &mut mpsc::Receiver<Outbound>,
    lane: &mut FrameLane,
    mut writer: LinkWriter,
    mut follower: Follower,
    books: &Books,
) -> mixbed_link::Error {
    let mut clock = PoissonClock::default();
    let mut alarm = Alarm::default();
    let mut unpaced = Vec::new();
    loop {
        if let Some(document) = follower.current() {
            let rate = document.parameters.rates.downlink;
            clock.handle_rate(rate, Instant::now(), &mut rand::rng());
        }
        let frames: Vec<Option<Outbound>> = tokio::select! {
            () = follower.changed() => continue,
            frames = lane.ready() => {
                if let Err(error) = write_frames(&mut writer, frames, books).await {
                    return error;
                }
                continue;
            }
            count = packets.recv_many(&mut unpaced, BATCH), if !clock.is_on() => {
                if count == 0 {
                    return mixbed_link::Error::Closed;
                }
                unpaced.drain(..).map(Some).collect()
            }
            () = alarm.until(clock.next_due()) => match frames_due(packets, &mut clock) {
                Some(frames) => frames,
                None => return mixbed_link::Error::Closed,
            },
        };
        if !lane.is_clear() {
            lane.take(frames);
        } else if let Err(error) = write_frames(&mut writer, frames, books).await {
            return error;
        }
    }
}

async fn write_frames(
    writer: &mut LinkWriter,
    frames: Vec<Option<Outbound>>,
    books: &Books,
) -> Result<(), mixbed_link::Error> {
    let dummies = frames.iter().filter(|frame| frame.is_none()).count();
    write_batch(writer, frames).await?;
    books.metrics.handle_dummies(dummies as u64);
    Ok(())
}

/// A frame for each tick that is due, a dummy where no packet waits; nothing if the queue is gone.
fn frames_due(
    packets: &mut mpsc::Receiver<Outbound>,
    clock: &mut PoissonClock,
) -> Option<Vec<Option<Outbound>>> {
    let now = Instant::now();
    let mut frames = Vec::new();
    while frames.len() < BATCH && clock.poll_due(now, &mut rand::rng()) {
        frames.push(match packets.try_recv() {
            Ok(out) => Some(out),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => return None,
        });
    }
    Some(frames)
}
