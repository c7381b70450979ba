//! A node that no pod of a Mixnet is.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Patch, PatchParams, PostParams};
use mixbed_e2e::{MIXNET, Place, until_some};
use mixbed_operator::api::Mixnet;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(60);
const NAME: &str = "outside-0";

/// A pod of somebody who may run pods beside the Mixnet, and has none of its secrets.
fn stranger(place: &Place, mixnet: &Mixnet) -> Pod {
    let key = mixnet.status.as_ref().and_then(|status| status.authority_key.clone());
    let directory = format!("mixbed://{MIXNET}-directory.{}.svc:7100", place.namespace);
    let args = [
        "node".to_owned(),
        "--role=gateway".to_owned(),
        format!("--name={NAME}"),
        format!("--network={MIXNET}"),
        format!("--directory={directory}"),
        format!("--authority-key={}", key.expect("a key")),
        "--listen=0.0.0.0:7200".to_owned(),
        "--advertise=$(POD_IP)".to_owned(),
        "--http=127.0.0.1:7201".to_owned(),
    ];
    let address = json!({ "fieldRef": { "fieldPath": "status.podIP" } });
    let container = json!({
        "name": "node", "image": place.cluster.images.mixbed, "imagePullPolicy": "Never",
        "args": args, "env": [{ "name": "POD_IP", "valueFrom": address }],
        "securityContext": {
            "allowPrivilegeEscalation": false, "runAsNonRoot": true,
            "capabilities": { "drop": ["ALL"] }, "seccompProfile": { "type": "RuntimeDefault" },
        },
    });
    let pod = json!({ "metadata": { "name": NAME }, "spec": { "containers": [container] } });
    serde_json::from_value(pod).expect("a pod")
}

/// The 64 hexadecimal digits that the node was refused with.
fn identity(log: &str) -> Option<String> {
    let mut words = log.split(|byte: char| !byte.is_ascii_hexdigit());
    let refused = log.contains("not_listed");
    words.find(|word| refused && word.len() == 64).map(str::to_owned)
}

async fn list(place: &Place, nodes: Value) {
    let patch = Patch::Merge(json!({ "spec": { "directory": { "nodes": nodes } } }));
    let mixnets = place.api::<Mixnet>();
    mixnets.patch(MIXNET, &PatchParams::default(), &patch).await.expect("patched");
}

/// Waits until the document has it, or has it no more.
async fn document_has(place: &Place, wanted: bool) {
    until_some("the document is as the Mixnet says", SOON, || async {
        let said = place.mixbed(&["status"], SOON).await.ok();
        (said.contains(NAME) == wanted).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: make e2e"]
async fn a_stranger_is_no_node_until_the_mixnet_lists_it() {
    let place = Place::ready("outside", json!({ "jaeger": { "enabled": false } })).await;
    let mixnet = place.mixnet_ready().await;
    let pod = stranger(&place, &mixnet);
    place.api::<Pod>().create(&PostParams::default(), &pod).await.expect("made");
    let identity = until_some("the stranger is refused", SOON, || async {
        identity(&place.kubectl(&["logs", NAME]).await.stdout)
    })
    .await;
    document_has(&place, false).await;

    list(&place, json!([{ "name": NAME, "identity": identity, "role": "gateway" }])).await;
    document_has(&place, true).await;
    list(&place, json!([])).await;
    document_has(&place, false).await;
    place.done().await;
}
