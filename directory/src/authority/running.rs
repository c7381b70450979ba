//! A running authority.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mixbed_wire::LinkSecret;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::actor::{Actor, Published};
use super::core::Core;
use super::links::Links;
use super::server::serve;
use super::service::{PeerDoor, Service};
use super::snapshot::{CoreConfig, Snapshot, Voted};
use super::state::{StateError, StateStore};
use super::store::HeldStore;
use super::together::Together;
use super::{AuthorityConfig, AuthorityCounters, ConfigError, StartError};
use crate::channel::Credential;
use crate::document::{Document, SignedDocument, Trust};
use crate::identity::{IdentityPublic, IdentitySecret};
use crate::voting::{Panel, Voter, VoterConfig, VoterState};

/// Connections besides those that watch.
const SPARE_CONNECTIONS: usize = 1_000;
/// Commands that wait for the actor: a whole network that starts at once.
const MAX_COMMANDS: usize = 1_024;
/// How long a stopping server waits for calls under way, which were all told that it stops.
const DRAIN: Duration = Duration::from_millis(500);

/// A running authority. When dropped it stops at once; [`Authority::shutdown`] is gentler.
#[derive(Debug)]
pub struct Authority {
    address: SocketAddr,
    public_key: IdentityPublic,
    trust: Trust,
    published: watch::Receiver<Published>,
    trouble: watch::Receiver<Option<String>>,
    counters: Arc<AuthorityCounters>,
    stop_server: Option<oneshot::Sender<()>>,
    stop_actor: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
    actor: JoinHandle<()>,
}

impl Authority {
    /// Starts one: when this returns, it answers. Its key and documents come from where it keeps
    /// its state, if it does.
    pub async fn start(config: AuthorityConfig) -> Result<Self, StartError> {
        let listen = |source| StartError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        Self::start_on(listener, config).await
    }

