//! Who reaches what, on a cluster that enforces network policies; docs/kubernetes/policies.md has the table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Node, Pod, Service};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use mixbed_e2e::{Place, broadcast, until, until_some};
use mixbed_operator::api::WalletWay;
use serde_json::{Value, json};

const PAGE: &str = "docs/kubernetes/policies.md";
const SOON: Duration = Duration::from_secs(90);

/// The pods that are looked out of, and the ports that each has.
const PARTS: [(&str, &str, &[u16]); 7] = [
    ("directory", "app.kubernetes.io/component=directory", &[7100, 7101, 7102]),
    ("gateway", "app.kubernetes.io/component=gateway", &[7200, 7201, 7202]),
    ("mix", "app.kubernetes.io/component=mix", &[7200, 7201, 7202]),
    ("provider", "app.kubernetes.io/component=provider", &[7200, 7201, 7202, 18080, 18081]),
    ("miner", "app.kubernetes.io/component=miner", &[7301, 7302]),
    ("operator", "app.kubernetes.io/component=operator", &[7401, 7402]),
    ("jaeger", "app.kubernetes.io/component=jaeger", &[4317, 16686]),
];

/// What each row of the page is about, and what it reaches.
type Rows = Vec<(String, Vec<String>)>;

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(PAGE)
}

/// The rows that the page has.
fn written() -> Rows {
    let text = std::fs::read_to_string(page()).expect("the page");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows = rows.filter_map(|row| row.split_once(" | ")).skip(1);
    let reached = |cell: &str| match cell {
        "–" => Vec::new(),
        cell => cell.split("; ").map(str::to_owned).collect(),
    };
    rows.map(|(from, cell)| (from.to_owned(), reached(cell))).collect()
}

/// Writes what was found in the place of the page's table.
fn write(rows: &Rows) {
    let text = std::fs::read_to_string(page()).expect("the page");
    let (before, rest) = text.split_once("|---|---|\n").expect("a table");
    let after = rest.find("\n\n").map_or("", |end| &rest[end + 1..]);
    let mut table = String::new();
    for (from, reached) in rows {
        let reached = if reached.is_empty() { "–".to_owned() } else { reached.join("; ") };
        writeln!(table, "| {from} | {reached} |").expect("text");
    }
    std::fs::write(page(), format!("{before}|---|---|\n{table}{after}")).expect("written");
}

fn secure() -> Value {
    json!({
        "allowPrivilegeEscalation": false, "runAsNonRoot": true,
        "capabilities": { "drop": ["ALL"] }, "seccompProfile": { "type": "RuntimeDefault" },
    })
}

/// What is looked for, by address: `10.1.2.3:7200` is the gateway's 7200.
type Targets = BTreeMap<String, String>;

fn address(pod: &Pod) -> Option<String> {
    pod.status.as_ref()?.pod_ip.clone()
}

/// The pods with these labels that have an address, by name.
async fn pods(place: &Place, labels: &str) -> Vec<Pod> {
    let mut pods = place.pods(labels).await;
    pods.retain(|pod| address(pod).is_some() && pod.metadata.deletion_timestamp.is_none());
    pods.sort_by_key(Pod::name_any);
    pods
}

/// The first of each part, and what a pod has no business with.
async fn targets(place: &Place) -> Targets {
    let mut targets = Targets::new();
    for (part, labels, ports) in PARTS {
        let pods = pods(place, labels).await;
        let first = pods.first().and_then(address).unwrap_or_else(|| panic!("no {part}"));
        targets
            .extend(ports.iter().map(|port| (format!("{first}:{port}"), format!("{part} {port}"))));
    }
    let client = &place.cluster.client;
    let services: Api<Service> = Api::namespaced(client.clone(), "default");
    let kubernetes = services.get("kubernetes").await.expect("the API server's Service");
    let kubernetes = kubernetes.spec.and_then(|spec| spec.cluster_ip).expect("an address");
    targets.insert(format!("{kubernetes}:443"), "the API server".to_owned());
    let nodes: Api<Node> = Api::all(client.clone());
    let node = nodes.list(&ListParams::default()).await.expect("nodes").items.remove(0);
    let addresses = node.status.and_then(|status| status.addresses).unwrap_or_default();
    let internal = addresses.into_iter().find(|address| address.type_ == "InternalIP");
    let internal = internal.expect("an address").address;
    targets.insert(format!("{internal}:10250"), "a machine's kubelet".to_owned());
    targets
}

/// Lets a container of the suite look out of a pod.
async fn look(place: &Place, namespace: &str, pod: &str, targets: &Targets) {
    let targets: Vec<_> = targets.keys().collect();
    let container = json!({
        "name": "probe", "image": place.cluster.images.probe, "imagePullPolicy": "Never",
        "args": targets, "securityContext": secure(),
    });
    let patch = json!({ "spec": { "ephemeralContainers": [container] } });
    let pods: Api<Pod> = Api::namespaced(place.cluster.client.clone(), namespace);
    let patched = pods
        .patch_ephemeral_containers(pod, &PatchParams::default(), &Patch::Strategic(patch))
        .await;
    patched.unwrap_or_else(|error| panic!("{pod}: {error}"));
}

