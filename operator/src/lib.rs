//! Mixnets on Kubernetes: the custom resources, and the operator that makes them true.
//!
//! [`api`] has the resources as others see them.

pub mod api;
pub mod broadcast;
pub mod child;
pub mod mixnet;
pub mod problem;
