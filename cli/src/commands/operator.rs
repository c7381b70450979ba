//! `mixbed operator`

use std::net::SocketAddr;
use std::time::Duration;

use clap::Subcommand;
use kube::{Client, Config};
use mixbed_operator::api::{OPERATOR_HTTP_PORT, PodDefaults, definitions};
use mixbed_operator::controller::{
    CleanupOptions, Hook, Operator, OperatorOptions, cleanup, install_definitions,
};
use mixbed_operator::installation::{Addresses, Installation, Network, Scraper};
use mixbed_operator::mixnet::Defaults;
use mixbed_telemetry::{Health, LevelFilter, Step, serve_http};

use super::operator_test;
use crate::cli::Log;
use crate::failure::Failure;
use crate::settings::Period;
use crate::{net, output, signals};

/// How long spans that are not sent yet may take at the end.
const LAST_SPANS: Duration = Duration::from_millis(500);

const AFTER_HELP: &str = "\
Examples:
  mixbed operator crds | kubectl apply --server-side -f -
      installs the kinds Mixnet and Broadcast
  mixbed operator --install-crds --mixbed-image IMAGE --monero-image IMAGE
      looks after all namespaces of the kubeconfig's cluster, or of the one that it runs in
  mixbed operator cleanup --namespace mixnets --crds
      removes all Mixnets and Broadcasts there, and the kinds if nobody else needs them

The chart runs it: helm install mixbed charts/mixbed";

/// Run the operator: makes Mixnets and Broadcasts of a Kubernetes cluster be as their specs say
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    tool: Option<Tool>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Subcommand)]
enum Tool {
    Crds(CrdsArgs),
    Cleanup(CleanupArgs),
    Test(operator_test::Args),
}

#[derive(Debug, clap::Args)]
struct RunArgs {
    /// A namespace to look after, once for each; without any, all of the cluster
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Vec<String>,
    /// The image with mixbed, for Mixnets that name none
    #[arg(long, value_name = "IMAGE", default_value = "", hide_default_value = true)]
    mixbed_image: String,
    /// The image with monerod and monero-wallet-rpc, for Mixnets that name none
    #[arg(long, value_name = "IMAGE", default_value = "", hide_default_value = true)]
    monero_image: String,
    /// What pods of Mixnets that do not say otherwise have, as JSON: {"pods": …, "scheduling": …}, each
    /// as in a Mixnet's spec
    #[arg(long, value_name = "JSON", value_parser = pod_defaults, default_value = "{}",
        hide_default_value = true)]
    pod_defaults: Box<PodDefaults>,
    /// A repository whose images Mixnets may name besides those of the two images above, once for
    /// each; registry.example/team/* is all below it
    #[arg(long, value_name = "REPOSITORY")]
    allow_image: Vec<String>,
    /// Pods that may read metrics, once for each: NAMESPACE, or NAMESPACE/KEY=VALUE,KEY=VALUE for
    /// those with these labels; nobody else may, where network policies are enforced
    #[arg(long, value_name = "PODS")]
    metrics_for: Vec<Scraper>,
    /// An address or network of the API server, once for each: the pods that speak with it may speak
    /// with nobody else at its ports, where network policies are enforced; without any, with all
    #[arg(long, value_name = "ADDRESS")]
    api_server: Vec<Addresses>,
    /// A port of the API server behind its Service, once for each, as network policies see it
    #[arg(long, value_name = "PORT", default_values_t = Network::API_SERVER_PORTS)]
    api_server_port: Vec<u16>,
    /// A port of DNS behind its Service, the same
    #[arg(long, value_name = "PORT", default_values_t = Network::DNS_PORTS)]
    dns_port: Vec<u16>,
    /// A port of the collector's pods, the same, where it is another than its URL has
    #[arg(long, value_name = "PORT")]
    collector_port: Vec<u16>,
    /// One of several replicas: they agree by a Lease on which of them works
    #[arg(long)]
    leader_election: bool,
    /// That Lease's name, in this pod's namespace
    #[arg(long, value_name = "NAME", default_value = "mixbed-operator")]
    lease: String,
    /// Install the definitions of the custom resources, or bring them up to date, first
    #[arg(long)]
    install_crds: bool,
    /// Where health and metrics are served
    #[arg(long, value_name = "ADDRESS", default_value_t = default_http())]
    http: SocketAddr,
    /// Where only whether it is well is served besides, for Kubernetes
    #[arg(long, value_name = "ADDRESS")]
    probes: Option<SocketAddr>,
    /// OpenTelemetry collector for a span of each change, by its URL (gRPC)
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
    /// Where all directories are reached, for an operator outside the cluster
    #[arg(long, value_name = "URL", hide = true)]
    directory_at: Option<String>,
    /// This replica's name, in the Lease and in events; a pod's own in a pod
    #[arg(long, value_name = "NAME", env = "POD_NAME", hide_env_values = true)]
    name: Option<String>,
    /// Namespace of the Lease; a pod's own in a pod
    #[arg(long, value_name = "NAMESPACE", env = "POD_NAMESPACE", hide = true)]
    own_namespace: Option<String>,
}

/// Print the definitions of the custom resources as YAML, or bring the cluster's up to date
#[derive(Debug, clap::Args)]
struct CrdsArgs {
    /// Apply them to the cluster; those of a newer version stay as they are
    #[arg(long)]
    install: bool,
}

