//! `mixbed report`

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::ListParams;
use mixbed_operator::api::{Broadcast, REPORT_KEY, Report, ReportedTransaction};
use mixbed_operator::broadcast::report_name;
use mixbed_operator::child::Owner;

use crate::cluster::{ClusterArgs, ClusterError, InCluster};
use crate::failure::Failure;
use crate::output;

const AFTER_HELP: &str = "\
Examples:
  mixbed report ten                          every transaction of the Broadcast ten
  mixbed report ten --json | jq -r '.transactions[] | select(.state == \"Failed\")'

`kubectl get broadcasts` has the numbers, and the Broadcast's status its newest transactions; this
has all of them, also while it runs.";

/// Show every transaction of a Broadcast in Kubernetes
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The Broadcast
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Print everything as one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let report = read(&args).await?;
    if args.json {
        output::print_json(&report);
    } else {
        output::print(tell(&report));
    }
    Ok(())
}

async fn read(args: &Args) -> Result<Report, Failure> {
    let failed = |error: kube::Error| Failure::failed(ClusterError::from(error));
    let (client, namespace) = InCluster::connect(&args.cluster).await.map_err(Failure::failed)?;
    let broadcasts: Api<Broadcast> = Api::namespaced(client.clone(), &namespace);
    let Some(broadcast) = broadcasts.get_opt(&args.name).await.map_err(failed)? else {
        return Err(missing(&broadcasts, &args.name, &namespace).await);
    };
    let maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
    let map = match Owner::new(&broadcast, &broadcast.spec.mixnet) {
        Some(owner) => maps.get_opt(&report_name(&owner)).await.map_err(failed)?,
        None => None,
    };
    let text = map.and_then(|map| map.data?.remove(REPORT_KEY));
    if let Some(text) = text {
        return serde_json::from_str(&text)
            .map_err(|error| Failure::failed(format!("the report cannot be read: {error}")));
    }
    let message = broadcast.status.map(|status| status.message).unwrap_or_default();
    let message = if message.is_empty() { "it was not looked at yet".to_owned() } else { message };
    Err(Failure::failed(format!("{} has no report yet: {message}", args.name)))
}

/// There is no such Broadcast, but there may be others.
async fn missing(api: &Api<Broadcast>, name: &str, namespace: &str) -> Failure {
    let list = match api.list(&ListParams::default()).await {
        Ok(list) => list,
        Err(error) => return Failure::failed(ClusterError::from(error)),
    };
    let names: Vec<String> = list.items.iter().filter_map(|b| b.metadata.name.clone()).collect();
    let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Failure::failed(format!(
        "there is no Broadcast {name} in namespace {namespace}; there are: {there}"
    ))
}

fn tell(report: &Report) -> String {
    let mut lines = vec![format!("{:?}: {}", report.phase, report.message)];
    if let Some(latency) = report.latency {
        lines.push(format!(
            "accepted after {} ms (median), {} ms (95th percentile), {} ms (slowest)",
            latency.p50_ms, latency.p95_ms, latency.max_ms
        ));
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["", "txid", "state", "ms", "by", "block", "trace"]);
    for transaction in &report.transactions {
        table.add_row(row(transaction));
    }
    for column in [0, 3, 5] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{}\n\n{}", lines.join("\n"), table.trim_fmt())
}

fn row(transaction: &ReportedTransaction) -> [String; 7] {
    let shown = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let state = match &transaction.reason {
        Some(reason) => format!("{:?}: {reason}", transaction.state),
        None => format!("{:?}", transaction.state),
    };
    [
        transaction.number.to_string(),
        transaction.txid.clone(),
        state,
        shown(transaction.latency_ms.map(|ms| ms.to_string())),
        shown(transaction.provider.clone()),
        shown(transaction.height.map(|height| height.to_string())),
        shown(transaction.trace_id.clone()),
    ]
}
