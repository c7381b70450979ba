//! Wrong specs are refused, with words that help.

use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use mixbed_e2e::Place;
use mixbed_operator::api::{Broadcast, Mixnet};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: make e2e"]
async fn wrong_specs_are_refused_with_their_messages() {
    let more = json!({ "mixnet": { "enabled": false }, "jaeger": { "enabled": false } });
    let place = Place::new("specs").await;
    place.install(more).await.ok();

    for (name, spec, says) in [
        ("Capital", json!({}), "lowercase"),
        ("1net", json!({}), "begins with a letter"),
        ("n", json!({ "gateways": { "replicas": 0 } }), "spec.gateways.replicas"),
        ("n", json!({ "gateways": { "replicas": "two" } }), "spec.gateways.replicas"),
        ("n", json!({ "mixes": { "perLayer": 101 } }), "spec.mixes.perLayer"),
        ("n", json!({ "parameters": { "meanHopDelay": "2m" } }), "at most 60s"),
        ("n", json!({ "parameters": { "meanHopDelay": "soon" } }), "spec.parameters.meanHopDelay"),
        ("n", json!({ "parameters": { "epochLength": "500ms" } }), "between 1s and 24h"),
        (
            "n",
            json!({ "parameters": { "rates": { "payload": -1 } } }),
            "spec.parameters.rates.payload",
        ),
        (
            "n",
            json!({ "impairments": [{ "node": "mix-1", "from": "mix-2", "loss": "5%" }] }),
            "not both",
        ),
        ("n", json!({ "impairments": [{ "from": "mix-1" }] }), "says what happens"),
        ("n", json!({ "tracing": { "otlp": "jaeger" } }), "spec.tracing.otlp"),
        ("n", json!({ "drain": "10m" }), "at most 5m"),
        ("n", json!({ "providers": { "blockTime": "1ms" } }), "between 200ms and 10m"),
        ("n", json!({ "gateway": { "replicas": 2 } }), ".spec.gateway: field not declared"),
    ] {
        let refused = refused::<Mixnet>(&place, name, &spec).await;
        assert!(refused.contains(says), "{spec}: {refused}");
    }
    for (spec, says) in [
        (json!({}), "spec.mixnet"),
        (json!({ "mixnet": "net", "transactions": 0 }), "spec.transactions"),
        (json!({ "mixnet": "net", "transactions": 1001 }), "spec.transactions"),
        (json!({ "mixnet": "net", "rate": "often" }), "spec.rate"),
        (json!({ "mixnet": "net", "deadline": "1s" }), "between 10s and 24h"),
        (json!({ "mixnet": "net", "wallet": { "through": "tor" } }), "spec.wallet.through"),
        (json!({ "mixnet": "net", "count": 3 }), ".spec.count: field not declared"),
    ] {
        let refused = refused::<Broadcast>(&place, "b", &spec).await;
        assert!(refused.contains(says), "{spec}: {refused}");
    }

    // What the schema of the chart refuses.
    for (values, says) in [
        (json!({ "gateways": 3 }), "gateways"),
        (json!({ "operator": { "replicas": 0 } }), "replicas"),
        (json!({ "mixnet": { "name": "Not A Name" } }), "name"),
    ] {
        let refused = place.install(values.clone()).await.refused();
        assert!(refused.contains(says), "{values}: {refused}");
    }
    place.done().await;
}

/// What the API server says to an object that it must not take, as `kubectl` would ask it.
async fn refused<K>(place: &Place, name: &str, spec: &Value) -> String
where
    K: kube::Resource<DynamicType = ()>,
{
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> =
        Api::namespaced_with(place.cluster.client.clone(), &place.namespace, &resource);
    let object = DynamicObject::new(name, &resource).data(json!({ "spec": spec }));
    let mut strict = PatchParams::apply("e2e").validation_strict();
    strict.dry_run = true;
    match api.patch(name, &strict, &Patch::Apply(&object)).await {
        Ok(_) => panic!("{spec} was taken"),
        Err(error) => error.to_string(),
    }
}
