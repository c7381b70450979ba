//! `mixbed client`

use std::path::PathBuf;
use std::time::Duration;

use mixbed_client::letters::MailboxOptions;
use mixbed_client::{Broadcasts, Client, ClientConfig, JournalBounds, State};
use mixbed_directory::{Follower, FollowerConfig};
use mixbed_fronts::RpcConfig;
use mixbed_telemetry::{FollowerMetrics, Health, Step, Telemetry, serve_router};

use crate::control::{self, Control, Nodes, Post, router};
use crate::failure::Failure;
use crate::fronts::Ports;
use crate::keys::StateDir;
use crate::settings::{ClientFlags, ClientSettings, LoginChoice};
use crate::{glue, keys, login, net, output, settings, signals};

/// How long telemetry may take to send its last spans.
const LAST_SPANS: Duration = Duration::from_secs(2);

const AFTER_HELP: &str = "\
Examples:
  mixbed client --authority-key directory/authority.pub
  mixbed broadcast tx.hex          in another terminal
  mixbed status

It keeps a link to one gateway. Whoever reaches its control address may send transactions, so that
is 127.0.0.1 unless --control says otherwise.";

/// Run a client of the network: broadcasts transactions for whoever asks on this machine
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Configuration file; `mixbed config client` prints one
    #[arg(long, value_name = "FILE", env = "MIXBED_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: ClientFlags,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let settings: ClientSettings =
        settings::load("client", args.config.as_deref(), args.flags).map_err(Failure::usage)?;
    serve(settings).await
}

/// A client as it is configured, connecting.
pub(super) fn start(
    settings: &ClientSettings,
    dir: Option<&StateDir>,
    telemetry: &Telemetry,
) -> Result<Client, Failure> {
    let key = settings.authority_key.as_ref();
    let key = key.ok_or_else(|| Failure::usage("no authority_key: give --authority-key"))?;
    let trust = key.trust(&settings.network).map_err(Failure::usage)?;
    let gateway_at = gateway_at(settings)?;
    let follower = Follower::start(FollowerConfig {
        keep_in: dir.map(StateDir::document),
        ..FollowerConfig::new(&settings.directory, trust)
    });
    let follower = follower.map_err(Failure::usage)?;
    Ok(Client::connect(ClientConfig {
        name: settings.name.clone(),
        gateway: settings.gateway.clone(),
        gateway_at,
        telemetry: telemetry.clone(),
        ..ClientConfig::new(follower)
    }))
}

