//! A connection to a target.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mixbed_session::Code;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::target::{Host, Target};

/// The most addresses of one name that are tried.
const ADDRESSES: usize = 4;

/// The most names that are looked up at a time: each takes a thread, until the resolver gives up.
const LOOK_UPS: usize = 32;

/// Connects. Clones share what is bounded.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    within: Duration,
    look_ups: Arc<Semaphore>,
}

impl Connector {
    /// Each connection is made within so long, the look-up of a name included.
    pub(super) fn new(within: Duration) -> Self {
        Self { within, look_ups: Arc::new(Semaphore::new(LOOK_UPS)) }
    }

    /// Each of a name's addresses has its share of the time that is left.
    pub(super) async fn connect(&self, target: &Target) -> Result<TcpStream, Code> {
        let end = Instant::now() + self.within;
        let addresses = match &target.host {
            Host::Ip(address) => vec![SocketAddr::new(*address, target.port)],
            Host::Name(name) => {
                let found = self.look_up(name.clone(), target.port);
                timeout_at(end, found).await.unwrap_or(Err(Code::TimedOut))?
            }
        };
        let mut why = Code::NameNotFound;
        for (tried, address) in addresses.iter().enumerate() {
            let left = end.saturating_duration_since(Instant::now());
            let others = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
            let share = Instant::now() + left / others;
            why = match timeout_at(share, TcpStream::connect(address)).await {
                Ok(Ok(socket)) => {
                    // A stream's packets are full or in a hurry.
                    if let Err(error) = socket.set_nodelay(true) {
                        tracing::debug!(%error, "a connection keeps small packets back");
                    }
                    return Ok(socket);
                }
                Ok(Err(error)) => code(&error),
                Err(_) => Code::TimedOut,
            };
        }
        Err(why)
    }

    /// In a task of its own: a look-up whose caller has given up keeps its turn until its thread is
    /// free.
    async fn look_up(&self, name: String, port: u16) -> Result<Vec<SocketAddr>, Code> {
        let turn = Arc::clone(&self.look_ups).acquire_owned().await.map_err(|_| Code::Failed)?;
        let found = tokio::spawn(async move {
            let found = tokio::net::lookup_host((name, port)).await;
            drop(turn);
            found.map(|found| found.take(ADDRESSES).collect::<Vec<_>>())
        });
        match found.await.map_err(|_| Code::Failed)? {
            Ok(found) if !found.is_empty() => Ok(found),
            Ok(_) => Err(Code::NameNotFound),
            // Resolvers say of everything that the name has no address.
            Err(error) => {
                tracing::debug!(%error, "a target's name was not found");
                Err(Code::NameNotFound)
            }
        }
    }
}

/// What went wrong, as a client is told.
pub(super) fn code(error: &io::Error) -> Code {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Code::Refused,
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => Code::Unreachable,
        io::ErrorKind::TimedOut => Code::TimedOut,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Code::Closed,
        _ => Code::Failed,
    }
}
