//! A namespace with rules: no fixed users, a label on every pod, a quota, minima, secrets of its account; and people
//! with the usual roles.

use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::core::v1::{LimitRange, Pod, ResourceQuota, ServiceAccount};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Resource, ResourceExt as _};
use mixbed_e2e::{MIXNET, Place, until_some};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(60);

async fn make<K>(api: Api<K>, object: Value)
where
    K: Resource + Clone + std::fmt::Debug + Serialize + DeserializeOwned,
{
    let object: K = serde_json::from_value(object).expect("an object");
    api.create(&PostParams::default(), &object).await.expect("made");
}

/// No pod is let in that names a user outside of a range, or lacks the label.
async fn police(place: &Place) {
    let (client, name) = (&place.cluster.client, &place.namespace);
    let range = |user: &str| {
        format!(
            "!has(object.spec.securityContext.{user}) || object.spec.securityContext.{user} >= 1000700000"
        )
    };
    let label = "has(object.metadata.labels.team) && object.metadata.labels.team == 'privacy'";
    let rules = [label.to_owned(), range("runAsUser"), range("runAsGroup"), range("fsGroup")];
    let rules: Vec<_> =
        rules.iter().map(|rule| json!({ "expression": rule, "message": rule })).collect();
    let policy = json!({
        "metadata": { "name": name },
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": { "resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"],
            }]},
            "validations": rules,
        },
    });
    let binding = json!({
        "metadata": { "name": name },
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": { "namespaceSelector": {
                "matchLabels": { "kubernetes.io/metadata.name": name },
            }},
        },
    });
    make::<ValidatingAdmissionPolicy>(Api::all(client.clone()), policy).await;
    make::<ValidatingAdmissionPolicyBinding>(Api::all(client.clone()), binding).await;
}

async fn unpolice(place: &Place) {
    let (client, name) = (&place.cluster.client, &place.namespace);
    let now = DeleteParams::default();
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(client.clone());
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(client.clone());
    bindings.delete(name, &now).await.expect("deleted");
    policies.delete(name, &now).await.expect("deleted");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: make e2e"]
async fn a_namespace_with_rules_has_a_mixnet_a_run_and_an_uninstall() {
    let place = Place::new("rules").await;
    police(&place).await;
    let quota = json!({ "limits.cpu": "60", "limits.memory": "24Gi", "requests.cpu": "20", "requests.memory": "12Gi" });
    let quota = json!({ "metadata": { "name": "quota" }, "spec": { "hard": quota } });
    make::<ResourceQuota>(place.api(), quota).await;
    let minima = json!({ "type": "Container", "min": { "cpu": "20m", "memory": "64Mi" } });
    let minima = json!({ "metadata": { "name": "minima" }, "spec": { "limits": [minima] } });
    make::<LimitRange>(place.api(), minima).await;
    // The secret need not be there: what counts is that pods are to have it.
    let account = Patch::Merge(json!({ "imagePullSecrets": [{ "name": "registry" }] }));
    let accounts = place.api::<ServiceAccount>();
    until_some("the namespace has its account", SOON, || async {
        accounts.patch("default", &PatchParams::default(), &account).await.ok()
    })
    .await;

    let values = json!({
        "jaeger": { "enabled": false },
        "podSecurity": { "user": null },
        "pods": {
            "labels": { "team": "privacy" },
            "atLeast": { "requests": { "cpu": "20m", "memory": "64Mi" }, "limits": { "cpu": "1", "memory": "64Mi" } },
        },
    });
    place.install(values).await.ok();
    place.mixnet_ready().await;
    let said = place.helm(&["test", "mixbed", "--logs"]).await.ok();
    assert!(said.contains("Succeeded"), "{said}");
    let pods = place.api::<Pod>().list(&ListParams::default()).await.expect("pods").items;
    for pod in &pods {
        let name = pod.name_any();
        let spec = pod.spec.as_ref().expect("a spec");
        let secrets: Vec<_> =
            spec.image_pull_secrets.iter().flatten().map(|one| &one.name).collect();
        assert_eq!(secrets, ["registry"], "{name}");
    }
    let has = |part: &str| pods.iter().any(|pod| pod.name_any().contains(part));
    for part in ["operator", "directory", "miner", "provider", "test"] {
        assert!(has(part), "the pod {part} is among them");
    }
    people(&place).await;

    place.helm(&["uninstall", "mixbed", "--wait"]).await.ok();
    unpolice(&place).await;
    place.remove().await;
}

/// People with the usual roles in the namespace.
async fn people(place: &Place) {
    for role in ["view", "edit", "admin"] {
        let binding = json!({
            "metadata": { "name": role },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": format!("{role}er") }],
        });
        make::<RoleBinding>(place.api(), binding).await;
    }
    for (who, verb, group, resource, wanted) in [
        ("viewer", "get", "mixbed.dev", "mixnets", true),
        ("viewer", "list", "mixbed.dev", "broadcasts", true),
        ("viewer", "create", "mixbed.dev", "broadcasts", false),
        ("viewer", "get", "", "secrets", false),
        ("editer", "create", "mixbed.dev", "mixnets", true),
        ("editer", "delete", "mixbed.dev", "broadcasts", true),
        ("adminer", "create", "mixbed.dev", "broadcasts", true),
        ("stranger", "get", "mixbed.dev", "mixnets", false),
    ] {
        let asked = json!({ "metadata": {}, "spec": { "user": who, "resourceAttributes": {
            "namespace": place.namespace, "verb": verb, "group": group, "resource": resource, "name": MIXNET,
        }}});
        let asked: SubjectAccessReview = serde_json::from_value(asked).expect("a question");
        let reviews: Api<SubjectAccessReview> = Api::all(place.cluster.client.clone());
        // Roles are put together a moment after their parts are there.
        until_some(&format!("{who} {verb} {resource}: {wanted}"), SOON, || async {
            let answer = reviews.create(&PostParams::default(), &asked).await.ok()?;
            (answer.status?.allowed == wanted).then_some(())
        })
        .await;
    }
}
