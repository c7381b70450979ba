//! Who may be a node: whoever knows the join secret, or those on a list.

#![deny(clippy::disallowed_methods)]

mod codec;
mod list;

pub(crate) use codec::{admission_from_proto, admission_to_proto};
pub use list::{ListedNode, NodeList, NodeListError};

use crate::document::Descriptor;
use crate::identity::IdentityPublic;
use crate::messages::Rejection;

/// Whom a directory takes for its nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Admission {
    /// Whoever knows the join secret: for nets that are made by hand.
    #[default]
    Open,
    /// These and nobody else, whatever secret they know; they need none.
    Listed(NodeList),
}

impl Admission {
    /// The list, if there is one.
    #[must_use]
    pub const fn list(&self) -> Option<&NodeList> {
        match self {
            Self::Open => None,
            Self::Listed(list) => Some(list),
        }
    }

    /// The same without one node; nothing changes where there is no list.
    #[must_use]
    pub fn without(&self, identity: &IdentityPublic) -> Self {
        match self {
            Self::Open => Self::Open,
            Self::Listed(list) => Self::Listed(list.without(identity)),
        }
    }

    /// Whether a list, if there is one, has a node of this identity, name and role.
    pub(crate) fn check(&self, descriptor: &Descriptor) -> Result<(), Rejection> {
        let Self::Listed(list) = self else { return Ok(()) };
        let identity = descriptor.identity;
        let listed = list.get(&identity).ok_or(Rejection::NotListed { identity })?;
        if listed.name == descriptor.name && listed.role == descriptor.role {
            return Ok(());
        }
        Err(Rejection::ListedOtherwise { listed: Box::new(listed.clone()) })
    }
}
