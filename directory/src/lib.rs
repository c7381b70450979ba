//! The directory: the epoch document, the authority that signs it, and the follower that keeps up
//! with it.
//!
//! - [`document`]: who is in the network, with which keys and parameters; pure data with one
//!   canonical encoding and signatures over it.
//! - [`admission`]: who may be a node.
//! - [`authority`]: lists nodes and signs a document for each epoch and each change. Its [`Core`](authority::Core) is pure, [`Authority`] serves it over gRPC.
//! - [`channel`]: the encryption under gRPC.
//! - [`follower`]: embedded in nodes and clients. Verifies every document, keeps the last good
//!   one when the directory is away, and says so.
//! - [`registrar`]: embedded in nodes. Keeps them on the list.
//! - [`voting`]: how several authorities make one document; pure, and used by [`Authority`] where
//!   there are several.
//!
//! ```
//! # use std::time::Duration;
//! use mixbed_directory::{Authority, AuthorityConfig, Follower, FollowerConfig, JoinSecret};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = JoinSecret::generate(&mut rand::rng());
//! let authority = Authority::start(AuthorityConfig::new("testnet", secret)).await?;
//! let follower = Follower::start(FollowerConfig::new(authority.url(), authority.trust()))?;
//! let document = follower.wait_for(Duration::from_secs(5), |_| true).await?;
//! assert_eq!(document.epoch, 1);
//! # Ok(())
//! # }
//! ```

pub mod admission;
pub mod authority;
mod backoff;
pub mod channel;
pub mod client;
mod clock;
pub mod document;
pub mod follower;
mod identity;
mod join;
pub mod limits;
mod messages;
mod proto;
pub mod registrar;
mod time;
pub mod voting;

pub use admission::{Admission, ListedNode, NodeList, NodeListError};
pub use authority::{Authority, AuthorityConfig};
pub use client::{ChangeError, ClientError, Directories, DirectoryClient};
pub use clock::ClockOffset;
pub use document::{
    Descriptor, Document, DocumentError, ImpairmentRule, Parameters, Rates, Role, SignedDescriptor,
    SignedDocument, SphinxKey, Trust,
};
pub use follower::{Follower, FollowerConfig, FollowerState, NotReady};
pub use identity::{IdentityPublic, IdentitySecret, ParseIdentityError, Signature};
pub use join::{JoinSecret, JoinSecretError};
pub use messages::{Departure, Instruction, Order, Reason, Registration, Rejection};
pub use registrar::{Registrar, RegistrarConfig, RegistrarError, RegistrarState};
