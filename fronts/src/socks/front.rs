//! The port.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mixbed_client::Client;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::SocksConfig;
use super::connection::{self, Room};
use super::dial::Dial;
use crate::FrontError;

/// So many of those for which there is no room are told so at a time; further ones are closed.
const TURNED_AWAY: usize = 64;

/// How long nothing is accepted after the system refused to.
const PAUSE: Duration = Duration::from_millis(100);

/// A SOCKS port at work. Dropping it ends it with all its connections.
#[derive(Debug)]
pub struct SocksFront {
    addr: SocketAddr,
    /// No more connections.
    closing: CancellationToken,
    tasks: TaskTracker,
    _end_when_dropped: DropGuard,
    ending: CancellationToken,
}

impl SocksFront {
    /// Listens. The client need not be ready: programs wait for it, each as long as
    /// [`SocksConfig::connect`] says. Must be called within a tokio runtime.
    pub async fn start(client: Client, config: SocksConfig) -> Result<Self, FrontError> {
        Self::start_with(client, config).await
    }

    /// The same, where somebody has begun to listen; [`SocksConfig::listen`] says nothing then.
    pub fn start_on(
        listener: TcpListener,
        client: Client,
        config: SocksConfig,
    ) -> Result<Self, FrontError> {
        Self::start_on_with(listener, client, config)
    }

    pub(super) async fn start_with<D: Dial>(
        dialler: D,
        config: SocksConfig,
    ) -> Result<Self, FrontError> {
        let failed = |source| FrontError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        Self::start_on_with(listener, dialler, config)
    }

    fn start_on_with<D: Dial>(
        listener: TcpListener,
        dialler: D,
        config: SocksConfig,
    ) -> Result<Self, FrontError> {
        let failed = |source| FrontError::Listen { address: config.listen, source };
        let addr = listener.local_addr().map_err(failed)?;
        let (closing, ending) = (CancellationToken::new(), CancellationToken::new());
        let tasks = TaskTracker::new();
        let port = Port {
            dialler,
            room: Arc::new(Semaphore::new(config.connections)),
            turned_away: Arc::new(Semaphore::new(TURNED_AWAY)),
            config,
            tasks: tasks.clone(),
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
        Ok(Self { addr, closing, tasks, _end_when_dropped: guard, ending })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Accepts no more connections, gives those there are so long to end, and resets the others.
    pub async fn stop(self, limit: Duration) {
        self.closing.cancel();
        if tokio::time::timeout(limit, self.tasks.wait()).await.is_err() {
            self.ending.cancel();
            self.tasks.wait().await;
        }
    }
}

struct Port<D> {
    dialler: D,
    config: SocksConfig,
    room: Arc<Semaphore>,
    turned_away: Arc<Semaphore>,
    tasks: TaskTracker,
    ending: CancellationToken,
}

impl<D: Dial> Port<D> {
    async fn listen(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((socket, _)) => self.accept(socket),
                Err(error) if is_the_programs(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "SOCKS: cannot accept connections");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn accept(&self, socket: TcpStream) {
        let Some((room, place)) = self.place() else {
            tracing::debug!("SOCKS: a connection too many is closed");
            return;
        };
        let (dialler, config) = (self.dialler.clone(), self.config.clone());
        let ending = self.ending.clone();
        self.tasks.spawn(async move {
            let served = connection::serve(socket, &dialler, &config, room);
            // Dropped in the middle, both its sides are reset.
            let _ = ending.run_until_cancelled(served).await;
            drop(place);
        });
    }

    fn place(&self) -> Option<(Room, OwnedSemaphorePermit)> {
        let of = |semaphore: &Arc<Semaphore>| Arc::clone(semaphore).try_acquire_owned().ok();
        let enough = of(&self.room).map(|place| (Room::Enough, place));
        enough.or_else(|| of(&self.turned_away).map(|place| (Room::None, place)))
    }
}

/// The connection ended before it was accepted; the next one may be fine.
fn is_the_programs(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
