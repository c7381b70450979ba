//! `make bench-cluster`: what the product costs on a real Kubernetes, and how much slower a
//! transaction is there than through the same network on this machine.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use k8s_openapi::api::core::v1::{Container, Node, Pod};
use kube::ResourceExt as _;
use kube::api::ListParams;
use mixbed_e2e::Place;
use mixbed_monero::regtest::{Monerod, MonerodOptions, WalletRpc, WalletRpcOptions};
use mixbed_operator::api::{Latency, OPERATOR_HTTP_PORT, Report as Run};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::report::Report;

/// Transactions of the run that is compared, and how often one is sent.
const TRANSACTIONS: u32 = 50;
const RATE: &str = "2/s";

/// How long an unchanged Mixnet is watched.
const UNCHANGED: Duration = Duration::from_secs(60);

/// How long a run may take.
const RUN: Duration = Duration::from_secs(300);

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let place = Place::new("bench").await;
    let began = Instant::now();
    place.install(json!({ "jaeger": { "enabled": false } })).await.ok();
    place.mixnet_ready().await;
    report.at_most("helm install to Ready", began.elapsed().as_secs_f64(), "s", 45.0);

    let before = calls(&place).await?;
    let reconciles = metric_sum(&metrics(&place).await?, "mixbed_operator_reconciles_total");
    tokio::time::sleep(UNCHANGED).await;
    let after = calls(&place).await?;
    report.at_most("API calls for an unchanged Mixnet", after - before, "a minute", 0.0);
    let text = metrics(&place).await?;
    let more = metric_sum(&text, "mixbed_operator_reconciles_total") - reconciles;
    report.note("reconciles of an unchanged Mixnet", more, "a minute");
    let seconds = metric_sum(&text, "mixbed_operator_reconcile_seconds_sum");
    let count = metric_sum(&text, "mixbed_operator_reconcile_seconds_count").max(1.0);
    report.note("mean reconcile, from the first on", seconds / count * 1e3, "ms");

    place.begin("bench", TRANSACTIONS, RATE).await;
    let there = place.all_mined("bench", TRANSACTIONS).await.latency;
    let there = there.context("they were accepted")?;
    report.note("accepted in the cluster, median", millis(there.p50_ms), "ms");
    report.note("accepted in the cluster, 95th percentile", millis(there.p95_ms), "ms");
    memory(&place, report).await?;
    let mixbed = place.cluster.mixbed.clone();
    place.done().await;

    // The same on this machine, when the cluster has nothing to do any more.
    let here = local(&mixbed).await?;
    report.note("accepted in one process here, median", millis(here.p50_ms), "ms");
    report.note("accepted in one process here, 95th percentile", millis(here.p95_ms), "ms");
    let ratio = millis(there.p95_ms) / millis(here.p95_ms);
    report.at_most("95th percentile, cluster over here", ratio, "times", 1.3);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "times of a few seconds")]
fn millis(ms: u64) -> f64 {
    ms as f64
}

/// The operator's metrics, by way of the API server.
async fn metrics(place: &Place) -> anyhow::Result<String> {
    let operators = place.pods("app.kubernetes.io/component=operator").await;
    let pod = operators.first().context("an operator")?.name_any();
    let path = format!(
        "/api/v1/namespaces/{}/pods/{pod}:{OPERATOR_HTTP_PORT}/proxy/metrics",
        place.namespace
    );
    let request = http::Request::get(path).body(Vec::new())?;
    Ok(place.cluster.client.request_text(request).await?)
}

/// The calls to the API server that the operator has made for resources; its lease is renewed
/// whatever there is to do.
async fn calls(place: &Place) -> anyhow::Result<f64> {
    let text = metrics(place).await?;
    let all = metric_sum(&text, "mixbed_operator_api_calls_total");
    let besides: f64 = text
        .lines()
        .filter(|line| line.starts_with("mixbed_operator_api_calls_total{"))
        // A watch is one long answer that is asked for again when it ends.
        .filter(|line| line.contains("resource=\"leases\"") || line.contains("verb=\"watch\""))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum();
    Ok(all - besides)
}

