//! A running node: starts the parts, keeps them in step with the document, stops them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use mixbed_directory::follower::FollowerError;
use mixbed_directory::{
    Descriptor, Document, Follower, FollowerConfig, Registrar, RegistrarConfig, RegistrarState,
    Role,
};
use mixbed_telemetry::{Health, LoopMetrics, NodeMetrics, ProviderMetrics, Readings, Telemetry};
use mixbed_wire::{DropReason, LoopOutcome, NodeId};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::address::{self, AdvertiseError};
use crate::config::{LimitsError, NodeConfig};
use crate::cover::{LoopTally, Loops, SharedSensor};
use crate::drain::{self, Quiet};
use crate::impair::OwnEnd;
use crate::keeper::Keeper;
use crate::links::{Dialler, Door, LinkKind, LinkTable, Listener};
use crate::packets::{BATCH, Books, KeyRing, Origin, Shares, Workers, spawn_mixing};
use crate::path::{Known, Path};
use crate::provider::{Provider, ProviderConfig, readiness, restricted};
use crate::replay_watch::ReplayWatch;
use crate::replies::Replies;
use crate::topology;

/// How long the directory may take to strike a node off.
const LEAVING: Duration = Duration::from_secs(3);

/// How often a node that leaves looks whether anything still comes.
const LOOK: Duration = Duration::from_millis(10);

