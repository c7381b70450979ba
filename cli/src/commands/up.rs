//! `mixbed up`

use std::path::PathBuf;
use std::time::Duration;

use mixbed_client::letters::MailboxOptions;
use mixbed_client::letters::chat::Receipts;
use mixbed_client::{Broadcasts, JournalBounds};
use mixbed_directory::{Parameters, Rates};
use mixbed_fronts::RpcConfig;
use mixbed_guard::Login;
use mixbed_localnet::{LocalNetConfig, Shape};
use mixbed_monero::{Daemon, Monerod};
use mixbed_node::provider;
use mixbed_telemetry::{Health, Step, serve_router};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::miner;
use crate::control::{self, Control, Nodes, Post, router};
use crate::failure::Failure;
use crate::fronts::{Fronts, Ports};
use crate::money::{self, Money};
use crate::net::{self, Running};
use crate::places::{self, Places};
use crate::progress::Progress;
use crate::reachable::reachable;
use crate::settings::{LoginChoice, MonerodChoice, UpFlags, UpSettings};
use crate::{glue, impairments, login, monerod_access, output, settings, signals};

/// How long telemetry may take to send its last spans.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// How long a monerod may take to show that it is there.
const PROBE: Duration = Duration::from_secs(2);

const AFTER_HELP: &str = "\
Examples:
  mixbed up                                   with a monerod of its own, on regtest
  mixbed up --wallet                          and a wallet with money: its RPC is printed
  mixbed up --monero-rpc --socks              for wallets; mixbed fund ADDRESS gives them money
  mixbed up --monerod none                    packets only; ready in a moment
  mixbed up --monerod http://127.0.0.1:18081  with a monerod that runs already
  mixbed up --otlp http://127.0.0.1:4317      spans to a collector, too
  mixbed up --impairments rules.yaml          with links that are slow, lossy, narrow or cut
  mixbed up --directories 3                   with three directories, of which one may fail or lie

On regtest it mines: a block every 2 s while transactions wait, then ten more.
While it runs, in another terminal: mixbed broadcast, status, trace, impair, fund.";

/// Keep a whole network running on this machine, until Ctrl-C
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Configuration file; `mixbed config up` prints one
    #[arg(long, value_name = "FILE", env = "MIXBED_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Print where everything is as one line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: UpFlags,
}

pub(crate) async fn run(args: Args, quiet: bool) -> Result<(), Failure> {
    let settings: UpSettings =
        settings::load("up", args.config.as_deref(), args.flags).map_err(Failure::usage)?;
    if settings.wallet && settings.monerod != MonerodChoice::Regtest {
        let why =
            "a wallet with money is to be had on regtest only: leave --wallet or --monerod out";
        return Err(Failure::usage(why));
    }
    let shutdown = signals::shutdown().map_err(Failure::failed)?;
    let progress = Progress::new(quiet);
    let up = tokio::select! {
        up = Up::start(&settings, progress, &shutdown) => up?,
        // What has been started stops as it is dropped.
        () = shutdown.cancelled() => {
            return Err(Failure::failed("stopped before the network was ready"));
        }
    };
    if args.json {
        output::print_json(&up.places);
    } else {
        output::print(up.places.to_string());
    }
    shutdown.cancelled().await;
    progress.say("stopping");
    up.stop().await;
    Ok(())
}

/// Everything that runs.
struct Up {
    running: Running,
    fronts: Fronts,
    money: Option<Money>,
    miner: Option<miner::Inside>,
    places: Places,
    serving: JoinHandle<()>,
    watch: JoinHandle<()>,
    telemetry: mixbed_telemetry::Telemetry,
}

