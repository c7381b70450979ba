//! The epoch document, the authority that signs it and the follower that keeps up with it.

pub mod authority;
mod backoff;
pub mod client;
pub mod document;
pub mod follower;
mod identity;
mod join;
pub mod limits;
mod messages;
mod proto;
pub mod registrar;
mod time;

pub use authority::{Authority, AuthorityConfig};
pub use client::{ClientError, DirectoryClient};
pub use document::{
    Descriptor, Document, DocumentError, Parameters, Rates, Role, SignedDescriptor, SignedDocument,
    SphinxKey, Trust,
};
pub use follower::{Follower, FollowerConfig, FollowerState};
pub use identity::{IdentityPublic, IdentitySecret, ParseIdentityError, Signature};
pub use join::{JoinSecret, JoinSecretError};
pub use messages::{Departure, ParametersOrder, Reason, Registration, Rejection};
pub use registrar::{Registrar, RegistrarConfig, RegistrarState};
