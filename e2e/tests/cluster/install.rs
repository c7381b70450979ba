//! What a newcomer does: install, send, look, change, uninstall.

use mixbed_e2e::{MIXNET, Place, READY, is_ready, until, until_some};
use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, Service};
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use mixbed_operator::api::{Broadcast, Mixnet};
use serde_json::json;

use crate::hops;
use crate::jaeger::trace;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: make e2e"]
async fn each_transaction_is_mined_and_its_trace_shows_every_hop() {
    let place = Place::ready("trace", json!({})).await;
    place.begin("ten", 10, "2/s").await;
    let status = place.all_mined("ten", 10).await;
    assert_eq!(status.transactions.len(), 10);
    let mut traces = Vec::new();
    for transaction in &status.transactions {
        let id = transaction.trace_id.as_deref().expect("traced");
        traces.push(trace(&place, id, hops::is_whole).await);
    }
    hops::check(&traces);
    let latency = status.latency.expect("they were accepted");
    assert!(latency.p50_ms > 0 && latency.p50_ms <= latency.p95_ms, "{latency:?}");
    assert!(latency.p95_ms <= latency.max_ms, "{latency:?}");
    place.done().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: make e2e"]
async fn helm_test_sends_a_transaction_and_uninstall_leaves_nothing() {
    let place = Place::ready("helm", json!({ "jaeger": { "enabled": false } })).await;
    let said = place.helm(&["test", "mixbed", "--logs"]).await.ok();
    assert!(said.contains("Succeeded"), "{said}");

    place.helm(&["uninstall", "mixbed", "--wait"]).await.ok();
    // Pods that were told to stop may take their time to leave the document.
    until_some("everything is gone", Duration::from_secs(60), || async {
        left(&place).await.is_empty().then_some(())
    })
    .await;
    assert_eq!(left(&place).await, Vec::<String>::new());
    place.remove().await;
}

/// What is in the namespace that no cluster puts there itself.
async fn left(place: &Place) -> Vec<String> {
    async fn names<K>(place: &Place) -> Vec<String>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        // Custom resources: their definitions may be gone, which is as good as none left.
        let Ok(list) = place.api::<K>().list(&ListParams::default()).await else {
            return Vec::new();
        };
        let named = |object: K| format!("{} {}", K::kind(&()), object.name_any());
        list.items.into_iter().map(named).collect()
    }
    let mut left = Vec::new();
    left.extend(names::<Mixnet>(place).await);
    left.extend(names::<Broadcast>(place).await);
    left.extend(names::<Pod>(place).await);
    left.extend(names::<StatefulSet>(place).await);
    left.extend(names::<k8s_openapi::api::apps::v1::Deployment>(place).await);
    left.extend(names::<k8s_openapi::api::batch::v1::Job>(place).await);
    left.extend(names::<Service>(place).await);
    left.extend(names::<Secret>(place).await);
    left.extend(names::<PersistentVolumeClaim>(place).await);
    left.extend(names::<k8s_openapi::api::networking::v1::NetworkPolicy>(place).await);
    left.extend(names::<k8s_openapi::api::policy::v1::PodDisruptionBudget>(place).await);
    left.extend(names::<k8s_openapi::api::rbac::v1::Role>(place).await);
    left.extend(names::<k8s_openapi::api::rbac::v1::RoleBinding>(place).await);
    left.extend(names::<k8s_openapi::api::coordination::v1::Lease>(place).await);
    // The cluster puts its own certificate and account into every namespace.
    let own = ["ConfigMap kube-root-ca.crt", "ServiceAccount default"];
    left.extend(names::<ConfigMap>(place).await);
    left.extend(names::<k8s_openapi::api::core::v1::ServiceAccount>(place).await);
    left.retain(|name| !own.contains(&name.as_str()));
    left
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: make e2e"]
async fn everything_changes_under_a_broadcast_and_nothing_is_lost() {
    let place = Place::ready("change", json!({})).await;
    place.begin("long", 60, "1/s").await;
    place.under_way("long", 3).await;

    // More nodes, fewer nodes, other parameters.
    let mixnets: Api<Mixnet> = place.api();
    for spec in [
        json!({ "gateways": { "replicas": 3 }, "mixes": { "perLayer": 3 } }),
        json!({ "parameters": { "meanHopDelay": "20ms", "epochLength": "30s" } }),
        json!({ "gateways": { "replicas": 2 }, "mixes": { "perLayer": 2 } }),
    ] {
        let patch = Patch::Merge(json!({ "spec": spec }));
        let patched = mixnets.patch(MIXNET, &PatchParams::default(), &patch).await;
        let generation = patched.expect("the change is taken").metadata.generation;
        let changed = until(&mixnets, MIXNET, "the change is made", READY, |mixnet| {
            is_ready(mixnet) && mixnet.metadata.generation == generation
        })
        .await;
        let status = changed.status.expect("it is ready");
        let wanted = changed.spec.gateways.replicas + 3 * changed.spec.mixes.per_layer + 2;
        assert_eq!(status.ready, format!("{wanted}/{wanted}"));
    }

    // Another image, and back.
    let image = |name: &str| name.rsplit_once(':').expect("a tag").1.to_owned();
    let next = image(&place.cluster.images.mixbed_next);
    place.install(json!({ "image": { "tag": next } })).await.ok();
    runs(&place, &place.cluster.images.mixbed_next).await;
    place.helm(&["rollback", "mixbed"]).await.ok();
    runs(&place, &place.cluster.images.mixbed).await;

    place.all_mined("long", 60).await;
    place.done().await;
}

/// Waits until every node runs this image and the mixnet is ready.
async fn runs(place: &Place, image: &str) {
    until_some("all nodes run the image", Duration::from_secs(240), || async {
        let pods = place.pods("app.kubernetes.io/component in (gateway, mix, provider)").await;
        let runs = |pod: &Pod| {
            let spec = pod.spec.as_ref()?;
            let images: Vec<_> = spec.containers.iter().map(|c| c.image.as_deref()).collect();
            images.contains(&Some(image)).then_some(())
        };
        (!pods.is_empty() && pods.iter().all(|pod| runs(pod).is_some())).then_some(())
    })
    .await;
    place.mixnet_ready().await;
}
