//! Real transactions through a mixnet in one process, to a real regtest monerod.

mod broadcast;
mod cover;
mod epochs;
mod failures;
mod judged;
mod recorder;
mod world;