/// What a pod reaches, once that is as expected; what it is in the end if it never is.
async fn reaches(
    place: &Place,
    (part, namespace, pod): (&str, &str, &str),
    targets: &Targets,
    expected: Option<&Vec<String>>,
) -> Vec<String> {
    let pods: Api<Pod> = Api::namespaced(place.cluster.client.clone(), namespace);
    let options =
        kube::api::LogParams { container: Some("probe".to_owned()), ..Default::default() };
    let mut last = Vec::new();
    for _ in 0..60 {
        let log = pods.logs(pod, &options).await.unwrap_or_default();
        // A pod's first look may come before the cluster has its rules.
        let lines: Vec<_> = log.lines().filter_map(|line| line.strip_prefix("reached:")).collect();
        if let Some(line) = lines.last() {
            let found = line.split_whitespace().map(|address| targets[address].clone());
            // Some plugins take pods that have one policy for one another.
            let of_its_kind = |what: &String| what.split(' ').next() == Some(part);
            let mut found: Vec<_> = found.filter(|what| !of_its_kind(what)).collect();
            found.sort();
            last = found;
            if expected.map_or(lines.len() > 5, |expected| *expected == last) {
                break;
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    last
}

/// A pod of somebody else.
async fn stranger(client: &Client, namespace: &str, name: &str, image: &str, labels: Value) {
    let container = json!({
        "name": "stranger", "image": image, "imagePullPolicy": "Never", "securityContext": secure(),
    });
    let pod = json!({
        "metadata": { "name": name, "labels": labels },
        "spec": { "containers": [container], "terminationGracePeriodSeconds": 0 },
    });
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let pod = serde_json::from_value(pod).expect("a pod");
    pods.create(&PostParams::default(), &pod).await.expect("made");
    let runs = |pod: &Pod| pod.status.as_ref().and_then(|s| s.phase.as_deref()) == Some("Running");
    until(&pods, name, "it runs", SOON, runs).await;
}

/// A run that goes on for as long as it is looked out of its pod.
async fn run(place: &Place, name: &str, through: WalletWay) -> String {
    let mut run = broadcast(name, 1000, "1/s");
    run.spec.wallet.through = through;
    place.api().create(&PostParams::default(), &run).await.expect("the Broadcast is taken");
    let labels = format!("mixbed.dev/broadcast={name}");
    let pod = until_some("the run has a pod", SOON, || async {
        Some(pods(place, &labels).await.first()?.name_any())
    });
    pod.await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster that enforces network policies: make e2e"]
async fn each_pod_reaches_what_it_needs_and_a_stranger_nothing_else() {
    let place = Place::new("policies").await;
    let client = place.cluster.client.clone();
    let others = json!({ "metadata": { "generateName": "e2e-strangers-" } });
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let others = serde_json::from_value(others).expect("a namespace");
    let others = namespaces.create(&PostParams::default(), &others).await.expect("made").name_any();
    let scraper = json!({ "metrics": { "from": [format!("{others}/app=scraper")] } });
    place.install(scraper).await.ok();
    place.mixnet_ready().await;

    let mut from = Vec::new();
    for (part, labels, _) in PARTS {
        let pod = pods(&place, labels).await.pop().expect("a pod").name_any();
        from.push((part, place.namespace.clone(), pod));
    }
    for (what, name, through) in [
        ("Broadcast, wallet asks monerods", "asks", WalletWay::Monerod),
        ("Broadcast, wallet through the mixnet", "hides", WalletWay::Mixnet),
    ] {
        from.push((what, place.namespace.clone(), run(&place, name, through).await));
    }
    let image = &place.cluster.images.probe;
    for (what, namespace, name, labels) in [
        ("a pod beside them", &place.namespace, "beside", json!({})),
        ("a pod of another namespace", &others, "other", json!({ "app": "other" })),
        ("a pod that `metrics.from` names", &others, "scraper", json!({ "app": "scraper" })),
    ] {
        stranger(&client, namespace, name, image, labels).await;
        from.push((what, namespace.clone(), name.to_owned()));
    }

    let targets = targets(&place).await;
    for (_, namespace, pod) in &from {
        look(&place, namespace, pod, &targets).await;
    }
    let update = std::env::var_os("UPDATE").is_some();
    let expected: BTreeMap<_, _> = written().into_iter().collect();
    let mut rows = Rows::new();
    for (what, namespace, pod) in &from {
        let expected = expected.get(*what).filter(|_| !update);
        let reached = reaches(&place, (what, namespace, pod), &targets, expected).await;
        rows.push(((*what).to_owned(), reached));
    }
    if update {
        write(&rows);
    } else {
        assert_eq!(rows, written(), "{PAGE}; UPDATE=1 writes what was found");
    }
    assert!(rows.iter().any(|(_, reached)| reached.contains(&"a machine's kubelet".to_owned())));

    let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
    namespaces.delete(&others, &now).await.expect("the strangers are gone");
    place.kubectl(&["delete", "broadcasts", "--all"]).await.ok();
    place.done().await;
}
