//! Why an authority refuses a message.

use std::fmt;
use std::time::Duration;

use crate::admission::ListedNode;
use crate::clock::ClockOffset;
use crate::document::{DescriptorError, ParametersError};
use crate::identity::IdentityPublic;

/// Why an authority refuses a registration, a departure or an order.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum Rejection {
    /// Made without the network's join secret.
    #[error(
        "wrong join secret for the network {network:?}, or none: give the node the secret that the directory has"
    )]
    WrongJoinSecret {
        /// The authority's network.
        network: String,
    },
    /// Made for another network.
    #[error("this is the directory of the network {ours:?}, not of {theirs:?}")]
    WrongNetwork {
        /// The authority's network.
        ours: String,
        /// The message's.
        theirs: String,
    },
    /// An order by a key that the authority does not take orders from.
    #[error(
        "the key {key} is no admin key of the network {network:?}: give the file with one that the directory was started with"
    )]
    NotAdmin {
        /// The order's key.
        key: IdentityPublic,
        /// The authority's network.
        network: String,
    },
    /// There is a list of nodes, without this one.
    #[error(
        "this directory takes the nodes on its list only, and {identity} is not on it: an admin puts it there (mixbed nodes set)"
    )]
    NotListed {
        /// Who wants to be a node.
        identity: IdentityPublic,
    },
    /// The list has another name or role for this identity.
    #[error("this identity is listed as {listed}, and as nothing else")]
    ListedOtherwise {
        /// What the list says.
        listed: Box<ListedNode>,
    },
    /// Not signed by the key that it names.
    #[error("the message is not signed by the key in it")]
    BadSignature,
    /// Not a canonical message of its kind.
    #[error("the message is not in canonical encoding, or too long")]
    Malformed,
    /// The descriptor is out of bounds.
    #[error("{0}")]
    Descriptor(#[from] DescriptorError),
    /// The parameters are out of bounds.
    #[error("{0}")]
    Parameters(#[from] ParametersError),
    /// Made too long ago, or ahead of the authority's clock.
    #[error(
        "the message is stale: its sender's clock is {offset}, more than the {window:?} that are tolerated: set the clocks"
    )]
    Stale {
        /// How far its time is from now.
        offset: ClockOffset,
        /// How far it may be.
        window: Duration,
    },
    /// As new as, or older than, one already seen of the same identity.
    #[error("a newer message of this identity was seen already")]
    Replayed,
    /// It has changed too often of late.
    #[error(
        "this identity has changed its entry too often: every change is a document for everyone, so the next one counts in {wait:?}"
    )]
    TooSoon {
        /// Until then.
        wait: Duration,
    },
    /// Another identity has the name.
    #[error("the name {name:?} belongs to the node {holder} until its lease ends in {lease:?}")]
    NameTaken {
        /// The name.
        name: String,
        /// Whose it is.
        holder: String,
        /// How long at most.
        lease: Duration,
    },
    /// Another identity has the link key.
    #[error("the link key belongs to the node {holder:?}: every node draws its own")]
    LinkKeyTaken {
        /// Whose it is.
        holder: String,
    },
    /// Another identity has the same id.
    #[error("another identity has the same id: draw a new identity")]
    IdTaken,
    /// The document has no room for another node.
    #[error("the document is full")]
    Full,
    /// What an order would replace does not hold any more.
    #[error("somebody else has changed this at the same time: look at it, and try again")]
    Replaced,
}

impl Rejection {
    /// Its kind, for counters and for the protocol.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::WrongJoinSecret { .. } => Reason::WrongJoinSecret,
            Self::WrongNetwork { .. } => Reason::WrongNetwork,
            Self::NotAdmin { .. } => Reason::NotAdmin,
            Self::NotListed { .. } | Self::ListedOtherwise { .. } => Reason::NotListed,
            Self::BadSignature | Self::Descriptor(DescriptorError::BadSignature) => {
                Reason::BadSignature
            }
            Self::Malformed | Self::Descriptor(_) | Self::Parameters(_) => Reason::Malformed,
            Self::Stale { .. } => Reason::Stale,
            Self::Replayed => Reason::Replayed,
            Self::TooSoon { .. } => Reason::TooSoon,
            Self::NameTaken { .. } => Reason::NameTaken,
            Self::LinkKeyTaken { .. } => Reason::LinkKeyTaken,
            Self::IdTaken => Reason::IdTaken,
            Self::Full => Reason::Full,
            Self::Replaced => Reason::Replaced,
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// The kind of a [`Rejection`]: a label in metrics, and how a client tells kinds apart.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $variant,)*
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The reason's word, the same in metrics, logs and the protocol.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }
    };
}

reasons! {
    /// Made without the network's join secret.
    WrongJoinSecret = "wrong_join_secret",
    /// Made for another network.
    WrongNetwork = "wrong_network",
    /// An order by a key that is no admin key.
    NotAdmin = "not_admin",
    /// Not on the list of nodes, or there with another name or role.
    NotListed = "not_listed",
    /// Not signed by the key that it names.
    BadSignature = "bad_signature",
    /// Out of bounds.
    Malformed = "malformed",
    /// Made too long ago, or ahead of the authority's clock.
    Stale = "stale",
    /// Seen already.
    Replayed = "replayed",
    /// Changed too often of late.
    TooSoon = "too_soon",
    /// Another identity has the name.
    NameTaken = "name_taken",
    /// Another identity has the link key.
    LinkKeyTaken = "link_key_taken",
    /// Another identity has the same id.
    IdTaken = "id_taken",
    /// No room for another node.
    Full = "full",
    /// An order that replaces something else than what holds.
    Replaced = "replaced",
}

impl Reason {
    /// Whether the same message, made again later, will be refused again: somebody has to change
    /// a configuration first.
    #[must_use]
    pub const fn is_permanent(self) -> bool {
        match self {
            Self::WrongJoinSecret
            | Self::WrongNetwork
            | Self::NotAdmin
            | Self::BadSignature
            | Self::Malformed
            | Self::IdTaken => true,
            Self::NotListed
            | Self::Stale
            | Self::Replayed
            | Self::TooSoon
            | Self::NameTaken
            | Self::LinkKeyTaken
            | Self::Full
            | Self::Replaced => false,
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == word)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
