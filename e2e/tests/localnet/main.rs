//! Real transactions through a mixnet in one process, to a real regtest monerod.

mod alike;
mod audit;
mod broadcast;
mod chat;
mod cover;
mod directories;
mod epochs;
mod fail_closed;
mod failures;
mod far_side;
mod faults;
mod judged;
mod providers;
mod recorder;
mod sockets;
mod socks;
mod traffic;
mod wallet_chain;
mod wallet_long;
mod wallet_rpc;
mod wallet_socks;
mod wallet_world;
mod watched;
mod world;
