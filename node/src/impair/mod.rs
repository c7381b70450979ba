//! What this node's links are made to suffer, by the rules in the document.
//!
//! A node impairs the links that it sends on, a gateway also what its clients hand in: so each
//! link is impaired once, in the node that a rule can reach. Packets and dummies fare alike.

mod choice;
mod lane;

pub(crate) use choice::{Far, OwnEnd, Way};
pub(crate) use lane::Lane;
