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
mod sockets;
mod traffic;
mod wallet_chain;
mod wallet_socks;
mod wallet_world;
mod world;
