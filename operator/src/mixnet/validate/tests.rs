use k8s_openapi::api::core::v1::Toleration;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::*;
use crate::api::{Impairment, OutsideNode, Period, Resources, Storage};
use crate::installation::Installation;

fn defaults() -> Defaults {
    let installation = Installation {
        mixbed: "localhost/mixbed:1".to_owned(),
        monero: "localhost/m:1".to_owned(),
        ..Installation::default()
    };
    Defaults { installation, ..Defaults::default() }
}

fn named(name: &str, spec: MixnetSpec) -> Mixnet {
    let mut mixnet = Mixnet::new(name, spec);
    mixnet.metadata.namespace = Some("space".to_owned());
    mixnet.metadata.uid = Some("1-2-3".to_owned());
    mixnet
}

/// What is wrong with the default spec after this change, as `path: what`.
fn wrong(change: impl FnOnce(&mut MixnetSpec)) -> Vec<String> {
    let mut spec = MixnetSpec::default();
    change(&mut spec);
    let problems = validate(&named("net", spec), &defaults()).err().unwrap_or_default();
    for problem in &problems {
        assert!(!problem.remedy.is_empty() && !problem.what.is_empty(), "{problem}");
    }
    problems.into_iter().map(|problem| format!("{}: {}", problem.path, problem.what)).collect()
}

/// It is wrong in one way, there, and this is said of it.
#[track_caller]
fn one(path: &str, word: &str, change: impl FnOnce(&mut MixnetSpec)) {
    let problems = wrong(change);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with(&format!("{path}: ")), "{problems:?}");
    assert!(problems[0].contains(word), "{problems:?}");
}

#[test]
fn an_empty_spec_is_valid() {
    assert_eq!(wrong(|_| ()), Vec::<String>::new());
    let spec: MixnetSpec = serde_json::from_str("{}").expect("an empty spec");
    assert_eq!(spec, MixnetSpec::default());
}

#[test]
fn names_that_pods_cannot_have_are_refused() {
    for good in ["a", "net-1", &"n".repeat(40)] {
        assert!(validate(&named(good, MixnetSpec::default()), &defaults()).is_ok(), "{good}");
    }
    for bad in ["", "1net", "net-", "Net", "n.t", &"n".repeat(41)] {
        let problems = validate(&named(bad, MixnetSpec::default()), &defaults()).unwrap_err();
        assert_eq!(problems[0].path, "metadata.name", "{bad}");
    }
    let never_applied = Mixnet::new("net", MixnetSpec::default());
    assert_eq!(validate(&never_applied, &defaults()).unwrap_err()[0].path, "metadata");
}

#[test]
fn images_are_known_and_look_like_images() {
    one("spec.images.mixbed", "no image", |spec| spec.images.mixbed = Some("a b".to_owned()));
    one("spec.images.monero", "no image", |spec| spec.images.monero = Some("a:".to_owned()));
    one("spec.images.pullPolicy", "Sometimes", |spec| {
        spec.images.pull_policy = Some("Sometimes".to_owned());
    });
    let none = validate(&named("net", MixnetSpec::default()), &Defaults::default());
    let paths: Vec<_> = none.unwrap_err().into_iter().map(|problem| problem.path).collect();
    assert_eq!(paths, ["spec.images.mixbed", "spec.images.monero"]);
}

#[test]
fn numbers_out_of_range_are_named() {
    one("spec.gateways.replicas", "0 is not 1 to 50", |spec| spec.gateways.replicas = 0);
    one("spec.mixes.perLayer", "101", |spec| spec.mixes.per_layer = 101);
    one("spec.providers.replicas", "11", |spec| spec.providers.replicas = 11);
    one("spec.drain", "0s and 5m", |spec| spec.drain = Period::from_secs(301));
    one("spec.directory.lease", "1s and 1h", |spec| spec.directory.lease = Period::from_secs(0));
    one("spec.providers.blockTime", "200ms", |spec| {
        spec.providers.block_time = Period::from_millis(10);
    });
    let storage = |class_name: Option<&str>, size: &str| {
        let class_name = class_name.map(str::to_owned);
        Some(Storage { class_name, size: size.to_owned(), keep: false })
    };
    one("spec.storage.size", "no size", |spec| spec.storage = storage(None, "0Gi"));
    one("spec.storage.className", "St A", |spec| spec.storage = storage(Some("St A"), "1Gi"));
}

#[test]
fn parameters_out_of_range_are_named() {
    one("spec.parameters", "60 s", |spec| {
        spec.parameters.mean_hop_delay = Period::from_secs(61);
    });
    one("spec.parameters", "24 h", |spec| spec.parameters.epoch_length = Period::from_millis(9));
    one("spec.parameters", "downlink", |spec| spec.parameters.rates.downlink = f64::NAN);
}