fn metric_sum(text: &str, name: &str) -> f64 {
    let samples = text
        .lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
    samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// What each kind of container uses, as the kubelet sees it.
async fn memory(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    let nodes: kube::Api<Node> = kube::Api::all(place.cluster.client.clone());
    let node = nodes.list(&ListParams::default()).await?.items;
    let node = node.first().context("a machine")?.name_any();
    let path = format!("/api/v1/nodes/{node}/proxy/stats/summary");
    let stats: Value =
        place.cluster.client.request(http::Request::get(path).body(Vec::new())?).await?;
    let mut of: std::collections::BTreeMap<String, f64> = std::collections::BTreeMap::new();
    for pod in stats["pods"].as_array().into_iter().flatten() {
        if pod["podRef"]["namespace"] != json!(place.namespace) {
            continue;
        }
        for container in pod["containers"].as_array().into_iter().flatten() {
            let name = container["name"].as_str().unwrap_or_default();
            let bytes = container["memory"]["workingSetBytes"].as_f64().unwrap_or_default();
            let most = of.entry(name.to_owned()).or_default();
            *most = most.max(bytes / f64::from(1 << 20));
        }
    }
    let operator = of.remove("operator").context("the operator's memory")?;
    report.at_most("memory of the operator", operator, "MiB", 40.0);
    for (container, mib) in of {
        println!("{:<44} {mib:>12.3} MiB", format!("memory of a container {container}, at most"));
    }
    let pods: kube::Api<Pod> = place.api();
    let asked: f64 = pods
        .list(&ListParams::default())
        .await?
        .items
        .iter()
        .flat_map(lasting)
        .filter_map(|container| container.resources?.requests?.get("memory").cloned())
        .filter_map(|quantity| quantity.0.strip_suffix("Mi")?.parse::<f64>().ok())
        .sum();
    report.at_most("memory that all pods ask for", asked, "MiB", 1536.0);
    Ok(())
}

/// A pod's containers that last as long as it does; sidecars are among those that start first.
fn lasting(pod: &Pod) -> Vec<Container> {
    let Some(spec) = &pod.spec else { return Vec::new() };
    let sidecars = spec.init_containers.iter().flatten();
    let sidecars = sidecars.filter(|one| one.restart_policy.as_deref() == Some("Always"));
    spec.containers.iter().chain(sidecars).cloned().collect()
}

/// The same run through `mixbed up` with as many nodes, on this machine.
async fn local(mixbed: &Path) -> anyhow::Result<Latency> {
    let monerod = Monerod::start(MonerodOptions::default()).await?;
    let wallet = WalletRpc::start(monerod.daemon(), WalletRpcOptions::default()).await?;
    let (up, place) = speak(
        mixbed,
        &[
            "up",
            "--monerod",
            monerod.url(),
            "--providers",
            "2",
            "--control",
            "127.0.0.1:0",
            "--json",
        ],
        "{",
    )
    .await?;
    let place: Value = serde_json::from_str(&place)?;
    let (miner, money) =
        speak(mixbed, &["miner", "--monerod", monerod.url(), "--http", "127.0.0.1:0"], "ready:")
            .await?;
    let money = money.rsplit(' ').next().context("the miner's address")?.to_owned();
    let text = |key: &str| place[key].as_str().map(str::to_owned).context(key.to_owned());
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("report.json");
    let path = path.to_str().context("a path in UTF-8")?;
    let (directory, key) = (text("directory")?, text("authority_key")?);
    let number = TRANSACTIONS.to_string();
    let arguments = [
        ["run-broadcast", "--network", "local"],
        ["--traced", "true", "--directory"],
        [&directory, "--authority-key", &key],
        ["--rate", RATE, "--wallet"],
        [wallet.wallet().url(), "--miner", &money],
        ["--monerod", monerod.url(), "--transactions"],
        [&number, "--report", path],
    ];
    mixbed_e2e::run(mixbed, arguments.concat(), RUN).await.ok();
    drop((up, miner));
    let saved: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let run = saved.get("report").unwrap_or(&saved);
    let run: Run = serde_json::from_value(run.clone())?;
    let in_blocks =
        run.transactions.iter().filter(|transaction| transaction.height.is_some()).count();
    if in_blocks != usize::try_from(TRANSACTIONS)? {
        bail!("only {in_blocks} of {TRANSACTIONS} were mined here: {}", run.message);
    }
    run.latency.context("they were accepted")
}

/// Starts a role, and returns its first line that begins so.
async fn speak(
    program: &Path,
    arguments: &[&str],
    begins: &str,
) -> anyhow::Result<(Child, String)> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("its output")?).lines();
    let reading = async {
        while let Some(line) = lines.next_line().await? {
            if line.starts_with(begins) {
                return Ok(line);
            }
        }
        bail!("{command:?} ended")
    };
    let line = tokio::time::timeout(Duration::from_secs(60), reading).await??;
    // Nobody reads on: what it says later must not stop it.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok((child, line))
}
