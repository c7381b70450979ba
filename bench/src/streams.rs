//! Streams: how much of the packets is the user's, how soon the first byte is back, and whether
//! many share fairly.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Context;
use mixbed_client::{Client, ClientConfig, Stream, StreamOptions};
use mixbed_directory::{ImpairmentRule, Parameters, Rates};
use mixbed_localnet::{LocalNet, LocalNetConfig, Shape};
use mixbed_node::provider::TcpConfig;
use mixbed_wire::{Impairment, PACKET_SIZE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::report::Report;

const SOON: Duration = Duration::from_secs(20);

/// No part takes longer, or something hangs.
const LIMIT: Duration = Duration::from_secs(180);

/// Bytes of a long stream: 1,900 to 2,700 packets.
const LONG: usize = 5_000_000;

/// Opened one after the other, for the first byte.
const SHORT_STREAMS: usize = 40;

/// Delays that a packet and its answer have: of four hops there, the provider, and four hops back.
const DELAYS: u32 = 9;

/// A provider's `tcp` with a way to a socket of this process.
struct Rig {
    net: LocalNet,
    client: Client,
    listener: TcpListener,
    target: String,
}

impl Rig {
    /// A net with these rates, whose links all lose this share.
    async fn start(rates: Rates, loss: f64) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let target = listener.local_addr()?.to_string();
        let rules = [ImpairmentRule::everywhere(Impairment { loss, ..Impairment::NONE })];
        let impairments = rules.into_iter().filter(|_| loss > 0.0).collect();
        let config = LocalNetConfig {
            // One, whose packets are to be counted.
            shape: Shape { providers: 1, ..Shape::default() },
            parameters: Parameters { rates, impairments, ..Parameters::default() },
            tcp: TcpConfig { targets: vec![target.parse()?], ..TcpConfig::default() },
            ..LocalNetConfig::default()
        };
        let net = LocalNet::start(config).await?;
        net.wait_ready(SOON).await?;
        let client = Client::connect(ClientConfig::new(net.follower().clone()));
        client.wait_ready(SOON).await?;
        Ok(Self { net, client, listener, target })
    }

    /// A stream, and the far end of it.
    async fn open(&self) -> anyhow::Result<(Stream, tokio::net::TcpStream)> {
        let options = StreamOptions::default();
        let (stream, far) =
            tokio::join!(self.client.open("tcp", &self.target, options), self.listener.accept());
        Ok((stream?, far?.0))
    }

    /// Packets that the client sent, and that the provider did.
    fn packets(&self) -> (u64, u64) {
        let provider = self.net.nodes()["provider-0"].readings().made;
        (self.client.readings().sent, provider)
    }

    async fn stop(self) {
        self.client.stop().await;
        self.net.stop(Duration::ZERO).await;
    }
}

/// All of it; each net is a fresh one.
pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    for (loss, up, down, whole, bar) in [
        (
            0.0,
            "stream up: payload of the packets sent",
            "stream down: payload of the packets sent",
            "stream down: the same, its reply blocks' packets counted",
            0.75,
        ),
        (
            0.05,
            "stream up at 5 % loss a link",
            "stream down at 5 % loss a link",
            "stream down at 5 % loss, all packets counted",
            0.6,
        ),
    ] {
        let share =
            tokio::time::timeout(LIMIT, upload(loss)).await.context("an upload hangs")??;
        report.at_least(up, share, "ratio", bar);
        let (share, all) =
            tokio::time::timeout(LIMIT, download(loss)).await.context("a download hangs")??;
        report.at_least(down, share, "ratio", bar);
        report.note(whole, all, "ratio");
    }
    report.at_most("first byte over a round trip's delays", first_byte().await?, "ratio", 1.5);
    let fair = tokio::time::timeout(LIMIT, fairness()).await.context("20 streams hang")??;
    report.at_least("20 streams: the slowest over the mean", fair, "ratio", 0.5);
    Ok(())
}

