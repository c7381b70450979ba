//! The net itself: starts the directory and the nodes, stops and restarts single ones.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use mixbed_directory::authority::StartError;
use mixbed_directory::follower::{FollowerError, NotReady};
use mixbed_directory::{
    Authority, AuthorityConfig, ChangeError, Follower, FollowerConfig, IdentitySecret, JoinSecret,
    Role, Trust,
};
use mixbed_node::mailbox::MailboxConfig;
use mixbed_node::{Node, NodeConfig, NodeError};
use mixbed_telemetry::{NodeMetrics, Telemetry};
use mixbed_wire::LinkSecret;
use tokio::net::TcpListener;

use crate::directories::LocalDirectories;
use crate::{LocalNetConfig, NetBooks};

/// Why a local net could not start.
#[derive(Debug, thiserror::Error)]
pub enum LocalNetError {
    /// The directory could not start.
    #[error("the directory could not start: {0}")]
    Directory(#[from] StartError),
    /// It could not be followed.
    #[error(transparent)]
    Follower(#[from] FollowerError),
    /// No socket for a node.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// A node could not start.
    #[error("{name} could not start: {error}")]
    Node {
        /// The node's name.
        name: String,
        /// Why.
        error: NodeError,
    },
    /// There is no node of that name.
    #[error("there is no node {name:?} here; there are {known}")]
    NoSuchNode {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
    /// Its parameters could not be changed.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// It did not become ready in time.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// Nodes of it do not go by its document in time.
    #[error("after {waited:?} the directory's document has not come to {nodes}")]
    Behind {
        /// How long was waited.
        waited: Duration,
        /// The nodes' names.
        nodes: String,
    },
}

/// A running local mixnet.
#[derive(Debug)]
pub struct LocalNet {
    config: LocalNetConfig,
    join_secret: JoinSecret,
    admin: IdentitySecret,
    directories: LocalDirectories,
    trust: Trust,
    follower: Follower,
    plans: BTreeMap<String, (NodeConfig, SocketAddr)>,
    nodes: BTreeMap<String, Node>,
    /// The accounts of nodes that were stopped: their last packets may still be on their way out.
    ended: Vec<(String, NodeMetrics)>,
}

impl LocalNet {
    /// Starts everything, on free loopback ports; [`wait_ready`](Self::wait_ready) waits until it
    /// can carry packets.
    pub async fn start(config: LocalNetConfig) -> Result<Self, LocalNetError> {
        let join_secret = JoinSecret::generate(&mut rand::rng());
        let admin = IdentitySecret::generate(&mut rand::rng());
        // Boxed, as what starts a directory is large, and each caller's future would be.
        let directories = Box::pin(LocalDirectories::start(&config, &join_secret, &admin)).await?;
        let trust = directories.trust();
        let follower = Follower::start(FollowerConfig::new(directories.urls(), trust.clone()))?;
        let mut net = Self {
            join_secret,
            admin,
            directories,
            trust,
            follower,
            plans: BTreeMap::new(),
            nodes: BTreeMap::new(),
            ended: Vec::new(),
            config,
        };
        let LocalNetConfig { monerods, tcps, .. } = net.config.clone();
        let (mut monerods, mut tcps) = (monerods.into_iter(), tcps.into_iter());
        for (name, role) in net.config.shape.nodes() {
            let (monerod, monerod_restricted, tcp) = if role == Role::Provider {
                let all = (net.config.monerod.clone(), net.config.monerod_restricted.clone());
                let (monerod, restricted) = monerods.next().map_or(all, |own| (Some(own), None));
                (monerod, restricted, tcps.next())
            } else {
                (None, None, None)
            };
            let plan = NodeConfig {
                name: name.clone(),
                role,
                advertise: None,
                directory: net.directory_url(),
                trust: net.trust.clone(),
                join_secret: Some(net.join_secret.clone()),
                identity: IdentitySecret::generate(&mut rand::rng()),
                link_key: LinkSecret::generate(&mut rand::rng()),
                monerod,
                monerod_restricted,
                tcp: tcp.unwrap_or_else(|| net.config.tcp.clone()),
                mailboxes: MailboxConfig {
                    keep_in: net.config.state_dir.as_ref().map(|dir| dir.join(&name)),
                    bounds: net.config.mailboxes,
                },
                keep_document_in: None,
                limits: net.config.limits.clone(),
            };
            net.plans.insert(name.clone(), (plan, SocketAddr::new(net.config.ip(), 0)));
            net.start_node(&name).await?;
        }
        Ok(net)
    }

    /// The directories that run, with the names of all; usually one.
    pub fn authorities(&self) -> impl Iterator<Item = (&str, Option<&Authority>)> {
        self.directories.iter()
    }

    /// The directory's URL; of several, all with commas between.
    #[must_use]
    pub fn directory_url(&self) -> String {
        self.directories.urls()
    }

    /// The key that signs the documents; of several, all with commas between.
    #[must_use]
    pub fn authority_key(&self) -> String {
        self.directories.keys()
    }

    /// Whose documents to believe.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// What lets further nodes join.
    #[must_use]
    pub fn join_secret(&self) -> &JoinSecret {
        &self.join_secret
    }

    /// The key whose orders the directory carries out.
    #[must_use]
    pub fn admin(&self) -> &IdentitySecret {
        &self.admin
    }

    /// The net's own view of the document.
    #[must_use]
    pub fn follower(&self) -> &Follower {
        &self.follower
    }

    /// Where spans and metrics go.
    #[must_use]
    pub fn telemetry(&self) -> &Telemetry {
        &self.config.telemetry
    }

    /// The nodes that run, by name.
    #[must_use]
    pub fn nodes(&self) -> &BTreeMap<String, Node> {
        &self.nodes
    }

    /// All nodes' accounts, those of nodes that were stopped included.
    #[must_use]
    pub fn books(&self) -> NetBooks {
        let nodes = self.nodes.iter().map(|(name, node)| (name.clone(), node.readings())).collect();
        let ended =
            self.ended.iter().map(|(name, books)| (name.clone(), books.readings())).collect();
        NetBooks { nodes, ended }
    }

    /// Starts a stopped node again, with its keys and on its port.
    pub async fn start_node(&mut self, name: &str) -> Result<(), LocalNetError> {
        let (plan, address) =
            self.plans.get_mut(name).ok_or_else(|| LocalNetError::NoSuchNode {
                name: name.to_owned(),
                known: self.nodes.keys().cloned().collect::<Vec<_>>().join(", "),
            })?;
        let listen = |error| LocalNetError::Listen { address: *address, error };
        let socket = TcpListener::bind(*address).await.map_err(listen)?;
        *address = socket.local_addr().map_err(listen)?;
        let node = Node::start(plan.clone(), socket, &self.config.telemetry)
            .map_err(|error| LocalNetError::Node { name: name.to_owned(), error })?;
        self.nodes.insert(name.to_owned(), node);
        Ok(())
    }

    /// Stops one node while the others go on: properly, if it gets some time to drain; with a
    /// `limit` of zero as in a crash.
    pub async fn stop_node(&mut self, name: &str, limit: Duration) {
        if let Some(node) = self.nodes.remove(name) {
            self.ended.push((name.to_owned(), node.metrics()));
            node.retire(limit).await;
        }
    }

    /// Stops the directory, all of several; the nodes go on with what they know.
    pub async fn stop_directory(&mut self) {
        for at in 0..self.config.directories {
            self.directories.stop(at).await;
        }
    }

    /// Starts the directory again on its port, all of several. With a state directory it is the
    /// same one.
    pub async fn start_directory(&mut self) -> Result<(), LocalNetError> {
        for at in 0..self.config.directories {
            self.directories.start_again(at).await?;
        }
        Ok(())
    }

    /// What one of several directories is started with, counted from 0. Its key is there unless it
    /// came from a state of an earlier start: whoever has it can play that directory.
    #[must_use]
    pub fn directory_config(&self, at: usize) -> Option<&AuthorityConfig> {
        self.directories.config(at)
    }

    /// Stops one of several directories, counted from 0.
    pub async fn stop_one_directory(&mut self, at: usize) {
        self.directories.stop(at).await;
    }

    /// Starts it again.
    pub async fn start_one_directory(&mut self, at: usize) -> Result<(), LocalNetError> {
        Ok(self.directories.start_again(at).await?)
    }

    /// Stops everything, letting packets out for at most `limit`.
    pub async fn stop(mut self, limit: Duration) {
        let stops: Vec<_> = std::mem::take(&mut self.nodes)
            .into_values()
            .map(|node| tokio::spawn(node.stop(limit)))
            .collect();
        for stop in stops {
            if let Err(error) = stop.await {
                tracing::error!(%error, "a node did not stop properly");
            }
        }
        self.stop_directory().await;
    }
}
