//! What nodes and admins send to an authority, signed and proven; the authority's side of
//! checking them is in [`crate::authority`].

#![deny(clippy::disallowed_methods)]

mod departure;
mod instruction;
mod order;
mod registration;
mod rejection;

pub use departure::Departure;
pub use instruction::Instruction;
pub use order::Order;
pub(crate) use order::Ordered;
pub use registration::Registration;
pub use rejection::{Reason, Rejection};
