//! A way into a cluster's mixnet for a client on this machine: to its directory, to one gateway,
//! and to where its spans go.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::ListParams;
use mixbed_directory::{DirectoryClient, Document, Trust};
use mixbed_operator::api::{COMPONENT_LABEL, DIRECTORY_PORT, LINK_PORT, MIXNET_LABEL};
use rand::seq::IndexedRandom as _;

use super::forward::{Forward, Target, is_ready};
use super::{ClusterError, InCluster};
use crate::settings::ClientSettings;

/// Ports that lead there, as long as it lives.
pub(crate) struct Session {
    directory: Forward,
    trust: Trust,
    network: String,
    authority_key: String,
    gateway: Option<(String, Forward)>,
    otlp: Option<Forward>,
}

impl Session {
    /// A way to the directory alone.
    pub(super) async fn to_directory(found: &InCluster) -> Result<Self, ClusterError> {
        let told = found.told()?;
        let authority_key = told.authority_key.clone();
        let authority_key = authority_key.ok_or_else(|| found.not_ready("it has no key yet"))?;
        let key = authority_key.parse().map_err(|error| found.not_ready(format!("{error}")))?;
        let service = Target::Service(format!("{}-directory", found.name()));
        let (client, namespace) = (found.client.clone(), found.namespace.clone());
        Ok(Self {
            directory: Forward::start(client, namespace, service, DIRECTORY_PORT).await?,
            trust: Trust::single(&told.network, key),
            network: told.network.clone(),
            authority_key,
            gateway: None,
            otlp: None,
        })
    }

    /// A way for a client: `gateway` by name, or any that is ready.
    pub(crate) async fn open(
        found: &InCluster,
        gateway: Option<&str>,
    ) -> Result<Self, ClusterError> {
        let mut session = Self::to_directory(found).await?;
        let name = choose(found, gateway).await?;
        let (client, namespace) = (found.client.clone(), found.namespace.clone());
        let pod = Target::Pod(name.clone());
        let forward = Forward::start(client.clone(), namespace.clone(), pod, LINK_PORT).await?;
        session.gateway = Some((name, forward));
        if let Some(url) = &found.mixnet.spec.tracing.otlp
            && let Some(at) = InService::of(url, &namespace)
        {
            let service = Target::Service(at.service);
            session.otlp = Some(Forward::start(client, at.namespace, service, at.port).await?);
        }
        Ok(session)
    }

    /// The document that holds.
    pub(super) async fn document(&self) -> Result<Document, ClusterError> {
        let url = format!("mixbed://{}", self.directory.address);
        let client = DirectoryClient::new(&url, &self.trust);
        let client = client.map_err(|error| ClusterError::Other(error.to_string()))?;
        let document = client.current(&self.trust).await;
        document.map_err(|error| ClusterError::Other(error.to_string()))
    }

    /// The gateway that it leads to.
    pub(crate) fn gateway(&self) -> Option<&str> {
        self.gateway.as_ref().map(|(name, _)| name.as_str())
    }

    /// Puts the way into a client's settings.
    pub(crate) fn lead(&self, settings: &mut ClientSettings) {
        settings.network.clone_from(&self.network);
        settings.directory = format!("mixbed://{}", self.directory.address);
        settings.authority_key = self.authority_key.parse().ok();
        if let Some((name, forward)) = &self.gateway {
            settings.gateway = Some(name.clone());
            settings.gateway_at = Some(forward.address.to_string());
        }
        // This machine tells of nothing there unless it is asked to.
        if let Some(otlp) = &self.otlp
            && settings.traced
            && settings.otlp.is_none()
        {
            settings.otlp = Some(format!("http://{}", otlp.address));
        }
    }
}

async fn choose(found: &InCluster, gateway: Option<&str>) -> Result<String, ClusterError> {
    let labels = format!("{MIXNET_LABEL}={},{COMPONENT_LABEL}=gateway", found.name());
    let pods = found.api::<Pod>().list(&ListParams::default().labels(&labels)).await?;
    let ready: Vec<String> =
        pods.items.iter().filter(|pod| is_ready(pod)).map(ResourceExt::name_any).collect();
    match gateway {
        Some(name) if ready.iter().any(|ready| ready == name) => Ok(name.to_owned()),
        Some(name) => Err(ClusterError::Other(format!(
            "{name} is no gateway that is ready; these are: {}",
            ready.join(", ")
        ))),
        None => ready.choose(&mut rand::rng()).cloned().ok_or_else(|| ClusterError::NoPod {
            what: format!("a gateway of {}", found.name()),
            namespace: found.namespace.clone(),
        }),
    }
}

/// A service of the cluster that a URL names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InService {
    pub(super) service: String,
    pub(super) namespace: String,
    pub(super) port: u16,
}

impl InService {
    /// Reads `http://NAME[.NAMESPACE[.svc…]]:PORT`; nothing if it names something outside.
    pub(super) fn of(url: &str, own: &str) -> Option<Self> {
        let url = reqwest::Url::parse(url).ok()?;
        let host = url.host_str()?;
        if host.parse::<std::net::IpAddr>().is_ok() {
            return None;
        }
        let mut parts = host.split('.');
        let service = parts.next()?.to_owned();
        let namespace = parts.next().unwrap_or(own).to_owned();
        if parts.next().is_some_and(|part| part != "svc") {
            return None;
        }
        Some(Self { service, namespace, port: url.port_or_known_default()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_told_from_what_is_outside() {
        let read =
            |url: &str| InService::of(url, "here").map(|at| (at.service, at.namespace, at.port));
        let at = |service: &str, namespace: &str, port: u16| {
            Some((service.to_owned(), namespace.to_owned(), port))
        };
        assert_eq!(read("http://jaeger:4317"), at("jaeger", "here", 4317));
        assert_eq!(read("http://jaeger.obs:16686"), at("jaeger", "obs", 16686));
        assert_eq!(read("http://jaeger.obs.svc.cluster.local"), at("jaeger", "obs", 80));
        assert_eq!(read("http://jaeger.example.org:16686"), None);
        assert_eq!(read("http://10.0.0.1:4317"), None);
        assert_eq!(read("jaeger"), None);
    }
}
