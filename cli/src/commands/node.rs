//! `mixbed node`

use std::path::PathBuf;
use std::time::Duration;

use mixbed_directory::{RegistrarState, Role};
use mixbed_monero::Daemon;
use mixbed_node::mailbox::MailboxConfig;
use mixbed_node::provider::TcpConfig;
use mixbed_node::{Limits, Node, NodeConfig};
use mixbed_telemetry::{FollowerMetrics, Options, Step, Telemetry, serve_http};

use crate::failure::Failure;
use crate::keys::{KeyError, StateDir};
use crate::keys_file::{self, NodeKeys};
use crate::settings::{NodeFlags, NodeSettings};
use crate::{glue, keys, monerod_access, net, output, settings, signals};

/// How often a node's health is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How long telemetry may take to send its last spans.
const LAST_SPANS: Duration = Duration::from_secs(2);

const AFTER_HELP: &str = "\
Examples (the directory's key and join secret are in its state directory, ./directory):
  mixbed node --role gateway --name gateway-0 --authority-key directory/authority.pub \\
      --join-secret-file directory/join-secret
  mixbed node --role mix --layer 1 --name mix-1-0 ...
  mixbed node --role provider --name provider-0 --monerod http://127.0.0.1:18081 ...
  mixbed config node > node.yaml; mixbed node --config node.yaml --role mix --layer 2 ...";

/// Run a node of the network: a gateway, a mix or a provider
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Configuration file; `mixbed config node` prints one
    #[arg(long, value_name = "FILE", env = "MIXBED_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: NodeFlags,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let settings: NodeSettings =
        settings::load("node", args.config.as_deref(), args.flags).map_err(Failure::usage)?;
    let config = node_config(&settings)?;
    let (name, role) = (config.name.clone(), config.role);
    let shutdown = signals::shutdown().map_err(Failure::failed)?;
    let options = Options { otlp: settings.otlp.clone(), memory_spans: 0, hide_dummies: true };
    let telemetry = Telemetry::new(&options).map_err(Failure::usage)?;
    let http = net::bind(settings.http, "--http").await?;
    let http_address = http.local_addr().map_err(Failure::failed)?;
    let socket = net::bind(settings.listen, "--listen").await?;

    let node = Node::start(config, socket, &telemetry).map_err(Failure::usage)?;
    let metrics = FollowerMetrics::new(&telemetry, &name, role.as_str());
    let follow = tokio::spawn(glue::follow(node.follower().clone(), metrics));
    let stop_http = shutdown.child_token();
    let serving = serve_http(
        http,
        telemetry.clone(),
        node.health().clone(),
        Step::of(settings.metrics_step.0),
        stop_http.clone().cancelled_owned(),
    );
    let serving = tokio::spawn(serving);
    net::probes(settings.probes, node.health(), &stop_http).await?;
    tracing::info!(node = name, %role, id = %node.id(), address = %node.address(),
        http = %http_address, "started");

    let outcome = tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        failure = watch(&node, &name, role, http_address) => Err(failure),
    };
    node.retire(settings.drain.0).await;
    follow.abort();
    stop_http.cancel();
    let _ = serving.await;
    telemetry.shutdown(LAST_SPANS).await;
    outcome
}

/// Says when the node is ready, and why it is not; ends when it never will be.
async fn watch(node: &Node, name: &str, role: Role, http: std::net::SocketAddr) -> Failure {
    let mut said = None;
    loop {
        // First of all: usually it is ready by then.
        tokio::time::sleep(LOOK).await;
        let reasons = node.health().reasons();
        if let Some(RegistrarState::Rejected { message, .. }) = node.registration() {
            let why = format!("{name}: the directory does not admit this node: {message}");
            return Failure::failed(why);
        }
        if said.as_ref() != Some(&reasons) {
            if reasons.is_empty() {
                output::print(format!(
                    "ready: {role} {name} ({}) at {}, metrics at http://{http}/metrics",
                    node.id(),
                    node.address(),
                ));
            } else {
                tracing::warn!(node = name, why = reasons.join("; "), "not ready; trying on");
            }
            said = Some(reasons);
        }
    }
}