/// Delete the Mixnets and Broadcasts of a namespace and wait until all they had is gone
#[derive(Debug, clap::Args)]
struct CleanupArgs {
    /// A namespace to clean up, once for each
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Vec<String>,
    /// Delete the definitions of the custom resources too, unless there still is a Mixnet, a
    /// Broadcast or an operator anywhere
    #[arg(long)]
    crds: bool,
    /// How long it may take for each namespace
    #[arg(long, value_name = "TIME", default_value = "4m")]
    timeout: Period,
    /// The Job of a chart's hook that this runs in: it removes nothing unless the release is being
    /// uninstalled, and says so
    #[arg(long, value_name = "JOB", requires_all = ["hook_namespace", "release", "operator"])]
    hook: Option<String>,
    /// The namespace of that Job
    #[arg(long, value_name = "NAMESPACE", requires = "hook")]
    hook_namespace: Option<String>,
    /// The Helm release that it belongs to
    #[arg(long, value_name = "NAME", requires = "hook")]
    release: Option<String>,
    /// The Deployment of the release's operator
    #[arg(long, value_name = "NAME", requires = "hook")]
    operator: Option<String>,
}

fn pod_defaults(text: &str) -> Result<Box<PodDefaults>, serde_json::Error> {
    serde_json::from_str(text)
}

fn default_http() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], OPERATOR_HTTP_PORT))
}

pub(crate) fn start(args: Args, log: &Log) -> Result<(), Failure> {
    match args.tool {
        None => super::serve_on_one(log, LevelFilter::INFO, run(args.run)),
        Some(Tool::Crds(args)) if args.install => super::ask(log, install()),
        Some(Tool::Crds(_)) => crds(),
        Some(Tool::Cleanup(args)) => super::ask(log, clean(args)),
        Some(Tool::Test(args)) => super::ask(log, operator_test::run(args)),
    }
}

async fn run(args: RunArgs) -> Result<(), Failure> {
    let shutdown = signals::shutdown().map_err(Failure::failed)?;
    let telemetry = net::telemetry(args.otlp, 0)?;
    let http = net::bind(args.http, "--http").await?;
    let address = http.local_addr().map_err(Failure::failed)?;
    let health = Health::new();
    let stop_serving = shutdown.clone().cancelled_owned();
    let serving =
        tokio::spawn(serve_http(http, telemetry.clone(), health.clone(), Step::LIVE, stop_serving));
    net::probes(args.probes, &health, &shutdown).await?;

    let config = Config::infer().await.map_err(no_cluster)?;
    let own_namespace = args.own_namespace.unwrap_or_else(|| config.default_namespace.clone());
    let identity = args.name.unwrap_or_else(|| format!("mixbed-{:08x}", rand::random::<u32>()));
    let options = OperatorOptions {
        namespaces: args.namespace,
        defaults: Defaults {
            installation: Installation {
                mixbed: args.mixbed_image,
                monero: args.monero_image,
                repositories: args.allow_image,
                network: Network {
                    scrapers: args.metrics_for,
                    api_server: args.api_server,
                    api_server_ports: args.api_server_port,
                    dns_ports: args.dns_port,
                    collector_ports: args.collector_port,
                },
            },
            pods: *args.pod_defaults,
            account_secrets: Vec::new(),
        },
        lease: args.leader_election.then_some((own_namespace, args.lease)),
        identity,
        install_crds: args.install_crds,
        directory_at: args.directory_at,
    };
    let scope = match options.namespaces.as_slice() {
        [] => "all namespaces".to_owned(),
        some => some.join(", "),
    };
    let server = config.cluster_url.clone();
    let operator = Operator::new(config, options, &telemetry, &health).map_err(Failure::failed)?;
    tokio::select! {
        prepared = operator.prepare() => prepared.map_err(Failure::failed)?,
        () = shutdown.cancelled() => return Ok(()),
    }
    output::print(format!(
        "ready: operator for {scope} of {server}, metrics at http://{address}/metrics"
    ));
    operator.run(shutdown.clone()).await;
    shutdown.cancel();
    telemetry.shutdown(LAST_SPANS).await;
    let _ = serving.await;
    Ok(())
}

fn crds() -> Result<(), Failure> {
    for definition in definitions() {
        let text = serde_yaml::to_string(&definition).map_err(Failure::failed)?;
        output::print(format!("---\n{}", text.trim_end()));
    }
    Ok(())
}

async fn install() -> Result<(), Failure> {
    let config = Config::infer().await.map_err(no_cluster)?;
    let client = Client::try_from(config).map_err(Failure::failed)?;
    install_definitions(&client, &mut output::print).await.map_err(Failure::failed)
}

async fn clean(args: CleanupArgs) -> Result<(), Failure> {
    let CleanupArgs { namespace, crds, timeout, hook, hook_namespace, release, operator } = args;
    if namespace.is_empty() && !crds {
        return Err(Failure::usage("say what is to be removed: --namespace, --crds, or both"));
    }
    let hook = match (hook, hook_namespace, release, operator) {
        (Some(job), Some(namespace), Some(release), Some(operator)) => {
            Some(Hook { job, namespace, release, operator })
        }
        _ => None,
    };
    let options = CleanupOptions { namespaces: namespace, crds, timeout: timeout.0, hook };
    let config = Config::infer().await.map_err(no_cluster)?;
    let client = Client::try_from(config).map_err(Failure::failed)?;
    cleanup(&client, &options, &mut output::print).await.map_err(Failure::failed)
}

fn no_cluster(error: impl std::fmt::Display) -> Failure {
    Failure::usage(format!(
        "no cluster is known ({error}): run it in a pod, or set KUBECONFIG to a kubeconfig"
    ))
}
