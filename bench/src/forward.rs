//! (b) and (c): what one mix forwards, with links and replay check but no mixing delay, and how it
//! stands overload.
//!
//! The mix runs in its own process on one core; this process plays the mixes before and after it
//! on another. Each packet's number is the delay in the layer of the hop after the mix, where this
//! process finds it again when all is over.

use std::time::{Duration, Instant};

use anyhow::Context;
use mixbed_directory::{Descriptor, Document, Role};
use mixbed_localnet::{HandPeer, LocalNet, LocalNetConfig, Shape};
use mixbed_wire::{Frame, HopAddress, Packet, Route, RouteHop, SphinxPublic, Unwrapped};

use crate::child::Tested;
use crate::report::Report;
use crate::sphinx;

const SOON: Duration = Duration::from_secs(20);
/// Links to the mix in the second measurement of (b), and in (c).
const MANY: usize = 8;
/// How long packets are offered in each measurement.
const RUN: Duration = Duration::from_secs(2);
/// A mix that says nothing for this long has passed on all that it will.
const QUIET: Duration = Duration::from_millis(500);
/// Packets leave in batches this far apart.
const TICK: Duration = Duration::from_millis(1);

/// The mix under test, and the peers that this process plays.
struct Rig {
    before: Vec<HandPeer>,
    after: HandPeer,
    onward: mixbed_link::Link,
    mix: Descriptor,
    key: SphinxPublic,
    tested: Tested,
}

/// What came through at one load.
struct Measurement {
    passed: Passed,
    /// Packets a second over bare unwraps a second.
    share: f64,
    /// Packets a second over bare unwraps by sphinx-packet a second.
    over_library: f64,
}

/// What came through.
struct Passed {
    offered: f64,
    count: f64,
    /// From the first packet out to the last one in.
    took: Duration,
    /// Each packet's time through the mix, sorted.
    times: Vec<Duration>,
    /// Packets that the mix counted as shed at its entrance.
    shed: f64,
}

impl Passed {
    fn rate(&self) -> f64 {
        self.count / self.took.as_secs_f64()
    }

    fn percentile(&self, share: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let place = (share * (float(self.times.len()) - 1.0)).max(0.0) as usize;
        self.times.get(place).copied().unwrap_or_default().as_secs_f64() * 1e3
    }
}

/// Measures (b) and (c). One core unwraps alone right before and after each flood of packets, on
/// the core that the mix has: what the machine does besides then shows in both.
pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let shape = Shape { gateways: 0, mixes_per_layer: 0, providers: 0 };
    let net = LocalNet::start(LocalNetConfig { shape, ..LocalNetConfig::default() }).await?;
    let mut rig = Rig::new(&net).await?;

    let one = rig.measure(1.0, 1).await?;
    report.at_least("mix forwards, 1 link / bare unwraps", one.share, "ratio", 0.8);
    let many = rig.measure(1.0, MANY).await?;
    report.at_least("mix forwards, 8 links / bare unwraps", many.share, "ratio", 0.8);
    let name = "SphinxPacket::process";
    report.at_least(format!("mix forwards, 1 link / {name}"), one.over_library, "ratio", 1.5);
    report.at_least(format!("mix forwards, 8 links / {name}"), many.over_library, "ratio", 1.5);

    let peak = one.share.max(many.share);
    let half = rig.measure(0.5 * peak, MANY).await?;
    let over = rig.measure(1.5 * peak, MANY).await?;
    report.at_least("throughput at 150 % load / peak", over.share / peak, "ratio", 0.9);
    let excess = over.passed.offered - over.passed.count;
    anyhow::ensure!(
        excess > 0.0,
        "150 % of the peak was no overload: measure on a quieter machine"
    );
    report.at_least("excess dropped as queue_full", over.passed.shed / excess, "ratio", 1.0);
    report.note("lost at 50 % load", half.passed.offered - half.passed.count, "packets");
    let (calm, loaded) = (half.passed.percentile(0.99), over.passed.percentile(0.99));
    report.note("99th percentile at 50 % load", calm, "ms");
    report.note("99th percentile at 150 % load", loaded, "ms");
    report.at_most("99th percentile, 150 % / 50 % load", loaded / calm, "ratio", 5.0);
    Ok(())
}

impl Rig {
    async fn new(net: &LocalNet) -> anyhow::Result<Self> {
        let join = async |name: String, role| {
            HandPeer::join(&name, role, &net.directory_url(), net.trust(), net.join_secret()).await
        };
        let mut before = Vec::new();
        for number in 0..MANY {
            before.push(join(format!("before-{number}"), Role::Mix { layer: 1 }).await?);
        }
        let after = join("after".to_owned(), Role::Mix { layer: 3 }).await?;
        let tested = Tested::spawn(net).await?;
        let mut onward = after.accept().await?;
        onward.reader = onward.reader.read_ahead(64);
        let listed = |document: &Document| document.by_name("tested").is_some();
        let document = net.follower().wait_for(SOON, listed).await?;
        let mix = document.by_name("tested").context("it was just listed")?.clone();
        let key = *mix.sphinx_key(document.epoch).context("it has a key")?;
        Ok(Self { before, after, onward, mix, key, tested })
    }

