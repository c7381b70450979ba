//! What nodes and operators send to an authority, signed and proven; the authority's side of
//! checking them is in [`crate::authority`].

#![deny(clippy::disallowed_methods)]

mod departure;
mod order;
mod registration;
mod rejection;

pub use departure::Departure;
pub(crate) use order::Ordered;
pub use order::ParametersOrder;
pub use registration::Registration;
pub use rejection::{Reason, Rejection};