impl Up {
    async fn start(
        settings: &UpSettings,
        progress: Progress,
        shutdown: &CancellationToken,
    ) -> Result<Self, Failure> {
        // First what may be refused at once.
        let shape = Shape {
            gateways: settings.gateways,
            mixes_per_layer: settings.mixes_per_layer,
            providers: settings.providers,
        };
        net::check(shape)?;
        let listener = net::bind(settings.control, "--control").await?;
        let address = listener.local_addr().map_err(Failure::failed)?;
        let login = |choice: &Option<LoginChoice>| {
            login::wanted(choice.as_ref(), None, |words| progress.say(words))
                .map_err(Failure::usage)
        };
        let guard = control::guard(address, &settings.allow_host, login(&settings.control_login)?);
        let rpc_login = login(&settings.monero_rpc_login)?;
        let rpc = rpc_config(settings, rpc_login);
        let ports = Ports::bind(settings.socks, login(&settings.socks_login)?, rpc).await?;
        let telemetry = net::telemetry(settings.otlp.clone(), settings.memory_spans)?;
        let monerod = match &settings.monerod {
            MonerodChoice::Regtest => {
                let step = progress.step("starting monerod (regtest)");
                let monerod = money::monerod(None).await?;
                step.done(format!("monerod on regtest at {}", monerod.url()));
                Some(monerod)
            }
            MonerodChoice::None | MonerodChoice::Url(_) => None,
        };
        let daemon = match (&settings.monerod, &monerod) {
            (MonerodChoice::Url(url), _) => Some(somebodys(url, settings, progress).await?),
            (_, monerod) => monerod.as_ref().map(|monerod| monerod.daemon().clone()),
        };
        let monerod_url = daemon.as_ref().map(|daemon| daemon.url().to_owned());
        // What others may ask a monerod, they ask at its restricted listener.
        let restricted = monerod.as_ref().and_then(Monerod::restricted).cloned();
        let impairments = impairments::from_setting(settings.impairments.as_deref())?;
        let mut config = net_config(settings, shape, daemon, telemetry.clone());
        config.parameters.impairments = impairments;
        config.monerod_restricted.clone_from(&restricted);
        let open = restricted.as_ref().map(Daemon::url).or(monerod_url.as_deref());
        config.tcp =
            reachable(&settings.tcp_allow, &settings.tcp_name, open).map_err(Failure::usage)?;
        let network = config.network.clone();
        let running = Running::start(config).await?;
        let fronts = ports.open(&running.client)?;

        let broadcasts = Broadcasts::in_memory(running.client.clone(), JournalBounds::default());
        let broadcasts = broadcasts.map_err(Failure::failed)?;
        let health = Health::new();
        health.set_ready(true);
        let condition = health.condition("client");
        let watch = tokio::spawn(glue::watch_client(running.client.clone(), condition));
        let control = Control {
            broadcasts: broadcasts.clone(),
            client: running.client.clone(),
            // Its gateways are new ones at each start, so there is nothing to keep.
            post: Post::new(running.client.clone(), MailboxOptions::default(), Receipts::default()),
            name: net::CLIENT.to_owned(),
            network: network.clone(),
            directory: running.net.directory_url(),
            nodes: Nodes::Inside(running.net.clone()),
            monerod: monerod_url.clone(),
            traced: true,
            telemetry: telemetry.clone(),
            metrics_step: Step::of(settings.metrics_step.0),
            health,
        };
        let serving =
            serve_router(listener, router(control), guard, shutdown.clone().cancelled_owned());
        let serving = tokio::spawn(serving);

        let money = match monerod {
            Some(monerod) if settings.wallet => Some(Money::fund(monerod, None, progress).await?),
            Some(monerod) => Some(Money::only(monerod)),
            None => None,
        };
        // What is sent is to be mined, and wallets are to get money.
        let miner = match &money {
            Some(money) => {
                Some(miner::Inside::start(money.monerod().daemon().clone(), shutdown).await?)
            }
            None => None,
        };
        let places = Places {
            ready: true,
            network,
            control: format!("http://{address}"),
            directory: running.net.directory_url(),
            authority_key: running.net.authority_key(),
            directories: places::directories(&running),
            monerod: monerod_url,
            socks: fronts.socks().map(|address| address.to_string()),
            rpc: fronts.rpc().map(|address| address.to_string()),
            wallet: money.as_ref().and_then(Money::wallet_url),
            wallet_address: money.as_ref().and_then(Money::address),
            miner: miner.as_ref().map(|miner| format!("http://{}", miner.http)),
            nodes: places::nodes(&running),
        };
        Ok(Self { running, fronts, money, miner, places, serving, watch, telemetry })
    }

    async fn stop(self) {
        self.watch.abort();
        self.fronts.stop().await;
        let _ = self.serving.await;
        self.running.stop().await;
        if let Some(miner) = self.miner {
            miner.stop().await;
        }
        if let Some(money) = self.money {
            money.stop().await;
        }
        self.telemetry.shutdown(LAST_SPANS).await;
    }
}

/// A monerod that runs already.
async fn somebodys(
    url: &str,
    settings: &UpSettings,
    progress: Progress,
) -> Result<Daemon, Failure> {
    let (login, certificate) = (&settings.monerod_login, &settings.monerod_certificate);
    let access = monerod_access::of(login.as_ref(), certificate.as_ref())?;
    let daemon = Daemon::with_access(url, &access).map_err(Failure::usage)?;
    warn_of(&daemon, progress).await;
    Ok(daemon)
}

/// A monerod that is away is no reason not to start: it may come, or come back. Neither is one that lets the net's
/// clients do all that its operator may, but that is told.
async fn warn_of(daemon: &Daemon, progress: Progress) {
    match daemon.clone().with_timeout(PROBE).get_info().await {
        Ok(info) if info.restricted => {}
        Ok(_) => progress.say(format!("warning: {}", provider::unrestricted(daemon.url()))),
        Err(error) => {
            progress.say(format!("warning: {error}; until it answers, no transaction is accepted"));
        }
    }
}

/// The port for wallets, if there is to be one.
fn rpc_config(settings: &UpSettings, login: Option<Login>) -> Option<RpcConfig> {
    settings.monero_rpc.map(|listen| RpcConfig {
        listen,
        sync: settings.monero_rpc_sync.clone(),
        exposed: settings.monero_rpc_exposed,
        hosts: settings.allow_host.clone(),
        origins: settings.monero_rpc_origins.clone(),
        login,
        traced: settings.tracing_allowed,
        ..RpcConfig::default()
    })
}

fn net_config(
    settings: &UpSettings,
    shape: Shape,
    monerod: Option<Daemon>,
    telemetry: mixbed_telemetry::Telemetry,
) -> LocalNetConfig {
    LocalNetConfig {
        shape,
        parameters: Parameters {
            mean_hop_delay: settings.mean_hop_delay.0,
            tracing_allowed: settings.tracing_allowed,
            epoch_length: settings.epoch_length.0,
            rates: if settings.cover { Rates::COVER } else { Rates::default() },
            ..Parameters::default()
        },
        monerod,
        directories: settings.directories,
        directory: settings.directory,
        state_dir: settings.state_dir.clone(),
        telemetry,
        ..LocalNetConfig::default()
    }
}