    /// Offers `load` times what one core could unwrap.
    async fn measure(&mut self, load: f64, links: usize) -> anyhow::Result<Measurement> {
        pin("0")?;
        let (library, before) = (sphinx::theirs_on_one_core(), sphinx::on_one_core());
        let passed = self.offer(load * before, links).await?;
        pin("0")?;
        let (after, library_after) = (sphinx::on_one_core(), sphinx::theirs_on_one_core());
        Ok(Measurement {
            share: passed.rate() / f64::midpoint(before, after),
            over_library: passed.rate() / f64::midpoint(library, library_after),
            passed,
        })
    }

    /// Offers `rate` packets a second over `links` links.
    async fn offer(&mut self, rate: f64, links: usize) -> anyhow::Result<Passed> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let count = (rate * RUN.as_secs_f64()) as usize;
        pin("0-1")?;
        let packets = self.seal(count)?;
        pin("1")?;
        let mut writers = Vec::new();
        for peer in &self.before[..links] {
            writers.push(peer.dial(&self.mix).await?);
        }
        let shed_before = self.tested.shed().await?;
        let start = Instant::now();
        let sending = tokio::spawn(send(packets, rate, writers));
        let mut received: Vec<(Instant, Packet)> = Vec::with_capacity(count);
        while let Ok(frame) = tokio::time::timeout(QUIET, self.onward.reader.read()).await {
            if let Frame::Packet(packet) = frame?.context("the mix closed its link")? {
                received.push((Instant::now(), packet));
            }
        }
        let sent = sending.await??;
        let last = received.last().context("nothing came through")?.0;
        let mut times = Vec::with_capacity(received.len());
        for (at, packet) in &received {
            times.push(*at - sent[self.number(packet)?]);
        }
        times.sort_unstable();
        Ok(Passed {
            offered: float(count),
            count: float(received.len()),
            took: last - start,
            times,
            shed: self.tested.shed().await? - shed_before,
        })
    }

    /// Packets for the mix, each with its number in the next hop's layer.
    fn seal(&self, count: usize) -> anyhow::Result<Vec<Packet>> {
        let halves = [0..count / 2, count / 2..count];
        let seal = |number: usize| {
            let mut route = self.route();
            route[1].delay = Duration::from_nanos(number as u64);
            let destination = self.after.hop_address();
            Packet::seal(&route, destination, [0; 16], b"", &mut rand::rng())
        };
        std::thread::scope(|scope| {
            let threads = halves.map(|half| scope.spawn(move || half.map(seal).collect()));
            let mut packets = Vec::with_capacity(count);
            for thread in threads {
                let half: Result<Vec<Packet>, mixbed_wire::SealError> =
                    thread.join().map_err(|_| anyhow::anyhow!("sealing panicked"))?;
                packets.extend(half?);
            }
            Ok(packets)
        })
    }

    fn route(&self) -> Route {
        let hop = |node, key| RouteHop {
            address: HopAddress { node, trace: None },
            key,
            delay: Duration::ZERO,
        };
        let next = hop(self.after.id(), self.after.sphinx_key.public());
        [hop(self.mix.id(), self.key), next, next, next, next]
    }

    fn number(&self, packet: &Packet) -> anyhow::Result<usize> {
        match packet.open(&self.after.sphinx_key)?.unwrap(packet.clone())? {
            Unwrapped::Forward { delay, .. } => Ok(usize::try_from(delay.as_nanos())?),
            Unwrapped::Exit(_) => anyhow::bail!("the mix turned a packet into another"),
        }
    }
}

/// Sends the packets at an even rate whatever the mix does; says when each went out.
async fn send(
    packets: Vec<Packet>,
    rate: f64,
    mut links: Vec<mixbed_link::Link>,
) -> anyhow::Result<Vec<Instant>> {
    let start = Instant::now();
    let mut sent = Vec::with_capacity(packets.len());
    let mut packets = packets.into_iter();
    while packets.len() > 0 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let due = (start.elapsed().as_secs_f64() * rate) as usize;
        let now = Instant::now();
        for packet in packets.by_ref().take(due.saturating_sub(sent.len())) {
            let link = sent.len() % links.len();
            links[link].writer.push(&Frame::Packet(packet))?;
            sent.push(now);
        }
        for link in &mut links {
            link.writer.flush().await?;
        }
        tokio::time::sleep(TICK).await;
    }
    // The links must outlive what is still on its way.
    tokio::time::sleep(QUIET).await;
    Ok(sent)
}

/// Keeps this process, all its threads, on these cores, so that the mix has its own.
fn pin(cores: &str) -> anyhow::Result<()> {
    let own = std::process::id().to_string();
    let done = std::process::Command::new("taskset")
        .args(["-acp", cores, &own])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .context("taskset (util-linux) is needed to give the mix a core of its own")?;
    anyhow::ensure!(done.success(), "taskset cannot move this process to core {cores}");
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a count of packets, far below 2^52")]
fn float(count: usize) -> f64 {
    count as f64
}
