//! A local net with its client, as `up` and `demo` run it; and listening, as all do.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mixbed_client::{Client, ClientConfig};
use mixbed_directory::authority::StartError;
use mixbed_guard::Guard;
use mixbed_localnet::{LocalNet, LocalNetConfig, LocalNetError, Shape};
use mixbed_telemetry::{DirectoryMetrics, FollowerMetrics, Health, Telemetry, serve_router};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::glue::{self, DirectoryGlue};

/// How long a local net may take to be ready; it takes about a tenth of a second.
const READY: Duration = Duration::from_secs(20);

/// How long nodes let packets out when they are stopped.
const DRAIN: Duration = Duration::from_secs(2);

/// The most nodes of a kind: each has a thread a core, and all of them share one machine.
const MANY: usize = 100;

/// The name of the net's own client.
pub(crate) const CLIENT: &str = "client";

/// A local net that carries packets, and a client in it.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) net: Arc<LocalNet>,
    pub(crate) client: Client,
    /// Carries counters over to metrics.
    glue: JoinSet<()>,
}

impl Running {
    /// Starts both, and waits until packets can be sent.
    pub(crate) async fn start(config: LocalNetConfig) -> Result<Self, Failure> {
        let (shape, telemetry) = (config.shape, config.telemetry.clone());
        let directory = config.directory;
        let net = LocalNet::start(config).await.map_err(|error| refused(error, directory))?;
        let client = Client::connect(ClientConfig {
            name: CLIENT.to_owned(),
            telemetry: telemetry.clone(),
            ..ClientConfig::new(net.follower().clone())
        });
        let mut glue = JoinSet::new();
        let roles = shape.nodes().map(|(name, role)| (name, role.as_str()));
        for (name, role) in roles {
            if let Some(node) = net.nodes().get(&name) {
                let metrics = FollowerMetrics::new(&telemetry, &name, role);
                glue.spawn(glue::follow(node.follower().clone(), metrics));
            }
        }
        let metrics = FollowerMetrics::new(&telemetry, CLIENT, "client");
        glue.spawn(glue::follow(net.follower().clone(), metrics));
        let net = Arc::new(net);
        let carried = Arc::clone(&net);
        for at in 0..carried.authorities().count() {
            let (carried, telemetry) = (Arc::clone(&carried), telemetry.clone());
            glue.spawn(async move {
                if let Some((name, Some(authority))) = carried.authorities().nth(at) {
                    let metrics = DirectoryMetrics::new(&telemetry, name);
                    DirectoryGlue::new(metrics).run(authority).await;
                }
            });
        }
        net.wait_ready(READY).await.map_err(Failure::failed)?;
        client.wait_ready(READY).await.map_err(Failure::failed)?;
        Ok(Self { net, client, glue })
    }

    /// Stops both in good order.
    pub(crate) async fn stop(mut self) {
        self.glue.shutdown().await;
        self.client.stop().await;
        // Whoever served the net's state has ended before; if not, it stops as it is dropped.
        if let Ok(net) = Arc::try_unwrap(self.net) {
            net.stop(DRAIN).await;
        }
    }
}

/// Whether a net of this shape can carry packets.
pub(crate) fn check(shape: Shape) -> Result<(), Failure> {
    let Shape { gateways, mixes_per_layer, providers } = shape;
    let counts = [
        ("--gateways", gateways),
        ("--mixes-per-layer", mixes_per_layer),
        ("--providers", providers),
    ];
    for (flag, count) in counts {
        if !(1..=MANY).contains(&count) {
            return Err(Failure::usage(format!("{flag} is 1 to {MANY}, not {count}")));
        }
    }
    Ok(())
}

fn refused(error: LocalNetError, directory: SocketAddr) -> Failure {
    match error {
        LocalNetError::Directory(StartError::Config(error)) => Failure::usage(error),
        LocalNetError::Directory(StartError::Listen { source, .. }) => {
            Failure::failed(cannot_listen(directory, "--directory", &source))
        }
        error => Failure::failed(error),
    }
}

/// Spans and metrics of this process.
pub(crate) fn telemetry(otlp: Option<String>, memory_spans: usize) -> Result<Telemetry, Failure> {
    let options = mixbed_telemetry::Options { otlp, memory_spans, hide_dummies: false };
    Telemetry::new(&options).map_err(Failure::usage)
}

/// Listens on an address that `flag` has given.
pub(crate) async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Failure::failed(cannot_listen(address, flag, &error)))
}

/// Serves until `stop` whether this process is well, and nothing else, where `--probes` says so.
pub(crate) async fn probes(
    address: Option<SocketAddr>,
    health: &Health,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    if let Some(address) = address {
        let listener = bind(address, "--probes").await?;
        let listens = listener.local_addr().map_err(Failure::failed)?;
        // Kubernetes' own machines ask there, by any name.
        let guard = Guard::new(listens).with_any_host_from_afar();
        let routes = mixbed_telemetry::probes(health.clone());
        tokio::spawn(serve_router(listener, routes, guard, stop.clone().cancelled_owned()));
    }
    Ok(())
}

/// Why an address cannot be listened on, and what to do.
pub(crate) fn cannot_listen(address: SocketAddr, flag: &str, error: &io::Error) -> String {
    let port = address.port();
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "port {port} is in use: stop what listens on {address}, or give another address with {flag} (port 0: any that is free)"
        ),
        io::ErrorKind::AddrNotAvailable => {
            format!("{} is no address of this machine: give another with {flag}", address.ip())
        }
        io::ErrorKind::PermissionDenied => format!(
            "port {port} may not be listened on by this user: give one from 1024 on with {flag}"
        ),
        _ => format!("cannot listen on {address} ({flag}): {error}"),
    }
}
