//! What goes wrong while a Broadcast is under way: nothing is lost.

use mixbed_e2e::{MIXNET, Place, READY, until, until_some};
use std::time::Duration;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use mixbed_operator::api::Mixnet;
use serde_json::json;

use crate::hops;
use crate::jaeger::trace;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: make e2e"]
async fn each_kind_of_pod_is_killed_and_nothing_is_lost() {
    let place = Place::ready("kill", json!({ "jaeger": { "enabled": false } })).await;
    place.begin("long", 120, "1/s").await;
    place.under_way("long", 3).await;
    for kind in [
        // The run's own first, while there is much to do for the one that takes its place.
        "mixbed.dev/broadcast=long",
        "app.kubernetes.io/component=gateway",
        "mixbed.dev/layer=1",
        "mixbed.dev/layer=2",
        "mixbed.dev/layer=3",
        "app.kubernetes.io/component=provider",
        "app.kubernetes.io/component=directory",
        "app.kubernetes.io/component=miner",
        "app.kubernetes.io/component=operator",
    ] {
        let pods = place.pods(kind).await;
        let victim = pods.first().unwrap_or_else(|| panic!("there is a pod with {kind}"));
        place.kill(victim).await;
        // The next one only when this one is back, so that one of two is always there. The mixnet's
        // status alone may be of before.
        until_some("another takes its place", READY, || async {
            let mut now = place.pods(kind).await;
            now.retain(|pod| pod.uid() != victim.uid() && is_pod_ready(pod));
            (now.len() == pods.len()).then_some(())
        })
        .await;
        place.mixnet_ready().await;
    }
    place.all_mined("long", 120).await;
    place.done().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: make e2e"]
async fn without_its_directory_for_an_epoch_a_mixnet_goes_on() {
    let spec = json!({ "parameters": { "epochLength": "5s" } });
    let more = json!({ "jaeger": { "enabled": false }, "mixnet": { "spec": spec } });
    let place = Place::ready("epoch", more).await;
    // Some are left when the directory is away.
    place.begin("long", 90, "1/s").await;
    place.under_way("long", 2).await;

    // The operator would bring the directory back at once.
    scale::<Deployment>(&place, "mixbed-operator", 0).await;
    until_some("the operator is away", Duration::from_secs(60), || async {
        place.pods("app.kubernetes.io/component=operator").await.is_empty().then_some(())
    })
    .await;
    scale::<StatefulSet>(&place, &format!("{MIXNET}-directory"), 0).await;
    until_some("the directory is away", Duration::from_secs(60), || async {
        place.pods("app.kubernetes.io/component=directory").await.is_empty().then_some(())
    })
    .await;
    // An epoch and more: the documents that are out hold for three.
    let epochs = tokio::time::Instant::now() + Duration::from_secs(8);
    let report = place.mixbed(&["report", "long", "--json"], Duration::from_secs(20)).await.ok();
    let before = accepted(&report);
    tokio::time::sleep_until(epochs).await;
    until_some("transactions get through without it", Duration::from_secs(20), || async {
        let report = place.mixbed(&["report", "long", "--json"], Duration::from_secs(20)).await;
        (accepted(&report.ok()) > before + 2).then_some(())
    })
    .await;
    scale::<Deployment>(&place, "mixbed-operator", 1).await;
    place.all_mined("long", 90).await;
    place.mixnet_ready().await;
    place.done().await;
}

fn is_pod_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// How many transactions of a report are accepted.
fn accepted(report: &str) -> usize {
    report.matches("\"Accepted\"").count() + report.matches("\"Mined\"").count()
}

async fn scale<K>(place: &Place, name: &str, replicas: i32)
where
    K: kube::Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned,
{
    let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
    let api: Api<K> = place.api();
    api.patch(name, &PatchParams::default(), &patch).await.expect("scaled");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: make e2e"]
async fn an_impairment_is_applied_at_once_and_shows_in_the_traces() {
    let place = Place::ready("impair", json!({})).await;
    let uids = uids(&place).await;
    let rule = ["impair", "add", "--from", "mix-1", "--latency", "150ms"];
    place.mixbed(&rule, Duration::from_secs(30)).await.ok();
    let mixnets: Api<Mixnet> = place.api();
    until(&mixnets, MIXNET, "the rule holds", READY, |mixnet| {
        mixnet.status.as_ref().is_some_and(|status| status.impairments == Some(1))
    })
    .await;
    assert_eq!(self::uids(&place).await, uids, "no pod was restarted for it");

    place.begin("slow", 3, "1/s").await;
    let status = place.all_mined("slow", 3).await;
    let mut traces = Vec::new();
    for transaction in &status.transactions {
        let id = transaction.trace_id.as_deref().expect("traced");
        let found = trace(&place, id, hops::is_whole).await;
        let slow =
            found.spans.iter().filter(|span| span.name.contains(&format!("{MIXNET}-mix-1-")));
        for hop in slow {
            let added = hop.number("mixbed.impaired_us").expect("an impaired hop says so");
            // A machine that is busy adds to it.
            assert!((150_000..2_000_000).contains(&added), "{}: {added} us", hop.name);
        }
        traces.push(found);
    }
    hops::check(&traces);
    place.mixbed(&["impair", "clear"], Duration::from_secs(30)).await.ok();
    until(&mixnets, MIXNET, "the rule is gone", READY, |mixnet| {
        mixnet.status.as_ref().is_some_and(|status| status.impairments == Some(0))
    })
    .await;
    place.done().await;
}

/// Which pods the nodes are.
async fn uids(place: &Place) -> Vec<Option<String>> {
    let pods = place.pods("app.kubernetes.io/component in (gateway, mix, provider)").await;
    let mut uids: Vec<_> = pods.into_iter().map(|pod: Pod| pod.metadata.uid).collect();
    uids.sort();
    uids
}