/// The client has 100 packets a second to send, whatever is in them; those in which there was
/// nothing to say count as well. From the first byte to the far end's word that it has them all.
async fn upload(loss: f64) -> anyhow::Result<f64> {
    let rig = Rig::start(Rates { payload: 100.0, ..Rates::default() }, loss).await?;
    let (mut stream, mut far) = rig.open().await?;
    let before = rig.packets().0;
    let sink = async {
        let mut got = vec![0; LONG];
        far.read_exact(&mut got).await?;
        anyhow::Ok(rig.packets().0)
    };
    let source = async {
        stream.write_all(&vec![7; LONG]).await?;
        anyhow::Ok(stream.flush().await?)
    };
    let (after, sent) = tokio::join!(sink, source);
    sent?;
    let share = share_of(LONG, after? - before);
    rig.stop().await;
    Ok(share)
}

/// The far end sends. The share of the provider's packets, and of the client's and the provider's
/// together. No clock: the client sends only what brings reply blocks.
async fn download(loss: f64) -> anyhow::Result<(f64, f64)> {
    let rig = Rig::start(Rates::default(), loss).await?;
    let (mut stream, mut far) = rig.open().await?;
    let before = rig.packets();
    let source = tokio::spawn(async move {
        far.write_all(&vec![7; LONG]).await?;
        far.shutdown().await
    });
    let mut got = Vec::with_capacity(LONG);
    stream.read_to_end(&mut got).await?;
    source.await??;
    let after = rig.packets();
    anyhow::ensure!(got.len() == LONG, "{} bytes came", got.len());
    let (there, back) = (after.0 - before.0, after.1 - before.1);
    rig.stop().await;
    Ok((share_of(LONG, back), share_of(LONG, there + back)))
}

/// The median, over the mean delays of a round trip, of the time from opening a stream with its
/// first words to the first byte of the answer.
async fn first_byte() -> anyhow::Result<f64> {
    let rig = Rig::start(Rates::default(), 0.0).await?;
    let mut took = Vec::new();
    for at in 0..SHORT_STREAMS {
        // A session of its own: nothing of an earlier one helps.
        let isolation = Some(at.to_string());
        let options = StreamOptions { early: true, isolation, ..StreamOptions::default() };
        let began = Instant::now();
        let mut stream = rig.client.open("echo", "", options).await?;
        stream.write_all(b"hello").await?;
        stream.flush().await?;
        stream.read_u8().await?;
        took.push(began.elapsed().as_secs_f64());
    }
    took.sort_unstable_by(f64::total_cmp);
    let mean = Parameters::default().mean_hop_delay * DELAYS;
    rig.stop().await;
    Ok(took[took.len() / 2] / mean.as_secs_f64())
}

/// Twenty streams at once, each of which could go on: what the slowest got when the first one was
/// through, over what they got on average.
async fn fairness() -> anyhow::Result<f64> {
    const STREAMS: usize = 20;
    const EACH: usize = 400_000;
    let rig = Rig::start(Rates { payload: 50.0, ..Rates::default() }, 0.0).await?;
    let mut readers = JoinSet::new();
    let mut writers = JoinSet::new();
    let (progress, _) = tokio::sync::watch::channel(vec![0_usize; STREAMS]);
    let mut open = Vec::new();
    for _ in 0..STREAMS {
        open.push(rig.open().await?);
    }
    // All begin at once.
    for (at, (mut stream, mut far)) in open.into_iter().enumerate() {
        writers.spawn(async move { far.write_all(&vec![1; EACH]).await });
        let progress = progress.clone();
        readers.spawn(async move {
            let mut buffer = vec![0; 16 << 10];
            while progress.borrow()[at] < EACH {
                let got = stream.read(&mut buffer).await?;
                anyhow::ensure!(got > 0, "a stream ended early");
                progress.send_modify(|all| all[at] += got);
            }
            anyhow::Ok(())
        });
    }
    readers.join_next().await.context("there are streams")???;
    let got: BTreeSet<usize> = progress.borrow().iter().copied().collect();
    let total: usize = progress.borrow().iter().sum();
    let slowest = got.first().copied().unwrap_or_default();
    drop((readers, writers));
    rig.stop().await;
    #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
    Ok(slowest as f64 * STREAMS as f64 / total as f64)
}

#[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
fn share_of(bytes: usize, packets: u64) -> f64 {
    bytes as f64 / (packets as f64 * PACKET_SIZE as f64)
}
