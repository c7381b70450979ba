//! How a daemon RPC endpoint is configured.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use mixbed_guard::{AllowedHost, Guard, Login, Origin, Scheme};

use super::direct::Direct;
use crate::FrontError;

/// A daemon RPC endpoint.
#[derive(Clone, Debug)]
pub struct RpcConfig {
    /// Where it listens; port 0 takes a free one. Default: 127.0.0.1:18089.
    pub listen: SocketAddr,
    /// Whether it may listen where other machines reach it. What it says is in clear and it asks
    /// nobody who they are. Default: no.
    pub exposed: bool,
    /// Names by which wallets may address it, beside this machine's own. Default: none.
    pub hosts: Vec<AllowedHost>,
    /// Web pages that may ask, by their origin. Default: none.
    pub origins: Vec<Origin>,
    /// The login that wallets give (HTTP digest). Default: nobody is asked for one.
    pub login: Option<Login>,
    /// A daemon, `http://host:port`, that everything but submission goes to, directly and
    /// not through the mixnet: it sees this machine's address and what its wallet asks for. Default:
    /// none, everything goes through the mixnet.
    pub sync: Option<String>,
    /// Whether transactions are traced where the network allows it: then whoever collects the spans
    /// sees who sent them. Default: no.
    pub traced: bool,
    /// How long a wallet waits for an answer, the start of the client included. Wallets give up
    /// after 210 s. Default: 180 s.
    pub deadline: Duration,
    /// How long it is tried while each provider says that its monerod is away; then a wallet is told.
    /// Default: 15 s.
    pub away: Duration,
    /// How long a request's head may take from its first byte on. Default: 10 s.
    pub head: Duration,
    /// How long a request's body may take, and how long an answer may lie without the wallet reading
    /// on. Default: 30 s.
    pub body: Duration,
    /// How long a connection may be without a request, as with monerod. Default: 30 min.
    pub idle: Duration,
    /// The most connections at a time; each may hold a body of 1 MiB. Those beyond it are closed.
    /// Default: 256.
    pub connections: usize,
    /// The most questions under way at a time; others wait. A client has 64 messages in all.
    /// Default: 32.
    pub questions: usize,
}

impl RpcConfig {
    /// Who may ask at an endpoint like this.
    pub(super) fn guard(&self) -> Guard {
        let guard = Guard::new(self.listen).with_hosts(&self.hosts).with_origins(&self.origins);
        match &self.login {
            Some(login) => guard.with_login(login.clone(), Scheme::Digest, rand::random(), &[]),
            None => guard,
        }
    }

    /// Whether an endpoint may be like this.
    pub fn check(&self) -> Result<(), FrontError> {
        if !self.exposed && !self.listen.ip().is_loopback() {
            return Err(FrontError::Exposed { address: self.listen });
        }
        if let Some(url) = &self.sync {
            Direct::new(url, self.deadline)?;
        }
        Ok(())
    }
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 18_089)),
            exposed: false,
            hosts: Vec::new(),
            origins: Vec::new(),
            login: None,
            sync: None,
            traced: false,
            deadline: Duration::from_secs(180),
            away: Duration::from_secs(15),
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            idle: Duration::from_secs(1800),
            connections: 256,
            questions: 32,
        }
    }
}
