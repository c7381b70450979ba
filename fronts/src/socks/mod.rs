//! A SOCKS port: programs that can use a proxy connect through the mixnet, unchanged.
//!
//! SOCKS 4, 4a and 5 on one port. Names are never looked up here: they go to the provider as they
//! came. A program is told "granted" when the provider has connected, and not before. Programs that
//! give a name (a SOCKS 5 user and password, a SOCKS 4 user id) have a session for each name, so
//! that a provider cannot see that two names are one user.
//!
//! `protocol/` is pure; a [`SocksFront`] listens, a task a connection moves the bytes.

mod client;
mod config;
mod connection;
mod copy;
mod desk;
mod dial;
mod front;
mod names;
mod protocol;
#[cfg(test)]
mod tests;

pub use config::SocksConfig;
pub use front::SocksFront;
