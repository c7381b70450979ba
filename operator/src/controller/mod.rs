//! The operator as a process: watches, the queue, reconciles, leadership.

mod broadcasts;
pub(crate) mod cache;
mod cleanup;
mod client;
mod crds;
mod definition_fields;
pub(crate) mod directories;
pub(crate) mod events;
pub(crate) mod facts;
pub(crate) mod fingerprint;
mod leader;
mod oldest;
pub(crate) mod pod;
pub(crate) mod queue;
pub(crate) mod status;
mod steady;
mod uninstall;
mod watch;
mod work;

use std::fmt;

use kube::{Client, Config};
use mixbed_telemetry::{Health, OperatorMetrics, Telemetry};
use tokio::sync::{mpsc, watch as latest};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::cache::Cache;
pub use self::cleanup::{CleanupError, CleanupOptions, cleanup};
pub use self::crds::{CrdError, install as install_definitions};
use self::directories::Directories;
use self::events::Events;
use self::leader::LeaseName;
use self::status::Statuses;
use self::steady::Loop;
pub use self::uninstall::Hook;
use self::watch::Watches;
use self::work::Work;
use crate::apply::Engine;
use crate::mixnet::{Defaults, Reconciler};

/// What an operator is told.
#[derive(Clone, Debug)]
pub struct OperatorOptions {
    /// The namespaces that it looks after; none: all of the cluster.
    pub namespaces: Vec<String>,
    /// What holds where specs say nothing: images, and what pods have.
    pub defaults: Defaults,
    /// Whether it is one of several replicas, and the Lease by which they agree: its namespace
    /// and name.
    pub lease: Option<(String, String)>,
    /// This replica's name, as the Lease and events have it.
    pub identity: String,
    /// Whether the definitions of the custom resources are installed first.
    pub install_crds: bool,
    /// Where all directories are; nothing: each at its own Service.
    pub directory_at: Option<String>,
}

/// Why an operator could not start.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The client's configuration cannot be.
    #[error("the API server cannot be spoken with: {0}")]
    Client(#[from] kube::Error),
    /// The custom resources could not be installed.
    #[error(transparent)]
    Crds(#[from] CrdError),
    /// Pods would hang there.
    #[error(
        "Kubernetes {0} is too old: Mixnets need 1.29 or newer, where containers can run beside others"
    )]
    TooOld(String),
}

/// An operator that works until it is told to stop.
pub struct Operator {
    options: OperatorOptions,
    client: Client,
    metrics: OperatorMetrics,
    telemetry: Telemetry,
    health: Health,
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Operator {
    /// An operator for the cluster of this configuration. Nothing is asked yet.
    pub fn new(
        config: Config,
        options: OperatorOptions,
        telemetry: &Telemetry,
        health: &Health,
    ) -> Result<Self, OperatorError> {
        let metrics = OperatorMetrics::new(telemetry);
        let client = client::counted(config, metrics.clone())?;
        let (telemetry, health) = (telemetry.clone(), health.clone());
        Ok(Self { options, client, metrics, telemetry, health })
    }

    /// Looks whether Mixnets can run there, and installs the custom resources if it was told to.
    pub async fn prepare(&self) -> Result<(), OperatorError> {
        if let Some(found) = oldest::too_old(&self.client.apiserver_version().await?) {
            return Err(OperatorError::TooOld(found));
        }
        if self.options.install_crds {
            crds::install(&self.client, &mut |said| tracing::info!("{said}")).await?;
        }
        Ok(())
    }

    /// Works until `stop`; then everything under way is let go of at once, and the lease too.
    pub async fn run(self, stop: CancellationToken) {
        let Self { options, client, metrics, telemetry, health } = self;
        let (told, tellings) = mpsc::unbounded_channel();
        let cache = Cache::default();
        let watches = Watches {
            client: client.clone(),
            cache: cache.clone(),
            told: told.clone(),
            health: health.clone(),
        };
        let mut tasks = JoinSet::new();
        let mut started = 0;
        if options.namespaces.is_empty() {
            started += watches.start(None, &mut tasks);
        }
        for namespace in &options.namespaces {
            started += watches.start(Some(namespace), &mut tasks);
        }

        let (leads, leading) = latest::channel(options.lease.is_none());
        let election = options.lease.map(|(namespace, name)| {
            let lease = LeaseName { namespace, name, identity: options.identity.clone() };
            tokio::spawn(leader::take_part(client.clone(), lease, leads, stop.clone()))
        });

        let engine = Engine::new(client.clone());
        let events = Events::new(client.clone(), options.identity.clone());
        let statuses = Statuses::new(client.clone(), events);
        let directories = Directories::new(options.directory_at, told);
        let work = Work {
            mixnets: Reconciler {
                cache: cache.clone(),
                engine: engine.clone(),
                directories: directories.clone(),
                statuses: statuses.clone(),
                defaults: options.defaults.clone(),
            },
            broadcasts: broadcasts::Broadcasts {
                client,
                cache,
                engine,
                statuses,
                defaults: options.defaults,
            },
            metrics,
            service: telemetry.service("operator", &options.identity),
        };
        Loop::new(work, tellings, leading, started, health).run(stop).await;
        tasks.shutdown().await;
        if let Some(election) = election {
            // Releases the lease.
            let _ = election.await;
        }
    }
}
