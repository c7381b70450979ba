//! What a Broadcast is made of, and how it gets on.
//!
//! A reconcile calls [`step`] for what is to be done now and [`status`] for what is to be told,
//! with what is known from watches: the Broadcast, its Mixnet, and of its own children the Job
//! (named like it), the `ConfigMap` [`report_name`] and the Job's pods. Nothing tells when time
//! alone decides: [`look_again`] says when to call both the next time.

#![deny(clippy::disallowed_methods)]

pub mod build;
mod names;
mod status;
mod step;
#[cfg(test)]
pub(crate) mod tests;
mod validate;

pub use build::build;
pub use names::{
    CANCELLED_ANNOTATION, UNRESOLVED_KEY, account_name, read_report, report_name, run_name,
};
pub use status::{look_again, status};
pub use step::{Observed, Step, step};
pub use validate::{ValidBroadcast, validate};
