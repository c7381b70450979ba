//! The real cores of nodes, clients and the directory under a virtual clock.
#![deny(clippy::disallowed_methods)]

mod agenda;
pub mod stats;
mod transparent;

pub use agenda::{Agenda, Moment};
pub use transparent::{
    Transparent, TransparentBlock, TransparentExit, TransparentKey, TransparentSecret,
};
