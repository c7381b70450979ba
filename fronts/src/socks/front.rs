//! The port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mixbed_client::Client;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::SocksConfig;
use super::connection::{self, Room};
use super::desk::Desk;
use super::dial::Dial;
use crate::FrontError;
use crate::port::{self, Port, Serve, Tasks};

/// So many of those for which there is no room are told so at a time; further ones are closed.
const TURNED_AWAY: usize = 64;

/// A SOCKS port at work. Dropping it ends it with all its connections.
#[derive(Debug)]
pub struct SocksFront {
    port: Port,
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
        Self::start_on_with(port::listen(config.listen).await?, dialler, config)
    }

    fn start_on_with<D: Dial>(
        listener: TcpListener,
        dialler: D,
        config: SocksConfig,
    ) -> Result<Self, FrontError> {
        let failed = |source| FrontError::Listen { address: config.listen, source };
        let addr = listener.local_addr().map_err(failed)?;
        let room = Arc::new(Semaphore::new(config.connections));
        let turned_away = Arc::new(Semaphore::new(TURNED_AWAY));
        let desk = Arc::new(Desk::new(dialler, config));
        let programs = Programs { desk, room, turned_away };
        Ok(Self { port: Port::start(listener, addr, programs, Tasks::default()) })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// Accepts no more connections, gives those there are so long to end, and resets the others.
    pub async fn stop(self, limit: Duration) {
        self.port.stop(limit).await;
    }
}

/// Those who connect.
struct Programs<D> {
    desk: Arc<Desk<D>>,
    room: Arc<Semaphore>,
    turned_away: Arc<Semaphore>,
}

impl<D: Dial> Serve for Programs<D> {
    const NAME: &'static str = "SOCKS";

    fn accept(&self, socket: TcpStream, tasks: &Tasks) {
        let Some((room, place)) = self.place() else {
            return tracing::debug!("SOCKS: a connection too many is closed");
        };
        let desk = Arc::clone(&self.desk);
        tasks.spawn(async move {
            // Dropped in the middle, both its sides are reset.
            connection::serve(socket, &desk, room).await;
            drop(place);
        });
    }
}

impl<D: Dial> Programs<D> {
    fn place(&self) -> Option<(Room, OwnedSemaphorePermit)> {
        let of = |semaphore: &Arc<Semaphore>| Arc::clone(semaphore).try_acquire_owned().ok();
        let enough = of(&self.room).map(|place| (Room::Enough, place));
        enough.or_else(|| of(&self.turned_away).map(|place| (Room::None, place)))
    }
}