    /// The same, where somebody listens already: of several directories each has to be told where
    /// the others are before it starts. One of several has its first document when enough of them
    /// have started.
    pub async fn start_on(
        listener: TcpListener,
        config: AuthorityConfig,
    ) -> Result<Self, StartError> {
        config.validate()?;
        let listen = |source| StartError::Listen { address: config.listen, source };
        let address = listener.local_addr().map_err(listen)?;
        let (core, store) = prepare(&config).await?;
        let (core, together) = join(&config, core)?;
        let door = core
            .voting()
            .map(|voted| Arc::new(PeerDoor::new(config.network.clone(), voted.panel.clone())));
        let trust = match core.voting() {
            Some(voted) => voted.panel.trust(&config.network),
            None => Trust::single(&config.network, core.public_key()),
        };
        let public_key = core.public_key();
        // Drawn at each start: nothing has to keep it.
        let channel_key = LinkSecret::generate(&mut rand::rng());
        let credential = Credential::new(&config.network, channel_key, &core.signing_keys());

        let counters = Arc::new(AuthorityCounters::default());
        let (commands, received) = mpsc::channel(MAX_COMMANDS);
        let (actor, published, trouble) =
            Actor::start(core, together, store, received, counters.clone()).await;
        if door.is_none() && published.borrow().is_empty() {
            let why = trouble.borrow().clone();
            return Err(StartError::NothingToServe(why.unwrap_or_else(|| "see its log".into())));
        }
        let service = Service {
            commands,
            published: published.clone(),
            watchers: Arc::new(Semaphore::new(config.max_watchers.min(Semaphore::MAX_PERMITS))),
            counters: counters.clone(),
            peers: door,
        };
        let (stop_server, server_stopped) = oneshot::channel();
        let (stop_actor, actor_stopped) = oneshot::channel();
        let connections = config.max_watchers.saturating_add(SPARE_CONNECTIONS);
        let server = serve(listener, connections, credential, service, server_stopped);
        tracing::info!(%address, key = %public_key, network = config.network, "directory ready");
        Ok(Self {
            address,
            public_key,
            trust,
            published,
            trouble,
            counters,
            stop_server: Some(stop_server),
            stop_actor: Some(stop_actor),
            server,
            actor: tokio::spawn(actor.run(actor_stopped)),
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as followers and registrars want it: `mixbed://host:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mixbed://{}", self.address)
    }

    /// The key that it signs with: followers have to be given it.
    #[must_use]
    pub const fn public_key(&self) -> IdentityPublic {
        self.public_key
    }

    /// Trust in this authority, or in a majority of those that it is one of, for followers.
    #[must_use]
    pub fn trust(&self) -> Trust {
        self.trust.clone()
    }

    /// The current document.
    #[must_use]
    pub fn document(&self) -> Option<Arc<Document>> {
        self.published.borrow().last().map(|issued| issued.document.clone())
    }

    /// The current document as it is served.
    #[must_use]
    pub fn signed_document(&self) -> Option<Arc<SignedDocument>> {
        self.published.borrow().last().map(|issued| issued.signed.clone())
    }

    /// Why it cannot save its state now, and so publishes nothing new; nothing if all is well.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.borrow().clone()
    }

    /// The same, to be waited for.
    #[must_use]
    pub fn watch_trouble(&self) -> watch::Receiver<Option<String>> {
        self.trouble.clone()
    }

    /// What it counts.
    #[must_use]
    pub fn counters(&self) -> &Arc<AuthorityCounters> {
        &self.counters
    }

    /// Whether it still serves: it does until it is shut down, unless a task of it failed, or
    /// another authority writes its state; [`trouble`](Self::trouble) says so then.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.server.is_finished() && !self.actor.is_finished()
    }

    /// Stops: no new calls, those under way are answered, watchers are told the end. Everything
    /// is on the disk already.
    pub async fn shutdown(mut self) {
        drop(self.stop_server.take());
        // The actor's end closes the watchers' streams, without which the server would wait.
        drop(self.stop_actor.take());
        let _ = (&mut self.actor).await;
        if tokio::time::timeout(DRAIN, &mut self.server).await.is_err() {
            tracing::warn!("calls under way cut off");
            self.server.abort();
            let _ = (&mut self.server).await;
        }
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        self.server.abort();
        self.actor.abort();
    }
}

/// Opens the state and makes the core of it.
async fn prepare(
    config: &AuthorityConfig,
) -> Result<(Core, Option<Arc<dyn StateStore>>), StateError> {
    let file = match &config.state_dir {
        Some(dir) => Some(HeldStore::open(dir).await?),
        None => None,
    };
    let store = match &file {
        Some(file) => Some(Arc::new(file.clone()) as Arc<dyn StateStore>),
        None => config.state_store.clone(),
    };
    let saved = match &store {
        Some(store) => store.load().await?.map(|snapshot| (snapshot, store.place())),
        None => None,
    };
    let core = make(config, saved, SystemTime::now())?;
    if let Some(store) = &store {
        store.claim().await?;
    }
    if let Some(file) = &file {
        file.write_public_key(core.public_key()).await?;
    }
    Ok((core, store))
}

/// Makes the core one of several, if it is to be.
fn join(config: &AuthorityConfig, core: Core) -> Result<(Core, Option<Together>), ConfigError> {
    if config.peers.is_empty() {
        return Ok((core.with_voting(None), None));
    }
    let secret = core.secret().clone();
    let keys = config.peers.iter().map(|peer| peer.key).chain([secret.public()]);
    let panel = Panel::new(keys.collect())?;
    let (sequence, pledged) =
        core.voting().map_or((0, (0, 0)), |voted| (voted.sequence, voted.pledged));
    let core = core.with_voting(Some(Voted { panel: panel.clone(), sequence, pledged }));
    let state = VoterState { sequence, pledged, document: core.documents().back().cloned() };
    let links = Links::start(&config.peers, &config.network, &secret)?;
    let network = config.network.clone();
    let voter = Voter::new(VoterConfig { network, panel, secret }, state, SystemTime::now());
    Ok((core, Some(Together::new(voter, links))))
}

/// Goes on with the snapshot, if there is one and it is this network's.
fn make(
    config: &AuthorityConfig,
    saved: Option<(Snapshot, String)>,
    now: SystemTime,
) -> Result<Core, StateError> {
    let AuthorityConfig { signing_key, network, .. } = config;
    let core_config = CoreConfig {
        network: network.clone(),
        join_secrets: config.join_secrets.clone(),
        admission: config.admission.clone(),
        admins: config.admins.clone(),
        parameters: config.parameters.clone(),
        lease: config.lease,
    };
    let Some((snapshot, place)) = saved else {
        let draw = || IdentitySecret::generate(&mut rand::rng());
        let secret = signing_key.clone().unwrap_or_else(draw);
        return Ok(Core::new(core_config, secret, now));
    };
    if snapshot.network != *network {
        let (theirs, ours) = (snapshot.network, network.clone());
        return Err(StateError::OtherNetwork { place, theirs, ours });
    }
    let (theirs, before) = (snapshot.secret.clone(), snapshot.former.clone());
    let ours = signing_key.clone().unwrap_or_else(|| theirs.clone());
    let replaces = ours.public() != theirs.public();
    if replaces && !config.sign_with_former_key {
        let (theirs, ours) = (theirs.public(), ours.public());
        return Err(StateError::OtherKey { place, theirs, ours });
    }
    let inconsistent = |what| StateError::Inconsistent { place: place.clone(), what };
    let restored = Core::restore(core_config, snapshot, now);
    let mut core = restored.map_err(|error| inconsistent(error.to_string()))?;
    let former = if replaces { Some(theirs) } else { before.clone() };
    let former = former.filter(|_| config.sign_with_former_key);
    if replaces || former.is_some() != before.is_some() {
        core.set_keys(ours, former).map_err(|error| inconsistent(error.to_string()))?;
    }
    Ok(core)
}
