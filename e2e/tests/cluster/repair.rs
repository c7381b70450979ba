//! What the operator does when its objects are not as they should be.

use mixbed_e2e::{MIXNET, Place, READY, is_ready, until, until_some};
use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt as _};
use mixbed_operator::api::{Mixnet, is_true};
use serde_json::json;

const SOON: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: make e2e"]
async fn what_is_deleted_or_changed_comes_back_and_a_killed_operator_changes_nothing() {
    let more = json!({ "operator": { "replicas": 2 }, "jaeger": { "enabled": false } });
    let place = Place::new("repair").await;
    place.install(more).await.ok();
    // In the middle of the first reconcile: whichever replica leads.
    let first = until_some("something is made", SOON, || async {
        place.api::<StatefulSet>().list(&kube::api::ListParams::default()).await.ok()?.items.pop()
    })
    .await;
    assert!(first.name_any().starts_with(MIXNET));
    for pod in place.pods("app.kubernetes.io/component=operator").await {
        place.kill(&pod).await;
    }
    place.mixnet_ready().await;

    // Deleted children come back.
    let services: Api<Service> = place.api();
    let directory = format!("{MIXNET}-directory");
    let before = services.get(&directory).await.expect("a service").uid();
    services.delete(&directory, &DeleteParams::default()).await.expect("deleted");
    until(&services, &directory, "the service is back", SOON, |service| service.uid() != before)
        .await;
    let sets: Api<StatefulSet> = place.api();
    let gateway = format!("{MIXNET}-gateway");
    let before = sets.get(&gateway).await.expect("a set").uid();
    sets.delete(&gateway, &DeleteParams::default()).await.expect("deleted");
    until(&sets, &gateway, "the set is back", SOON, |set| set.uid() != before).await;

    // What somebody changed is as it was.
    let patch = Patch::Merge(json!({ "spec": { "replicas": 1 } }));
    let mix = format!("{MIXNET}-mix-2");
    sets.patch(&mix, &PatchParams::default(), &patch).await.expect("changed");
    let replicas = |set: &StatefulSet| set.spec.as_ref().and_then(|spec| spec.replicas);
    until(&sets, &mix, "the set has its replicas", SOON, |set| replicas(set) == Some(2)).await;
    place.mixnet_ready().await;
    place.done().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: make e2e"]
async fn a_foreign_object_of_the_same_name_is_reported_and_left_alone() {
    let place = Place::new("foreign").await;
    let services: Api<Service> = place.api();
    let name = format!("{MIXNET}-miner");
    let foreign = json!({
        "metadata": { "name": name, "labels": { "whose": "somebody-else" } },
        "spec": { "ports": [{ "port": 80 }] },
    });
    let foreign = serde_json::from_value(foreign).expect("a service");
    services.create(&PostParams::default(), &foreign).await.expect("made");
    place.install(json!({ "jaeger": { "enabled": false } })).await.ok();

    let mixnets: Api<Mixnet> = place.api();
    let told = until(&mixnets, MIXNET, "the foreign object is reported", READY, |mixnet| {
        mixnet.status.as_ref().is_some_and(|status| {
            !is_true(&status.conditions, "Ready")
                && status.conditions.iter().any(|condition| condition.message.contains(&name))
        })
    })
    .await;
    let message = told.status.expect("told").message;
    assert!(message.contains(&name), "kubectl get mixnets says it: {message}");
    let left = services.get(&name).await.expect("it is there");
    let labels: BTreeMap<String, String> = left.labels().clone();
    assert_eq!(labels.get("whose").map(String::as_str), Some("somebody-else"));
    assert_eq!(labels.len(), 1, "nothing was added to it: {labels:?}");

    // As soon as it is away, the mixnet gets ready.
    services.delete(&name, &DeleteParams::default()).await.expect("deleted");
    place.mixnet_ready().await;
    place.done().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: make e2e"]
async fn one_of_two_operators_leads_and_the_other_takes_over() {
    let more = json!({ "operator": { "replicas": 2 }, "jaeger": { "enabled": false } });
    let place = Place::ready("leader", more).await;
    let leases: Api<k8s_openapi::api::coordination::v1::Lease> = place.api();
    let lease = leases.list(&kube::api::ListParams::default()).await.expect("leases");
    let lease = lease.items.into_iter().next().expect("a lease");
    let holder = |lease: &k8s_openapi::api::coordination::v1::Lease| {
        lease.spec.as_ref().and_then(|spec| spec.holder_identity.clone())
    };
    let leader = holder(&lease).expect("somebody leads");
    let pod: Pod = place.api().get(&leader).await.expect("the holder is a pod");
    place.kill(&pod).await;
    until(&leases, &lease.name_any(), "another one leads", SOON, |lease| {
        holder(lease).is_some_and(|now| now != leader && !now.is_empty())
    })
    .await;
    // The new leader works.
    let mixnets: Api<Mixnet> = place.api();
    let patch = Patch::Merge(json!({ "spec": { "gateways": { "replicas": 1 } } }));
    mixnets.patch(MIXNET, &PatchParams::default(), &patch).await.expect("changed");
    until(&mixnets, MIXNET, "the change is made", READY, |mixnet| {
        is_ready(mixnet) && mixnet.status.as_ref().is_some_and(|status| status.ready == "9/9")
    })
    .await;
    place.done().await;
}
