//! What wallets connect to, in front of a client.

use std::net::SocketAddr;
use std::time::Duration;

use mixbed_client::Client;
use mixbed_fronts::{RpcConfig, RpcFront, SocksConfig, SocksFront};
use mixbed_guard::Login;
use tokio::net::TcpListener;

use crate::failure::Failure;
use crate::net;

/// How long connections may take to end when everything stops; those of wallets stay open for as
/// long as they run.
const LAST_CONNECTIONS: Duration = Duration::from_secs(1);

/// The ports, taken before anything else is begun: one that is in use is told of at once.
#[derive(Debug)]
pub(crate) struct Ports {
    socks: Option<(TcpListener, Option<Login>)>,
    rpc: Option<(TcpListener, RpcConfig)>,
}

/// What listens.
#[derive(Debug)]
pub(crate) struct Fronts {
    socks: Option<SocksFront>,
    rpc: Option<RpcFront>,
}

impl Ports {
    /// Takes those that are wanted. Who connects waits for [`Ports::open`].
    pub(crate) async fn bind(
        socks: Option<SocketAddr>,
        socks_login: Option<Login>,
        rpc: Option<RpcConfig>,
    ) -> Result<Self, Failure> {
        let socks = match socks {
            Some(address) => Some((net::bind(address, "--socks").await?, socks_login)),
            None => None,
        };
        let rpc = match rpc {
            Some(config) => {
                config.check().map_err(Failure::usage)?;
                Some((net::bind(config.listen, "--monero-rpc").await?, config))
            }
            None => None,
        };
        Ok(Self { socks, rpc })
    }

    /// Serves them. The client need not be ready.
    pub(crate) fn open(self, client: &Client) -> Result<Fronts, Failure> {
        let socks = |(listener, login)| {
            let config = SocksConfig { login, ..SocksConfig::default() };
            SocksFront::start_on(listener, client.clone(), config)
        };
        let socks = self.socks.map(socks).transpose().map_err(Failure::failed)?;
        let rpc = |(listener, config)| RpcFront::start_on(listener, client.clone(), config);
        let rpc = self.rpc.map(rpc).transpose().map_err(Failure::failed)?;
        Ok(Fronts { socks, rpc })
    }
}

impl Fronts {
    /// Where programs find the SOCKS port.
    pub(crate) fn socks(&self) -> Option<SocketAddr> {
        self.socks.as_ref().map(SocksFront::addr)
    }

    /// Where wallets find their daemon.
    pub(crate) fn rpc(&self) -> Option<SocketAddr> {
        self.rpc.as_ref().map(RpcFront::addr)
    }

    /// Where each is, in words.
    pub(crate) fn places(&self) -> Vec<String> {
        let socks = self.socks().map(|address| format!("SOCKS at {address}"));
        let rpc = self.rpc().map(|address| format!("daemon RPC at {address}"));
        socks.into_iter().chain(rpc).collect()
    }

    /// Lets connections end for a moment.
    pub(crate) async fn stop(self) {
        if let Some(socks) = self.socks {
            socks.stop(LAST_CONNECTIONS).await;
        }
        if let Some(rpc) = self.rpc {
            rpc.stop(LAST_CONNECTIONS).await;
        }
    }
}
