//! The `mixbed` binary as its users meet it: every test runs it as a process.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod broadcast;
mod children;
mod config;
mod demo;
mod directory;
mod durable;
mod errors;
mod guard;
mod help;
mod impair;
mod ipv6;
mod letters;
mod mined;
mod miner;
mod monerod;
mod nodes;
mod parameters;
mod processes;
mod proxies;
mod signals;
mod support;
mod up;
mod wallets;
