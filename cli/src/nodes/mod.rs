//! Who may be a node: the list in a file, and as it is shown.

mod file;
mod listed;

pub(crate) use file::read_nodes;
pub(crate) use listed::{Listed, table};
