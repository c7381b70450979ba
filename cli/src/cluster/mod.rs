//! A mixnet in Kubernetes, from a machine outside: found by a kubeconfig, reached through the API
//! server.

mod forward;
mod impair;
mod inside;
mod jaeger;
mod mixnet;
mod proxy;
mod session;
mod status;
mod whereabouts;

pub(crate) use impair::impair;
pub(crate) use jaeger::trace;
pub(crate) use mixnet::{ClusterError, InCluster};
pub(crate) use session::Session;
pub(crate) use status::status;
pub(crate) use whereabouts::ClusterArgs;
