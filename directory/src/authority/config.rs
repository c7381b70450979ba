//! What an authority is given.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::state::StateStore;
use crate::admission::Admission;
use crate::client::ClientError;
use crate::document::{Parameters, ParametersError, is_label};
use crate::identity::{IdentityPublic, IdentitySecret};
use crate::join::JoinSecret;
use crate::limits::{MAX_ADMINS, MAX_JOIN_SECRETS};
use crate::voting::PanelError;

/// What an authority is given. [`AuthorityConfig::new`] has the defaults.
#[derive(Clone, Debug)]
pub struct AuthorityConfig {
    /// Where it listens; port 0 takes a free one. Default 127.0.0.1, port 0.
    pub listen: SocketAddr,
    /// Where it keeps its state. Without one, everything is forgotten with the process, the
    /// signing key too: for networks that live in one process. Default none.
    pub state_dir: Option<PathBuf>,
    /// Another place for its state than a directory, instead of [`state_dir`](Self::state_dir).
    /// Default none.
    pub state_store: Option<Arc<dyn StateStore>>,
    /// The key that it signs with. Refused if the state has another one. Default: that in the
    /// state, or a new one.
    pub signing_key: Option<IdentitySecret>,
    /// Whether the state may have another key than [`signing_key`](Self::signing_key): then that one
    /// signs too, for as long as this is so, and nodes and clients that trust either go on. Default
    /// no.
    pub sign_with_former_key: bool,
    /// What nodes have to know where there is no list of them: one of these, several while one
    /// replaces another. Without any, no node joins.
    pub join_secrets: Vec<JoinSecret>,
    /// Whom it takes for its nodes. What was ordered at run time outlives a restart, until this here
    /// is changed. Default: whoever knows the join secret.
    pub admission: Admission,
    /// The public keys of those whose orders are carried out: several while one replaces another.
    /// Default none, so that nobody changes anything at run time.
    pub admins: Vec<IdentityPublic>,
    /// The network's parameters. Those set at run time outlive a restart, until these here are
    /// changed.
    pub parameters: Parameters,
    /// The network's name: 1 to 63 of `a-z`, `0-9` and `-`.
    pub network: String,
    /// How long a node stays listed without registering again; 1 s to 1 h. Default 60 s.
    pub lease: Duration,
    /// The network's other directories, an even number of them: a document needs the signatures of a
    /// majority of all. This one needs its key before it starts, which the others know. Default
    /// none: it signs alone.
    pub peers: Vec<PeerDirectory>,
    /// How many may watch documents at once; more are refused by name. Default 10,000.
    pub max_watchers: usize,
}

impl AuthorityConfig {
    /// The defaults, for a network that takes whoever knows the join secret.
    #[must_use]
    pub fn new(network: impl Into<String>, join_secret: JoinSecret) -> Self {
        Self { join_secrets: vec![join_secret], ..Self::of(network) }
    }

    /// The defaults, for a network that nobody can join: give it a list of nodes, a join secret, or
    /// an admin.
    #[must_use]
    pub fn of(network: impl Into<String>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            state_dir: None,
            state_store: None,
            signing_key: None,
            sign_with_former_key: false,
            join_secrets: Vec::new(),
            admission: Admission::Open,
            admins: Vec::new(),
            parameters: Parameters::default(),
            network: network.into(),
            lease: Duration::from_secs(60),
            peers: Vec::new(),
            max_watchers: 10_000,
        }
    }

    /// Whether every value is in its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if !is_label(&self.network) {
            return Err(ConfigError::Network(self.network.chars().take(80).collect()));
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(3600)).contains(&self.lease) {
            return Err(ConfigError::Lease(self.lease));
        }
        if self.join_secrets.len() > MAX_JOIN_SECRETS {
            return Err(ConfigError::JoinSecrets(self.join_secrets.len()));
        }
        if self.admins.len() > MAX_ADMINS {
            return Err(ConfigError::Admins(self.admins.len()));
        }
        if self.state_dir.is_some() && self.state_store.is_some() {
            return Err(ConfigError::TwoStates);
        }
        if self.sign_with_former_key && !self.peers.is_empty() {
            return Err(ConfigError::FormerKey);
        }
        Ok(self.parameters.validate()?)
    }
}

/// Another directory of the same network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerDirectory {
    /// The key that it signs with.
    pub key: IdentityPublic,
    /// Where it is: `mixbed://host:port`.
    pub url: String,
}

/// A value out of its range.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum ConfigError {
    /// See [`AuthorityConfig::network`].
    #[error("a network's name is 1 to 63 of a-z, 0-9 and -, not {0:?}")]
    Network(String),
    /// See [`AuthorityConfig::lease`].
    #[error("a lease is 1 s to 1 h long, not {0:?}")]
    Lease(Duration),
    /// See [`AuthorityConfig::join_secrets`].
    #[error("a directory has at most {MAX_JOIN_SECRETS} join secrets, not {0}")]
    JoinSecrets(usize),
    /// See [`AuthorityConfig::admins`].
    #[error("a directory has at most {MAX_ADMINS} admin keys, not {0}")]
    Admins(usize),
    /// See [`AuthorityConfig::state_store`].
    #[error("the state is kept in a directory or in another place, not in both")]
    TwoStates,
    /// One of several cannot sign with two keys: its document is everybody's.
    #[error(
        "one of several directories has one key: give all of them the list with its new key, and start them again, instead of sign_with_former_key"
    )]
    FormerKey,
    /// See [`AuthorityConfig::peers`].
    #[error(transparent)]
    Panel(#[from] PanelError),
    /// See [`PeerDirectory::url`].
    #[error(transparent)]
    Peer(#[from] ClientError),
    /// See [`Parameters`].
    #[error(transparent)]
    Parameters(#[from] ParametersError),
}
