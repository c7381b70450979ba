//! What those can do who may make Mixnets and Broadcasts, and nothing else.

use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, PodSpec, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, Config, ResourceExt as _};
use mixbed_e2e::{MIXNET, Place, broadcast, until, until_some};
use mixbed_operator::api::{Broadcast, Mixnet};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(60);

/// The user of this account, which may make Mixnets and Broadcasts.
async fn author(place: &Place) -> Client {
    let name = "author";
    let metadata = json!({ "name": name });
    let account = from(json!({ "metadata": metadata }));
    place.api::<ServiceAccount>().create(&PostParams::default(), &account).await.expect("made");
    let rules = json!([{
        "apiGroups": ["mixbed.dev"], "resources": ["mixnets", "broadcasts"], "verbs": ["*"],
    }]);
    let role = from(json!({ "metadata": metadata, "rules": rules }));
    place.api::<Role>().create(&PostParams::default(), &role).await.expect("made");
    let binding = from(json!({
        "metadata": metadata,
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name },
        "subjects": [{ "kind": "ServiceAccount", "name": name, "namespace": place.namespace }],
    }));
    place.api::<RoleBinding>().create(&PostParams::default(), &binding).await.expect("made");
    let mut config = Config::infer().await.expect("a kubeconfig");
    let user = format!("system:serviceaccount:{}:{name}", place.namespace);
    config.auth_info.impersonate = Some(user);
    Client::try_from(config).expect("a client")
}

fn from<K: serde::de::DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).expect("an object")
}

/// Whether an account may do this in its namespace.
async fn may(place: &Place, account: &str, verb: &str, resource: &str, name: &str) -> bool {
    let review: SubjectAccessReview = from(json!({ "metadata": {}, "spec": {
        "user": format!("system:serviceaccount:{}:{account}", place.namespace),
        "resourceAttributes": {
            "namespace": place.namespace, "verb": verb, "resource": resource, "name": name,
        },
    }}));
    let reviews: Api<SubjectAccessReview> = Api::all(place.cluster.client.clone());
    let review = reviews.create(&PostParams::default(), &review).await.expect("an answer");
    review.status.expect("an answer").allowed
}

/// The Secrets that a pod mounts.
fn mounted(pod: &PodSpec) -> Vec<&str> {
    let volumes = pod.volumes.iter().flatten().filter_map(|volume| volume.secret.as_ref());
    volumes.filter_map(|secret| secret.secret_name.as_deref()).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: make e2e"]
async fn who_may_make_mixnets_and_broadcasts_gets_nothing_else() {
    let place = Place::ready("author", json!({ "jaeger": { "enabled": false } })).await;
    let author = author(&place).await;
    let secrets: Api<Secret> = Api::namespaced(author.clone(), &place.namespace);
    assert!(secrets.list(&ListParams::default()).await.is_err(), "it may not read Secrets");

    // A Mixnet with an image of one's own: nothing is made of it.
    let mixnets: Api<Mixnet> = Api::namespaced(author.clone(), &place.namespace);
    let evil = from(json!({
        "apiVersion": "mixbed.dev/v1alpha1", "kind": "Mixnet", "metadata": { "name": "evil" },
        "spec": { "images": { "mixbed": "evil.example/shell:1" } },
    }));
    mixnets.create(&PostParams::default(), &evil).await.expect("it may make Mixnets");
    let told = until(&mixnets, "evil", "the image is refused", SOON, |mixnet| {
        mixnet.status.as_ref().is_some_and(|status| status.message.contains("evil.example/shell:1"))
    })
    .await;
    let message = told.status.expect("told").message;
    assert!(message.contains("operator.allowedImages"), "{message}");
    let sets = place.api::<StatefulSet>().list(&ListParams::default()).await.expect("sets");
    assert!(sets.iter().all(|set| !set.name_any().starts_with("evil")), "no pods");

    // A Broadcast that is named like the operator's account: it runs, as somebody else.
    let broadcasts: Api<Broadcast> = Api::namespaced(author, &place.namespace);
    let name = "mixbed-operator";
    let account: ServiceAccount = place.api().get(name).await.expect("the operator's account");
    let run = broadcast(name, 1, "1/s");
    broadcasts.create(&PostParams::default(), &run).await.expect("it may make Broadcasts");
    let jobs: Api<Job> = place.api();
    let job = until_some("the Job is there", SOON, || async {
        jobs.get_opt(name).await.expect("an answer")
    })
    .await;
    let pod = job.spec.expect("a Job").template.spec.expect("a pod");
    let its_account = pod.service_account_name.clone().expect("an account of its own");
    assert_ne!(Some(&its_account), account.metadata.name.as_ref());
    assert!(mounted(&pod).is_empty());
    let all = place.api::<Secret>().list(&ListParams::default()).await.expect("Secrets");
    let mut its_own = 0;
    for secret in all.iter().map(Secret::name_any) {
        if may(&place, &its_account, "get", "secrets", &secret).await {
            assert!(secret.starts_with("mixbed-operator-run-"), "{secret}");
            its_own += 1;
        }
    }
    assert_eq!(its_own, 1, "what it goes on from");
    assert!(!may(&place, &its_account, "list", "secrets", "").await);
    assert!(!may(&place, &its_account, "create", "pods", "").await);
    place.all_mined(name, 1).await;

    // The directory's key is in the directory's pod, and in no other.
    let key = all.iter().map(Secret::name_any);
    let key = key.filter(|name| name.starts_with(&format!("{MIXNET}-authority-")));
    let key: Vec<_> = key.collect();
    assert_eq!(key.len(), 1, "{key:?}");
    let mut with_key = Vec::new();
    for pod in place.api::<Pod>().list(&ListParams::default()).await.expect("pods") {
        let spec = pod.spec.as_ref().expect("a pod");
        if mounted(spec).contains(&key[0].as_str()) {
            with_key.push(pod.name_any());
        }
    }
    assert_eq!(with_key, [format!("{MIXNET}-directory-0")]);
    place.done().await;
}
