//! The link to a gateway: found in the document, dialled, and dialled again.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use mixbed_directory::{Descriptor, Document, Follower};
use mixbed_link::Link;
use mixbed_telemetry::ClientMetrics;
use mixbed_wire::{LinkSecret, NodeId, Packet};
use rand::RngExt;
use tokio::sync::{mpsc, watch};
use tokio::time::error::Elapsed;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::carrier::{Carrier, End, OUTBOUND};
use crate::core::{FailedGateways, Suspicion};

/// How long a handshake may take: three frames each way on a slow line.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// The pause after the first failure; each later one is up to twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A link that lasted so long was a good one: the next failure is the first again.
const GOOD: Duration = Duration::from_secs(10);

/// How long the link to a gateway that has left is read at most; it usually closes it before.
const LINGER: Duration = Duration::from_secs(30);

/// What the link's task tells.
pub(super) enum FromLink {
    /// There is a link now.
    Up {
        /// The gateway's id.
        gateway: NodeId,
        /// Where packets go.
        packets: mpsc::Sender<Packet>,
        /// Ends the link, because the gateway seems to be dead.
        hung: CancellationToken,
    },
    /// There is none now, or still none.
    Down {
        /// Why.
        why: String,
    },
    /// A packet came.
    Packet(Inbound),
}

/// A packet that came over the link.
pub(super) struct Inbound {
    pub(super) packet: Packet,
    pub(super) arrived: Instant,
    pub(super) arrived_at: SystemTime,
}

/// Keeps a link to a gateway for as long as the client lives.
pub(super) struct Keeper {
    pub(super) directory: Follower,
    pub(super) wanted: Option<String>,
    /// Where the wanted one is reached, if not where the document says.
    pub(super) at: Option<String>,
    pub(super) own: LinkSecret,
    pub(super) metrics: ClientMetrics,
    pub(super) events: mpsc::Sender<FromLink>,
    pub(super) failed: FailedGateways,
    pub(super) suspicion: watch::Receiver<Suspicion>,
    /// The last link, to a gateway that has left since.
    pub(super) lingering: Option<AbortOnDropHandle<Result<End, Elapsed>>>,
}

impl Keeper {
    pub(super) async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let (document, gateway) = self.choose().await;
            let began = Instant::now();
            let why = match self.hold(&document, &gateway).await {
                End::Stopped => return,
                End::Left => {
                    tracing::info!(gateway = gateway.name, "it has left the network, or moved");
                    pause = FIRST_PAUSE;
                    continue;
                }
                End::Failed(why) => why,
            };
            let address = self.address(&gateway);
            let why = format!("no link to gateway {} ({address}): {why}", gateway.name);
            tracing::warn!("{why}");
            if self.events.send(FromLink::Down { why }).await.is_err() {
                return;
            }
            self.failed.insert(gateway.id(), Instant::now());
            if began.elapsed() >= GOOD {
                pause = FIRST_PAUSE;
            }
            let jittered = pause.mul_f64(rand::rng().random_range(0.5..1.0));
            tokio::time::sleep(jittered).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits for a document with a gateway to use: the wanted one, or any but those that have
    /// failed lately, unless there is no other.
    async fn choose(&mut self) -> (Arc<Document>, Descriptor) {
        let mut said = false;
        loop {
            if let Some(document) = self.directory.current() {
                if let Some(gateway) = self.pick(&document) {
                    return (document, gateway);
                }
                if !said {
                    said = true;
                    let why = match &self.wanted {
                        Some(name) => format!("the network has no gateway {name}"),
                        None => "the network has no gateway".to_owned(),
                    };
                    let _ = self.events.send(FromLink::Down { why }).await;
                }
            }
            self.directory.changed().await;
        }
    }

    fn pick(&self, document: &Document) -> Option<Descriptor> {
        let fits =
            |node: &&Descriptor| self.wanted.as_ref().is_none_or(|wanted| *wanted == node.name);
        let ids: Vec<_> = document.gateways().filter(fits).map(Descriptor::id).collect();
        let now = Instant::now();
        let weights = self.suspicion.borrow().weights(now);
        let chosen = self.failed.pick(&ids, &weights, now, &mut rand::rng())?;
        document.node(&chosen).cloned()
    }

    fn address<'a>(&'a self, gateway: &'a Descriptor) -> &'a str {
        self.at.as_deref().unwrap_or(&gateway.address)
    }

    /// Holds one link until it ends; says why it did.
    async fn hold(&mut self, document: &Document, gateway: &Descriptor) -> End {
        let dialled = mixbed_link::dial(
            self.address(gateway),
            &document.network,
            &self.own,
            &gateway.link_key,
            HANDSHAKE,
        );
        let Link { reader, writer, .. } = match dialled.await {
            Ok(link) => link,
            Err(error) => return End::Failed(error.to_string()),
        };
        let hung = CancellationToken::new();
        let (packets, outbound) = mpsc::channel(OUTBOUND);
        let up = FromLink::Up { gateway: gateway.id(), packets, hung: hung.clone() };
        if self.events.send(up).await.is_err() {
            return End::Stopped;
        }
        tracing::info!(gateway = gateway.name, "linked");
        let (metrics, events) = (self.metrics.clone(), self.events.clone());
        let carrier = Carrier { reader, writer, outbound, metrics, events, hung };
        let mut carrying = Box::pin(carrier.run());
        tokio::select! {
            end = &mut carrying => end,
            () = gone(self.directory.clone(), gateway, self.at.is_some()) => {
                // What is under way by this link comes still, while the next one is dialled.
                let last = tokio::time::timeout(LINGER, carrying);
                self.lingering = Some(AbortOnDropHandle::new(tokio::spawn(last)));
                End::Left
            }
        }
    }
}

/// Waits until the document no longer has the gateway as it was. Its address does not matter if it
/// is reached by another one.
async fn gone(mut directory: Follower, gateway: &Descriptor, elsewhere: bool) {
    loop {
        directory.changed().await;
        let Some(document) = directory.current() else { continue };
        let same = document.node(&gateway.id()).is_some_and(|now| {
            now.link_key == gateway.link_key && (elsewhere || now.address == gateway.address)
        });
        if !same {
            return;
        }
    }
}