fn node_config(settings: &NodeSettings) -> Result<NodeConfig, Failure> {
    let role = match settings.role {
        Some(role) => Some(
            Role::parse(role.as_str(), settings.layer)
                .map_err(|error| Failure::usage(format!("{error} (--layer)")))?,
        ),
        None => None,
    };
    let (Some(role), Some(name), Some(key)) = (role, &settings.name, &settings.authority_key)
    else {
        return Err(Failure::usage(missing(settings)));
    };
    let trust = key.trust(&settings.network).map_err(Failure::usage)?;
    // A node on the directory's list needs none.
    let join_secret = match keys::join_secret(settings.join_secret_file.as_deref()) {
        Err(KeyError::NoSecret) => None,
        secret => Some(secret.map_err(Failure::usage)?),
    };
    if settings.monerod.is_some() && role != Role::Provider {
        return Err(Failure::usage(format!("only a provider has a monerod, not a {role}")));
    }
    if settings.monerod_restricted.is_some() && settings.monerod.is_none() {
        let why =
            "monerod_restricted is another listener of the monerod that monerod names: give both";
        return Err(Failure::usage(why));
    }
    let access =
        monerod_access::of(settings.monerod_login.as_ref(), settings.monerod_certificate.as_ref())?;
    let daemon = |url: &Option<String>| {
        let daemon = url.as_ref().map(|url| Daemon::with_access(url, &access)).transpose();
        daemon.map_err(Failure::usage)
    };
    let tcp = TcpConfig { targets: settings.tcp_allow.clone(), names: settings.tcp_name.clone() };
    if role != Role::Provider && tcp != TcpConfig::default() {
        let why = format!("only a provider makes connections for clients, not a {role}");
        return Err(Failure::usage(format!("{why} (--tcp-allow, --tcp-name)")));
    }
    if tcp.targets.is_empty() && !tcp.names.is_empty() {
        let why = "--tcp-name only says where a name is: allow it, too (--tcp-allow NAME:PORT)";
        return Err(Failure::usage(why));
    }
    let dir = settings.state_dir.as_deref().map(StateDir::open).transpose();
    let dir = dir.map_err(Failure::usage)?;
    let NodeKeys { identity, link } = match &settings.keys_file {
        Some(path) => keys_file::read(path).map_err(Failure::usage)?,
        None => NodeKeys {
            identity: keys::identity(dir.as_ref()).map_err(Failure::usage)?,
            link: keys::link_key(dir.as_ref()).map_err(Failure::usage)?,
        },
    };
    Ok(NodeConfig {
        name: name.clone(),
        role,
        advertise: settings.advertise.clone(),
        directory: settings.directory.clone(),
        trust,
        join_secret,
        identity,
        link_key: link,
        monerod: daemon(&settings.monerod)?,
        monerod_restricted: daemon(&settings.monerod_restricted)?,
        tcp,
        mailboxes: MailboxConfig {
            keep_in: dir.as_ref().map(|dir| dir.path().to_owned()),
            bounds: None,
        },
        keep_document_in: dir.as_ref().map(StateDir::document),
        limits: Limits {
            workers: settings.workers,
            queue_per_worker: settings.queue_per_worker,
            pool: settings.pool,
            link_queue: settings.link_queue,
            client_queue: settings.client_queue,
            links: settings.links,
            handshakes: settings.handshakes,
            handshake: settings.handshake.0,
            replay_tags: settings.replay_tags,
            ..Limits::default()
        },
    })
}

/// What a node needs and is not given, all at once.
fn missing(settings: &NodeSettings) -> String {
    let needed = [
        ("role", "--role", settings.role.is_none()),
        ("name", "--name", settings.name.is_none()),
        ("authority_key", "--authority-key", settings.authority_key.is_none()),
    ];
    let absent = needed.iter().filter(|(_, _, is_absent)| *is_absent);
    let (what, flags): (Vec<&str>, Vec<&str>) =
        absent.map(|(what, flag, _)| (*what, *flag)).unzip();
    format!("no {}: give {}", what.join(", "), flags.join(", "))
}
