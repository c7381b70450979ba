//! Mixnets on Kubernetes: the custom resources, and the operator that makes them true.
//!
//! - [`api`] has the resources as others see them.
//! - [`mixnet`] and [`broadcast`] say what is built for each, and what its status tells; pure.
//! - `apply` makes what was built be there, and does nothing where it is.
//! - [`controller`] is the process: watches, a queue, reconciles, leadership.

mod account;
pub mod api;
mod apply;
pub mod broadcast;
pub mod child;
pub mod controller;
pub mod installation;
pub mod mixnet;
pub mod problem;
