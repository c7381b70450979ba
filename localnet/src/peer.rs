//! A node played by hand: for tests and measurements that need to hold both ends of a real node.

use std::time::Duration;

use mixbed_directory::registrar::RegistrarError;
use mixbed_directory::{
    Descriptor, IdentitySecret, JoinSecret, Registrar, RegistrarConfig, Role, SphinxKey, Trust,
};
use mixbed_link::Link;
use mixbed_wire::{HopAddress, LinkSecret, NodeId, SphinxSecret};
use tokio::net::TcpListener;

/// A registered node of any role that does nothing by itself: the caller dials its links, accepts
/// those of others and holds its keys.
#[derive(Debug)]
pub struct HandPeer {
    /// Its descriptor, as registered.
    pub descriptor: Descriptor,
    /// The key of its links.
    pub link_key: LinkSecret,
    /// The key of its packets.
    pub sphinx_key: SphinxSecret,
    /// Where others dial it.
    pub socket: TcpListener,
    network: String,
    registrar: Registrar,
}

impl HandPeer {
    /// Registers a node with fresh keys, listening on a free loopback port, and waits until the
    /// directory has accepted it.
    pub async fn join(
        name: &str,
        role: Role,
        directory: &str,
        trust: &Trust,
        join_secret: &JoinSecret,
    ) -> Result<Self, RegistrarError> {
        let link_key = LinkSecret::generate(&mut rand::rng());
        Self::join_as(link_key, name, role, directory, trust, join_secret).await
    }

    /// The same, with a link key that somebody may know it by already.
    pub async fn join_as(
        link_key: LinkSecret,
        name: &str,
        role: Role,
        directory: &str,
        trust: &Trust,
        join_secret: &JoinSecret,
    ) -> Result<Self, RegistrarError> {
        let mut rng = rand::rng();
        let identity = IdentitySecret::generate(&mut rng);
        let sphinx_key = SphinxSecret::generate(&mut rng);
        drop(rng);
        let unreachable = |error: std::io::Error| RegistrarError::NotInTime {
            waited: Duration::ZERO,
            why: format!("no loopback socket: {error}"),
        };
        let socket = TcpListener::bind("127.0.0.1:0").await.map_err(unreachable)?;
        let descriptor = Descriptor {
            name: name.to_owned(),
            identity: identity.public(),
            role,
            link_key: link_key.public(),
            address: socket.local_addr().map_err(unreachable)?.to_string(),
            sphinx_keys: vec![SphinxKey { epoch: 0, key: sphinx_key.public() }],
            services: Vec::new(),
            version: String::new(),
        };
        let config = RegistrarConfig {
            url: directory.to_owned(),
            trust: trust.clone(),
            identity,
            join_secret: Some(join_secret.clone()),
        };
        let registrar = Registrar::start(config, descriptor.clone())?;
        registrar.wait_registered(Duration::from_secs(10)).await?;
        let network = trust.network.clone();
        Ok(Self { descriptor, link_key, sphinx_key, socket, network, registrar })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.descriptor.id()
    }

    /// Its address in a route, untraced.
    #[must_use]
    pub fn hop_address(&self) -> HopAddress {
        HopAddress { node: self.id(), trace: None }
    }

    /// Opens a link to a node.
    pub async fn dial(&self, node: &Descriptor) -> Result<Link, mixbed_link::Error> {
        let limit = Duration::from_secs(5);
        mixbed_link::dial(&node.address, &self.network, &self.link_key, &node.link_key, limit).await
    }

    /// Takes the next link that somebody opens to this node.
    pub async fn accept(&self) -> Result<Link, mixbed_link::Error> {
        let (stream, _) = self.socket.accept().await?;
        mixbed_link::accept(stream, &self.network, &self.link_key, Duration::from_secs(5)).await
    }

    /// Leaves the network.
    pub async fn leave(self) {
        // It may be that the directory has gone first.
        let _ = self.registrar.unregister().await;
    }
}
