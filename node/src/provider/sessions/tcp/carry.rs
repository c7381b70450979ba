//! Bytes both ways between a stream and a connection.

use std::io;

use mixbed_session::{Code, Reason};
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::connect::code;
use crate::provider::sessions::Served;

/// Bytes taken at once in each direction: some packets' worth.
const BUFFER: usize = 16 << 10;

/// Copies until both directions have ended, or one breaks: then the other side is told. Who reads
/// slowly is written to slowly, and read from slowly in turn. It ends, too, when its place is `needed`.
pub(super) async fn carry(mut stream: Served, mut socket: TcpStream, needed: &CancellationToken) {
    let idle = stream.idle();
    let copied = tokio::select! {
        copied = copy_bidirectional_with_sizes(&mut stream, &mut socket, BUFFER, BUFFER) => copied,
        () = idle => Err(Reason::from(Code::IdleTooLong).into()),
        () = needed.cancelled() => {
            Err(Reason::new(Code::IdleTooLong, "it made room for another").into())
        }
    };
    let Err(error) = copied else { return };
    let Some(reason) = reason(&error) else {
        tracing::debug!(%error, "a target broke a connection");
        return stream.reset(Reason::new(code(&error), "the target broke the connection"));
    };
    // The client gave up, its session is lost, or nothing moved: the target hears of it as of a
    // broken connection, not as of an end.
    if let Err(error) = socket.set_zero_linger() {
        tracing::debug!(%error, "a target takes a break for an end");
    }
    stream.reset(reason);
}

/// Why a stream ended, if it was the stream.
fn reason(error: &io::Error) -> Option<Reason> {
    error.get_ref()?.downcast_ref::<Reason>().cloned()
}
