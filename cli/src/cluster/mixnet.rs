//! A Mixnet, found.

use std::time::Duration;

use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Api, Client, Config, ResourceExt};
use mixbed_operator::api::{Mixnet, MixnetStatus};

use super::ClusterArgs;
use super::proxy::{ProxyError, proxy_for};

/// How long the API server may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why a mixnet in a cluster is not reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    /// There is no such context, or no kubeconfig.
    #[error("the kubeconfig does not lead to a cluster: {}; `kubectl config get-contexts` lists what it has", brief(.0))]
    Kubeconfig(KubeconfigError),
    /// The way to it is through a proxy that cannot be used.
    #[error("the way to the cluster: {0}")]
    Proxy(#[from] ProxyError),
    /// The API server says no, or nothing.
    #[error("the cluster's API server: {}", told(.0))]
    Api(#[from] Box<kube::Error>),
    /// No such Mixnet.
    #[error("there is no Mixnet {name} in namespace {namespace}; {there}")]
    NoMixnet { name: String, namespace: String, there: String },
    /// None at all.
    #[error(
        "there is no Mixnet in namespace {0}: name another with --namespace (kubectl get mixnets --all-namespaces lists all), or install one: helm install mixbed charts/mixbed"
    )]
    None(String),
    /// Which one?
    #[error("namespace {namespace} has several Mixnets: choose one with --mixnet: {}", .names.join(", "))]
    Several { namespace: String, names: Vec<String> },
    /// Its operator has not told enough of it yet.
    #[error(
        "the Mixnet {name} is not ready for that: {why}; `kubectl get mixnets --namespace {namespace}` tells how it is"
    )]
    NotReady { name: String, namespace: String, why: String },
    /// A pod that should be there is not.
    #[error("no pod of {what} is ready in namespace {namespace}")]
    NoPod { what: String, namespace: String },
    /// Something else on the way.
    #[error("{0}")]
    Other(String),
}

impl From<kube::Error> for ClusterError {
    fn from(error: kube::Error) -> Self {
        Self::Api(Box::new(error))
    }
}

/// Without the whole search that libraries tell.
fn brief(error: &KubeconfigError) -> String {
    error.to_string()
}

/// The proxy that the context's cluster has in the kubeconfig.
fn proxy_url(kubeconfig: &Kubeconfig, context: Option<&str>) -> Option<String> {
    let name = context.or(kubeconfig.current_context.as_deref())?;
    let context = kubeconfig.contexts.iter().find(|context| context.name == name)?;
    let cluster = &context.context.as_ref()?.cluster;
    let cluster = kubeconfig.clusters.iter().find(|named| named.name == *cluster)?;
    cluster.cluster.as_ref()?.proxy_url.clone()
}

/// What the API server says, without its JSON.
fn told(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.code == 403 && !status.message.is_empty() => format!(
            "{} (403): your account's role lacks that verb; whoever administers the cluster may bind the role \
             `view` (to look) or `edit` (to change) to it in the namespace",
            status.message
        ),
        kube::Error::Api(status) if !status.message.is_empty() => {
            format!("{} ({})", status.message, status.code)
        }
        kube::Error::Service(error) => format!("cannot be reached: {error}"),
        error => error.to_string(),
    }
}

/// A Mixnet of a cluster that is spoken with.
#[derive(Clone)]
pub(crate) struct InCluster {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) mixnet: Mixnet,
}

impl InCluster {
    /// Speaks with the cluster, whatever Mixnets it has; the client and the namespace.
    pub(crate) async fn connect(args: &ClusterArgs) -> Result<(Client, String), ClusterError> {
        let options = KubeConfigOptions {
            context: args.context().map(str::to_owned),
            ..KubeConfigOptions::default()
        };
        let kubeconfig = Kubeconfig::read().map_err(ClusterError::Kubeconfig)?;
        let in_kubeconfig = proxy_url(&kubeconfig, args.context());
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        let mut config = config.map_err(ClusterError::Kubeconfig)?;
        config.proxy_url = proxy_for(&config.cluster_url, in_kubeconfig.as_deref(), |name| {
            std::env::var(name).ok()
        })?;
        // Reading only: what is forwarded or watched may last.
        config.connect_timeout = Some(PATIENCE);
        let namespace = args.namespace().unwrap_or(&config.default_namespace).to_owned();
        Ok((Client::try_from(config)?, namespace))
    }

    /// Finds the Mixnet.
    pub(crate) async fn find(args: &ClusterArgs) -> Result<Self, ClusterError> {
        let (client, namespace) = Self::connect(args).await?;
        let mixnets: Api<Mixnet> = Api::namespaced(client.clone(), &namespace);
        let all = ListParams::default();
        let list = tokio::time::timeout(PATIENCE, mixnets.list(&all)).await;
        let list = list.map_err(|_| {
            ClusterError::Other(format!(
                "the cluster's API server does not answer within {} s",
                PATIENCE.as_secs()
            ))
        })??;
        let mut found = list.items;
        if let Some(name) = args.mixnet() {
            let names: Vec<String> = found.iter().map(ResourceExt::name_any).collect();
            found.retain(|mixnet| mixnet.name_any() == name);
            if found.is_empty() {
                let there = match names.as_slice() {
                    [] => "there is none at all there".to_owned(),
                    names => format!("there are: {}", names.join(", ")),
                };
                let name = name.to_owned();
                return Err(ClusterError::NoMixnet { name, namespace, there });
            }
        }
        match found.len() {
            0 => Err(ClusterError::None(namespace)),
            1 => Ok(Self { client, namespace, mixnet: found.remove(0) }),
            _ => {
                let names = found.iter().map(ResourceExt::name_any).collect();
                Err(ClusterError::Several { namespace, names })
            }
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> String {
        self.mixnet.name_any()
    }

    /// The namespace's objects of a kind.
    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// What its operator says of it.
    pub(crate) fn told(&self) -> Result<&MixnetStatus, ClusterError> {
        self.mixnet.status.as_ref().ok_or_else(|| {
            self.not_ready("its operator has not looked at it; is one installed and running?")
        })
    }

    pub(super) fn not_ready(&self, why: impl Into<String>) -> ClusterError {
        let (name, namespace) = (self.name(), self.namespace.clone());
        ClusterError::NotReady { name, namespace, why: why.into() }
    }

    /// Asks a service or a pod over HTTP by way of the API server: `path` as in
    /// `pods/NAME:7201/proxy/metrics`.
    pub(super) async fn http(&self, path: &str) -> Result<String, kube::Error> {
        let path = format!("/api/v1/namespaces/{}/{path}", self.namespace);
        self.http_at(&path).await
    }

    /// The same of any namespace.
    pub(super) async fn http_at(&self, path: &str) -> Result<String, kube::Error> {
        let request = axum::http::Request::get(path).body(Vec::new());
        let request = request.map_err(kube::Error::HttpError)?;
        self.client.request_text(request).await
    }
}
