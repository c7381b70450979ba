//! The epoch document, the authority that signs it and the follower that keeps up with it.

pub mod document;
mod identity;
mod join;
pub mod limits;
mod proto;
mod time;

pub use document::{
    Descriptor, Document, DocumentError, Parameters, Rates, Role, SignedDescriptor, SignedDocument,
    SphinxKey, Trust,
};
pub use identity::{IdentityPublic, IdentitySecret, ParseIdentityError, Signature};
pub use join::{JoinSecret, JoinSecretError};
