//! Every pod that the chart and its operator can make, in a namespace with rules: the chart's example `strict` as it is
//! rendered, and what an operator that is started as it says makes of its Mixnet and of a Broadcast.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use mixbed_operator::api::{Broadcast, Mixnet, MixnetStatus, PodDefaults, PullSecret, condition};
use mixbed_operator::child::Child;
use mixbed_operator::installation::Installation;
use mixbed_operator::mixnet::quantity::thousandths;
use mixbed_operator::mixnet::{Defaults, NetworkSecrets};
use mixbed_operator::{broadcast, mixnet};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::{Value, json};

/// Kinds of which pods are made.
const KINDS: [&str; 6] = ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"];

fn file(path: &str) -> String {
    let path = format!("{}/../charts/mixbed/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What the chart makes of an example.
fn rendered(example: &str) -> Vec<Value> {
    let text = file(&format!("examples/{example}/rendered.yaml"));
    let documents = serde_yaml::Deserializer::from_str(&text);
    let objects = documents.map(|one| serde::Deserialize::deserialize(one).expect("YAML"));
    objects.filter(|object: &Value| !object.is_null()).collect()
}

/// A pod, by the name of what makes it.
struct Made {
    name: String,
    template: PodTemplateSpec,
}

impl Made {
    fn of(object: &Value) -> Option<Self> {
        let kind = object["kind"].as_str()?;
        if !KINDS.contains(&kind) {
            return None;
        }
        let template = if kind == "Pod" { object } else { &object["spec"]["template"] };
        let template =
            json!({ "metadata": template["metadata"].clone(), "spec": template["spec"].clone() });
        let name = object["metadata"]["name"].as_str()?.to_owned();
        Some(Self { name, template: serde_json::from_value(template).expect("a pod") })
    }

    fn spec(&self) -> &PodSpec {
        self.template.spec.as_ref().expect("a spec")
    }

    fn containers(&self) -> impl Iterator<Item = (String, &Container)> {
        let spec = self.spec();
        let all = spec.init_containers.iter().flatten().chain(&spec.containers);
        all.map(|container| (format!("{} {}", self.name, container.name), container))
    }
}

/// What an operator makes that is started with these defaults.
fn operators(mixnet: Mixnet, pods: PodDefaults, account_secrets: Vec<PullSecret>) -> Vec<Made> {
    let installation = Installation {
        mixbed: "mixbed:1".to_owned(),
        monero: "monero:1".to_owned(),
        ..Installation::default()
    };
    let defaults = Defaults { installation, pods, account_secrets };
    let mut mixnet = mixnet;
    mixnet.metadata.namespace = Some("space".to_owned());
    mixnet.metadata.uid = Some("1-2-3".to_owned());
    let valid = mixnet::validate(&mixnet, &defaults).expect("a valid Mixnet");
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let secrets = NetworkSecrets::complete(&valid, [], &mut rng).expect("secrets");
    let mut children: Vec<Child> = mixnet::build::build(&valid, &secrets);

    let now = Time(Timestamp::UNIX_EPOCH);
    mixnet.status = Some(MixnetStatus {
        authority_key: Some("ab".repeat(32)),
        conditions: vec![condition("Ready", true, "Because", "so", Some(1), now.clone())],
        ..MixnetStatus::default()
    });
    let spec = json!({ "mixnet": mixnet.metadata.name });
    let mut run = Broadcast::new("run", serde_json::from_value(spec).expect("a spec"));
    run.metadata.namespace = Some("space".to_owned());
    run.metadata.uid = Some("4-5-6".to_owned());
    run.metadata.creation_timestamp = Some(now);
    let run = broadcast::validate(&run, &mixnet, &defaults).expect("a valid Broadcast");
    children.extend(broadcast::build(&run));
    let objects = children.iter().map(|child| serde_json::to_value(&child.object).expect("JSON"));
    objects.filter_map(|object| Made::of(&object)).collect()
}

/// All pods of the example `strict`.
fn all() -> Vec<Made> {
    let objects = rendered("strict");
    let mut all: Vec<_> = objects.iter().filter_map(Made::of).collect();
    let operator = all.iter().find(|made| made.name == "mixbed-operator").expect("an operator");
    let args = operator.spec().containers[0].args.as_ref().expect("arguments");
    let defaults = args.iter().find_map(|arg| arg.strip_prefix("--pod-defaults="));
    let defaults = serde_json::from_str(defaults.expect("told")).expect("as the operator reads it");
    let mixnet = objects.iter().find(|object| object["kind"] == "Mixnet").expect("a Mixnet");
    let mixnet = serde_json::from_value(mixnet.clone()).expect("a Mixnet");
    all.extend(operators(mixnet, defaults, Vec::new()));
    all
}

#[test]
fn none_is_forgotten() {
    let names: BTreeSet<_> = all().iter().map(|made| made.name.clone()).collect();
    // What is made once has a hash behind its name.
    let short = |name: &String| match name.rsplit_once('-') {
        Some((name, hash)) if hash.len() == 8 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            name.to_owned()
        }
        _ => name.clone(),
    };
    let names: BTreeSet<_> = names.iter().map(short).collect();
    let wanted = [
        "mixbed-cleanup",
        "mixbed-cleanup-crds",
        "mixbed-definitions",
        "mixbed-jaeger",
        "mixbed-operator",
        "mixbed-test",
        "mixnet-directory",
        "mixnet-gateway",
        "mixnet-miner",
        "mixnet-mix-1",
        "mixnet-mix-2",
        "mixnet-mix-3",
        "mixnet-provider",
        "run",
    ];
    assert_eq!(names, wanted.map(str::to_owned).into());

    // And whatever template makes pods is in the example.
    let text = file("examples/strict/rendered.yaml");
    let folder = format!("{}/../charts/mixbed/templates", env!("CARGO_MANIFEST_DIR"));
    let makes = |text: &str| {
        let kinds = text.lines().filter_map(|line| line.strip_prefix("kind: "));
        kinds.filter(|kind| KINDS.contains(kind)).count() > 0 || text.contains("mixbed.hookJob\"")
    };
    for entry in std::fs::read_dir(folder).expect("templates") {
        let entry = entry.expect("a file");
        let name = entry.file_name().into_string().expect("a name");
        if entry.path().extension().is_some_and(|end| end == "yaml")
            && makes(&file(&format!("templates/{name}")))
        {
            assert!(text.contains(&format!("templates/{name}\n")), "strict does not show {name}");
        }
    }
}

#[test]
fn each_has_what_the_values_say_of_every_pod() {
    for made in all() {
        let name = &made.name;
        let metadata = made.template.metadata.clone().expect("metadata");
        let label = metadata.labels.and_then(|labels| labels.get("team").cloned());
        assert_eq!(label.as_deref(), Some("privacy"), "{name}: label");
        let annotations = metadata.annotations.unwrap_or_default();
        let note = annotations.get("example.com/cost").map(String::as_str);
        assert_eq!(note, Some("42"), "{name}: annotation");
        let spec = made.spec();
        assert_eq!(spec.priority_class_name.as_deref(), Some("batch"), "{name}: priority");
        let secrets: Vec<_> =
            spec.image_pull_secrets.iter().flatten().map(|secret| secret.name.as_str()).collect();
        assert_eq!(secrets, ["registry"], "{name}: pull secrets");
        let pool = spec.node_selector.as_ref().and_then(|labels| labels.get("pool"));
        assert_eq!(pool.map(String::as_str), Some("mixnet"), "{name}: node selector");
        let keys: Vec<_> =
            spec.tolerations.iter().flatten().filter_map(|one| one.key.as_deref()).collect();
        assert_eq!(keys, ["mixnet"], "{name}: tolerations");
        let affinity = spec.affinity.as_ref().and_then(|affinity| affinity.node_affinity.as_ref());
        assert!(affinity.is_some(), "{name}: affinity");
    }
}

#[test]
fn each_leaves_its_user_to_the_cluster() {
    for made in all() {
        let name = &made.name;
        let context = made.spec().security_context.as_ref().expect("a security context");
        assert_eq!(context.run_as_non_root, Some(true), "{name}");
        let named = (context.run_as_user, context.run_as_group, context.fs_group);
        assert_eq!(named, (None, None, None), "{name}: user, group, group of volumes");
        for (name, container) in made.containers() {
            let context = container.security_context.as_ref().expect("a security context");
            assert_eq!((context.run_as_user, context.run_as_group), (None, None), "{name}");
        }
        // Whoever it is must be able to read its keys.
        for volume in made.spec().volumes.iter().flatten() {
            let mode = volume.secret.as_ref().and_then(|secret| secret.default_mode);
            assert!(mode.is_none_or(|mode| mode & 0o004 != 0), "{name}: {}", volume.name);
        }
    }
}

#[test]
fn each_asks_for_what_the_namespace_demands() {
    let amount = |text: &str| thousandths(&Quantity(text.to_owned())).expect("an amount");
    for (name, container) in all().iter().flat_map(Made::containers) {
        let resources = container.resources.clone().expect("resources");
        let (requests, limits) =
            (resources.requests.unwrap_or_default(), resources.limits.unwrap_or_default());
        for (kind, all, resource, least) in [
            ("requests", &requests, "cpu", "50m"),
            ("requests", &requests, "memory", "64Mi"),
            ("limits", &limits, "cpu", "1"),
            ("limits", &limits, "memory", "128Mi"),
        ] {
            let found = all.get(resource).unwrap_or_else(|| panic!("{name}: {kind}.{resource}"));
            let found = thousandths(found).expect("an amount");
            assert!(found >= amount(least), "{name}: {kind}.{resource} is less than {least}");
        }
        for (resource, request) in &requests {
            assert!(thousandths(request) <= thousandths(&limits[resource]), "{name}: {resource}");
        }
    }
}

/// Without any word of it: those of the namespace's default account, which pods with an account of
/// their own do not have from Kubernetes.
#[test]
fn pods_with_their_own_account_have_the_secrets_of_the_default_one() {
    let registry = vec![PullSecret { name: "account".to_owned() }];
    let mixnet = || Mixnet::new("net", serde_json::from_value(json!({})).expect("a spec"));
    let secrets = |made: &Made| -> Vec<String> {
        let all = made.spec().image_pull_secrets.clone().unwrap_or_default();
        all.into_iter().map(|secret| secret.name).collect()
    };
    let mut own = 0;
    for made in operators(mixnet(), PodDefaults::default(), registry.clone()) {
        if made.spec().service_account_name.is_some() {
            own += 1;
            assert_eq!(secrets(&made), ["account"], "{}", made.name);
        } else {
            assert_eq!(secrets(&made), Vec::<String>::new(), "{}", made.name);
        }
    }
    assert_eq!(own, 2, "the directory and a Broadcast");
    // What is named goes before.
    let named = json!({ "pods": { "imagePullSecrets": [{ "name": "named" }] } });
    let named: PodDefaults = serde_json::from_value(named).expect("defaults");
    for made in operators(mixnet(), named, registry) {
        assert_eq!(secrets(&made), ["named"], "{}", made.name);
    }
}

/// An example that says nothing of users has the images' own.
#[test]
fn without_a_word_every_pod_of_the_chart_runs_as_the_images_user() {
    for made in rendered("default").iter().filter_map(Made::of) {
        let user = made.spec().security_context.as_ref().and_then(|context| context.run_as_user);
        assert_eq!(user, Some(65_532), "{}", made.name);
    }
}

/// Hooks end beside no sidecar, unless somebody wants one there.
#[test]
fn service_meshes_leave_hooks_alone() {
    for made in rendered("default").iter().filter_map(Made::of) {
        if made.spec().restart_policy.as_deref() != Some("Never") {
            continue;
        }
        let metadata = made.template.metadata.clone().expect("metadata");
        let istio = metadata.labels.and_then(|all| all.get("sidecar.istio.io/inject").cloned());
        assert_eq!(istio.as_deref(), Some("false"), "{}", made.name);
        let linkerd = metadata.annotations.and_then(|all| all.get("linkerd.io/inject").cloned());
        assert_eq!(linkerd.as_deref(), Some("disabled"), "{}", made.name);
    }
}

/// Argo CD removes a hook's objects after it: the next hook must not need them.
#[test]
fn no_hook_shares_an_object_with_another() {
    for example in ["default", "strict"] {
        for object in rendered(example) {
            let hook = object["metadata"]["annotations"]["helm.sh/hook"].as_str();
            let name = &object["metadata"]["name"];
            // Before an installation and before an upgrade never follow each other.
            let once = ["pre-delete", "post-delete", "test", "pre-install,pre-upgrade"];
            assert!(hook.is_none_or(|hook| once.contains(&hook)), "{name}: {hook:?}");
        }
    }
}

/// Who may see Mixnets must not see keys by it, and whoever may make them is an editor already.
#[test]
fn the_roles_of_people_give_nothing_else() {
    let mut verbs = std::collections::BTreeMap::new();
    for object in rendered("default") {
        let labels = &object["metadata"]["labels"];
        for role in ["view", "edit", "admin"] {
            let aggregated = format!("rbac.authorization.k8s.io/aggregate-to-{role}");
            if labels[&aggregated] != "true" {
                continue;
            }
            for rule in object["rules"].as_array().expect("rules") {
                assert_eq!(rule["apiGroups"], json!(["mixbed.dev"]), "{role}");
                let of = verbs.entry(role).or_insert_with(BTreeSet::new);
                let all = rule["verbs"].as_array().expect("verbs").iter();
                of.extend(all.map(|verb| verb.as_str().expect("a verb").to_owned()));
            }
        }
    }
    let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(verbs["view"], set(&["get", "list", "watch"]));
    let all = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    assert_eq!(verbs["edit"], set(&all));
    assert_eq!(verbs["admin"], set(&all));
}
