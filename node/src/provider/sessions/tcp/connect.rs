//! A connection to a target.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mixbed_session::Code;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::target::{Host, Target};

/// The most addresses of one name that are tried.
const ADDRESSES: usize = 4;

/// Connects within so long, the look-up of a name included. Each of a name's addresses has its share
/// of what is left.
pub(super) async fn connect(target: &Target, within: Duration) -> Result<TcpStream, Code> {
    let end = Instant::now() + within;
    let addresses = match &target.host {
        Host::Ip(address) => vec![SocketAddr::new(*address, target.port)],
        Host::Name(name) => look_up(name, target.port, end).await?,
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

async fn look_up(name: &str, port: u16, end: Instant) -> Result<Vec<SocketAddr>, Code> {
    match timeout_at(end, tokio::net::lookup_host((name, port))).await {
        Ok(Ok(found)) => {
            let found: Vec<_> = found.take(ADDRESSES).collect();
            if found.is_empty() { Err(Code::NameNotFound) } else { Ok(found) }
        }
        // Resolvers say of everything that the name has no address.
        Ok(Err(error)) => {
            tracing::debug!(%error, "a target's name was not found");
            Err(Code::NameNotFound)
        }
        Err(_) => Err(Code::TimedOut),
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
