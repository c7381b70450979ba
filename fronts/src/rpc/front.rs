//! The port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mixbed_client::Client;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::RpcConfig;
use super::ask::Questions;
use super::connection::{Aftermath, Desk, serve};
use super::direct::Direct;
use super::mixnet::Mixnet;
use super::readings::{RpcReadings, Tally};
use crate::FrontError;
use crate::port::{self, Port, Serve, Tasks};

/// So many transactions are being submitted at a time; others wait. With 32 questions and those that
/// are being confirmed this leaves a client messages for other things.
const SUBMITTED_AT_A_TIME: usize = 16;

/// So many transactions are being confirmed at a time; further ones are not.
const CONFIRMED_AT_A_TIME: usize = 8;

/// A daemon RPC endpoint at work. Dropping it ends it with all its connections.
#[derive(Debug)]
pub struct RpcFront {
    port: Port,
    tally: Tally,
}

impl RpcFront {
    /// Listens. The client need not be ready: requests wait for it, each until its deadline. Must be
    /// called within a tokio runtime.
    pub async fn start(client: Client, config: RpcConfig) -> Result<Self, FrontError> {
        Self::start_with(client, config).await
    }

    /// Listens where somebody else has begun to, whatever the configuration says of that.
    pub fn start_on(
        listener: TcpListener,
        client: Client,
        config: RpcConfig,
    ) -> Result<Self, FrontError> {
        Self::serve_on(listener, client, config)
    }

    pub(super) async fn start_with<M: Mixnet>(
        mixnet: M,
        config: RpcConfig,
    ) -> Result<Self, FrontError> {
        config.check()?;
        Self::serve_on(port::listen(config.listen).await?, mixnet, config)
    }

    fn serve_on<M: Mixnet>(
        listener: TcpListener,
        mixnet: M,
        mut config: RpcConfig,
    ) -> Result<Self, FrontError> {
        let failed = |source| FrontError::Listen { address: config.listen, source };
        let addr = listener.local_addr().map_err(failed)?;
        config.listen = addr;
        config.check()?;
        let direct = config.sync.as_deref().map(|url| Direct::new(url, config.deadline));
        let direct = direct.transpose()?;
        if let Some(url) = &config.sync {
            tracing::warn!(
                daemon = url,
                "wallets at this endpoint ask this daemon directly, not through the mixnet: it sees \
                 this machine's address and what they ask for; only transactions go through it"
            );
        }
        let (tally, tasks) = (Tally::default(), Tasks::default());
        let questions = Questions::new(mixnet.clone(), &config, tally.clone());
        let turns = Arc::new(Semaphore::new(CONFIRMED_AT_A_TIME));
        let aftermath = Aftermath { tasks: tasks.clone(), turns };
        let room = Arc::new(Semaphore::new(config.connections));
        let guard = config.guard();
        let config = Arc::new(config);
        let submissions = Arc::new(Semaphore::new(SUBMITTED_AT_A_TIME));
        let counted = tally.clone();
        let desk = Desk {
            mixnet,
            questions,
            submissions,
            direct,
            config,
            guard,
            tally: counted,
            aftermath,
        };
        Ok(Self { port: Port::start(listener, addr, Wallets { desk, room }, tasks), tally })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// What it has sent through the mixnet so far.
    #[must_use]
    pub fn readings(&self) -> RpcReadings {
        self.tally.readings()
    }

    /// Takes no more requests, gives those there are so long to be answered, and ends the others.
    pub async fn stop(self, limit: Duration) {
        self.port.stop(limit).await;
    }
}

/// Those who connect.
struct Wallets<M> {
    desk: Desk<M>,
    room: Arc<Semaphore>,
}

impl<M: Mixnet> Serve for Wallets<M> {
    const NAME: &'static str = "daemon RPC";

    fn accept(&self, socket: TcpStream, tasks: &Tasks) {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            let most = self.desk.config.connections;
            return tracing::warn!(most, "daemon RPC: a connection too many is closed");
        };
        let (desk, closing) = (self.desk.clone(), tasks.closing().clone());
        tasks.spawn(async move {
            serve(socket, &desk, &closing).await;
            drop(place);
        });
    }
}
