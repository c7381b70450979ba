//! The product as users get it: `helm install` on a real Kubernetes, a mixnet, transactions, hops in
//! Jaeger. `make e2e` runs it.
//!
//! Each test has a namespace and a release of its own. They need a cluster, so `cargo test` alone
//! leaves them out.

mod author;
mod ends;
mod faults;
mod hops;
mod install;
mod jaeger;
mod laptop;
mod outside;
mod plain;
mod policies;
mod repair;
mod rules;
mod specs;
mod wallets;