/// Why a node could not start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The socket does not tell its address.
    #[error("the listening socket has no address: {0}")]
    Socket(std::io::Error),
    /// No worker thread could be started.
    #[error("cannot start a worker thread: {0}")]
    Workers(std::io::Error),
    /// A bound that cannot work.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// A gateway's letters cannot be read or written.
    #[error("the mailboxes cannot be opened: {0}")]
    Mailboxes(#[from] crate::mailbox::StoreError),
    /// Nowhere to be reached.
    #[error(transparent)]
    Advertise(#[from] AdvertiseError),
    /// The directory's URL, or whom to trust, can never work.
    #[error(transparent)]
    Directory(#[from] FollowerError),
}

/// A gateway, mix or provider at work.
pub struct Node {
    id: NodeId,
    address: SocketAddr,
    books: Arc<Books>,
    sensor: SharedSensor,
    follower: Follower,
    links: Arc<LinkTable>,
    registrar: Arc<OnceLock<Registrar>>,
    health: Health,
    /// A provider's services, or a gateway's mailboxes.
    provider: Option<Provider>,
    /// Ends its loops.
    loops_stop: CancellationToken,
    /// Ends what brings packets in.
    entrance_stop: CancellationToken,
    /// Ends everything else.
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Node({} {} at {})", self.books.service.name(), self.id, self.address)
    }
}

impl Node {
    /// Starts a node on a socket that is bound already, so that a port in use is the caller's to
    /// report. Returns at once: [`health`](Self::health) tells when the node is registered and in
    /// the document.
    #[expect(clippy::too_many_lines, reason = "connects the parts, each of them once")]
    pub fn start(
        config: NodeConfig,
        socket: TcpListener,
        telemetry: &Telemetry,
    ) -> Result<Self, NodeError> {
        let NodeConfig {
            name,
            role,
            advertise,
            directory,
            trust,
            join_secret,
            identity,
            link_key,
            monerod,
            monerod_restricted,
            tcp,
            mailboxes,
            keep_document_in,
            limits,
        } = config;
        limits.validate()?;
        let address = socket.local_addr().map_err(NodeError::Socket)?;
        let advertised = address::advertised(advertise.as_deref(), address)?;
        let network: Arc<str> = trust.network.as_str().into();
        let stop = CancellationToken::new();
        let books = Arc::new(Books {
            metrics: NodeMetrics::new(telemetry, &name, role.as_str(), DropReason::NAMES),
            service: telemetry.service(role.as_str(), &name),
            stop: stop.clone(),
        });
        let entrance_stop = stop.child_token();
        let loops_stop = entrance_stop.child_token();
        let tasks = TaskTracker::new();
        let health = Health::new();

        let links = Arc::new(LinkTable::new(limits.client_queues));
        // Full batches for as many packets as the pool itself holds.
        let (mixing, held) = mpsc::channel(limits.pool.div_ceil(BATCH));
        tasks.spawn(spawn_mixing(held, limits.pool, Arc::clone(&links)));
        let count = limits.worker_count();
        let waiting = count * limits.queue_per_worker;
        let shares = Arc::new(Shares::new(waiting, limits.pool, role == Role::Gateway));
        let known = Known::default();
        let replies = Arc::new(Replies {
            mixing: mixing.downgrade(),
            shares: Arc::clone(&shares),
            origin: Origin::node(),
            books: Arc::clone(&books),
            known: known.clone(),
        });
        let provider = match role {
            Role::Provider => {
                let metrics = ProviderMetrics::new(telemetry, &name);
                if let Some(daemon) = monerod.clone() {
                    let watch = readiness::watch(
                        daemon.clone(),
                        health.condition("monerod"),
                        metrics.clone(),
                    );
                    tasks.spawn(stop.clone().run_until_cancelled_owned(watch));
                    let asked = monerod_restricted.clone().unwrap_or(daemon);
                    let look = restricted::warn_unless(asked, name.clone());
                    tasks.spawn(stop.clone().run_until_cancelled_owned(look));
                }
                let config = ProviderConfig {
                    monerod,
                    monerod_restricted,
                    tcp,
                    ..ProviderConfig::default()
                };
                Some(Provider::start(config, replies, books.service.clone(), metrics))
            }
            Role::Gateway => {
                let gateway = crate::mailbox::Gateway {
                    network: &network,
                    link_key: &link_key,
                    replies,
                    spans: books.service.clone(),
                    telemetry,
                    tasks: &tasks,
                    stop: &stop,
                };
                Some(crate::mailbox::start(&mailboxes, gateway)?)
            }
            Role::Mix { .. } => None,
        };
        let services = provider.as_ref().map(Provider::services).unwrap_or_default();

        let sensor = SharedSensor::new(LoopMetrics::new(telemetry, &name, role.as_str()));
        let path = Arc::new(Path {
            role,
            links: Arc::clone(&links),
            mixing,
            known: known.clone(),
            provider: provider.clone(),
            sensor: sensor.clone(),
        });
        let workers = Workers::start(count, Shares::most_waiting(waiting), shares, &name, &path)
            .map_err(NodeError::Workers)?;

        let follower = Follower::start(FollowerConfig {
            keep_in: keep_document_in,
            ..FollowerConfig::new(&directory, trust.clone())
        })?;
        let descriptor = Descriptor {
            name,
            identity: identity.public(),
            role,
            link_key: link_key.public(),
            address: advertised,
            sphinx_keys: Vec::new(),
            services,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let id = descriptor.id();
        let end = Arc::new(OwnEnd { id, name: descriptor.name.clone(), role });
        let registration =
            RegistrarConfig { url: directory, trust: trust.clone(), identity, join_secret };
        let registrar = Arc::new(OnceLock::new());

        let listener = Listener {
            role,
            network: Arc::clone(&network),
            own: link_key.clone(),
            follower: follower.clone(),
            end: Arc::clone(&end),
            door: Door::new(limits.links, limits.links_per_address),
            limits: limits.clone(),
            entrance: workers.entrance(),
            links: Arc::clone(&links),
            books: Arc::clone(&books),
            tasks: tasks.clone(),
            entrance_stop: entrance_stop.clone(),
            stop: stop.clone(),
        };
        tasks.spawn(listener.run(socket));

        if role != Role::Provider {
            let loops = Loops {
                id,
                follower: follower.clone(),
                entrance: workers.entrance(),
                origin: Origin::node(),
                sensor: sensor.clone(),
                books: Arc::clone(&books),
                stop: loops_stop.clone(),
            };
            tasks.spawn(loops.run());
        }

        health.set_ready(true);
        let keeper = Keeper {
            id,
            role,
            descriptor,
            ring: KeyRing::new(limits.replay_tags),
            workers,
            links: Arc::clone(&links),
            dialler: Dialler {
                network,
                own: link_key,
                handshake_limit: limits.handshake,
                queue_bound: limits.link_queue,
                books: Arc::clone(&books),
                end,
                follower: follower.clone(),
            },
            document: known.0,
            registration,
            registrar: Arc::clone(&registrar),
            listed: health.condition("directory"),
            replay: ReplayWatch::new(
                books.service.name().to_owned(),
                count,
                books.metrics.clone(),
                health.condition("replay"),
            ),
            stop: stop.clone(),
        };
        tasks.spawn(keeper.run(follower.clone()));
        tasks.close();
        Ok(Self {
            id,
            address,
            books,
            sensor,
            follower,
            links,
            registrar,
            health,
            provider,
            loops_stop,
            entrance_stop,
            stop,
            tasks,
        })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.books.service.name()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it does its work, and if not, why.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Its accounts.
    #[must_use]
    pub fn readings(&self) -> Readings {
        self.books.metrics.readings()
    }

    /// What it counts: to be read on when the node is no more.
    #[must_use]
    pub fn metrics(&self) -> NodeMetrics {
        self.books.metrics.clone()
    }

    /// How the loops did that it sent to itself, by the name of the node they were handed to
    /// first: one that takes packets stands out in the tallies of all nodes before it.
    #[must_use]
    pub fn loops(&self) -> BTreeMap<String, LoopTally> {
        self.sensor.tallies()
    }

    /// The last of its loops that ended, the latest last, at most [`LOOPS_JUDGED`]: for a judgement
    /// together with others' loops.
    ///
    /// [`LOOPS_JUDGED`]: mixbed_wire::LOOPS_JUDGED
    #[must_use]
    pub fn loop_outcomes(&self) -> Vec<LoopOutcome> {
        self.sensor.outcomes()
    }

    /// Where its registration stands; nothing before the first document.
    #[must_use]
    pub fn registration(&self) -> Option<RegistrarState> {
        self.registrar.get().map(Registrar::state)
    }

    /// The document it works by.
    #[must_use]
    pub fn follower(&self) -> &Follower {
        &self.follower
    }

    /// Whether it has a way to each node that it passes packets on to by this document, and takes none
    /// of those listed for a client. Before the document has come to it, packets of senders who have
    /// it are dropped here as `unknown_next_hop`.
    #[must_use]
    pub fn goes_by(&self, document: &Document) -> bool {
        document.node(&self.id).is_some_and(|own| {
            topology::next_hops(own.role, document)
                .all(|next| self.links.kind(next.id()) == Some(LinkKind::Node))
                && document.nodes.iter().all(|node| {
                    let id = NodeId::of_key(node.link_key.as_bytes());
                    self.links.kind(id) != Some(LinkKind::Client)
                })
        })
    }

    /// Leaves a network that goes on, within `limit`: out of the document first, then it does its
    /// work until nothing comes in any more, as those who have an older document still send packets
    /// through it, and reply blocks are under way; a provider ends what it has begun. Then it
    /// [stops](Self::stop). Of the limit a fifth is kept for that.
    pub async fn retire(self, limit: Duration) {
        if limit.is_zero() {
            return self.stop(limit).await;
        }
        let began = Instant::now();
        self.health.set_not_ready("it is leaving the network".to_owned());
        self.loops_stop.cancel();
        let open = limit.saturating_sub(limit / 5);
        if tokio::time::timeout(open.min(LEAVING), self.leave()).await.is_err() {
            tracing::warn!(node = self.name(), "the directory was not told of its end");
        }
        let quiet = self.quiet();
        if tokio::time::timeout(open.saturating_sub(began.elapsed()), quiet).await.is_err() {
            tracing::info!(node = self.name(), "stopping, though packets still come");
        }
        self.stop(limit.saturating_sub(began.elapsed())).await;
    }

    /// Stops with the network, or one that is not worth the wait: no more packets in, out of the
    /// document, and what it holds out within `limit` (what is left then is dropped as `stopped`);
    /// then everything ends. Without any time it just ends, as in a crash: it stays in the document
    /// until its lease is over.
    pub async fn stop(self, limit: Duration) {
        if !limit.is_zero()
            && let Some(provider) = &self.provider
        {
            provider.end_sessions();
        }
        self.entrance_stop.cancel();
        if !limit.is_zero() {
            let (left, drained) = tokio::join!(
                tokio::time::timeout(limit, self.leave()),
                tokio::time::timeout(limit, self.drain()),
            );
            if left.is_err() {
                tracing::warn!(node = self.name(), "the directory was not told of its end");
            }
            if drained.is_err() {
                tracing::info!(node = self.name(), "stopped with packets still held");
            }
        }
        self.stop.cancel();
        self.tasks.wait().await;
    }

    /// Waits until nothing comes any more, and nothing is being worked on.
    async fn quiet(&self) {
        let received = &self.books.metrics.packets_received;
        let mut quiet = Quiet::new(received.get(), Instant::now());
        loop {
            let delay = self.follower.current().map(|document| document.parameters.mean_hop_delay);
            if quiet.lasts(Instant::now()) >= drain::silence(delay.unwrap_or_default()) {
                return;
            }
            tokio::time::sleep(LOOK).await;
            let busy = self.provider.as_ref().is_some_and(Provider::is_busy);
            quiet.handle(received.get(), busy, Instant::now());
        }
    }

    async fn leave(&self) {
        if let Some(registrar) = self.registrar.get()
            && let Err(error) = registrar.unregister().await
        {
            tracing::debug!(node = self.name(), %error, "not unregistered");
        }
    }

    async fn drain(&self) {
        while self.books.metrics.readings().held > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
