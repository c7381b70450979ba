//! What an authority's core is made of, and what of it has to outlive the process.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::epochs::Epochs;
use super::members::Member;
use crate::admission::Admission;
use crate::document::{Document, Parameters, SignedDocument, Trust};
use crate::identity::{IdentityPublic, IdentitySecret};
use crate::join::JoinSecret;
use crate::voting::Panel;

/// What an authority is given.
#[derive(Clone, Debug)]
pub struct CoreConfig {
    /// The network's name.
    pub network: String,
    /// What its nodes have to know, one of them; no matter where there is a list of nodes.
    pub join_secrets: Vec<JoinSecret>,
    /// Whom it takes for its nodes when it starts.
    pub admission: Admission,
    /// Whose orders it carries out.
    pub admins: Vec<IdentityPublic>,
    /// The parameters it starts with.
    pub parameters: Parameters,
    /// How long a node stays listed without registering again.
    pub lease: Duration,
}

/// What has to outlive the process.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The network's name.
    pub network: String,
    /// The signing key.
    pub secret: IdentitySecret,
    /// The one before it, which signs too while nodes and clients are told of the new one.
    pub former: Option<IdentitySecret>,
    /// The epoch.
    pub epochs: Epochs,
    /// The last document's revision.
    pub revision: u64,
    /// The parameters it was started with.
    pub configured: Parameters,
    /// The parameters that hold.
    pub parameters: Parameters,
    /// Whom it took for its nodes when it was started.
    pub configured_admission: Admission,
    /// Whom it takes now.
    pub admission: Admission,
    /// When the last order was made.
    pub last_order: Option<SystemTime>,
    /// Who is listed.
    pub members: Vec<Member>,
    /// The time of each identity's last message.
    pub seen: Vec<(IdentityPublic, SystemTime)>,
    /// Each epoch's last document that is still valid, oldest first.
    pub documents: Vec<Issued>,
    /// If it is one of several authorities, how far it has voted.
    pub voting: Option<Voted>,
}

/// How far one of several authorities has voted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voted {
    /// All authorities; a majority of them has signed each document.
    pub panel: Panel,
    /// The sequence of its last ballot.
    pub sequence: u64,
    /// Epoch and revision of the last proposal that it accepted.
    pub pledged: (u64, u64),
}

impl Voted {
    /// Whose signatures the documents of a snapshot have: the panel's, or the one authority's own.
    pub(super) fn trust(voting: Option<&Self>, network: &str, key: IdentityPublic) -> Trust {
        match voting {
            Some(voted) => voted.panel.trust(network),
            None => Trust::single(network, key),
        }
    }
}

/// A document that was signed.
#[derive(Clone, Debug, PartialEq)]
pub struct Issued {
    /// Its content.
    pub document: Arc<Document>,
    /// As it is served.
    pub signed: Arc<SignedDocument>,
}
