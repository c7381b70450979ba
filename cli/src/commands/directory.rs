//! `mixbed directory`

use std::path::PathBuf;
use std::sync::Arc;

use mixbed_directory::authority::{StartError, StateStore};
use mixbed_directory::{
    Admission, Authority, AuthorityConfig, IdentityPublic, IdentitySecret, JoinSecret, Parameters,
    Rates,
};
use mixbed_telemetry::{Condition, DirectoryMetrics, Health, Step, Telemetry, serve_http};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::glue::DirectoryGlue;
use crate::keys::KeyError;
use crate::nodes::read_nodes;
use crate::secret_state::SecretState;
use crate::settings::{DirectoryFlags, DirectorySettings, Peer, PublicKey};
use crate::{authority_secret, impairments, keys, net, output, settings, signals};

const AFTER_HELP: &str = "\
Examples:
  mixbed directory --state-dir ./directory
      draws its key, a join secret and an admin key at its first start, and says where they are
  MIXBED_JOIN_SECRET=$(openssl rand -hex 32) mixbed directory --listen 0.0.0.0:7100
  mixbed config directory > directory.yaml; mixbed directory --config directory.yaml
  mixbed directory --authority-secret-key-file d1.key --peers K1@URL1,K2@URL2,K3@URL3
      is one of three that make each document together: see docs/directories.md";

/// Run the network's directory: lists the nodes, signs who is in the network, and with which rules
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Configuration file; `mixbed config directory` prints one
    #[arg(long, value_name = "FILE", env = "MIXBED_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: DirectoryFlags,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let settings: DirectorySettings =
        settings::load("directory", args.config.as_deref(), args.flags).map_err(Failure::usage)?;
    // Before anything is drawn into the one that is not meant.
    if settings.state_dir.is_some() && settings.state_secret.is_some() {
        return Err(Failure::usage("give --state-dir or --state-secret, not both"));
    }
    let admins = admins(&settings)?;
    let join_secrets = join_secrets(&settings)?;
    let impairments = impairments::from_setting(settings.impairments.as_deref())?;
    let shutdown = signals::shutdown().map_err(Failure::failed)?;
    let telemetry = Telemetry::disabled();
    let http = net::bind(settings.http, "--http").await?;
    let http_address = http.local_addr().map_err(Failure::failed)?;

    let mut config = authority_config(&settings, join_secrets, admins)?;
    config.parameters.impairments = impairments;
    config.state_store = state_secret(&settings, &shutdown).await?;
    let metrics = DirectoryMetrics::new(&telemetry, "directory");
    // Before there is anything to serve: it may take a while until the state is read.
    let health = Health::new();
    let step = Step::of(settings.metrics_step.0);
    let ending = shutdown.clone().cancelled_owned();
    let serving = serve_http(http, telemetry, health.clone(), step, ending);
    let serving = tokio::spawn(serving);
    net::probes(settings.probes, &health, &shutdown).await?;
    let authority = Authority::start(config).await.map_err(|error| refused(error, &settings))?;
    let saved = health.condition("state");
    let watch = tokio::spawn(watch_state(authority.watch_trouble(), saved));
    health.set_ready(true);
    output::print(format!(
        "ready: directory of {} at {} with key {}, metrics at http://{http_address}/metrics",
        settings.network,
        authority.url(),
        authority.public_key(),
    ));

    let died = tokio::select! {
        () = shutdown.cancelled() => false,
        () = DirectoryGlue::new(metrics).run(&authority) => true,
    };
    health.set_not_ready("stopping".to_owned());
    watch.abort();
    let trouble = authority.trouble();
    authority.shutdown().await;
    shutdown.cancel();
    let _ = serving.await;
    if died {
        let why = trouble.unwrap_or_else(|| "its log says why".to_owned());
        return Err(Failure::failed(format!("the directory stopped by itself: {why}")));
    }
    Ok(())
}

/// Not ready while the state cannot be saved; ends with the directory.
async fn watch_state(mut trouble: tokio::sync::watch::Receiver<Option<String>>, saved: Condition) {
    loop {
        match &*trouble.borrow_and_update() {
            None => saved.met(),
            Some(why) => saved.unmet(format!("not saved, nothing new is published: {why}")),
        }
        if trouble.changed().await.is_err() {
            return;
        }
    }
}

