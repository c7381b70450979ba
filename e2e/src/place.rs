//! A namespace with a release of the chart, for one test.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, ResourceExt as _};
use mixbed_operator::api::{Mixnet, is_true};
use serde::de::DeserializeOwned;

use crate::cluster::Cluster;
use crate::command::{self, Said};
use crate::wait::{until, until_some};

/// How long a mixnet may take until it is ready, on a machine that does other things too.
pub const READY: Duration = Duration::from_secs(180);

/// How long `helm` may take.
const HELM: Duration = Duration::from_secs(300);

/// The chart.
const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/mixbed");

/// A namespace of its own.
pub struct Place {
    /// Where it is.
    pub cluster: Cluster,
    /// Its name.
    pub namespace: String,
}

/// The name of each test's mixnet.
pub const MIXNET: &str = "net";

impl Place {
    /// A fresh namespace, under the restricted Pod Security Standard.
    pub async fn new(test: &str) -> Self {
        let cluster = Cluster::of_this_run().await;
        let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
        let namespace = serde_json::json!({
            "metadata": {
                "generateName": format!("e2e-{test}-"),
                "labels": { "pod-security.kubernetes.io/enforce": "restricted" },
            }
        });
        let namespace = serde_json::from_value(namespace).expect("a namespace");
        let made = namespaces.create(&PostParams::default(), &namespace).await;
        let namespace = made.expect("a fresh namespace").name_any();
        Self { cluster, namespace }
    }

    /// The namespace's objects of a kind.
    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + DeserializeOwned,
    {
        Api::namespaced(self.cluster.client.clone(), &self.namespace)
    }

    /// Runs `helm` in the namespace.
    pub async fn helm(&self, arguments: &[&str]) -> Said {
        let all = [&["--namespace", &self.namespace], arguments].concat();
        command::run(&self.cluster.helm, all, HELM).await
    }

    /// What every installation here says: the cluster's own images, and Jaeger.
    pub fn values(&self) -> serde_json::Value {
        let image = |name: &str| {
            let (repository, tag) = name.rsplit_once(':').expect("an image with a tag");
            serde_json::json!({ "repository": repository, "tag": tag, "pullPolicy": "Never" })
        };
        let images = &self.cluster.images;
        serde_json::json!({
            "image": image(&images.mixbed),
            "moneroImage": image(&images.monero),
            "jaeger": { "enabled": true, "image": image(&images.jaeger) },
            "watch": { "namespaces": [self.namespace] },
            "mixnet": { "name": MIXNET },
        })
    }

    /// Installs or upgrades the release with these values besides.
    pub async fn install(&self, more: serde_json::Value) -> Said {
        self.chart(&["upgrade", "--install", "mixbed", CHART], more).await
    }

    /// What `helm template` makes of the chart with these values besides: it knows no cluster.
    pub async fn render(&self, more: serde_json::Value) -> Said {
        self.chart(&["template", "mixbed", CHART, "--include-crds"], more).await
    }

    async fn chart(&self, arguments: &[&str], more: serde_json::Value) -> Said {
        let mut values = self.values();
        merge(&mut values, more);
        let file = tempfile::NamedTempFile::new().expect("a file");
        serde_json::to_writer(file.as_file(), &values).expect("written");
        let file = file.path().to_str().expect("a path in UTF-8");
        self.helm(&[arguments, &["--values", file]].concat()).await
    }

    /// Runs `kubectl` in the namespace.
    pub async fn kubectl(&self, arguments: &[&str]) -> Said {
        let all = [&["--namespace", &self.namespace], arguments].concat();
        command::run(std::path::Path::new("kubectl"), all, HELM).await
    }

    /// Installs, and waits until the mixnet is ready.
    pub async fn ready(test: &str, more: serde_json::Value) -> Self {
        let place = Self::new(test).await;
        place.install(more).await.ok();
        place.mixnet_ready().await;
        place
    }

    /// Waits until the mixnet is ready as its spec is now.
    pub async fn mixnet_ready(&self) -> Mixnet {
        until(&self.api(), MIXNET, "the mixnet is ready", READY, is_ready).await
    }

    /// Runs `mixbed` on this machine, about the mixnet here.
    pub async fn mixbed(&self, arguments: &[&str], within: Duration) -> Said {
        let about = ["--namespace", &self.namespace, "--mixnet", MIXNET];
        let context = self.context();
        let mut all = arguments.to_vec();
        all.extend(["--context", &context]);
        all.extend(about);
        command::run(&self.cluster.mixbed, all, within).await
    }

    /// The context of the kubeconfig.
    pub fn context(&self) -> String {
        let config = kube::config::Kubeconfig::read().expect("a kubeconfig");
        config.current_context.expect("a current context")
    }

    /// The pods with these labels.
    pub async fn pods(&self, labels: &str) -> Vec<Pod> {
        let list = self.api::<Pod>().list(&ListParams::default().labels(labels)).await;
        list.expect("pods").items
    }

    /// Ends a pod at once, as a crash of its machine would, and waits until it is gone.
    pub async fn kill(&self, pod: &Pod) {
        let (pods, name) = (self.api::<Pod>(), pod.name_any());
        let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        pods.delete(&name, &now).await.expect("killed");
        let uid = pod.uid();
        until_some("a killed pod is gone", Duration::from_secs(60), || async {
            let found = pods.get_opt(&name).await.ok()?;
            found.is_none_or(|found| found.uid() != uid).then_some(())
        })
        .await;
    }

    /// Uninstalls the release and removes the namespace.
    pub async fn done(self) {
        self.helm(&["uninstall", "mixbed", "--wait"]).await.ok();
        self.remove().await;
    }

    /// Removes the namespace, which has no release any more.
    pub async fn remove(self) {
        let namespaces: Api<Namespace> = Api::all(self.cluster.client.clone());
        let gone = namespaces.delete(&self.namespace, &DeleteParams::default()).await;
        gone.expect("the namespace is removed");
    }
}

/// Whether a mixnet is ready as its spec is now.
pub fn is_ready(mixnet: &Mixnet) -> bool {
    mixnet.status.as_ref().is_some_and(|status| {
        status.observed_generation == mixnet.metadata.generation
            && is_true(&status.conditions, "Ready")
            && !is_true(&status.conditions, "Progressing")
    })
}

/// Lays one tree of values over another.
fn merge(under: &mut serde_json::Value, over: serde_json::Value) {
    match (under, over) {
        (serde_json::Value::Object(under), serde_json::Value::Object(over)) => {
            for (key, value) in over {
                merge(under.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}
