//! What the end-to-end tests and `make bench-cluster` have in common: a namespace of a real
//! Kubernetes with a release of the chart, and programs that users would run.

#![expect(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a panic here is a test that fails"
)]

mod cluster;
mod command;
mod place;
mod run;
mod wait;

pub use cluster::{Cluster, Images};
pub use command::{Said, run};
pub use place::{MIXNET, Place, READY, is_ready};
pub use run::broadcast;
pub use wait::{until, until_some};