#[test]
fn each_wrong_rule_is_named_by_its_place() {
    let from = |from: &str, loss: &str| Impairment {
        from: Some(from.to_owned()),
        loss: Some(loss.to_owned()),
        ..Impairment::default()
    };
    let rules = vec![
        from("gateway", "5%"),
        from("gateway", "101%"),
        from("net-mix-1-1", "5%"),
        from("net-mix-1-2", "5%"),
        from("mix-4", "5%"),
        from("0123456789abcdef", "5%"),
        from("Gate", "5%"),
        Impairment { node: Some("mix".to_owned()), ..Impairment::default() },
    ];
    let problems = wrong(|spec| spec.impairments = rules);
    let places: Vec<_> =
        problems.iter().filter_map(|problem| problem.split_once(": ")?.0.get(17..18)).collect();
    assert_eq!(places, ["1", "3", "4", "6", "7"], "{problems:?}");
    assert!(problems[4].contains("onlyFrom"), "in the spec's words: {problems:?}");
    one("spec.impairments", "65 rules", |spec| {
        spec.impairments = vec![from("gateway", "5%"); 65];
    });
}

#[test]
fn amounts_that_cannot_be_are_named() {
    let amounts = |kind: &str, name: &str, amount: &str| {
        let map = [(name.to_owned(), Quantity(amount.to_owned()))].into();
        Some(match kind {
            "requests" => Resources { requests: map, ..Resources::default() },
            _ => Resources { limits: map, ..Resources::default() },
        })
    };
    let memory = "spec.mixes.resources.requests.memory";
    one(memory, "less than 1Mi", |spec| {
        spec.mixes.pods.resources = amounts("requests", "memory", "64m");
    });
    one(memory, "1Gi are asked for, and 384Mi are the limit", |spec| {
        spec.mixes.pods.resources = amounts("requests", "memory", "1Gi");
    });
    one("spec.gateways.resources.requests.cpu", "no amount", |spec| {
        spec.gateways.pods.resources = amounts("requests", "cpu", "much");
    });
    one("spec.gateways.resources.limits.gpu", "no pod", |spec| {
        spec.gateways.pods.resources = amounts("limits", "gpu", "1");
    });
    one("spec.directory.resources.limits.cpu", "nothing", |spec| {
        spec.directory.pods.resources = amounts("limits", "cpu", "0");
    });
    let problems = wrong(|spec| {
        spec.providers.monerod.resources = amounts("limits", "memory", "128Mi");
    });
    assert_eq!(problems.len(), 2, "less than it takes, and than it asks for: {problems:?}");
    assert!(problems[1].contains("first block"), "{problems:?}");
}

#[test]
fn where_pods_cannot_run_is_named() {
    let path = "spec.scheduling.tolerations[0]";
    let tolerating = |spec: &mut MixnetSpec, toleration| {
        spec.scheduling.tolerations = vec![toleration];
    };
    one(path, "no key", |spec| tolerating(spec, Toleration::default()));
    let exists = Toleration { operator: Some("Exists".to_owned()), ..Toleration::default() };
    let all = exists.clone();
    assert_eq!(wrong(|spec| tolerating(spec, all)), Vec::<String>::new());
    one(path, "no effect", |spec| {
        tolerating(spec, Toleration { effect: Some("No".to_owned()), ..exists.clone() });
    });
    one(path, "NoExecute", |spec| {
        tolerating(spec, Toleration { toleration_seconds: Some(1), ..exists.clone() });
    });
    one("spec.mixes.scheduling.nodeSelector", "no label", |spec| {
        let selector = [("a b".to_owned(), String::new())].into();
        let scheduling = crate::api::Scheduling { node_selector: selector, ..Default::default() };
        spec.mixes.pods.scheduling = Some(scheduling);
    });
    one("spec.scheduling.spreadOver", "no label", |spec| {
        spec.scheduling.spread_over = Some("a zone".to_owned());
    });
}

#[test]
fn addresses_that_nothing_answers_at_are_named() {
    let otlp = |url: &str| {
        let url = Some(url.to_owned());
        wrong(|spec| spec.tracing.otlp = url)
    };
    for good in ["http://jaeger:4317", "http://10.0.0.1:4317/", "http://[fd00::1]:4317"] {
        assert_eq!(otlp(good), Vec::<String>::new(), "{good}");
    }
    for bad in ["http://jaeger", "http://jaeger:0", "http://:1", "http://j:4317/v1"] {
        assert_eq!(otlp(bad).len(), 1, "{bad}");
    }
    one("spec.tracing.jaeger", "Jaeger", |spec| spec.tracing.jaeger = Some("http://".to_owned()));
    let jaeger = wrong(|spec| spec.tracing.jaeger = Some("https://j.example/ui".to_owned()));
    assert_eq!(jaeger, Vec::<String>::new());
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let problems = wrong(|spec| {
        spec.gateways.replicas = 0;
        spec.drain = Period::from_secs(301);
        spec.scheduling.spread_over = Some("?".to_owned());
        spec.parameters.epoch_length = Period::from_millis(1);
        spec.images.mixbed = Some("?".to_owned());
    });
    assert_eq!(problems.len(), 5, "{problems:?}");
}

