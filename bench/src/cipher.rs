//! What a link's encryption costs beside the unwrapping: each hop opens a frame and seals one.

use std::time::{Duration, Instant};

use anyhow::Context;
use mixbed_wire::{
    FRAME_SIZE, Frame, Handshake, LinkOpener, LinkSealer, LinkSecret, PACKET_SIZE, Packet, Step,
};

use crate::report::Report;
use crate::sphinx;

const TIME: Duration = Duration::from_secs(1);

/// One core: the share of a hop's work that is the links' encryption. Bare unwraps are measured
/// right before and after it.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let (mut sealer, mut opener) = link()?;
    let packet = Packet::from_bytes(&[7; PACKET_SIZE]);
    let before = sphinx::on_one_core();
    let start = Instant::now();
    let (mut frames, mut bytes) = (0.0, Vec::with_capacity(FRAME_SIZE));
    while start.elapsed() < TIME {
        bytes.clear();
        sealer.seal(&Frame::Packet(packet.clone()), &mut bytes)?;
        let frame = bytes.as_slice().try_into().context("a frame has one size")?;
        std::hint::black_box(opener.open(frame)?);
        frames += 1.0;
    }
    let link = start.elapsed().as_secs_f64() / frames;
    let unwrap = 1.0 / f64::midpoint(before, sphinx::on_one_core());
    report.note("link encryption, a frame in and one out", link * 1e6, "us");
    report.note("link encryption / a hop's cryptography", link / (link + unwrap), "ratio");
    Ok(())
}

/// The two ends that matter of a link: one that seals, and the one that opens what it sealed.
fn link() -> anyhow::Result<(LinkSealer, LinkOpener)> {
    let (here, there) =
        (LinkSecret::generate(&mut rand::rng()), LinkSecret::generate(&mut rand::rng()));
    let mut ends = [
        Some(Handshake::dial("bench", &here, &there.public())?),
        Some(Handshake::listen("bench", &there)?),
    ];
    let (mut sealer, mut opener) = (None, None);
    let mut on_the_way: Option<Vec<u8>> = None;
    while sealer.is_none() || opener.is_none() {
        for (end, step) in ends.iter_mut().enumerate() {
            *step = match step.take() {
                Some(Step::Send(frame, next)) if on_the_way.is_none() => {
                    on_the_way = Some(frame);
                    Some(next.next()?)
                }
                Some(Step::Read(next)) if on_the_way.is_some() => {
                    let frame = on_the_way.take().unwrap_or_default();
                    let frame = frame.as_slice().try_into().context("a frame has one size")?;
                    Some(next.handle_frame(frame)?)
                }
                Some(Step::Done { sealer: seals, opener: opens, .. }) => {
                    if end == 0 {
                        sealer = Some(seals);
                    } else {
                        opener = Some(opens);
                    }
                    None
                }
                other => other,
            };
        }
    }
    Ok((sealer.context("the handshake is done")?, opener.context("the handshake is done")?))
}
