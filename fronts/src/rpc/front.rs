//! The port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mixbed_client::Client;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::RpcConfig;
use super::ask::Questions;
use super::connection::{Aftermath, Desk, serve};
use super::direct::Direct;
use super::mixnet::Mixnet;
use super::readings::{RpcReadings, Tally};
use crate::FrontError;

/// How long nothing is accepted after the system refused to.
const PAUSE: Duration = Duration::from_millis(100);

/// So many transactions are being confirmed at a time; further ones are not.
const CONFIRMED_AT_A_TIME: usize = 8;

/// A daemon RPC endpoint at work. Dropping it ends it with all its connections.
#[derive(Debug)]
pub struct RpcFront {
    addr: SocketAddr,
    /// No more connections, and no more requests on those there are.
    closing: CancellationToken,
    ending: CancellationToken,
    tasks: TaskTracker,
    tally: Tally,
    _end_when_dropped: DropGuard,
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
        let failed = |source| FrontError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        Self::serve_on(listener, mixnet, config)
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
        let (closing, ending) = (CancellationToken::new(), CancellationToken::new());
        let tasks = TaskTracker::new();
        let tally = Tally::default();
        let (at_a_time, deadline) = (config.questions, config.deadline);
        let questions = Questions::new(mixnet.clone(), at_a_time, deadline, tally.clone());
        let turns = Arc::new(Semaphore::new(CONFIRMED_AT_A_TIME));
        let aftermath = Aftermath { tasks: tasks.clone(), closing: closing.clone(), turns };
        let room = Arc::new(Semaphore::new(config.connections));
        let config = Arc::new(config);
        let port = Port {
            room,
            desk: Desk { mixnet, questions, direct, config, tally: tally.clone(), aftermath },
            tasks: tasks.clone(),
            closing: closing.clone(),
            ending: ending.clone(),
        };
        let stop = (closing.clone(), ending.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = port.listen(&listener) => {}
                () = stop.0.cancelled() => {}
                () = stop.1.cancelled() => {}
            }
        });
        tasks.close();
        let guard = ending.clone().drop_guard();
        Ok(Self { addr, closing, ending, tasks, tally, _end_when_dropped: guard })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it has sent through the mixnet so far.
    #[must_use]
    pub fn readings(&self) -> RpcReadings {
        self.tally.readings()
    }

    /// Takes no more requests, gives those there are so long to be answered, and ends the others.
    pub async fn stop(self, limit: Duration) {
        self.closing.cancel();
        if tokio::time::timeout(limit, self.tasks.wait()).await.is_err() {
            self.ending.cancel();
            self.tasks.wait().await;
        }
    }
}

struct Port<M> {
    desk: Desk<M>,
    room: Arc<Semaphore>,
    tasks: TaskTracker,
    closing: CancellationToken,
    ending: CancellationToken,
}

impl<M: Mixnet> Port<M> {
    async fn listen(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((socket, _)) => self.accept(socket),
                Err(error) => {
                    tracing::warn!(%error, "daemon RPC: cannot accept connections");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn accept(&self, socket: TcpStream) {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            let most = self.desk.config.connections;
            return tracing::warn!(most, "daemon RPC: a connection too many is closed");
        };
        let (desk, closing, ending) =
            (self.desk.clone(), self.closing.clone(), self.ending.clone());
        self.tasks.spawn(async move {
            let _ = ending.run_until_cancelled(serve(socket, &desk, &closing)).await;
            drop(place);
        });
    }
}
