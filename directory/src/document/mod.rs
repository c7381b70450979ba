//! The epoch document: pure data, its canonical bytes, its signatures.

#![deny(clippy::disallowed_methods)]

mod check;
mod codec;
mod descriptor;
mod epoch;
mod error;
pub mod impairment;
mod parameters;
mod role;
mod rotation;
mod signed;
#[cfg(test)]
pub(crate) mod strategies;
#[cfg(test)]
mod tests;
mod trust;

pub(crate) use check::is_label;
pub(crate) use codec::{
    canonical, descriptor_from_proto, descriptor_to_proto, parameters_from_proto,
    parameters_to_proto, role_from_proto, role_to_proto,
};
pub use descriptor::{Descriptor, DescriptorError, SignedDescriptor, SphinxKey};
pub(crate) use epoch::validate_nodes;
pub use epoch::{Document, MissingPart};
pub use error::{DocumentError, Malformed};
pub use impairment::ImpairmentRule;
pub use parameters::{Parameters, ParametersError, Rates};
pub use role::{ParseRoleError, Role};
pub use signed::{DocumentSignature, SignedDocument};
pub use trust::{Trust, TrustError};
