//! How a SOCKS port is configured.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use mixbed_guard::Login;

/// A SOCKS port.
#[derive(Clone, Debug)]
pub struct SocksConfig {
    /// Where it listens; port 0 takes a free one. Whoever reaches it may connect by it: keep it on
    /// loopback. Default: 127.0.0.1:1080.
    pub listen: SocketAddr,
    /// The login whose password programs have to give (SOCKS 5). Any user name goes with it, and keeps
    /// streams apart. Default: nobody is asked for one.
    pub login: Option<Login>,
    /// The most connections at a time; those beyond it are refused. Default: 512.
    pub connections: usize,
    /// How long a program may take to say what it wants. Default: 10 s.
    pub handshake: Duration,
    /// How long a program waits to be connected, the start of the client included: after that, it
    /// is refused. Default: 30 s.
    pub connect: Duration,
}

impl Default for SocksConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 1080)),
            login: None,
            connections: 512,
            handshake: Duration::from_secs(10),
            connect: Duration::from_secs(30),
        }
    }
}
