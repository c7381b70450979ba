//! An end that tasks share: its owner feeds it, and streams read and write.

mod handle;
mod shared;

pub use handle::Stream;
pub use shared::{Guard, Shared};
