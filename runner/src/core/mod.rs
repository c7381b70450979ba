//! The rules of a run, without I/O: what is made, sent and waited for, and what comes of it.
//!
//! Times are since the Unix epoch, because a run outlives the process that began it.

#![deny(clippy::disallowed_methods)]

mod chain;
mod entry;
mod figures;
mod plan;
mod resume;
mod run;
mod saved;
mod sight;
#[cfg(test)]
mod tests;

pub use figures::{Counts, latency};
pub use plan::Plan;
pub use run::{End, Order, Run};
pub use saved::{Saved, SavedError, Unresolved};
pub use sight::{Outcome, Sight};
