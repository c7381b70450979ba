//! Ports, each with the one name that it has in pods, Services and probes.

use k8s_openapi::api::core::v1::{ContainerPort, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::api::{
    DIRECTORY_HTTP_PORT, DIRECTORY_PORT, DIRECTORY_PROBES_PORT, LINK_PORT, MINER_PORT,
    MINER_PROBES_PORT, MONEROD_P2P_PORT, MONEROD_PORT, NODE_HTTP_PORT, NODE_PROBES_PORT,
};

/// A TCP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Port {
    pub(super) name: &'static str,
    pub(super) number: u16,
    protocol: Option<&'static str>,
}

/// The name of a port for probes.
const PROBES: &str = "probes";

const fn port(name: &'static str, number: u16, protocol: Option<&'static str>) -> Port {
    Port { name, number, protocol }
}

/// The directory's documents.
pub(super) const DOCUMENTS: Port = port("grpc", DIRECTORY_PORT, Some("grpc"));
/// The directory's metrics.
pub(super) const DIRECTORY_HTTP: Port = port("http", DIRECTORY_HTTP_PORT, Some("http"));
/// Whether the directory is well, and nothing else.
pub(super) const DIRECTORY_PROBES: Port = port(PROBES, DIRECTORY_PROBES_PORT, Some("http"));
/// Links between nodes, and of clients.
pub(super) const LINK: Port = port("link", LINK_PORT, None);
/// A node's metrics.
pub(super) const NODE_HTTP: Port = port("http", NODE_HTTP_PORT, Some("http"));
/// Whether a node is well, and nothing else.
pub(super) const NODE_PROBES: Port = port(PROBES, NODE_PROBES_PORT, Some("http"));
/// The miner's orders and metrics.
pub(super) const MINER_HTTP: Port = port("http", MINER_PORT, Some("http"));
/// Whether the miner is well, and nothing else.
pub(super) const MINER_PROBES: Port = port(PROBES, MINER_PROBES_PORT, Some("http"));
/// monerod for providers, wallets and the miner.
pub(super) const MONEROD_RPC: Port = port("rpc", MONEROD_PORT, Some("http"));
/// monerod for its peers.
pub(super) const MONEROD_P2P: Port = port("p2p", MONEROD_P2P_PORT, None);

impl Port {
    /// In a container.
    pub(super) fn container(self) -> ContainerPort {
        ContainerPort {
            name: Some(self.name.to_owned()),
            container_port: self.number.into(),
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }
    }

    /// In a Service, where it has the same number.
    pub(super) fn service(self) -> ServicePort {
        ServicePort {
            name: Some(self.name.to_owned()),
            port: self.number.into(),
            target_port: Some(self.by_name()),
            protocol: Some("TCP".to_owned()),
            app_protocol: self.protocol.map(str::to_owned),
            ..ServicePort::default()
        }
    }

    /// As probes and Services name it.
    pub(super) fn by_name(self) -> IntOrString {
        IntOrString::String(self.name.to_owned())
    }
}
