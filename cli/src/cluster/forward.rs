//! Ports of this machine that lead to pods.

use std::net::{Ipv4Addr, SocketAddr};

use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use super::ClusterError;

/// Connections through one forward at once: a client has one or two.
const AT_ONCE: usize = 64;

/// Where a forward leads.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// A pod by its name; another one of the same name takes its place.
    Pod(String),
    /// Any ready pod of a service.
    Service(String),
}

/// A port on loopback whose connections end at a pod. Ends when it is dropped.
#[derive(Debug)]
pub(super) struct Forward {
    pub(super) address: SocketAddr,
    task: AbortHandle,
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Forward {
    /// Listens, and looks up where each connection is to go when it comes.
    pub(super) async fn start(
        client: Client,
        namespace: String,
        target: Target,
        port: u16,
    ) -> Result<Self, ClusterError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.map_err(|error| ClusterError::Other(error.to_string()))?;
        let address =
            listener.local_addr().map_err(|error| ClusterError::Other(error.to_string()))?;
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                while connections.try_join_next().is_some() {}
                if connections.len() >= AT_ONCE {
                    continue;
                }
                let (client, namespace) = (client.clone(), namespace.clone());
                let target = target.clone();
                connections.spawn(async move {
                    if let Err(error) = carry(&client, &namespace, &target, port, stream).await {
                        tracing::debug!(?target, port, %error, "a forwarded connection ended");
                    }
                });
            }
        });
        Ok(Self { address, task: task.abort_handle() })
    }
}

/// Carries one connection to its end.
async fn carry(
    client: &Client,
    namespace: &str,
    target: &Target,
    port: u16,
    mut here: TcpStream,
) -> Result<(), ClusterError> {
    let (pod, port) = match target {
        Target::Pod(name) => (name.clone(), port),
        Target::Service(name) => behind(client, namespace, name, port).await?,
    };
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let mut forwarder = pods.portforward(&pod, &[port]).await?;
    let there = forwarder.take_stream(port);
    let mut there = there.ok_or_else(|| ClusterError::Other("no stream".to_owned()))?;
    let _ = here.set_nodelay(true);
    let _ = tokio::io::copy_bidirectional(&mut here, &mut there).await;
    drop(there);
    forwarder.abort();
    Ok(())
}

/// A ready pod behind a service's port, and the pod's own port.
async fn behind(
    client: &Client,
    namespace: &str,
    service: &str,
    port: u16,
) -> Result<(String, u16), ClusterError> {
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let spec = services.get(service).await?.spec.unwrap_or_default();
    let none = || ClusterError::NoPod {
        what: format!("the service {service}"),
        namespace: namespace.to_owned(),
    };
    let selector = spec.selector.unwrap_or_default();
    let labels: Vec<String> =
        selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let pods = pods.list(&ListParams::default().labels(&labels.join(","))).await?;
    let pod = pods.items.iter().find(|pod| is_ready(pod)).ok_or_else(none)?;
    let target = spec
        .ports
        .unwrap_or_default()
        .into_iter()
        .find(|listed| listed.port == i32::from(port))
        .and_then(|listed| listed.target_port);
    let port = match target {
        Some(IntOrString::Int(number)) => u16::try_from(number).unwrap_or(port),
        Some(IntOrString::String(name)) => named(pod, &name).unwrap_or(port),
        None => port,
    };
    Ok((pod.name_any(), port))
}

/// Whether a pod takes connections.
pub(super) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.is_some_and(|all| all.iter().any(|c| c.type_ == "Ready" && c.status == "True"))
}

/// The number of a pod's port that has a name.
fn named(pod: &Pod, name: &str) -> Option<u16> {
    let containers = &pod.spec.as_ref()?.containers;
    let mut ports = containers.iter().filter_map(|container| container.ports.as_ref()).flatten();
    let port = ports.find(|port| port.name.as_deref() == Some(name))?;
    u16::try_from(port.container_port).ok()
}