/// Runs a client until it is stopped.
pub(super) async fn serve(settings: ClientSettings) -> Result<(), Failure> {
    let dir = settings.state_dir.as_deref().map(StateDir::open).transpose();
    let dir = dir.map_err(Failure::usage)?;
    let mailbox = MailboxOptions {
        key: keys::mailbox_key(dir.as_ref()).map_err(Failure::usage)?,
        keep_in: dir.as_ref().map(|dir| dir.path().to_owned()),
        ..MailboxOptions::default()
    };
    let shutdown = signals::shutdown().map_err(Failure::failed)?;
    let telemetry = net::telemetry(settings.otlp.clone(), settings.memory_spans)?;
    let listener = net::bind(settings.control, "--control").await?;
    let address = listener.local_addr().map_err(Failure::failed)?;
    let login = |choice: &Option<LoginChoice>| {
        login::wanted(choice.as_ref(), dir.as_ref(), output::print).map_err(Failure::usage)
    };
    let guard = control::guard(address, &settings.allow_host, login(&settings.control_login)?);
    let rpc_login = login(&settings.monero_rpc_login)?;
    let rpc = settings.monero_rpc.map(|listen| RpcConfig {
        listen,
        sync: settings.monero_rpc_sync.clone(),
        exposed: settings.monero_rpc_exposed,
        hosts: settings.allow_host.clone(),
        origins: settings.monero_rpc_origins.clone(),
        login: rpc_login,
        traced: settings.traced,
        ..RpcConfig::default()
    });
    let ports = Ports::bind(settings.socks, login(&settings.socks_login)?, rpc).await?;

    let client = start(&settings, dir.as_ref(), &telemetry)?;
    // What an earlier process has left undone goes on as soon as there is a link.
    let bounds = JournalBounds::default();
    let broadcasts = match settings.state_dir.as_deref() {
        Some(dir) => Broadcasts::open(client.clone(), dir, bounds),
        None => Broadcasts::in_memory(client.clone(), bounds),
    };
    let broadcasts = broadcasts.map_err(Failure::usage)?;
    let health = Health::new();
    health.set_ready(true);
    let metrics = FollowerMetrics::new(&telemetry, &settings.name, "client");
    let follow = tokio::spawn(glue::follow(client.directory().clone(), metrics));
    let watch = tokio::spawn(glue::watch_client(client.clone(), health.condition("client")));
    let control = Control {
        client: client.clone(),
        broadcasts: broadcasts.clone(),
        post: Post::new(client.clone(), mailbox, settings.receipts.into()),
        name: settings.name.clone(),
        network: settings.network.clone(),
        directory: settings.directory.clone(),
        nodes: Nodes::Elsewhere,
        monerod: None,
        traced: settings.traced,
        telemetry: telemetry.clone(),
        metrics_step: Step::of(settings.metrics_step.0),
        health,
    };
    let serving =
        serve_router(listener, router(control), guard, shutdown.clone().cancelled_owned());
    let serving = tokio::spawn(serving);
    tracing::info!(client = settings.name, control = %address, "started");
    // Before the network is ready: who connects waits for it.
    let fronts = ports.open(&client)?;
    for place in fronts.places() {
        output::print(place);
    }

    let url = format!("http://{address}");
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = say_state(&client, &url) => {}
    }
    broadcasts.stop().await;
    fronts.stop().await;
    client.stop().await;
    follow.abort();
    watch.abort();
    let _ = serving.await;
    telemetry.shutdown(LAST_SPANS).await;
    Ok(())
}

/// Where the gateway is reached; refused if it can be none, as it would be tried for ever.
fn gateway_at(settings: &ClientSettings) -> Result<Option<String>, Failure> {
    let Some(address) = &settings.gateway_at else { return Ok(None) };
    if settings.gateway.is_none() {
        return Err(Failure::usage(
            "gateway_at says where one gateway is reached: name it with --gateway",
        ));
    }
    let parts = address.rsplit_once(':');
    match parts.map(|(host, port)| (host, port.parse())) {
        Some((host, Ok(1..=u16::MAX))) if !host.is_empty() => Ok(Some(address.clone())),
        _ => Err(Failure::usage(format!("gateway_at is host:port, not {address:?}"))),
    }
}

/// Says each change of the client's state; ends with the client.
async fn say_state(client: &Client, control: &str) {
    let mut state = client.state();
    loop {
        let now = state.borrow_and_update().clone();
        match &now {
            State::Ready => output::print(format!("ready: control at {control}")),
            State::Degraded { why, sending: true } => tracing::warn!(why, "degraded"),
            State::Degraded { why, sending: false } => {
                tracing::warn!(why, "not ready; trying on");
            }
            State::Connecting | State::Stopped => {}
        }
        if state.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gateway tells clients apart by their link keys: one that lasted would show who comes again.
    #[tokio::test]
    async fn a_client_with_a_state_directory_is_a_new_one_at_each_start() {
        let base = tempfile::tempdir().unwrap();
        let settings = ClientSettings {
            directory: "mixbed://127.0.0.1:9".to_owned(),
            authority_key: "ab".repeat(32).parse().ok(),
            state_dir: Some(base.path().to_owned()),
            ..ClientSettings::default()
        };
        let mut ids = Vec::new();
        for _ in 0..2 {
            let dir = StateDir::open(base.path()).unwrap();
            let client = start(&settings, Some(&dir), &Telemetry::disabled());
            let client = client.unwrap_or_else(|failure| panic!("{failure:?}"));
            ids.push(client.id());
            client.stop().await;
        }
        assert_ne!(ids[0], ids[1]);
        assert!(!base.path().join("link.key").exists(), "nothing of it is kept");
    }
}
