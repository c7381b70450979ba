//! Real transactions through a mixnet in one process, to a real regtest monerod.

mod alike;
mod audit;
mod broadcast;
mod cover;
mod epochs;
mod failures;
mod faults;
mod judged;
mod recorder;
mod traffic;
mod world;