/// The Secret that the state is kept in, if it is.
async fn state_secret(
    settings: &DirectorySettings,
    shutdown: &CancellationToken,
) -> Result<Option<Arc<dyn StateStore>>, Failure> {
    let Some(name) = &settings.state_secret else { return Ok(None) };
    let state = SecretState::connect(name, shutdown.clone()).await.map_err(Failure::usage)?;
    Ok(Some(Arc::new(state)))
}

/// From the file, the variable, or the directory's own. None at all is well where nodes are listed,
/// or an admin can list them.
fn join_secrets(settings: &DirectorySettings) -> Result<Vec<JoinSecret>, Failure> {
    let given = keys::join_secret(settings.join_secret_file.as_deref());
    let mut secrets = match (given, &settings.state_dir) {
        (Err(KeyError::NoSecret), _) if settings.nodes.is_some() => Vec::new(),
        (Err(KeyError::NoSecret), Some(dir)) => {
            let (secret, path) = keys::own_join_secret(dir).map_err(Failure::usage)?;
            tracing::info!(path = %path.display(), "nodes need the join secret in this file");
            vec![secret]
        }
        (Err(KeyError::NoSecret), None) if !settings.admin_key.is_empty() => {
            tracing::info!("without a join secret, no node joins until an admin lists it");
            Vec::new()
        }
        (secret, _) => vec![secret.map_err(Failure::usage)?],
    };
    if let Some(path) = &settings.former_join_secret_file {
        secrets.push(keys::join_secret(Some(path)).map_err(Failure::usage)?);
    }
    Ok(secrets)
}

/// Those that were given, or the directory's own.
fn admins(settings: &DirectorySettings) -> Result<Vec<IdentityPublic>, Failure> {
    if !settings.admin_key.is_empty() {
        let keys = settings.admin_key.iter().map(PublicKey::admin);
        return keys.collect::<Result<_, _>>().map_err(Failure::usage);
    }
    let Some(dir) = &settings.state_dir else {
        tracing::info!("without an admin key, nobody changes this network while it runs");
        return Ok(Vec::new());
    };
    let (key, path) = keys::own_admin_key(dir).map_err(Failure::usage)?;
    tracing::info!(path = %path.display(), "the admin key in this file changes the network");
    Ok(vec![key.public()])
}

fn authority_config(
    settings: &DirectorySettings,
    join_secrets: Vec<JoinSecret>,
    admins: Vec<IdentityPublic>,
) -> Result<AuthorityConfig, Failure> {
    let nodes = settings.nodes.as_deref().map(read_nodes).transpose().map_err(Failure::usage)?;
    let key = settings.authority_secret_key_file.as_deref().map(authority_secret::read);
    let key = key.transpose().map_err(Failure::usage)?;
    let peers = settings.peers.iter().map(Peer::read).collect::<Result<Vec<_>, _>>();
    let mut peers = peers.map_err(Failure::usage)?;
    // All directories may be given the same list.
    let own = key.as_ref().map(IdentitySecret::public);
    peers.retain(|peer| Some(peer.key) != own);
    Ok(AuthorityConfig {
        listen: settings.listen,
        state_dir: settings.state_dir.clone(),
        signing_key: key,
        sign_with_former_key: settings.sign_with_former_key,
        join_secrets,
        admission: nodes.map_or(Admission::Open, Admission::Listed),
        admins,
        peers,
        parameters: Parameters {
            mean_hop_delay: settings.mean_hop_delay.0,
            tracing_allowed: settings.tracing_allowed,
            epoch_length: settings.epoch_length.0,
            rates: if settings.cover { Rates::COVER } else { Rates::default() },
            ..Parameters::default()
        },
        lease: settings.lease.0,
        max_watchers: settings.max_watchers,
        ..AuthorityConfig::of(&settings.network)
    })
}

fn refused(error: StartError, settings: &DirectorySettings) -> Failure {
    match error {
        StartError::Config(error) => Failure::usage(error),
        StartError::Listen { source, .. } => {
            Failure::failed(net::cannot_listen(settings.listen, "--listen", &source))
        }
        error => Failure::failed(error),
    }
}