#[test]
fn what_every_pod_has_can_be_had() {
    fn pods(spec: &mut MixnetSpec) -> &mut crate::api::EveryPod {
        &mut spec.pods
    }
    let label = |key: &str, value: &str| [crate::child::owned((key, value))].into();
    one("spec.pods.labels", "cannot be one", |spec| pods(spec).labels = label("team", "a b"));
    one("spec.pods.labels", "cannot be one", |spec| pods(spec).labels = label("te am", "a"));
    for ours in ["mixbed.dev/mixnet", "app.kubernetes.io/component"] {
        one("spec.pods.labels", "found by", |spec| pods(spec).labels = label(ours, "a"));
    }
    let note = "mixbed.dev/secrets";
    one("spec.pods.annotations", "found by", |spec| pods(spec).annotations = label(note, "a b"));
    one("spec.pods.priorityClassName", "no priority class", |spec| {
        pods(spec).priority_class_name = Some("Very High".to_owned());
    });
    one("spec.pods.imagePullSecrets", "no name", |spec| {
        pods(spec).image_pull_secrets = vec![crate::api::PullSecret { name: "No".to_owned() }];
    });
    one("spec.pods.user", "no pod may", |spec| pods(spec).user = Some(0));
    one("spec.pods.atLeast", "no amount", |spec| {
        pods(spec).at_least.limits = [("cpu".to_owned(), Quantity("lots".to_owned()))].into();
    });
    assert_eq!(wrong(|spec| pods(spec).labels = label("example.com/team", "a")), [""; 0]);
}

#[test]
fn an_affinity_is_one_that_the_api_server_knows() {
    let affinity = |yaml: &str| Some(serde_yaml::from_str(yaml).expect("YAML"));
    let good = "{podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: rack}]}}";
    assert_eq!(wrong(|spec| spec.scheduling.affinity = affinity(good)), [""; 0]);
    let term = "{podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: rack, lableSelector: {}}]}}";
    one("spec.scheduling.affinity", "[0].lableSelector", |spec| {
        spec.scheduling.affinity = affinity(term);
    });
    one("spec.scheduling.affinity", "no field podAfinity", |spec| {
        spec.scheduling.affinity = affinity("{podAfinity: {}}");
    });
    one("spec.scheduling.affinity", "invalid type", |spec| {
        spec.scheduling.affinity = affinity("{nodeAffinity: soon}");
    });
}

#[test]
fn images_are_of_repositories_that_the_operator_may_run() {
    let named = |image: &str| {
        let image = Some(image.to_owned());
        wrong(|spec| spec.images.mixbed = image)
    };
    assert_eq!(named("localhost/mixbed:2"), Vec::<String>::new());
    assert_eq!(named("localhost/m:2"), Vec::<String>::new(), "its other image");
    for image in ["evil.example/mixbed:1", "localhost/mixbed-evil:1", "docker.io/localhost/mixbed"]
    {
        let problems = named(image);
        assert!(problems[0].starts_with("spec.images.mixbed: this operator runs no image"));
        assert!(problems[0].contains(image), "{problems:?}");
    }
    one("spec.images.monero", "runs no image", |spec| {
        spec.images.monero = Some("evil.example/monero:1".to_owned());
    });
}

#[test]
fn nodes_from_outside_have_names_and_keys_of_their_own() {
    let node = |name: &str, identity: &str, role: &str, layer| OutsideNode {
        name: name.to_owned(),
        identity: identity.to_owned(),
        role: role.to_owned(),
        layer,
    };
    let key = format!("58{}", "66".repeat(31));
    let good = node("outside-0", &key, "gateway", None);
    let with = |nodes: Vec<OutsideNode>| move |spec: &mut MixnetSpec| spec.directory.nodes = nodes;
    assert_eq!(wrong(with(vec![good.clone()])), Vec::<String>::new());
    let all = "spec.directory.nodes";
    one(all, "twice", with(vec![good.clone(), node("outside-0", &key, "provider", None)]));
    one(all, "same identity", with(vec![good.clone(), node("outside-1", &key, "mix", Some(1))]));
    one(all, "more than 64", with(vec![good.clone(); 65]));
    let first = "spec.directory.nodes[0]";
    one(first, "a pod of this Mixnet", with(vec![node("net-mix-1-7", &key, "gateway", None)]));
    one(first, "identity", with(vec![node("outside-0", "abc", "gateway", None)]));
    one(first, "layer", with(vec![node("outside-0", &key, "mix", None)]));
    one(all, "1 to 63 of", with(vec![node("Outside", &key, "gateway", None)]));
}
